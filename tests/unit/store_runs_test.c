/* store_runs_test.c - what the database knows of runs and steps, and of a file of the version
 * before. */
#include "agent/store/runs.h"
#include "agent/store/versions.h"

#include "agent/store/view.h"
#include "common/db/db.h"
#include "common/platform/files.h"
#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>

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

static void say_run(const char *run, enum event_type type)
{
    struct record r = {.type = type, .at = f.now, .run = str_from(run), .job = STR("nightly")};
    store_fixture_say(&f, &r);
}

static void say_step(const char *run, const char *step, enum event_type type)
{
    struct record r = {.type = type,
                       .at = f.now,
                       .run = str_from(run),
                       .step = str_from(step),
                       .asset = str_from(step),
                       .attempt = type == EVENT_ASSET_MATERIALIZATION_PLANNED ? 0 : 1,
                       .retry_at = {type == EVENT_STEP_UP_FOR_RETRY ? 77 : 0}};
    store_fixture_say(&f, &r);
}

static void open_runs_are_those_that_have_not_ended(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    struct stored_run *runs = NULL;
    size_t count = 1;
    assert_true(store_open_runs(f.store, &f.arena, &runs, &count, &f.err));
    assert_int_equal(count, 0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        say_run(names[i], EVENT_RUN_ENQUEUED);
    }
    say_run("b", EVENT_RUN_START);
    say_run("c", EVENT_RUN_SUCCESS);
    say_run("d", EVENT_RUN_FAILURE);
    say_run("e", EVENT_RUN_CANCELED);
    say_run("f", EVENT_RUN_CANCELING);
    store_fixture_flush(&f);
    store_fixture_reopen(&f);
    assert_true(store_open_runs(f.store, &f.arena, &runs, &count, &f.err));
    assert_int_equal(count, 3);
    static const char *const expected[][2] = {
        {"a", "queued"}, {"b", "started"}, {"f", "canceling"}};
    for (size_t i = 0; i < count; i++) {
        assert_true(str_eq(runs[i].id, str_from(expected[i][0])));
        assert_true(str_eq(runs[i].status, str_from(expected[i][1])));
        assert_true(str_eq(runs[i].job, STR("nightly")));
    }
    AUTO(arena) small = arena_new(1024);
    assert_false(store_open_runs(f.store, &small, &runs, &count, &f.err));
    assert_int_equal(f.err.code, ERR_NO_MEMORY);
}

static void a_run_is_read_as_it_was_queued(void **state)
{
    (void)state;
    struct record r = {.type = EVENT_RUN_ENQUEUED,
                       .at = f.now,
                       .run = STR("r2"),
                       .job = STR("nightly"),
                       .cause = STR("retry"),
                       .cause_name = STR("r1"),
                       .selection = STR("*"),
                       .keys = STR("[\"a\",\"b\"]"),
                       .tags = STR("{\"site\":\"berlin\"}"),
                       .partition = STR("2026-01-01"),
                       .partition_end = STR("2026-01-02"),
                       .parent = STR("r1"),
                       .root = STR("r0"),
                       .backfill = STR("b1"),
                       .not_before = {5},
                       .steps = 2,
                       .priority = -3,
                       .retry_number = 2};
    struct stored_run run;
    bool found = false;
    store_fixture_say(&f, &r);
    store_fixture_flush(&f);
    assert_true(store_load_run(f.store, STR("r2"), &f.arena, &run, &found, &f.err));
    assert_true(found);
    assert_true(str_eq(run.cause_name, STR("r1")));
    assert_true(str_eq(run.keys, r.keys));
    assert_true(str_eq(run.tags, r.tags));
    assert_true(str_eq(run.partition, r.partition));
    assert_true(str_eq(run.partition_end, r.partition_end));
    assert_true(str_eq(run.parent, r.parent));
    assert_true(str_eq(run.root, r.root));
    assert_true(str_eq(run.backfill, r.backfill));
    assert_int_equal(run.not_before.ns, 5);
    assert_int_equal(run.steps, 2);
    assert_int_equal(run.priority, -3);
    assert_int_equal(run.retry_number, 2);
    assert_int_equal(run.created_at.ns, f.now.ns);
    assert_true(store_load_run(f.store, STR("r"), &f.arena, &run, &found, &f.err));
    assert_false(found); /* the beginning of an id is not one */
}

static void steps_are_read_with_their_states(void **state)
{
    (void)state;
    enum { MANY = 40 };
    struct stored_step *steps = NULL;
    size_t count = 0;
    say_run("r", EVENT_RUN_ENQUEUED);
    for (int i = 0; i < MANY; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "a%02d", i);
        say_step("r", key, EVENT_ASSET_MATERIALIZATION_PLANNED);
    }
    say_step("r", "a01", EVENT_STEP_START);
    say_step("r", "a02", EVENT_STEP_UP_FOR_RETRY);
    say_step("r", "a03", EVENT_STEP_FAILURE);
    store_fixture_flush(&f);
    assert_true(store_run_steps(f.store, STR("r"), &f.arena, &steps, &count, &f.err));
    assert_int_equal(count, MANY);
    static const char *const expected[] = {"waiting", "started", "up_for_retry", "failure"};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(str_eq(steps[i].status, str_from(expected[i])));
        assert_int_equal(steps[i].retry_at.ns, i == 2 ? 77 : 0);
    }
    AUTO(arena) small = arena_new(256);
    assert_false(store_run_steps(f.store, STR("r"), &small, &steps, &count, &f.err));
    assert_int_equal(f.err.code, ERR_NO_MEMORY);
}

/* What a step's program said is recorded together with how far that was read: after a crash the
 * reading goes on there. */
static void a_step_knows_how_far_its_messages_are_recorded(void **state)
{
    (void)state;
    struct stored_step *steps = NULL;
    size_t count = 0;
    say_run("r", EVENT_RUN_ENQUEUED);
    say_step("r", "a", EVENT_STEP_START);
    struct record said = {.type = EVENT_LOG,
                          .at = f.now,
                          .run = STR("r"),
                          .step = STR("a"),
                          .asset = STR("a"),
                          .attempt = 1,
                          .level = STR("info"),
                          .message = STR("x"),
                          .messages_end = 120};
    store_fixture_say(&f, &said);
    said.attempt = 2; /* not the attempt that is open */
    said.messages_end = 999;
    store_fixture_say(&f, &said);
    store_fixture_flush(&f);
    assert_true(store_run_steps(f.store, STR("r"), &f.arena, &steps, &count, &f.err));
    assert_int_equal(count, 1);
    assert_int_equal(steps[0].messages_read, 120);
    say_step("r", "a", EVENT_STEP_RESTARTED);
    store_fixture_flush(&f);
    assert_true(store_run_steps(f.store, STR("r"), &f.arena, &steps, &count, &f.err));
    assert_int_equal(steps[0].messages_read, 0);
}

static void a_partial_materialization_is_evidence_only(void **state)
{
    (void)state;
    struct stored_asset made = {0};
    bool found = false;
    struct record r = {.type = EVENT_ASSET_MATERIALIZATION,
                       .at = f.now,
                       .run = STR("r"),
                       .step = STR("a"),
                       .asset = STR("a"),
                       .data_version = STR("v1")};
    store_fixture_say(&f, &r);
    r.run = STR("later");
    r.data_version = STR("v2");
    r.is_partial = true;
    store_fixture_say(&f, &r);
    store_fixture_flush(&f);
    assert_true(store_find_asset(f.store, STR("a"), &f.arena, &made, &found, &f.err));
    assert_true(found);
    assert_true(str_eq(made.run, STR("r")));
    assert_true(str_eq(made.data_version, STR("v1")));
    assert_int_equal(made.materializations, 1);
}

/* The tables of 0001, with a run that was open and a schedule that had ticked. */
static void a_database_of_the_version_before_is_taken_over(void **state)
{
    (void)state;
    struct db *db = NULL;
    struct db_options options = {.path = temp_dir_path(&f.dir, "old.db"), .flags = DB_FOREIGN_FILE};
    AUTO(buf) sql = buf_growing(64 << 10);
    struct stored_run *runs = NULL;
    struct stored_step *steps = NULL;
    size_t count = 0;
    assert_true(files_read("agent/store/migrations/0001_agent.sql", &sql, &f.err));
    assert_true(db_open(&db, &options, &f.err));
    assert_true(db_exec(db, buf_cstr(&sql), &f.err));
    assert_true(db_exec(db,
                        "INSERT INTO buffer VALUES (1, '0123456789abcdef', 5, 2, 10, 0, 0);"
                        "INSERT INTO run VALUES ('r', 'j', 'manual', '', '*', 'started', 1, 1, 2,"
                        " NULL, '', 3, 4);"
                        "INSERT INTO step VALUES ('r', 'a', 'a', 'started', 1, 2, NULL, '');"
                        "INSERT INTO schedule VALUES ('nightly', 99, 'started', 'r');"
                        "PRAGMA application_id = 0x53764167; PRAGMA user_version = 1;",
                        &f.err));
    db_close(db);
    struct store_fixture old;
    store_fixture_init(&old, temp_dir_path(&f.dir, "old.db"), NULL);
    store_fixture_open(&old);
    assert_true(store_open_runs(old.store, &f.arena, &runs, &count, &f.err));
    assert_int_equal(count, 1);
    assert_true(str_eq(runs[0].tags, STR("{}")));
    assert_true(store_run_steps(old.store, STR("r"), &f.arena, &steps, &count, &f.err));
    assert_int_equal(count, 1);
    struct wall_time last = {0};
    bool found = false;
    assert_true(store_last_tick(old.store, STR("nightly"), &last, &found, &f.err));
    assert_true(found);
    assert_int_equal(last.ns, 99);
    store_fixture_close(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(open_runs_are_those_that_have_not_ended, begin, end),
        cmocka_unit_test_setup_teardown(a_run_is_read_as_it_was_queued, begin, end),
        cmocka_unit_test_setup_teardown(steps_are_read_with_their_states, begin, end),
        cmocka_unit_test_setup_teardown(a_step_knows_how_far_its_messages_are_recorded, begin, end),
        cmocka_unit_test_setup_teardown(a_partial_materialization_is_evidence_only, begin, end),
        cmocka_unit_test_setup_teardown(a_database_of_the_version_before_is_taken_over, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
