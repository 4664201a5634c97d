#include "runner_fixture.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

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

static void on_run_ended(void *ctx, const struct run_end *end)
{
    struct runner_world *w = ctx;
    if (w->ended < RUNNER_ENDS_MAX) {
        (void)snprintf(w->ends[w->ended], UUID_TEXT_SIZE, STR_FMT, STR_ARG(end->run));
        w->states[w->ended] = end->state;
    }
    w->ended++;
    w->state = end->state;
}

void runner_world_check(const struct runner_world *w, bool ok)
{
    if (!ok) {
        fail_msg("%s", w->err.msg);
    }
}

void runner_world_init(struct runner_world *w, const char *text)
{
    runner_world_init_at(w, text, clock_system());
}

void runner_world_init_at(struct runner_world *w, const char *text, struct clock clock)
{
    AUTO(buf) all = buf_growing(4 << 20);
    *w = (struct runner_world){.dir = temp_dir_new(), .rng = rng_system(), .env = {.get = get_env}};
    buf_add_text(&all, "project: many\n");
    buf_add_text(&all, text);
    load_text(&w->loaded, buf_cstr(&all));
    assert_loaded(&w->loaded);
    w->loaded.defs->dir = w->dir.path;
    runner_world_check(w, loop_open(&w->loop, clock, &w->err));
    store_fixture_init(&w->fixture, temp_dir_path(&w->dir, "agent.db"), NULL);
    w->fixture.options.quota_bytes = 64 << 20;
    store_fixture_open(&w->fixture);
    w->options = (struct runner_options){.loop = w->loop,
                                         .rng = &w->rng,
                                         .store = w->fixture.store,
                                         .defs = w->loaded.defs,
                                         .state_dir = w->dir.path,
                                         .worker = "/nonexistent",
                                         .env = &w->env,
                                         .steps_max = 1,
                                         .runs_max = 1,
                                         .retention = {.runs = 100, .output_bytes = 1 << 30},
                                         .takes_over = true,
                                         .on_recorded = on_recorded,
                                         .on_run_ended = on_run_ended,
                                         .ctx = w};
    runner_world_check(w, runner_open(&w->runner, &w->options, &w->err));
}

void runner_world_release(struct runner_world *w)
{
    runner_close(w->runner);
    store_fixture_close(&w->fixture);
    loop_close(w->loop);
    loaded_release(&w->loaded);
    temp_dir_release(&w->dir);
}

void runner_world_reopen(struct runner_world *w)
{
    runner_close(w->runner);
    w->runner = NULL;
    store_fixture_reopen(&w->fixture);
    w->options.store = w->fixture.store;
    w->options.defs = w->loaded.defs;
    runner_world_check(w, runner_open(&w->runner, &w->options, &w->err));
}

void runner_world_enqueue(struct runner_world *w, const char *what, char ret_run[UUID_TEXT_SIZE])
{
    const struct job *job = NULL;
    struct err none = {0};
    struct run_request request = {
        .cause = STR("manual"), .selection = str_from(what), .on_overlap = OVERLAP_QUEUE};
    if (definitions_find_job(w->loaded.defs, str_from(what), &job, &none)) {
        request.job = job->name;
        request.assets = job->assets;
        request.asset_count = job->asset_count;
        request.selection = job->select;
    }
    runner_world_check(w, runner_enqueue(w->runner, &request, ret_run, &w->err));
}

void runner_world_turn(struct runner_world *w)
{
    runner_world_check(w, loop_turn(w->loop, 20 * NS_PER_MS, &w->err));
}

void runner_world_wait(struct runner_world *w, int ends)
{
    for (int turns = 0; w->ended < ends; turns++) {
        assert_true(turns < 100000);
        runner_world_turn(w);
    }
}

void runner_world_wait_file(struct runner_world *w, const char *name)
{
    for (int turns = 0; !files_exist(temp_dir_path(&w->dir, name)); turns++) {
        assert_true(turns < 10000);
        runner_world_turn(w);
    }
}

int runner_world_events(struct runner_world *w, enum event_type type, const char *asset)
{
    AUTO(buf) lines = buf_growing(STORE_FIXTURE_LINES_MAX);
    int count = 0;
    int64_t next = 1;
    while (next <= store_last_seq(w->fixture.store)) {
        struct batch_header header;
        buf_reset(&lines);
        runner_world_check(w, store_read_batch(w->fixture.store, next, LIMIT_BATCH_EVENTS, &header,
                                               &lines, &w->err));
        struct str rest = buf_str(&lines);
        struct str line = STR_NONE;
        while (str_cut(rest, '\n', &line, &rest)) {
            struct event event;
            runner_world_check(w, event_parse(line, &event, &w->err));
            assert_int_equal(event.seq, next);
            next++;
            count += event.type == type && (asset == NULL || str_eq(event.asset, str_from(asset)));
        }
    }
    return count;
}

int runner_world_lines(struct runner_world *w, const char *first, const char *second,
                       const char *third)
{
    AUTO(buf) lines = buf_growing(STORE_FIXTURE_LINES_MAX);
    int count = 0;
    int64_t next = 1;
    while (next <= store_last_seq(w->fixture.store)) {
        struct batch_header header;
        buf_reset(&lines);
        runner_world_check(w, store_read_batch(w->fixture.store, next, LIMIT_BATCH_EVENTS, &header,
                                               &lines, &w->err));
        struct str rest = buf_str(&lines);
        struct str line = STR_NONE;
        while (str_cut(rest, '\n', &line, &rest)) {
            next++;
            count += str_contains(line, str_from(first)) && str_contains(line, str_from(second)) &&
                     str_contains(line, str_from(third));
        }
    }
    return count;
}

const char *runner_world_file(struct runner_world *w, const char *name)
{
    static char text[4096];
    AUTO(buf) read = buf_growing(sizeof(text) - 1);
    struct err none = {0};
    text[0] = '\0';
    if (files_read(temp_dir_path(&w->dir, name), &read, &none)) {
        (void)snprintf(text, sizeof(text), "%s", buf_cstr(&read));
    }
    return text;
}
