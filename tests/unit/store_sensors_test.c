/* store_sensors_test.c - what sensors ask the database, and that their ticks are remembered whole or
 * not at all. */
#include "agent/store/sensors.h"

#include "common/db/db.h"
#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_sqlite.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

static struct store_fixture f;

static int begin(void **state)
{
    (void)state;
    store_fixture_begin(&f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    store_fixture_end(&f);
    return 0;
}

static struct record tick(const char *run, const char *run_key, const char *cursor)
{
    return (struct record){.type = EVENT_TICK,
                           .at = f.now,
                           .kind = STR("sensor"),
                           .name = STR("files"),
                           .status = run[0] == '\0' ? STR("skipped") : STR("started"),
                           .run = str_from(run),
                           .run_key = str_from(run_key),
                           .cursor = str_from(cursor)};
}

static void say_tick(const char *run, const char *run_key, const char *cursor)
{
    struct record r = tick(run, run_key, cursor);
    store_fixture_say(&f, &r);
}

static void say_run(const char *run, const char *job, enum event_type type)
{
    struct record r = {.type = type,
                       .at = f.now,
                       .run = str_from(run),
                       .job = str_from(job),
                       .tags = STR("{\"k\":\"v\"}")};
    store_fixture_say(&f, &r);
}

static void say_made(const char *asset, const char *run)
{
    struct record r = {.type = EVENT_ASSET_MATERIALIZATION,
                       .at = f.now,
                       .run = str_from(run),
                       .step = str_from(asset),
                       .asset = str_from(asset)};
    store_fixture_say(&f, &r);
}

/* `run` NULL: the key started none. */
static void expect_key(const char *sensor, const char *run_key, const char *run)
{
    char found_run[UUID_TEXT_SIZE] = "";
    bool found = true;
    store_fixture_check(&f, store_run_of_key(f.store, str_from(sensor), str_from(run_key),
                                             found_run, &found, &f.err));
    assert_int_equal(found, run != NULL);
    if (run != NULL) {
        assert_string_equal(found_run, run);
    }
}

static void read_cursor(char text[64])
{
    struct db *db = NULL;
    static const struct db_text sql[] = {
        {"cursor", "SELECT coalesce(max(cursor), '-') FROM instigator WHERE kind = 'sensor'"}};
    struct db_options options = {
        .path = f.options.path, .flags = DB_READ_ONLY, .sql = sql, .sql_count = COUNT_OF(sql)};
    store_fixture_check(&f, db_open(&db, &options, &f.err));
    struct db_query q = db_query(db, 0);
    bool row = false;
    store_fixture_check(&f, db_next(&q, &row, &f.err));
    (void)snprintf(text, 64, STR_FMT, STR_ARG(db_col_str(&q, 0)));
    db_reset(&q);
    db_close(db);
}

static void expect_cursor(const char *expected)
{
    char text[64];
    read_cursor(text);
    assert_string_equal(text, expected);
}

static void a_run_key_is_remembered_for_ever(void **state)
{
    (void)state;
    say_tick("r1", "a", "");
    expect_key("files", "a", NULL); /* not flushed: not there */
    store_fixture_flush(&f);
    expect_key("files", "a", "r1");
    say_tick("", "b", "");
    say_tick("r2", "", "");
    say_tick("r3", "a", ""); /* must not happen; the first one stays */
    store_fixture_flush(&f);
    store_fixture_reopen(&f);
    expect_key("files", "a", "r1");
    expect_key("files", "b", NULL); /* nothing was started */
    expect_key("files", "", NULL);
    expect_key("other", "a", NULL);
    struct view *view = NULL;
    char run[UUID_TEXT_SIZE];
    bool found = false;
    store_fixture_check(&f, view_open(&view, f.options.path, &f.err));
    store_fixture_check(&f, view_run_of_key(view, STR("files"), STR("a"), run, &found, &f.err));
    assert_true(found);
    assert_string_equal(run, "r1");
    view_close(view);
}

static void a_cursor_stays_until_another_comes(void **state)
{
    (void)state;
    expect_cursor("-");
    say_tick("", "", "cursor 1");
    store_fixture_flush(&f);
    expect_cursor("cursor 1");
    say_tick("r1", "", "");
    store_fixture_flush(&f);
    expect_cursor("cursor 1");
    say_tick("r2", "", "cursor 2");
    struct record paused = {.type = EVENT_INSTIGATOR,
                            .at = f.now,
                            .kind = STR("sensor"),
                            .name = STR("files"),
                            .status = STR("paused")};
    store_fixture_say(&f, &paused);
    store_fixture_flush(&f);
    expect_cursor("cursor 2");
}

/* --- runs that ended --- */

struct ends {
    char runs[16][UUID_TEXT_SIZE];
    int64_t seqs[16];
    size_t count, max;
};

static bool note_end(void *ctx, const struct run_ending *run)
{
    struct ends *ends = ctx;
    assert_true(str_eq(run->tags, STR("{\"k\":\"v\"}")));
    assert_true(str_eq(run->job, STR("nightly")));
    (void)snprintf(ends->runs[ends->count], UUID_TEXT_SIZE, STR_FMT " " STR_FMT, STR_ARG(run->run),
                   STR_ARG(run->status));
    ends->seqs[ends->count++] = run->seq;
    return ends->count < ends->max;
}

static struct ends ends_after(int64_t seq, size_t max)
{
    struct ends ends = {.max = max};
    store_fixture_check(&f, store_runs_ended(f.store, seq, note_end, &ends, &f.err));
    return ends;
}

static void runs_come_in_the_order_of_their_ends(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        say_run(names[i], "nightly", EVENT_RUN_ENQUEUED);
        say_run(names[i], "nightly", EVENT_RUN_START);
    }
    store_fixture_flush(&f);
    assert_int_equal(ends_after(0, 16).count, 0);
    say_run("c", "nightly", EVENT_RUN_SUCCESS);
    say_run("a", "nightly", EVENT_RUN_FAILURE);
    say_run("d", "nightly", EVENT_RUN_CANCELED);
    store_fixture_flush(&f);
    struct ends ends = ends_after(0, 16);
    assert_int_equal(ends.count, 3);
    assert_string_equal(ends.runs[0], "c success");
    assert_string_equal(ends.runs[1], "a failure");
    assert_string_equal(ends.runs[2], "d canceled");
    assert_int_equal(ends.seqs[2], store_last_seq(f.store));
    assert_int_equal(ends_after(0, 1).count, 1);
    ends = ends_after(ends.seqs[0], 16);
    assert_int_equal(ends.count, 2);
    assert_string_equal(ends.runs[0], "a failure");
    assert_int_equal(ends_after(store_last_seq(f.store), 16).count, 0);
}

/* --- assets that were made --- */

static void the_newest_materialization_counts(void **state)
{
    (void)state;
    struct asset_making making;
    store_fixture_check(&f, store_asset_making(f.store, STR("a"), &f.arena, &making, &f.err));
    assert_int_equal(making.seq, 0);
    say_run("r1", "nightly", EVENT_RUN_ENQUEUED);
    say_made("a", "r1");
    say_made("b", "r0"); /* of a run that is not known */
    store_fixture_flush(&f);
    store_fixture_check(&f, store_asset_making(f.store, STR("a"), &f.arena, &making, &f.err));
    assert_int_equal(making.seq, 2);
    assert_true(str_eq(making.run, STR("r1")) && str_eq(making.job, STR("nightly")));
    assert_true(str_eq(making.tags, STR("{\"k\":\"v\"}")));
    store_fixture_check(&f, store_asset_making(f.store, STR("b"), &f.arena, &making, &f.err));
    assert_int_equal(making.seq, 3);
    assert_true(str_eq(making.run, STR("r0")) && str_is_empty(making.job));
    say_made("a", "r0");
    store_fixture_flush(&f);
    store_fixture_check(&f, store_asset_making(f.store, STR("a"), &f.arena, &making, &f.err));
    assert_int_equal(making.seq, 4);
    struct record failed = {.type = EVENT_ASSET_FAILED_TO_MATERIALIZE,
                            .at = f.now,
                            .run = STR("r1"),
                            .asset = STR("c"),
                            .error_message = STR("no")};
    store_fixture_say(&f, &failed);
    store_fixture_flush(&f);
    store_fixture_check(&f, store_asset_making(f.store, STR("c"), &f.arena, &making, &f.err));
    assert_int_equal(making.seq, 0);
}

/* --- a new epoch: events get other numbers, and "newer than" still means what it meant --- */

static void say_ended(const char *run)
{
    say_run(run, "nightly", EVENT_RUN_ENQUEUED);
    say_run(run, "nightly", EVENT_RUN_SUCCESS);
}

static void a_new_epoch_changes_no_order(void **state)
{
    (void)state;
    say_ended("a"); /* 1, 2 */
    say_made("a", "a");
    say_ended("b"); /* 4, 5 */
    say_tick("", "", "seq 4");
    say_ended("c"); /* 7, 8 */
    say_made("b", "c");
    store_fixture_flush(&f);
    store_fixture_acknowledge(&f, 5);
    for (int epoch = 0; epoch < 3; epoch++) {
        struct asset_making a;
        struct asset_making b;
        char cursor[64];
        store_fixture_check(&f, store_begin_epoch(f.store, &f.rng, &f.err));
        store_fixture_check(&f, store_asset_making(f.store, STR("a"), &f.arena, &a, &f.err));
        store_fixture_check(&f, store_asset_making(f.store, STR("b"), &f.arena, &b, &f.err));
        assert_true(a.seq != 0 && b.seq != 0 && a.seq < b.seq);
        read_cursor(cursor);
        int64_t after = 0;
        assert_true(str_to_i64(str_slice(str_from(cursor), 4, 64), INT64_MIN, INT64_MAX, &after));
        assert_true(a.seq < after && after < b.seq);
        struct ends ends = ends_after(after, 16);
        assert_int_equal(ends.count, 2);
        assert_string_equal(ends.runs[0], "b success");
        assert_string_equal(ends.runs[1], "c success");
        store_fixture_acknowledge(&f, store_last_seq(f.store)); /* all go below 0 next time */
    }
}

static void cursors_of_programs_are_theirs(void **state)
{
    (void)state;
    say_ended("a");
    say_tick("", "", "cursor seq 2");
    store_fixture_flush(&f);
    store_fixture_acknowledge(&f, 3);
    store_fixture_check(&f, store_begin_epoch(f.store, &f.rng, &f.err));
    expect_cursor("cursor seq 2");
}

/* --- failures --- */

enum { NAME_SIZE = 32 };

/* A tick, its run, its key and its cursor are there together or not at all, and then may be written
 * again. Each time with others: the database is opened once. */
static bool flush_with_fault(int nth)
{
    char run[NAME_SIZE];
    char key[NAME_SIZE];
    char cursor[NAME_SIZE];
    char before[64];
    read_cursor(before);
    (void)snprintf(run, sizeof(run), "run-%d", nth);
    (void)snprintf(key, sizeof(key), "key-%d", nth);
    (void)snprintf(cursor, sizeof(cursor), "cursor %d", nth);
    say_run(run, "nightly", EVENT_RUN_ENQUEUED);
    say_tick(run, key, cursor);
    fault_sqlite_arm(nth);
    bool ok = store_flush(f.store, f.now, &f.err);
    bool fired = fault_sqlite_disarm();
    if (!ok) {
        assert_true(fired);
        assert_int_equal(f.err.code, ERR_NO_MEMORY);
        expect_key("files", key, NULL);
        expect_cursor(before);
        store_fixture_flush(&f);
    }
    expect_key("files", key, run);
    expect_cursor(cursor);
    return fired;
}

static bool ask_with_fault(int nth)
{
    char run[UUID_TEXT_SIZE];
    bool found = false;
    struct asset_making making;
    struct ends ends = {.max = 1};
    fault_sqlite_arm(nth);
    bool ok = store_run_of_key(f.store, STR("files"), STR("k"), run, &found, &f.err) &&
              store_runs_ended(f.store, 0, note_end, &ends, &f.err) &&
              store_asset_making(f.store, STR("x"), &f.arena, &making, &f.err);
    bool fired = fault_sqlite_disarm();
    if (ok) {
        assert_true(found);
        assert_int_equal(ends.count, 1);
        assert_int_not_equal(making.seq, 0);
    } else {
        assert_true(fired);
        assert_int_equal(f.err.code, ERR_NO_MEMORY);
        expect_key("files", "k", "a"); /* works the next time */
    }
    return fired;
}

static void a_failure_changes_nothing(void **state)
{
    (void)state;
    int nth = 0;
    while (flush_with_fault(nth)) {
        nth++;
    }
    assert_in_range(nth, 10, INT_MAX); /* that many could fail */
    say_ended("a");
    say_made("x", "a");
    say_tick("a", "k", "cursor 1");
    store_fixture_flush(&f);
    nth = 0;
    while (ask_with_fault(nth)) {
        nth++;
    }
    assert_in_range(nth, 1, INT_MAX);
}

static void texts_that_find_no_memory_are_said(void **state)
{
    (void)state;
    struct asset_making making;
    struct arena small = arena_new(8);
    say_made("x", "a-run-with-a-name");
    store_fixture_flush(&f);
    assert_false(store_asset_making(f.store, STR("x"), &small, &making, &f.err));
    assert_int_equal(f.err.code, ERR_NO_MEMORY);
    arena_release(&small);
    store_fixture_check(&f, store_asset_making(f.store, STR("x"), &f.arena, &making, &f.err));
}

int main(void)
{
    fault_sqlite_install();
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_run_key_is_remembered_for_ever),     TEST(a_cursor_stays_until_another_comes),
        TEST(runs_come_in_the_order_of_their_ends), TEST(the_newest_materialization_counts),
        TEST(a_new_epoch_changes_no_order),         TEST(cursors_of_programs_are_theirs),
        TEST(texts_that_find_no_memory_are_said),   TEST(a_failure_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
