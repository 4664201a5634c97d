/* runner_partition_test.c - runs of partitions: what is asked for is checked, told to the steps and
 * recorded. */
#include "agent/store/backfills.h"
#include "agent/store/partitions.h"
#include "agent/store/runs.h"
#include "common/platform/files.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static const char text[] =
    "assets:\n"
    "  - key: days\n"
    "    run: [sh, -c, 'echo $SELVEDGE_PARTITION_KEY $SELVEDGE_PARTITION_START_KEY "
    "$SELVEDGE_PARTITION_END_KEY $SELVEDGE_PARTITION_WINDOW_START >> log; "
    "test \"$SELVEDGE_PARTITION_KEY\" != 2024-01-13']\n"
    "    partitions: {daily: {start: 2024-01-01}}\n"
    "  - key: path\n"
    "    run: [sh, -c, 'echo \"$0\" >> log', 'in/${SELVEDGE_PARTITION_KEY}.csv']\n"
    "    partitions: {daily: {start: 2024-01-01}}\n"
    "  - {key: plain, deps: [days], run: [sh, -c, 'echo plain[$SELVEDGE_PARTITION_KEY] >> log']}\n"
    "  - {key: shops, run: [\"true\"], partitions: {dynamic: shops}}\n"
    "  - {key: colours, run: [\"true\"], partitions: {static: [red, green]}}\n"
    "  - {key: told, run: [sh, told.sh], partitions: {daily: {start: 2024-01-01}}}\n"
    "  - {key: along, run: [sh, told.sh]}\n";

/* Says through Dagster Pipes what it made, once, and hangs. */
static const char told[] =
    "[ -e once-$SELVEDGE_ASSET ] && exit 0\n"
    "say() { printf '{\"__dagster_pipes_version\": \"0.1\", \"method\": \"%s\", \"params\": "
    "%s}\\n' "
    "\"$1\" \"$2\" "
    ">>$STATE_DIR/runs/$SELVEDGE_RUN/$SELVEDGE_ASSET/$SELVEDGE_ATTEMPT.pipes/messages; "
    "}\n"
    "say opened '{\"extras\": {}}'\n"
    "say report_asset_materialization '{\"asset_key\": \"'$SELVEDGE_ASSET'\", \"data_version\": "
    "null, \"metadata\": {}}'\n"
    "touch once-$SELVEDGE_ASSET\nexec sleep 60\n";

static struct runner_world w;

static int begin(void **state)
{
    (void)state;
    runner_world_init(&w, text);
    return 0;
}

static int end(void **state)
{
    (void)state;
    runner_world_release(&w);
    return 0;
}

static bool ask(const char *selection, const char *cause, const char *first, const char *last,
                char run[UUID_TEXT_SIZE])
{
    struct run_request request = {.cause = str_from(cause),
                                  .selection = str_from(selection),
                                  .partition = str_from(first),
                                  .partition_end = str_from(last)};
    w.err = (struct err){0};
    return runner_enqueue(w.runner, &request, run, &w.err);
}

static void make(const char *selection, const char *first, const char *last,
                 char run[UUID_TEXT_SIZE])
{
    int before = w.ended;
    runner_world_check(&w, ask(selection, "manual", first, last, run));
    runner_world_wait(&w, before + 1);
}

static bool add_partition(void *ctx, const struct stored_partition *p)
{
    buf_addf(ctx, STR_FMT "=%s%s ", STR_ARG(p->key), p->materialized_at.ns > 0 ? "made" : "",
             p->failed_at.ns > 0 ? "failed" : "");
    return true;
}

static void expect_partitions(const char *asset, const char *expected)
{
    char memory[256];
    struct buf out = buf_fixed(memory, sizeof(memory));
    runner_world_check(
        &w, store_partitions(w.fixture.store, str_from(asset), add_partition, &out, &w.err));
    assert_string_equal(buf_cstr(&out), expected);
}

static void one_partition(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    make("days+", "2024-01-05", "", run);
    assert_int_equal(w.state, RUN_SUCCESS);
    assert_string_equal(runner_world_file(&w, "log"),
                        "2024-01-05 2024-01-05 2024-01-05 2024-01-05T00:00:00+00:00\nplain[]\n");
    expect_partitions("days", "2024-01-05=made ");
    expect_partitions("plain", ""); /* it has none, whatever the run makes */
    make("days", "2024-01-13", "", run);
    assert_int_equal(w.state, RUN_FAILURE);
    expect_partitions("days", "2024-01-05=made 2024-01-13=failed ");
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run facts;
    bool found = false;
    runner_world_check(
        &w, store_load_run(w.fixture.store, str_from(run), &arena, &facts, &found, &w.err));
    assert_true(str_eq(facts.tags, STR("{\"dagster/partition\":\"2024-01-13\"}")));
}

static void a_range_of_them(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    make("days", "2024-02-28", "2024-03-01", run);
    assert_int_equal(w.state, RUN_SUCCESS);
    assert_string_equal(runner_world_file(&w, "log"),
                        "2024-02-28 2024-03-01 2024-02-28T00:00:00+00:00\n");
    expect_partitions("days", "2024-02-28=made 2024-02-29=made 2024-03-01=made ");
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run facts;
    bool found = false;
    runner_world_check(
        &w, store_load_run(w.fixture.store, str_from(run), &arena, &facts, &found, &w.err));
    assert_true(str_eq(facts.tags, STR("{\"dagster/asset_partition_range_start\":\"2024-02-28\","
                                       "\"dagster/asset_partition_range_end\":\"2024-03-01\"}")));
    make("days", "2024-02-02", "2024-02-02", run); /* of one is none */
    expect_partitions("days", "2024-02-02=made 2024-02-28=made 2024-02-29=made 2024-03-01=made ");
}

static void a_variable_in_paths_and_arguments(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    make("path", "2024-01-05", "", run);
    assert_string_equal(runner_world_file(&w, "log"), "in/2024-01-05.csv\n");
    make("path", "2024-01-05", "2024-01-06", run); /* a range has no single key */
    assert_int_equal(w.state, RUN_FAILURE);
    expect_partitions("path", "2024-01-05=madefailed 2024-01-06=failed ");
}

/* Whether the materialization of the asset that waits for the hub has the text. */
static bool is_told(const char *asset, const char *part)
{
    AUTO(buf) lines = buf_growing(STORE_FIXTURE_LINES_MAX);
    struct batch_header header;
    runner_world_check(
        &w, store_read_batch(w.fixture.store, 1, LIMIT_BATCH_EVENTS, &header, &lines, &w.err));
    struct str rest = buf_str(&lines);
    struct str line = STR_NONE;
    while (str_cut(rest, '\n', &line, &rest)) {
        struct event event;
        runner_world_check(&w, event_parse(line, &event, &w.err));
        if (event.type == EVENT_ASSET_MATERIALIZATION && str_eq(event.asset, str_from(asset)) &&
            str_contains(line, str_from(part))) {
            return true;
        }
    }
    return false;
}

/* What a program said before the agent was killed, told by the next one. */
static void what_a_killed_agent_had_not_recorded(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    w.options.steps_max = 2;
    runner_world_reopen(&w);
    runner_world_check(&w,
                       files_write(temp_dir_path(&w.dir, "told.sh"), str_from(told), 0600, &w.err));
    runner_world_check(&w, ask("told or along", "manual", "2024-01-05", "2024-01-07", run));
    runner_world_wait_file(&w, "once-told");
    runner_world_wait_file(&w, "once-along");
    runner_world_reopen(&w);
    assert_true(is_told("told", "\"partition\":\"2024-01-05\",\"partition_end\":\"2024-01-07\""));
    assert_true(is_told("along", "\"partial\":true"));
    assert_false(is_told("along", "\"partition\""));
    expect_partitions("told", ""); /* it was not made as a whole */
    runner_world_wait(&w, 1);      /* the run that goes on */
    assert_int_equal(w.state, RUN_SUCCESS);
    expect_partitions("told", "2024-01-05=made 2024-01-06=made 2024-01-07=made ");
    expect_partitions("along", "");
}

static void what_is_not_said_is_the_newest_window(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    assert_false(ask("days", "manual", "", "", run));
    assert_int_equal(w.err.code, ERR_INVALID);
    assert_string_equal(w.err.msg, "days: the run names none of its partitions");
    assert_true(str_starts(str_from(w.err.hint), STR("--partition 20")));
    runner_world_check(&w, ask("days", "schedule", "", "", run));
    runner_world_wait(&w, 1);
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run facts;
    bool found = false;
    runner_world_check(
        &w, store_load_run(w.fixture.store, str_from(run), &arena, &facts, &found, &w.err));
    struct partition_window window;
    runner_world_check(&w, partition_window(&w.loaded.defs->assets[0].partitions, facts.partition,
                                            &window, &w.err));
    assert_true(facts.created_at.ns - window.end.ns < INT64_C(86400) * NS_PER_SEC);
    assert_true(window.end.ns <= facts.created_at.ns);
    /* A tick that is made good later means the window of its own time. */
    struct run_request late = {.cause = STR("schedule"), .selection = STR("days")};
    runner_world_check(&w, wall_parse(STR("2024-01-09T02:30:00"), &late.partition_at));
    runner_world_check(&w, runner_enqueue(w.runner, &late, run, &w.err));
    runner_world_wait(&w, 2);
    runner_world_check(
        &w, store_load_run(w.fixture.store, str_from(run), &arena, &facts, &found, &w.err));
    assert_true(str_eq(facts.partition, STR("2024-01-08")));
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    static const struct {
        const char *selection, *first, *last, *message;
        enum err_code code;
    } cases[] = {
        {"plain", "2024-01-01", "",
         "partition 2024-01-01: nothing that the run makes has partitions", ERR_INVALID},
        {"days", "2024-02-30", "",
         "days: \"2024-02-30\" is no partition: there is no day 30 in that month", ERR_NOT_FOUND},
        {"days", "2023-12-31", "",
         "days: \"2023-12-31\" is no partition: it lies before all of them", ERR_NOT_FOUND},
        {"days", "2200-01-01", "",
         "days: \"2200-01-01\" is no partition: its window is not over yet", ERR_NOT_FOUND},
        {"days", "2024-01-05", "2024-01-04", "days: 2024-01-04 comes before 2024-01-05",
         ERR_INVALID},
        {"days or colours", "red", "", "days and colours are partitioned differently", ERR_INVALID},
        {"shops", "berlin", "", "shops: there is no partition \"berlin\"", ERR_NOT_FOUND},
        {"colours", "", "", "colours: the run names none of its partitions", ERR_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_false(ask(cases[i].selection, "manual", cases[i].first, cases[i].last, run));
        assert_string_equal(w.err.msg, cases[i].message);
        assert_int_equal(w.err.code, cases[i].code);
    }
    assert_int_equal(runner_queued_runs(w.runner), 0);
    struct record added = {.type = EVENT_DYNAMIC_PARTITIONS,
                           .at = w.fixture.now,
                           .set = STR("shops"),
                           .partition = STR("berlin"),
                           .status = STR("added")};
    runner_world_check(&w, store_record(w.fixture.store, &added, &w.err));
    runner_world_check(&w, store_flush(w.fixture.store, w.fixture.now, &w.err));
    make("shops", "berlin", "", run);
    expect_partitions("shops", "berlin=made ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_partition, begin, end),
        cmocka_unit_test_setup_teardown(a_range_of_them, begin, end),
        cmocka_unit_test_setup_teardown(a_variable_in_paths_and_arguments, begin, end),
        cmocka_unit_test_setup_teardown(what_a_killed_agent_had_not_recorded, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_said_is_the_newest_window, begin, end),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
