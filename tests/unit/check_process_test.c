/* check_process_test.c - agent/run/check_process.h with real children. */
#include "agent/run/check_process.h"

#include "agent/run/capture_read.h"
#include "common/db/db.h"
#include "common/platform/files.h"
#include "step_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"

#include <stdio.h>
#include <string.h>

enum { CHECKS_MAX = 8, ARGS = 3, TEXT_BYTES = 1000 };

struct world {
    struct step_fixture f; /* folder, loop, host */
    struct definitions defs;
    struct env_lookup env;
    struct step_context context;
    struct check checks[CHECKS_MAX];
    struct str args[CHECKS_MAX][ARGS];
    struct asset asset;
    struct resource database;
    struct check_process *process;
    int ends;
    bool canceled;
    size_t count;
    struct {
        char name[64];
        char severity[16];
        bool passed;
        char metadata[TEXT_BYTES];
    } results[CHECKS_MAX];
};

static bool get_env(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    *ret_value = STR("/usr/bin:/bin");
    return str_eq(name, STR("PATH"));
}

static void on_end(void *ctx, const struct check_results *results)
{
    struct world *w = ctx;
    w->ends++;
    w->canceled = results->canceled;
    w->count = results->count;
    for (size_t i = 0; i < results->count; i++) {
        const struct step_check *check = &results->checks[i];
        struct buf name = buf_fixed(w->results[i].name, sizeof(w->results[i].name));
        struct buf severity = buf_fixed(w->results[i].severity, sizeof(w->results[i].severity));
        struct buf metadata = buf_fixed(w->results[i].metadata, sizeof(w->results[i].metadata));
        buf_addf(&name, STR_FMT "%c", STR_ARG(check->name), '\0');
        buf_addf(&severity, STR_FMT "%c", STR_ARG(check->severity), '\0');
        buf_addf(&metadata, STR_FMT "%c", STR_ARG(check->metadata), '\0');
        w->results[i].passed = check->passed;
    }
    check_process_close(w->process);
    w->process = NULL;
}

static struct resource database(const char *name, const char *written)
{
    return (struct resource){.name = str_from(name),
                             .connector = connector_find(STR("sqlite")),
                             .written = str_from(written)};
}

static void begin(struct world *w)
{
    *w = (struct world){.env = {.get = get_env}};
    step_fixture_begin(&w->f);
    w->defs.dir = w->f.dir.path;
    w->context = (struct step_context){.defs = &w->defs,
                                       .worker = "/nonexistent",
                                       .state_dir = "/state",
                                       .run = STR("01a20425-6df2-7802-b374-82b7d2e79642"),
                                       .store_id = str_from(w->f.host->store_id),
                                       .attempt = 3,
                                       .env = &w->env};
    w->database = database("db", "{\"type\":\"sqlite\",\"path\":\"x.db\"}");
    w->asset = (struct asset){.key = STR("a/b"), .work = ASSET_RUN, .checks = w->checks};
}

static void end(struct world *w)
{
    check_process_close(w->process);
    step_fixture_end(&w->f);
}

/* A command check that runs a shell; NULL: one that is SQL of the database x.db. */
static struct check *add(struct world *w, struct str name, const char *script)
{
    size_t i = w->asset.check_count++;
    w->args[i][0] = STR("sh");
    w->args[i][1] = STR("-c");
    w->args[i][2] = str_from(script);
    w->checks[i] = (struct check){.name = name, .severity = CHECK_ERROR};
    if (script == NULL) {
        w->checks[i].sql = STR("select 1");
        w->checks[i].resource = &w->database;
    } else {
        w->checks[i].run = (struct str_list){.items = w->args[i], .count = ARGS};
    }
    return &w->checks[i];
}

static struct check_process_options options_of(struct world *w)
{
    return (struct check_process_options){.host = w->f.host,
                                          .context = &w->context,
                                          .asset = &w->asset,
                                          .output_dir = w->f.dir.path,
                                          .grace_ns = 100 * NS_PER_MS,
                                          .on_end = on_end,
                                          .ctx = w};
}

static void start(struct world *w)
{
    struct err err = {0};
    struct check_process_options options = options_of(w);
    if (!check_process_start(&w->process, w->f.loop, &options, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(w->ends, 0); /* never before it returns */
}

static void wait_for_end(struct world *w)
{
    struct err err = {0};
    for (int turns = 0; w->ends == 0; turns++) {
        assert_true(turns < STEP_FIXTURE_WAIT_MS);
        assert_true(loop_turn(w->f.loop, NS_PER_SEC, &err));
    }
}

static void run(struct world *w)
{
    start(w);
    wait_for_end(w);
}

static void assert_check(const struct world *w, size_t i, bool passed, const char *metadata)
{
    assert_int_equal(w->results[i].passed, passed);
    assert_string_equal(w->results[i].metadata, metadata);
}

static void each_passes_by_its_exit_code(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    add(&w, STR("rows"), "echo 12 rows; echo more");
    add(&w, STR("reported"), NULL)->sql = STR_NONE; /* through Dagster Pipes */
    add(&w, STR("age"), "echo '3 h old'; echo why >&2; exit 4")->severity = CHECK_WARN;
    add(&w, STR("silent"), "exit 1");
    assert_int_equal(check_process_count(&w.asset), 3);
    run(&w);
    assert_int_equal(w.ends, 1);
    assert_false(w.canceled);
    assert_int_equal(w.count, 3);
    assert_string_equal(w.results[0].name, "rows");
    assert_string_equal(w.results[0].severity, "error");
    assert_check(&w, 0, true,
                 "{\"exit_code\":{\"type\":\"int\",\"raw_value\":0},"
                 "\"output\":{\"type\":\"text\",\"raw_value\":\"12 rows\"}}");
    assert_string_equal(w.results[1].name, "age");
    assert_string_equal(w.results[1].severity, "warn");
    assert_check(&w, 1, false,
                 "{\"exit_code\":{\"type\":\"int\",\"raw_value\":4},"
                 "\"output\":{\"type\":\"text\",\"raw_value\":\"3 h old\"},"
                 "\"error\":{\"type\":\"text\",\"raw_value\":\"why\"}}");
    assert_check(&w, 2, false, "{\"exit_code\":{\"type\":\"int\",\"raw_value\":1}}");
    end(&w);
}

/* What a native step's worker has asked already. */
static void queries_of_native_steps_are_not_asked_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    add(&w, STR("query"), NULL);
    w.asset.work = ASSET_SQL;
    assert_int_equal(check_process_count(&w.asset), 0);
    add(&w, STR("command"), "true");
    assert_int_equal(check_process_count(&w.asset), 1);
    run(&w);
    assert_int_equal(w.count, 1);
    assert_string_equal(w.results[0].name, "command");
    end(&w);
}

static void make_database(struct world *w)
{
    struct db *db = NULL;
    struct err err = {0};
    struct db_options options = {.path = temp_dir_path(&w->f.dir, "x.db"),
                                 .flags = DB_FOREIGN_FILE};
    assert_true(db_open(&db, &options, &err) &&
                db_exec(db, "create table t(n int); insert into t values (3), (4)", &err));
    db_close(db);
}

/* Between commands, in the order of the definitions, by the worker itself. */
static void queries_after_a_command_are_asked_by_the_worker(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    make_database(&w);
    w.context.worker = SELVEDGE_EL;
    add(&w, STR("rows"), NULL)->sql = STR("select count(*) from t");
    add(&w, STR("command"), "true");
    struct check *none = add(&w, STR("none"), NULL);
    none->sql = STR("select count(*) from t where n > 9");
    none->severity = CHECK_WARN;
    add(&w, STR("broken"), NULL)->sql = STR("select missing from t");
    struct resource nowhere = database("no", "{\"type\":\"sqlite\",\"path\":\"nowhere.db\"}");
    add(&w, STR("nowhere"), NULL)->resource = &nowhere;
    struct resource unset = database("unset", "{\"type\":\"sqlite\",\"path\":\"${NOT_SET}/x.db\"}");
    add(&w, STR("unset"), NULL)->resource = &unset;
    run(&w);
    assert_int_equal(w.count, 6);
    assert_string_equal(w.results[0].name, "rows");
    assert_string_equal(w.results[0].severity, "error");
    assert_check(&w, 0, true, "{\"value\":{\"type\":\"int\",\"raw_value\":2}}");
    assert_string_equal(w.results[1].name, "command");
    assert_string_equal(w.results[2].severity, "warn");
    assert_check(&w, 2, false, "{\"value\":{\"type\":\"int\",\"raw_value\":0}}");
    static const char *const parts[] = {"no such column", "nowhere.db", "NOT_SET"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        assert_false(w.results[3 + i].passed);
        assert_non_null(strstr(w.results[3 + i].metadata, "\"error\""));
        assert_non_null(strstr(w.results[3 + i].metadata, parts[i]));
    }
    assert_false(files_exist(temp_dir_path(&w.f.dir, "nowhere.db")));
    end(&w);
}

/* A worker that is not there, says nothing, something else, too much, or dies: never "passed". */
static void a_worker_that_does_not_answer_means_not_passed(void **state)
{
    (void)state;
    static const struct {
        const char *script, *metadata_part;
    } workers[] = {
        {NULL, "fake-worker"},
        {"exit 0", "the worker said nothing of it"},
        {"echo '{\"event\":\"check\",\"name\":\"other\",\"passed\":true}' >&3",
         "the worker said nothing of it"},
        {"echo '{\"event\":\"check\",\"name\":\"query\",\"passed\":true}' >&3; kill -9 $$",
         "SIGKILL"},
        {"echo '{\"event\":\"error\",\"code\":\"invalid\",\"message\":\"old\"}' >&3; exit 2",
         "old"},
        {"echo '{\"event\":\"check\",\"name\":\"query\",\"passed\":true}' >&3; exec sleep 1000",
         "time-out"},
    };
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        struct world w;
        struct err err = {0};
        begin(&w);
        char worker[LIMIT_PATH_BYTES + 1];
        (void)snprintf(worker, sizeof(worker), "%s", temp_dir_path(&w.f.dir, "fake-worker"));
        w.context.worker = worker;
        AUTO(buf) text = buf_growing(TEXT_BYTES);
        buf_addf(&text, "#!/bin/sh\n%s\n", workers[i].script);
        assert_true(workers[i].script == NULL || files_write(worker, buf_str(&text), 0700, &err));
        add(&w, STR("query"), NULL);
        w.asset.timeout_ns = 300 * NS_PER_MS;
        run(&w);
        assert_int_equal(w.count, 1);
        assert_false(w.results[0].passed);
        assert_non_null(strstr(w.results[0].metadata, workers[i].metadata_part));
        end(&w);
    }
}

static void it_knows_what_it_checks(void **state)
{
    (void)state;
    static struct str names[] = {STR_INIT("LIMIT"), STR_INIT("HERE")};
    static struct str values[] = {STR_INIT("5"), STR_INIT("$$x")};
    struct world w;
    begin(&w);
    w.asset.env = (struct str_map){.keys = names, .values = values, .count = 2};
    add(&w, STR("rows"),
        "echo \"$SELVEDGE_ASSET $SELVEDGE_CHECK $SELVEDGE_ATTEMPT $LIMIT $HERE "
        "$STATE_DIR\"; test \"$(pwd)\" = \"$(dirname $(realpath 3.rows.out))\" && "
        "test -n \"$SELVEDGE_STEP_TOKEN\"");
    run(&w);
    assert_check(&w, 0, true,
                 "{\"exit_code\":{\"type\":\"int\",\"raw_value\":0},"
                 "\"output\":{\"type\":\"text\",\"raw_value\":"
                 "\"a/b rows 3 5 $x /state\"}}");
    AUTO(arena) arena = arena_new(1 << 20);
    struct capture_stream *streams = NULL;
    size_t count = 0;
    struct err err = {0};
    assert_true(capture_streams(w.f.dir.path, &arena, &streams, &count, &err));
    assert_int_equal(count, 2);
    assert_true(str_eq(streams[0].check, STR("rows")));
    assert_int_equal(streams[0].attempt, 3);
    end(&w);
}

static void one_that_cannot_be_has_not_passed_and_the_next_is_asked(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    add(&w, STR("unset"), "echo ${NOT_SET}");
    struct check *missing = add(&w, STR("missing"), "");
    w.args[1][0] = STR("no-such-program");
    (void)missing;
    add(&w, STR("endless"), "sleep 1000");
    add(&w, STR("killed"), "kill -9 $$$$");
    add(&w, STR("good"), "true");
    w.asset.timeout_ns = 200 * NS_PER_MS;
    run(&w);
    assert_int_equal(w.count, 5);
    static const char *const parts[] = {"NOT_SET", "no-such-program", "time-out", "SIGKILL"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        assert_false(w.results[i].passed);
        assert_non_null(strstr(w.results[i].metadata, "\"error\""));
        assert_non_null(strstr(w.results[i].metadata, parts[i]));
    }
    assert_true(w.results[4].passed);
    end(&w);
}

static void a_cancel_ends_the_present_one_and_asks_no_other(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    add(&w, STR("first"), "exit 0");
    add(&w, STR("second"), "echo $$$$ >pid; exec sleep 1000");
    add(&w, STR("third"), "touch third");
    start(&w);
    pid_t pid = step_fixture_pid(&w.f, "pid");
    check_process_cancel(w.process);
    wait_for_end(&w);
    assert_true(w.canceled);
    assert_int_equal(w.count, 1);
    assert_string_equal(w.results[0].name, "first");
    assert_false(step_fixture_is_alive(pid));
    assert_false(files_exist(temp_dir_path(&w.f.dir, "third")));
    /* Before the first has begun. */
    w.ends = 0;
    start(&w);
    check_process_cancel(w.process);
    wait_for_end(&w);
    assert_int_equal(w.count, 0);
    end(&w);
}

static void closing_is_silent(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    begin(&w);
    add(&w, STR("endless"), "echo $$$$ >pid; exec sleep 1000");
    start(&w);
    pid_t pid = step_fixture_pid(&w.f, "pid");
    check_process_close(w.process);
    w.process = NULL;
    for (int turns = 0; step_fixture_is_alive(pid); turns++) {
        assert_true(turns < STEP_FIXTURE_WAIT_MS);
        assert_true(loop_turn(w.f.loop, NS_PER_MS, &err));
    }
    assert_int_equal(w.ends, 0);
    check_process_close(NULL);
    end(&w);
}

/* Whatever cannot be had: every check has a verdict, and none of them is "passed" by mistake. */
static void without_memory_nothing_passes_by_mistake(void **state)
{
    (void)state;
    bool has_failed = true;
    for (int nth = 0; has_failed; nth++) {
        struct world w;
        struct err err = {0};
        begin(&w);
        add(&w, STR("bad"), "exit 1");
        add(&w, STR("query"), NULL);
        struct check_process_options options = options_of(&w);
        w.context.worker = SELVEDGE_EL; /* whose database is not there */
        fault_malloc_arm(nth);
        bool ok = check_process_start(&w.process, w.f.loop, &options, &err);
        for (int turns = 0; ok && w.ends == 0; turns++) {
            assert_true(turns < STEP_FIXTURE_WAIT_MS);
            assert_true(loop_turn(w.f.loop, NS_PER_SEC, &err));
        }
        has_failed = fault_malloc_disarm();
        if (ok) {
            assert_int_equal(w.count, 2);
            assert_false(w.results[0].passed || w.results[1].passed);
        } else {
            assert_int_equal(err.code, ERR_NO_MEMORY);
            assert_true(has_failed);
        }
        end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_passes_by_its_exit_code),
        cmocka_unit_test(queries_of_native_steps_are_not_asked_again),
        cmocka_unit_test(queries_after_a_command_are_asked_by_the_worker),
        cmocka_unit_test(a_worker_that_does_not_answer_means_not_passed),
        cmocka_unit_test(it_knows_what_it_checks),
        cmocka_unit_test(one_that_cannot_be_has_not_passed_and_the_next_is_asked),
        cmocka_unit_test(a_cancel_ends_the_present_one_and_asks_no_other),
        cmocka_unit_test(closing_is_silent),
        cmocka_unit_test(without_memory_nothing_passes_by_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
