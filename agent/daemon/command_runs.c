/* command_runs.c - commands that start, cancel and retry runs and backfills. What they begin has the
 * tag selvedge/command. */
#include "agent/daemon/agent_internal.h"

#include "agent/run/tags.h"
#include "agent/store/runs.h"

enum { CALL_ARENA_BYTES = 1 << 20 };

static enum command_outcome outcome(bool ok, enum command_outcome good)
{
    return ok ? good : COMMAND_NOT_DONE;
}

/* Those that were given, and the command's own. */
static bool tags_of(const struct command_call *call, struct arena *arena, struct str_map *ret,
                    struct err *err)
{
    struct str name = TAG_COMMAND;
    struct str value = call->id;
    const struct str_map own = {.keys = &name, .values = &value, .count = 1};
    return tags_join(&call->given->tags, &own, arena, ret, err);
}

/* --- runs ------------------------------------------------------------------------------------- */

static enum command_outcome start_run(struct agent *agent, struct command_call *call,
                                      struct agent_request wanted, struct err *err)
{
    AUTO(arena) arena = arena_new(CALL_ARENA_BYTES);
    wanted.partition = call->given->partition;
    wanted.partition_end = call->given->partition_end;
    wanted.priority = call->given->priority;
    wanted.command = call->id;
    return outcome(tags_of(call, &arena, &wanted.tags, err) &&
                       agent_materialize(agent, &wanted, call->run, err),
                   COMMAND_GOES_ON);
}

static enum command_outcome materialize(struct agent *agent, struct command_call *call,
                                        struct json_writer *result, struct err *err)
{
    (void)result;
    return start_run(agent, call, (struct agent_request){.selection = call->given->selection}, err);
}

static enum command_outcome run_job(struct agent *agent, struct command_call *call,
                                    struct json_writer *result, struct err *err)
{
    (void)result;
    return start_run(agent, call, (struct agent_request){.job = call->given->job}, err);
}

/* --- what is meant by a cancel or a retry ----------------------------------------------------- */

struct target { /* one of the two is not empty */
    char run[UUID_TEXT_SIZE];
    char backfill[UUID_TEXT_SIZE];
};

static void set_id(char ret[UUID_TEXT_SIZE], struct str id)
{
    struct buf text = buf_fixed(ret, UUID_TEXT_SIZE - 1);
    buf_add(&text, str_slice(id, 0, UUID_TEXT_SIZE - 1));
    ret[text.len] = '\0';
}

/* What an earlier command started, as far as its line of runs has come. */
static bool find_started(struct agent *agent, struct str command, struct target *ret,
                         struct err *err)
{
    AUTO(arena) arena = arena_new(CALL_ARENA_BYTES);
    struct run_line line = {0};
    char run[UUID_TEXT_SIZE];
    if (!store_backfill_of_command(agent->store, command, ret->backfill, err)) {
        return false;
    }
    if (ret->backfill[0] != '\0') {
        return true;
    }
    if (!store_run_of_command(agent->store, command, run, err)) {
        return false;
    }
    if (run[0] == '\0') {
        return err_set(err, ERR_NOT_FOUND, "no run of command " STR_FMT " is known here",
                       STR_ARG(command));
    }
    if (!store_run_line(agent->store, command, str_from(run), &arena, &line, err)) {
        return false;
    }
    set_id(ret->run, line.run);
    return true;
}

static bool find_target(struct agent *agent, const struct command_args *given, struct target *ret,
                        struct err *err)
{
    *ret = (struct target){0};
    if (!str_is_empty(given->command)) {
        return find_started(agent, given->command, ret, err);
    }
    struct str id = str_is_empty(given->run) ? given->backfill : given->run;
    if (!uuid_is_valid(id)) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no id of a run or backfill",
                       STR_ARG(str_clip(id, 64)));
    }
    set_id(str_is_empty(given->run) ? ret->backfill : ret->run, id);
    return true;
}

static enum command_outcome cancel(struct agent *agent, struct command_call *call,
                                   struct json_writer *result, struct err *err)
{
    struct target target;
    if (!find_target(agent, call->given, &target, err)) {
        return COMMAND_NOT_DONE;
    }
    bool is_run = target.run[0] != '\0';
    struct str id = str_from(is_run ? target.run : target.backfill);
    jw_member_str(result, is_run ? "run" : "backfill", id);
    return outcome(is_run ? runner_cancel(agent->runner, id, err)
                          : backfills_cancel(agent->backfills, id, err),
                   COMMAND_DONE);
}

/* --- backfills -------------------------------------------------------------------------------- */

static void write_started(struct json_writer *w, const struct backfill_started *started)
{
    jw_member_str(w, "backfill", str_from(started->id));
    jw_member_i64(w, "legs", (int64_t)started->legs);
    jw_member_i64(w, "partitions", started->partitions);
}

static enum command_outcome backfill(struct agent *agent, struct command_call *call,
                                     struct json_writer *result, struct err *err)
{
    static const enum backfill_only only[] = {[COMMAND_ANY] = BACKFILL_ANY,
                                              [COMMAND_MISSING] = BACKFILL_MISSING,
                                              [COMMAND_FAILED] = BACKFILL_FAILED};
    AUTO(arena) arena = arena_new(CALL_ARENA_BYTES);
    const struct command_args *given = call->given;
    struct backfill_started started;
    struct backfill_request wanted = {.selection = given->selection,
                                      .order = {.bounds = {given->from, given->to},
                                                .keys = given->partitions.items,
                                                .key_count = given->partitions.count,
                                                .only = only[given->only],
                                                .newest_first = given->newest_first},
                                      .per_run = given->per_run,
                                      .runs_max = given->runs_max};
    if (!tags_of(call, &arena, &wanted.tags, err) ||
        !backfills_request(agent->backfills, &wanted, &started, err)) {
        return COMMAND_NOT_DONE;
    }
    write_started(result, &started);
    return COMMAND_DONE;
}

/* --- once more -------------------------------------------------------------------------------- */

static enum command_outcome retry(struct agent *agent, struct command_call *call,
                                  struct json_writer *result, struct err *err)
{
    static const enum retry_what whats[] = {[COMMAND_RETRY_FROM_FAILURE] = RETRY_WHAT_FAILED,
                                            [COMMAND_RETRY_ALL] = RETRY_WHAT_ALL,
                                            [COMMAND_RETRY_SELECTED] = RETRY_WHAT_SELECTED};
    struct target target;
    struct backfill_started started;
    if (!find_target(agent, call->given, &target, err)) {
        return COMMAND_NOT_DONE;
    }
    if (target.run[0] != '\0') {
        return outcome(runner_retry(agent->runner, str_from(target.run), whats[call->given->retry],
                                    call->given->selection, call->id, call->run, err),
                       COMMAND_GOES_ON);
    }
    if (!backfills_retry(agent->backfills, str_from(target.backfill), call->id, &started, err)) {
        return COMMAND_NOT_DONE;
    }
    write_started(result, &started);
    return COMMAND_DONE;
}

const struct command_verb command_run_verbs[] = {
    {.name = "materialize", .run = materialize, .is_recorded = true},
    {.name = "run_job", .run = run_job, .is_recorded = true},
    {.name = "cancel", .run = cancel, .is_idempotent = true},
    {.name = "retry", .run = retry, .is_recorded = true},
    {.name = "backfill", .run = backfill, .is_recorded = true},
    {0}};
