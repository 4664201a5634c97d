#include "command_work.h"

#include "agent/run/tags.h"
#include "agent/store/runs.h"
#include "common/json/json.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

#define START_NS (INT64_C(1795000000) * NS_PER_SEC)

/* What verbs are given: here it is the workload. */
static struct command_work *work_of(struct agent *agent)
{
    return (struct command_work *)(void *)agent;
}

static struct agent *agent_of(struct command_work *w)
{
    return (struct agent *)(void *)w;
}

static int number_of(const struct command_work *w, struct str id)
{
    for (int i = 0; i < w->count; i++) {
        if (str_eq(id, str_from(w->ids[i]))) {
            return i;
        }
    }
    fail_msg("no command " STR_FMT, STR_ARG(id));
    return 0;
}

/* --- verbs ------------------------------------------------------------------------------------ */

static enum command_outcome ping(struct agent *agent, struct command_call *call,
                                 struct json_writer *result, struct err *err)
{
    (void)agent;
    (void)call;
    (void)err;
    jw_member_bool(result, "there", true);
    return COMMAND_DONE;
}

/* A run that is recorded, as runner_enqueue() does. */
static enum command_outcome materialize(struct agent *agent, struct command_call *call,
                                        struct json_writer *result, struct err *err)
{
    struct command_work *w = work_of(agent);
    char tags[128];
    (void)result;
    (void)snprintf(call->run, sizeof(call->run), "02a20425-dd00-753f-8b4a-%012d", w->runs_made++);
    (void)snprintf(tags, sizeof(tags), "{\"selvedge/command\":\"" STR_FMT "\"}", STR_ARG(call->id));
    const struct record enqueued = {.type = EVENT_RUN_ENQUEUED,
                                    .at = w->fixture.now,
                                    .run = str_from(call->run),
                                    .cause = STR("command"),
                                    .cause_name = call->id,
                                    .selection = STR("a"),
                                    .tags = str_from(tags),
                                    .steps = 1};
    return store_record(w->fixture.store, &enqueued, err) ? COMMAND_GOES_ON : COMMAND_NOT_DONE;
}

/* Something outside the database. */
static enum command_outcome deploy(struct agent *agent, struct command_call *call,
                                   struct json_writer *result, struct err *err)
{
    struct command_work *w = work_of(agent);
    (void)result;
    (void)err;
    w->deployed[number_of(w, call->id)]++;
    return COMMAND_DONE;
}

static enum command_outcome describe(struct agent *agent, struct command_call *call,
                                     struct json_writer *result, struct err *err)
{
    struct command_work *w = work_of(agent);
    (void)result;
    (void)err;
    if (w->describing[0] != '\0') {
        return COMMAND_LATER;
    }
    (void)snprintf(w->describing, sizeof(w->describing), STR_FMT, STR_ARG(call->id));
    return COMMAND_GOES_ON;
}

static const struct command_verb verbs[] = {
    {.name = "ping", .run = ping, .is_idempotent = true},
    {.name = "materialize", .run = materialize, .is_recorded = true},
    {.name = "deploy", .run = deploy},
    {.name = "describe", .run = describe, .is_idempotent = true},
    {0}};
static const struct command_verb *const tables[] = {verbs, NULL};

static bool flush(struct agent *agent)
{
    struct command_work *w = work_of(agent);
    struct err err = {0};
    bool ok = store_flush(w->fixture.store, w->fixture.now, &err);
    w->is_failing = w->is_failing || !ok;
    return ok;
}

/* --- life ------------------------------------------------------------------------------------- */

void command_work_init(struct command_work *w, const struct signed_fixture *keys, int count,
                       const char *path, const char *vfs)
{
    memset(w, 0, sizeof(*w));
    store_fixture_init(&w->fixture, path, vfs);
    w->fixture.now.ns = START_NS;
    w->mono.ns = NS_PER_SEC;
    w->keys = keys;
    w->count = count;
    for (int i = 0; i < count; i++) {
        struct command c = signed_fixture_command(i + 1, w->fixture.now, w->ids[i]);
        c.verb = str_from(verbs[i % COMMAND_WORK_VERBS].name);
        c.args = str_eq(c.verb, STR("materialize")) ? STR("{\"selection\":\"a\"}") : STR_NONE;
        w->messages[i] = buf_growing(1 << 16);
        signed_fixture_sign(keys, &c, &w->messages[i]);
    }
}

void command_work_close(struct command_work *w)
{
    commands_close(w->commands);
    w->commands = NULL;
    store_fixture_close(&w->fixture);
    w->describing[0] = '\0';
    w->is_failing = false;
}

void command_work_release(struct command_work *w)
{
    command_work_close(w);
    for (int i = 0; i < w->count; i++) {
        buf_release(&w->messages[i]);
    }
}

bool command_work_open(struct command_work *w, struct err *err)
{
    struct commands_options options = {.agent = agent_of(w), .tables = tables, .flush = flush};
    if (!store_open(&w->fixture.store, &w->fixture.options, w->fixture.now, NULL, err)) {
        w->fixture.store = NULL;
        return false;
    }
    options.store = w->fixture.store;
    return commands_open(&w->commands, &options, err);
}

void command_work_receive(struct command_work *w, int number)
{
    const struct admission_question q = {.payload = buf_str(&w->messages[number]),
                                         .keys = buf_str(&w->keys->public),
                                         .fleet = STR("main"),
                                         .device = STR("brooklyn"),
                                         .now = w->fixture.now};
    w->mono.ns += NS_PER_SEC;
    (void)commands_receive(w->commands, &q, w->mono);
}

void command_work_steps(struct command_work *w)
{
    for (int i = 0; i < 10 * COMMAND_WORK_MAX && commands_step(w->commands, w->fixture.now); i++) {
        assert_true(i + 1 < 10 * COMMAND_WORK_MAX);
    }
}

static void end_runs(struct command_work *w)
{
    AUTO(arena) arena = arena_new(8 << 20);
    struct stored_run *runs = NULL;
    size_t count = 0;
    struct err err = {0};
    if (!flush(agent_of(w)) || !store_open_runs(w->fixture.store, &arena, &runs, &count, &err)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct record ended = {
            .type = EVENT_RUN_SUCCESS, .at = w->fixture.now, .run = runs[i].id};
        /* The runner tells when it is durable, and tries until it is. */
        if (store_record(w->fixture.store, &ended, &err) &&
            (flush(agent_of(w)) || flush(agent_of(w)))) {
            commands_run_ended(w->commands, runs[i].id, w->fixture.now);
        }
    }
}

void command_work_end_what_goes_on(struct command_work *w)
{
    end_runs(w);
    if (w->describing[0] != '\0') {
        char id[UUID_TEXT_SIZE];
        memcpy(id, w->describing, sizeof(id));
        w->describing[0] = '\0';
        commands_end(w->commands, str_from(id), STR("{\"to\":1}"), NULL, w->fixture.now);
    }
}

/* --- the end ---------------------------------------------------------------------------------- */

static bool has_ended(struct command_work *w, int number)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_command s;
    struct err err = {0};
    bool found = false;
    assert_true(
        store_load_command(w->fixture.store, str_from(w->ids[number]), &arena, &s, &found, &err));
    return found && command_status_is_end(s.status);
}

void command_work_finish(struct command_work *w)
{
    for (int round = 0; round < 2 * COMMAND_WORK_MAX; round++) {
        bool is_done = true;
        command_work_steps(w);
        for (int i = 0; i < w->count; i++) {
            if (!has_ended(w, i)) {
                is_done = false;
                command_work_receive(w, i);
            }
        }
        if (is_done) {
            return;
        }
        command_work_steps(w);
        command_work_end_what_goes_on(w);
    }
    fail_msg("commands without an end");
}

/* What was told of one command. */
struct told {
    int received, started, ends;
    bool has_succeeded, is_interrupted, is_after_end;
};

static void take_event(struct command_work *w, struct str line, struct told *told)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct json *node = NULL;
    struct err err = {0};
    assert_true(json_parse(line, 1 << 20, &arena, &node, &err));
    const struct json *type = json_get(node, "type");
    const struct json *id = json_get(node, "command");
    if (!str_eq(type->as.string, STR("command")) || id == NULL) {
        return;
    }
    struct told *t = &told[number_of(w, id->as.string)];
    struct str status = json_get(node, "status")->as.string;
    enum command_status s;
    assert_true(command_status_from(status, &s));
    t->is_after_end = t->is_after_end || t->ends > 0;
    t->received += s == COMMAND_RECEIVED;
    t->started += s == COMMAND_STARTED;
    t->ends += command_status_is_end(s);
    t->has_succeeded = t->has_succeeded || s == COMMAND_SUCCEEDED;
    const struct json *code = json_get(node, "code");
    t->is_interrupted =
        t->is_interrupted || (code != NULL && str_eq(code->as.string, STR("interrupted")));
}

static void read_told(struct command_work *w, struct told *told)
{
    AUTO(buf) lines = buf_growing(STORE_FIXTURE_LINES_MAX);
    struct err err = {0};
    struct batch_header header;
    for (int64_t from = 1; from <= store_last_seq(w->fixture.store); from = header.last + 1) {
        buf_reset(&lines);
        assert_true(store_read_batch(w->fixture.store, from, 100, &header, &lines, &err));
        struct str rest = buf_str(&lines);
        struct str line;
        while (str_cut(rest, '\n', &line, &rest)) {
            take_event(w, line, told);
        }
    }
}

static int runs_of(struct command_work *w, struct str id)
{
    char run[UUID_TEXT_SIZE];
    struct err err = {0};
    assert_true(store_run_of_command(w->fixture.store, id, run, &err));
    return run[0] != '\0';
}

void command_work_check(struct command_work *w)
{
    struct told told[COMMAND_WORK_MAX] = {0};
    int materialized = 0;
    read_told(w, told);
    for (int i = 0; i < w->count; i++) {
        const char *verb = verbs[i % COMMAND_WORK_VERBS].name;
        bool is_deploy = strcmp(verb, "deploy") == 0;
        const struct told *t = &told[i];
        if (t->received != 1 || t->ends != 1 || t->started > 1 || t->is_after_end) {
            fail_msg("command %d (%s): received %d times, started %d, ended %d", i, verb,
                     t->received, t->started, t->ends);
        }
        assert_true(t->has_succeeded || (is_deploy && t->is_interrupted));
        assert_true(w->deployed[i] <= 1);
        assert_false(is_deploy && t->has_succeeded && w->deployed[i] != 1);
        if (strcmp(verb, "materialize") == 0) {
            assert_int_equal(runs_of(w, str_from(w->ids[i])), 1);
            materialized++;
        }
    }
    AUTO(arena) arena = arena_new(8 << 20);
    struct stored_run *runs = NULL;
    size_t open = 0;
    struct err err = {0};
    assert_true(store_open_runs(w->fixture.store, &arena, &runs, &open, &err));
    assert_int_equal(open, 0);
    int64_t enqueued = 0;
    AUTO(buf) lines = buf_growing(STORE_FIXTURE_LINES_MAX);
    struct batch_header header;
    for (int64_t from = 1; from <= store_last_seq(w->fixture.store); from = header.last + 1) {
        buf_reset(&lines);
        assert_true(store_read_batch(w->fixture.store, from, 100, &header, &lines, &err));
        for (struct str rest = buf_str(&lines), line; str_cut(rest, '\n', &line, &rest);) {
            enqueued += str_contains(line, STR("\"type\":\"run_enqueued\""));
        }
    }
    assert_int_equal(enqueued, materialized); /* one run each, ever */
}
