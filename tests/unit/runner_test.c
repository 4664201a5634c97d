/* runner_test.c - the runner with a real store, loop and children. */
#include "agent/run/runner.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "definitions_fixture.h"
#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>

struct world {
    struct temp_dir dir;
    struct loop *loop;
    struct store_fixture fixture;
    struct loaded loaded;
    struct rng rng;
    struct env_lookup env;
    struct runner *runner;
    int ended;
    enum run_state state;
};

static bool get_env(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    *ret_value = STR("/usr/bin:/bin");
    return str_eq(name, STR("PATH"));
}

static void on_recorded(void *ctx, int64_t last_seq)
{
    (void)ctx;
    (void)last_seq;
}

static void on_run_ended(void *ctx, struct str run, enum run_state state)
{
    struct world *w = ctx;
    (void)run;
    w->ended++;
    w->state = state;
}

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s", err->msg);
    }
}

static void open_runner(struct world *w, int64_t runs_kept)
{
    struct err err = {0};
    struct runner_options options = {.loop = w->loop,
                                     .rng = &w->rng,
                                     .store = w->fixture.store,
                                     .defs = w->loaded.defs,
                                     .state_dir = w->dir.path,
                                     .worker = "/nonexistent",
                                     .env = &w->env,
                                     .steps_max = 1,
                                     .runs_kept = runs_kept,
                                     .on_recorded = on_recorded,
                                     .on_run_ended = on_run_ended,
                                     .ctx = w};
    check(runner_open(&w->runner, &options, &err), &err);
}

/* `count` assets a0, a1, ..., each after the one before; every one runs `command`. */
static void begin(struct world *w, int count, const char *command, int64_t runs_kept)
{
    struct err err = {0};
    AUTO(buf) text = buf_growing(4 << 20);
    *w = (struct world){.dir = temp_dir_new(), .rng = rng_system(), .env = {.get = get_env}};
    buf_add_text(&text, "project: many\nassets:\n");
    for (int i = 0; i < count; i++) {
        buf_addf(&text, "  - {key: a%d, run: [%s]", i, command);
        if (i > 0) {
            buf_addf(&text, ", deps: [a%d]", i - 1);
        }
        buf_add_text(&text, "}\n");
    }
    load_text(&w->loaded, buf_cstr(&text));
    assert_loaded(&w->loaded);
    w->loaded.defs->dir = w->dir.path;
    check(loop_open(&w->loop, clock_system(), &err), &err);
    store_fixture_init(&w->fixture, temp_dir_path(&w->dir, "agent.db"), NULL);
    w->fixture.options.quota_bytes = 64 << 20;
    store_fixture_open(&w->fixture);
    open_runner(w, runs_kept);
}

static void end(struct world *w)
{
    runner_close(w->runner);
    store_fixture_close(&w->fixture);
    loop_close(w->loop);
    loaded_release(&w->loaded);
    temp_dir_release(&w->dir);
}

static void enqueue(struct world *w, char run[UUID_TEXT_SIZE])
{
    struct err err = {0};
    struct run_request request = {.cause = STR("manual"), .selection = STR("*")};
    check(runner_enqueue(w->runner, &request, run, &err), &err);
}

static void wait_for_ends(struct world *w, int count)
{
    struct err err = {0};
    while (w->ended < count) {
        check(loop_turn(w->loop, 10 * NS_PER_SEC, &err), &err);
    }
}

/* How many events of a type wait; the numbers leave no hole. */
static int count_events(struct world *w, enum event_type type)
{
    struct err err = {0};
    AUTO(buf) lines = buf_growing(2 * (LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES));
    int count = 0;
    int64_t next = 1;
    while (next <= store_last_seq(w->fixture.store)) {
        struct batch_header header;
        buf_reset(&lines);
        check(store_read_batch(w->fixture.store, next, LIMIT_BATCH_EVENTS, &header, &lines, &err),
              &err);
        struct str rest = buf_str(&lines);
        struct str line = STR_NONE;
        while (str_cut(rest, '\n', &line, &rest)) {
            struct event event;
            check(event_parse(line, &event, &err), &err);
            assert_int_equal(event.seq, next);
            next++;
            count += event.type == type;
        }
    }
    return count;
}

/* More than the store's memory for records that wait holds at a time. */
static void a_large_run_is_recorded_whole(void **state)
{
    enum { ASSETS = 6000 };
    (void)state;
    struct world w;
    char run[UUID_TEXT_SIZE];
    struct err err = {0};
    begin(&w, ASSETS, "sleep, '60'", 10);
    enqueue(&w, run);
    check(loop_turn(w.loop, 0, &err), &err);
    assert_int_equal(runner_active_steps(w.runner), 1);
    runner_cancel_all(w.runner);
    wait_for_ends(&w, 1);
    assert_int_equal(w.state, RUN_CANCELED);
    assert_int_equal(count_events(&w, EVENT_ASSET_MATERIALIZATION_PLANNED), ASSETS);
    assert_int_equal(count_events(&w, EVENT_STEP_START), 1);
    assert_int_equal(count_events(&w, EVENT_STEP_SKIPPED), ASSETS - 1);
    assert_int_equal(count_events(&w, EVENT_RUN_CANCELED), 1);
    end(&w);
}

static bool has_output(struct world *w, const char *run)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/runs/%s", w->dir.path, run);
    return files_exist(path);
}

/* A device on which nothing but `selvedge-agent materialize` runs starts the engine for each run. */
static void old_output_goes_however_short_the_engine_lives(void **state)
{
    enum { RUNS = 4 };
    (void)state;
    struct world w;
    char runs[RUNS][UUID_TEXT_SIZE];
    begin(&w, 1, "'true'", 2);
    for (int i = 0; i < RUNS; i++) {
        enqueue(&w, runs[i]);
        wait_for_ends(&w, i + 1);
        assert_int_equal(w.state, RUN_SUCCESS);
        runner_close(w.runner);
        open_runner(&w, 2);
    }
    assert_false(has_output(&w, runs[0]));
    assert_false(has_output(&w, runs[1]));
    assert_true(has_output(&w, runs[2]));
    assert_true(has_output(&w, runs[3]));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_run_is_recorded_whole),
        cmocka_unit_test(old_output_goes_however_short_the_engine_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
