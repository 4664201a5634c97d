/* control_runs.c - runs asked for, tried again and canceled by hand; definitions read again. */
#include "agent/daemon/agent_internal.h"

enum { TAGS_ARENA_BYTES = 64 << 10 };

static bool is_stopping(const struct agent *agent, struct err *err)
{
    return agent->is_stopping && !err_set(err, ERR_BUSY, "the agent is stopping");
}

static bool answer_materialize(struct agent *agent, const struct json *request,
                               struct json_writer *w, struct err *err)
{
    AUTO(arena) arena = arena_new(TAGS_ARENA_BYTES);
    char run[UUID_TEXT_SIZE];
    struct agent_request wanted = {.selection = control_text(request, "selection"),
                                   .job = control_text(request, "job"),
                                   .keys = control_text(request, "keys"),
                                   .partition = control_text(request, "partition"),
                                   .partition_end = control_text(request, "partition_end"),
                                   .priority = control_number(request, "priority", 0)};
    if (!control_map(request, "tags", &arena, &wanted.tags, err) ||
        !agent_materialize(agent, &wanted, run, err)) {
        return false;
    }
    jw_member_str(w, "run", str_from(run));
    return true;
}

static bool answer_retry(struct agent *agent, const struct json *request, struct json_writer *w,
                         struct err *err)
{
    static const struct {
        struct str name;
        enum retry_what what;
    } whats[] = {{STR_INIT("from_failure"), RETRY_WHAT_FAILED},
                 {STR_INIT("from_asset_failure"), RETRY_WHAT_UNMADE},
                 {STR_INIT("all"), RETRY_WHAT_ALL},
                 {STR_INIT("selected"), RETRY_WHAT_SELECTED}};
    struct str what = control_text(request, "what");
    char run[UUID_TEXT_SIZE];
    if (is_stopping(agent, err)) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(whats); i++) {
        if (str_eq(what, whats[i].name)) {
            bool ok = runner_retry(agent->runner, control_text(request, "run"), whats[i].what,
                                   control_text(request, "selection"), STR_NONE, run, err);
            if (ok) {
                jw_member_str(w, "run", str_from(run));
            }
            return ok;
        }
    }
    return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no way to try a run again", STR_ARG(what));
}

static bool answer_cancel(struct agent *agent, const struct json *request, struct json_writer *w,
                          struct err *err)
{
    struct str run = control_text(request, "run");
    if (!runner_cancel(agent->runner, run, err)) {
        return false;
    }
    jw_member_str(w, "run", run);
    return true;
}

static bool answer_reload(struct agent *agent, const struct json *request, struct json_writer *w,
                          struct err *err)
{
    (void)request;
    AUTO(buf) changes = buf_growing(AGENT_CHANGES_BYTES_MAX);
    if (!agent_reload(agent, &changes, err)) {
        return false;
    }
    jw_member_str(w, "project", agent->defs->project);
    jw_member_i64(w, "assets", (int64_t)agent->defs->asset_count);
    jw_member_str(w, "hash", str_from(agent->defs->hash));
    jw_member_str(w, "changed", buf_str(&changes));
    return true;
}

static void write_progress(void *ctx, const struct run_progress *progress)
{
    struct json_writer *w = ctx;
    jw_begin_object(w);
    jw_member_str(w, "step", progress->step);
    jw_member_i64(w, "attempt", progress->attempt);
    jw_member_i64(w, "elapsed_s", progress->elapsed_ns / NS_PER_SEC);
    if (progress->has_counts) {
        jw_member_i64(w, "rows", progress->rows);
        jw_member_i64(w, "bytes", progress->bytes);
    }
    jw_end_object(w);
}

void agent_write_progress(const struct agent *agent, struct str run, struct json_writer *w)
{
    jw_key(w, STR("steps"));
    jw_begin_array(w);
    runner_each_progress(agent->runner, run, write_progress, w);
    jw_end_array(w);
}

static bool answer_progress(struct agent *agent, const struct json *request, struct json_writer *w,
                            struct err *err)
{
    (void)err;
    agent_write_progress(agent, control_text(request, "run"), w);
    return true;
}

const struct control_verb control_run_verbs[] = {
    {"progress", answer_progress}, {"materialize", answer_materialize}, {"retry", answer_retry},
    {"cancel", answer_cancel},     {"reload", answer_reload},           {0}};
