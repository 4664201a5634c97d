/* backfills_test.c - backfills with a real store, runner and children: what runs, in which order,
 * and what is left after a restart, a cancel, a reload. */
#include "agent/daemon/backfills.h"
#include "agent/store/backfills.h"
#include "agent/store/partitions.h"
#include "agent/store/runs.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include <stdio.h>
#include <string.h>

/* Each run leaves its partitions in `log`; 2024-01-03 fails until `good` is there; `slow` waits for
 * `go`. */
#define SAYS                                                                                       \
    "run: [sh, -c, 'echo $SELVEDGE_ASSET:$SELVEDGE_PARTITION_START_KEY..$SELVEDGE_PARTITION_END_"  \
    "KEY >> log; "
static const char text[] =
    "assets:\n"
    "  - key: days\n"
    "    " SAYS "test \"$SELVEDGE_PARTITION_KEY\" != 2024-01-03 -o -e good']\n"
    "    partitions: {daily: {start: 2024-01-01, end: 2024-01-07}}\n"
    "  - key: more\n"
    "    " SAYS "']\n"
    "    partitions: {daily: {start: 2024-01-01, end: 2024-01-07}}\n"
    "    backfill: {max_partitions_per_run: 2}\n"
    "  - key: weeks\n"
    "    deps: [days]\n"
    "    " SAYS "']\n"
    "    partitions: {weekly: {start: 2024-01-01, day_offset: 1, end: 2024-01-15}}\n"
    "  - key: slow\n"
    "    " SAYS "touch up; until test -e go; do sleep 0.02; done']\n"
    "    partitions: {daily: {start: 2024-01-01, end: 2024-01-07}}\n"
    "  - {key: shops, " SAYS "'], partitions: {dynamic: shops}, backfill: single_run}\n"
    "  - {key: plain, " SAYS "']}\n"
    "  - key: hours\n" /* 7,320: more than go into one record, fewer than into one run */
    "    " SAYS "']\n"
    "    partitions: {hourly: {start: 2024-01-01, end: 2024-11-01, timezone: UTC}}\n"
    "    backfill: single_run\n";
enum { HOURS = 7320 };

static struct runner_world w;
static struct backfills *backfills;
static struct backfill_started started;
static void (*count_end)(void *ctx, const struct run_end *end);

static void on_run_ended(void *ctx, const struct run_end *end)
{
    count_end(ctx, end);
    if (backfills != NULL) {
        backfills_run_ended(backfills, end);
    }
}

static void open_backfills(void)
{
    struct backfills_options options = {.loop = w.loop,
                                        .rng = &w.rng,
                                        .store = w.fixture.store,
                                        .runner = w.runner,
                                        .defs = w.loaded.defs,
                                        .runs_max = 2};
    runner_world_check(&w, backfills_open(&backfills, &options, &w.err));
    backfills_start(backfills);
}

static void reopen(void)
{
    backfills_close(backfills);
    backfills = NULL;
    runner_world_reopen(&w);
    open_backfills();
}

static int begin(void **state)
{
    (void)state;
    runner_world_init(&w, text);
    count_end = w.options.on_run_ended;
    w.options.on_run_ended = on_run_ended;
    reopen();
    return 0;
}

static int end(void **state)
{
    (void)state;
    backfills_close(backfills);
    backfills = NULL;
    runner_world_release(&w);
    return 0;
}

static struct backfill_request request_of(const char *selection)
{
    return (struct backfill_request){.selection = str_from(selection),
                                     .per_run = BACKFILL_PER_RUN_AS_DEFINED};
}

static void ask(const struct backfill_request *request)
{
    runner_world_check(&w, backfills_request(backfills, request, &started, &w.err));
}

static struct stored_backfill load(const char *id)
{
    static struct arena arena;
    bool found = false;
    struct stored_backfill facts = {0};
    arena_release(&arena);
    arena = arena_new(1 << 20);
    runner_world_check(
        &w, store_load_backfill(w.fixture.store, str_from(id), &arena, &facts, &found, &w.err));
    facts.status = found ? facts.status : STR("");
    return facts;
}

static bool has_ended(const char *id)
{
    struct stored_backfill facts = load(id);
    return facts.ended_at.ns != 0;
}

static void wait_end(const char *id, const char *status)
{
    for (int turns = 0; !has_ended(id); turns++) {
        assert_true(turns < 10000);
        runner_world_turn(&w);
    }
    assert_true(str_eq(load(id).status, str_from(status)));
}

static void touch(const char *name)
{
    FILE *file = fopen(temp_dir_path(&w.dir, name), "w");
    assert_non_null(file);
    (void)fclose(file);
}

static void expect_log(const char *expected)
{
    assert_string_equal(runner_world_file(&w, "log"), expected);
}

static bool add_part(void *ctx, const struct stored_part *part)
{
    buf_addf(ctx, STR_FMT " ", STR_ARG(part->status));
    return true;
}

static void expect_parts(const char *id, const char *expected)
{
    char memory[512];
    struct buf out = buf_fixed(memory, sizeof(memory));
    runner_world_check(
        &w, store_backfill_parts(w.fixture.store, str_from(id), STR_NONE, add_part, &out, &w.err));
    assert_string_equal(buf_cstr(&out), expected);
}

/* --- a backfill --- */

static void one_run_for_each_and_a_failure_stops_no_other(void **state)
{
    (void)state;
    struct backfill_request request = request_of("days");
    request.order.bounds = (struct partition_bounds){STR("2024-01-02"), STR("2024-01-05")};
    ask(&request);
    assert_int_equal(started.legs, 1);
    assert_int_equal(started.partitions, 4);
    wait_end(started.id, "completed_failed");
    expect_log("days:2024-01-02..2024-01-02\ndays:2024-01-03..2024-01-03\n"
               "days:2024-01-04..2024-01-04\ndays:2024-01-05..2024-01-05\n");
    expect_parts(started.id, "success failure success success ");
    /* Only what failed, in a backfill of its own. */
    char first[UUID_TEXT_SIZE];
    memcpy(first, started.id, sizeof(first));
    touch("good");
    runner_world_check(&w, backfills_retry(backfills, str_from(first), STR_NONE, &started, &w.err));
    assert_int_equal(started.partitions, 1);
    wait_end(started.id, "completed_success");
    assert_int_equal(w.ended, 5);
    char tags[200];
    (void)snprintf(tags, sizeof(tags),
                   "{\"dagster/parent_backfill_id\":\"%s\",\"dagster/root_backfill_id\":\"%s\"}",
                   first, first);
    assert_true(str_eq(load(started.id).tags, str_from(tags)));
    assert_false(backfills_retry(backfills, str_from(started.id), STR_NONE, &started, &w.err));
    assert_true(str_starts(str_from(w.err.msg), STR("all partitions of backfill ")));
}

static void newest_first_and_several_in_a_run(void **state)
{
    (void)state;
    struct backfill_request request = request_of("more");
    request.order.newest_first = true;
    request.runs_max = 1;
    ask(&request);
    wait_end(started.id, "completed_success");
    expect_log("more:2024-01-05..2024-01-06\nmore:2024-01-03..2024-01-04\n"
               "more:2024-01-01..2024-01-02\n");
    request = request_of("more");
    request.per_run = 0;
    request.order.only = BACKFILL_MISSING;
    assert_false(backfills_request(backfills, &request, &started, &w.err));
    assert_string_equal(w.err.msg, "more lacks no partition");
    request.order.only = BACKFILL_ANY;
    ask(&request);
    wait_end(started.id, "completed_success");
    assert_int_equal(w.ended, 4); /* one run for the range */
}

static void what_is_missing(void **state)
{
    (void)state;
    static const struct str keys[] = {STR_INIT("2024-01-05"), STR_INIT("2024-01-02")};
    struct backfill_request request = request_of("more");
    request.order.keys = keys;
    request.order.key_count = 2;
    ask(&request);
    wait_end(started.id, "completed_success");
    request = request_of("more");
    request.order.only = BACKFILL_MISSING;
    ask(&request);
    assert_int_equal(started.partitions, 4);
    wait_end(started.id, "completed_success");
    /* 1, 3-4, 6: a run takes neighbours only. */
    expect_log("more:2024-01-02..2024-01-02\nmore:2024-01-05..2024-01-05\n"
               "more:2024-01-01..2024-01-01\nmore:2024-01-03..2024-01-04\n"
               "more:2024-01-06..2024-01-06\n");
}

static void tags_of_its_runs(void **state)
{
    (void)state;
    struct str name = STR("team");
    struct str value = STR("pos");
    struct backfill_request request = request_of("plain or more");
    request.order.bounds = (struct partition_bounds){STR("2024-01-01"), STR("2024-01-02")};
    request.tags = (struct str_map){.keys = &name, .values = &value, .count = 1};
    ask(&request);
    assert_int_equal(started.legs, 2); /* what has no partitions is made once */
    assert_int_equal(started.partitions, 3);
    wait_end(started.id, "completed_success");
    runner_world_wait(&w, 2);
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run run;
    bool found = false;
    runner_world_check(
        &w, store_load_run(w.fixture.store, str_from(w.ends[0]), &arena, &run, &found, &w.err));
    char tags[300];
    (void)snprintf(tags, sizeof(tags),
                   "{\"team\":\"pos\",\"dagster/backfill\":\"" STR_FMT
                   "\",\"dagster/asset_partition_range_start\":\"2024-01-01\","
                   "\"dagster/asset_partition_range_end\":\"2024-01-02\"}",
                   STR_ARG(run.backfill));
    assert_true(str_eq(run.tags, str_from(tags)));
    assert_true(str_eq(run.cause, STR("backfill")));
    expect_log("more:2024-01-01..2024-01-02\nplain:..\n");
}

/* --- legs --- */

static void what_is_downstream_waits(void **state)
{
    (void)state;
    touch("good");
    struct backfill_request request = request_of("days+");
    request.order.bounds = (struct partition_bounds){STR("2024-01-05"), STR("2024-01-06")};
    ask(&request);
    assert_int_equal(started.legs, 2);
    assert_int_equal(started.partitions, 3);
    runner_world_wait(&w, 3);
    expect_log("days:2024-01-05..2024-01-05\ndays:2024-01-06..2024-01-06\n"
               "weeks:2024-01-01..2024-01-01\n");
}

static bool take_id(void *ctx, const struct view_backfill *b)
{
    (void)snprintf(ctx, UUID_TEXT_SIZE, STR_FMT, STR_ARG(b->facts.id));
    return false; /* the newest */
}

static void newest_backfill(char ret[UUID_TEXT_SIZE])
{
    struct view *view = NULL;
    runner_world_check(&w, view_open(&view, w.fixture.options.path, &w.err));
    runner_world_check(&w, view_backfills(view, STR_NONE, 1, take_id, ret, &w.err));
    view_close(view);
}

static void what_is_downstream_of_a_failure_never_runs(void **state)
{
    (void)state;
    char second[UUID_TEXT_SIZE];
    struct backfill_request request = request_of("days+");
    request.order.bounds = (struct partition_bounds){STR("2024-01-03"), STR("2024-01-03")};
    ask(&request);
    wait_end(started.id, "completed_failed");
    newest_backfill(second);
    assert_string_not_equal(second, started.id);
    wait_end(second, "canceled");
    expect_parts(second, "canceled ");
    assert_true(str_starts(load(second).reason, STR("backfill ")));
    assert_true(str_ends(load(second).reason, STR(", which comes first, did not succeed")));
    assert_int_equal(w.ended, 1);
}

/* --- cancel, restart, reload --- */

static void cancel_stops_it(void **state)
{
    (void)state;
    struct backfill_request request = request_of("slow");
    ask(&request);
    runner_world_wait_file(&w, "up");
    runner_world_check(&w, backfills_cancel(backfills, str_from(started.id), &w.err));
    runner_world_check(&w, backfills_cancel(backfills, str_from(started.id), &w.err)); /* twice */
    wait_end(started.id, "canceled");
    expect_parts(started.id, "canceled canceled canceled canceled canceled canceled ");
    expect_log("slow:2024-01-01..2024-01-01\n");
    assert_false(backfills_cancel(backfills, str_from(started.id), &w.err));
    assert_string_equal(w.err.msg + strlen(w.err.msg) - strlen("has ended: canceled"),
                        "has ended: canceled");
    assert_false(backfills_cancel(backfills, STR("nonsense"), &w.err));
    assert_int_equal(w.err.code, ERR_NOT_FOUND);
    assert_int_equal(runner_queued_runs(w.runner) + runner_active_runs(w.runner), 0);
}

static void a_restart_goes_on(void **state)
{
    (void)state;
    struct backfill_request request = request_of("slow");
    ask(&request);
    runner_world_wait_file(&w, "up");
    expect_parts(started.id, "requested requested waiting waiting waiting waiting ");
    reopen(); /* killed: the run that was going is tried again, the queued one is still there */
    touch("go");
    wait_end(started.id, "completed_success");
    expect_parts(started.id, "success success success success success success ");
    assert_int_equal(w.ended, 6); /* each once, but for what was interrupted */
    assert_true(
        str_starts(str_from(runner_world_file(&w, "log")), STR("slow:2024-01-01..2024-01-01\n")));
}

/* What is in the database of the backfill that was asked for last. */
static int64_t recorded(void)
{
    runner_world_check(&w, store_flush(w.fixture.store, w.fixture.now, &w.err));
    return load(started.id).recorded;
}

static void ask_for_hours(void)
{
    struct backfill_request request = request_of("hours");
    ask(&request);
    assert_int_equal(started.partitions, HOURS);
    int64_t first = recorded();
    assert_in_range(first, 1, HOURS / 4);
    runner_world_turn(&w);
    assert_in_range(recorded(), first + 1, HOURS / 2); /* it goes on, a piece a turn */
}

static void a_large_one_is_written_down_piece_by_piece(void **state)
{
    (void)state;
    ask_for_hours();
    for (int64_t before = 0, now = recorded(); now < HOURS; before = now, now = recorded()) {
        assert_in_range(now - before, 1, HOURS / 2);
        assert_int_equal(runner_queued_runs(w.runner) + runner_active_runs(w.runner), 0);
        runner_world_turn(&w);
    }
    wait_end(started.id, "completed_success");
    expect_log("hours:2024-01-01-00:00..2024-10-31-23:00\n");
    assert_int_equal(w.ended, 1);
}

static void killed_while_it_is_written_down_it_is_given_up(void **state)
{
    (void)state;
    ask_for_hours();
    reopen();
    wait_end(started.id, "canceled");
    assert_in_range(recorded(), 1, HOURS - 1);
    assert_true(
        str_eq(load(started.id).reason, STR("the agent stopped while it was being written down")));
    assert_int_equal(w.ended, 0);
}

static void canceled_while_it_is_written_down_it_ends_there(void **state)
{
    (void)state;
    ask_for_hours();
    runner_world_check(&w, backfills_cancel(backfills, str_from(started.id), &w.err));
    wait_end(started.id, "canceled");
    assert_in_range(recorded(), 1, HOURS - 1);
    assert_int_equal(w.ended, 0);
}

/* An agent that is told to stop writes down what it was asked for. */
static void a_stop_writes_it_down(void **state)
{
    (void)state;
    ask_for_hours();
    backfills_stop(backfills);
    assert_int_equal(recorded(), HOURS);
    reopen();
    wait_end(started.id, "completed_success");
    assert_int_equal(w.ended, 1);
}

/* Only one at a time is in memory. */
static void the_next_request_finds_it_written_down(void **state)
{
    (void)state;
    ask_for_hours();
    struct backfill_started hours = started;
    struct backfill_request more = request_of("more");
    ask(&more);
    struct backfill_started small = started;
    started = hours;
    assert_int_equal(recorded(), HOURS);
    wait_end(hours.id, "completed_success");
    wait_end(small.id, "completed_success");
}

static size_t open_count(void)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_backfill *open = NULL;
    size_t count = 0;
    runner_world_check(&w, store_flush(w.fixture.store, w.fixture.now, &w.err));
    runner_world_check(&w, store_open_backfills(w.fixture.store, &arena, &open, &count, &w.err));
    return count;
}

/* Each allocation of a request fails once: there is a backfill, or the caller is told why not. */
static void a_backfill_is_there_or_it_is_not(void **state)
{
    (void)state;
    size_t expected = 0;
    bool fired = true;
    for (int nth = 0; fired; nth++) {
        struct backfill_request request = request_of("slow");
        struct err err = {0};
        fault_malloc_arm(nth);
        bool ok = backfills_request(backfills, &request, &started, &err);
        fired = fault_malloc_disarm();
        assert_true(ok || (fired && (err.code == ERR_NO_MEMORY || err.code == ERR_FULL)));
        expected += ok;
        assert_int_equal(open_count(), expected);
    }
    assert_true(expected > 0);
}

static void half_written_it_is_given_up(void **state)
{
    (void)state;
    struct record half = {.type = EVENT_BACKFILL,
                          .at = w.fixture.now,
                          .backfill = STR("half"),
                          .status = STR("requested"),
                          .selection = STR("more"),
                          .keys = STR("{\"0\":\"2024-01-01\"}"),
                          .steps = 5,
                          .per_run = 1};
    runner_world_check(&w, store_record(w.fixture.store, &half, &w.err));
    runner_world_check(&w, store_flush(w.fixture.store, w.fixture.now, &w.err));
    reopen();
    wait_end("half", "canceled");
    expect_parts("half", "canceled ");
    assert_true(
        str_eq(load("half").reason, STR("the agent stopped while it was being written down")));
    assert_int_equal(w.ended, 0);
}

static void what_the_definitions_no_longer_have(void **state)
{
    (void)state;
    struct backfill_request request = request_of("more");
    request.runs_max = 1;
    ask(&request);
    runner_world_wait(&w, 1);
    /* Before the second run is asked for, the rest of the days is gone. */
    for (size_t i = 0; i < w.loaded.defs->asset_count; i++) {
        struct partitions *p = &w.loaded.defs->assets[i].partitions;
        p->end.ns = p->kind == PARTITION_TIME ? p->start.ns + INT64_C(3) * 86400 * NS_PER_SEC : 0;
    }
    backfills_use_definitions(backfills, w.loaded.defs);
    wait_end(started.id, "completed_failed");
    expect_parts(started.id, "success success canceled canceled canceled canceled ");
    assert_true(str_starts(load(started.id).reason, STR("more: \"2024-01-04\" is no partition")));
}

static void dynamic_partitions_in_one_run(void **state)
{
    (void)state;
    struct backfill_request request = request_of("shops");
    assert_false(backfills_request(backfills, &request, &started, &w.err));
    assert_string_equal(w.err.msg, "shops has no partition yet");
    static const char *const shops[] = {"berlin", "aachen", "munich"};
    for (size_t i = 0; i < COUNT_OF(shops); i++) {
        struct record added = {.type = EVENT_DYNAMIC_PARTITIONS,
                               .at = w.fixture.now,
                               .set = STR("shops"),
                               .partition = str_from(shops[i]),
                               .status = STR("added")};
        runner_world_check(&w, store_record(w.fixture.store, &added, &w.err));
    }
    ask(&request);
    wait_end(started.id, "completed_success");
    expect_log("shops:berlin..munich\n");
}

static void what_is_refused(void **state)
{
    (void)state;
    struct backfill_request request = request_of("nothing");
    assert_false(backfills_request(backfills, &request, &started, &w.err));
    request = request_of("plain");
    assert_false(backfills_request(backfills, &request, &started, &w.err));
    assert_string_equal(w.err.msg, "nothing that is selected has partitions");
    request = request_of("days or weeks");
    request.order.bounds.first = STR("2024-02-01");
    assert_false(backfills_request(backfills, &request, &started, &w.err));
    assert_int_equal(w.err.code, ERR_NOT_FOUND);
    request = request_of("slow");
    ask(&request);
    assert_false(backfills_retry(backfills, str_from(started.id), STR_NONE, &started, &w.err));
    assert_string_equal(w.err.hint, "cancel it first, or wait");
    for (int i = 1; i < BACKFILLS_OPEN_MAX; i++) {
        ask(&request);
    }
    assert_false(backfills_request(backfills, &request, &started, &w.err));
    assert_int_equal(w.err.code, ERR_FULL);
    backfills_stop(backfills);
    assert_false(backfills_request(backfills, &request, &started, &w.err));
    assert_int_equal(w.err.code, ERR_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_run_for_each_and_a_failure_stops_no_other, begin, end),
        cmocka_unit_test_setup_teardown(newest_first_and_several_in_a_run, begin, end),
        cmocka_unit_test_setup_teardown(what_is_missing, begin, end),
        cmocka_unit_test_setup_teardown(tags_of_its_runs, begin, end),
        cmocka_unit_test_setup_teardown(what_is_downstream_waits, begin, end),
        cmocka_unit_test_setup_teardown(what_is_downstream_of_a_failure_never_runs, begin, end),
        cmocka_unit_test_setup_teardown(cancel_stops_it, begin, end),
        cmocka_unit_test_setup_teardown(a_restart_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(a_large_one_is_written_down_piece_by_piece, begin, end),
        cmocka_unit_test_setup_teardown(killed_while_it_is_written_down_it_is_given_up, begin, end),
        cmocka_unit_test_setup_teardown(canceled_while_it_is_written_down_it_ends_there, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_stop_writes_it_down, begin, end),
        cmocka_unit_test_setup_teardown(the_next_request_finds_it_written_down, begin, end),
        cmocka_unit_test_setup_teardown(a_backfill_is_there_or_it_is_not, begin, end),
        cmocka_unit_test_setup_teardown(half_written_it_is_given_up, begin, end),
        cmocka_unit_test_setup_teardown(what_the_definitions_no_longer_have, begin, end),
        cmocka_unit_test_setup_teardown(dynamic_partitions_in_one_run, begin, end),
        cmocka_unit_test_setup_teardown(what_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
