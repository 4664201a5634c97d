/* command_logs.c - captured output of steps, sent to the hub. */
#include "agent/daemon/agent_internal.h"

#include "agent/run/capture_read.h"
#include <inttypes.h>
#include <stdio.h>

enum { STREAMS_ARENA_BYTES = 4 << 20, NAME_BYTES_MAX = 512 };

/* Names that lead nowhere else: they become part of a path. */
static bool check_names(const struct command_args *given, struct err *err)
{
    if (!uuid_is_valid(given->run)) {
        return err_set(err, ERR_INVALID, "logs.run: \"" STR_FMT "\" is no id of a run",
                       STR_ARG(str_clip(given->run, 64)));
    }
    bool is_path = str_starts(given->step, STR("/")) || str_contains(given->step, STR("..")) ||
                   given->step.len > LIMIT_ASSET_KEY_BYTES;
    return !is_path || err_set(err, ERR_INVALID, "logs.step: \"" STR_FMT "\" is no key of a step",
                               STR_ARG(str_clip(given->step, 64)));
}

/* Of the step itself: the attempt that is asked for, or its last. */
static const struct capture_stream *choose(const struct capture_stream *streams, size_t count,
                                           const struct command_args *given)
{
    const struct capture_stream *chosen = NULL;
    for (size_t i = 0; i < count; i++) {
        bool is_error = given->stream == COMMAND_STDERR;
        bool is_it = str_is_empty(streams[i].check) && streams[i].is_error == is_error &&
                     (given->attempt == 0 || given->attempt == streams[i].attempt);
        if (is_it && (chosen == NULL || streams[i].attempt > chosen->attempt)) {
            chosen = &streams[i];
        }
    }
    return chosen;
}

static enum command_outcome logs(struct agent *agent, struct command_call *call,
                                 struct json_writer *result, struct err *err)
{
    (void)result;
    const struct command_args *given = call->given;
    AUTO(arena) arena = arena_new(STREAMS_ARENA_BYTES);
    char folder[2 * LIMIT_PATH_BYTES];
    char name[NAME_BYTES_MAX];
    struct capture_stream *streams = NULL;
    size_t count = 0;
    if (!check_names(given, err)) {
        return COMMAND_NOT_DONE;
    }
    (void)snprintf(folder, sizeof(folder), "%s/runs/" STR_FMT "/" STR_FMT, agent->state_dir_abs,
                   STR_ARG(given->run), STR_ARG(given->step));
    if (!capture_streams(folder, &arena, &streams, &count, err)) {
        return COMMAND_NOT_DONE;
    }
    const struct capture_stream *stream = choose(streams, count, given);
    if (stream == NULL) {
        (void)err_set(err, ERR_NOT_FOUND,
                      "no output of step " STR_FMT " in run " STR_FMT " is kept here",
                      STR_ARG(given->step), STR_ARG(given->run));
        return COMMAND_NOT_DONE;
    }
    (void)snprintf(name, sizeof(name), STR_FMT "/%" PRId64 ".%s", STR_ARG(given->step),
                   stream->attempt, stream->is_error ? "stderr" : "stdout");
    struct piece_source source = {.path = stream->path,
                                  .name = str_from(name),
                                  .offset = given->offset,
                                  .bytes = given->bytes,
                                  .follow_ns = given->follow_ns,
                                  .expires_at = call->expires_at};
    return agent_send_pieces(agent, call->id, &source) ? COMMAND_GOES_ON : COMMAND_LATER;
}

const struct command_verb command_log_verbs[] = {
    {.name = "logs", .run = logs, .is_idempotent = true}, {0}};
