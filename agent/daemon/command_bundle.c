/* command_bundle.c - bundles by command, for once: `deploy` {"bundle": hash} takes one, whatever became
 * of it before; `rollback` {"local": bool} goes to the one before it, or to the local file. */
#include "agent/daemon/agent_internal.h"

#include <stddef.h>

enum { ARGS_BYTES_MAX = 4096, ARGS_ARENA_BYTES = 64 << 10 };

struct bundle_args {
    struct str bundle;
    bool local;
};
static const struct field deploy_fields[] = {{.key = "bundle",
                                              .type = FIELD_STR,
                                              .offset = offsetof(struct bundle_args, bundle),
                                              .required = true}};
static const struct field_table deploy_table = {.name = "args",
                                                .size = sizeof(struct bundle_args),
                                                .fields = deploy_fields,
                                                .count = COUNT_OF(deploy_fields)};
static const struct field rollback_fields[] = {
    {.key = "local", .type = FIELD_BOOL, .offset = offsetof(struct bundle_args, local)}};
static const struct field_table rollback_table = {.name = "args",
                                                  .size = sizeof(struct bundle_args),
                                                  .fields = rollback_fields,
                                                  .count = COUNT_OF(rollback_fields)};

static bool read_args(struct str text, const struct field_table *table, struct arena *arena,
                      struct bundle_args *ret, struct err *err)
{
    struct json *root = NULL;
    struct problems problems = {.arena = arena};
    *ret = (struct bundle_args){0};
    return json_parse(str_is_empty(text) ? STR("{}") : text, ARGS_BYTES_MAX, arena, &root, err) &&
           (fields_read(root, table, str_from(table->name), arena, &problems, ret) ||
            problems_to_err(&problems, err));
}

static bool check_deploy(struct agent *agent, const struct command *command, struct err *err)
{
    AUTO(arena) arena = arena_new(ARGS_ARENA_BYTES);
    struct bundle_args args;
    (void)agent;
    return read_args(command->args, &deploy_table, &arena, &args, err) &&
           (bundle_hash_is_good(args.bundle) ||
            err_set(err, ERR_INVALID, "args.bundle: 64 hex digits are expected"));
}

static bool check_rollback(struct agent *agent, const struct command *command, struct err *err)
{
    AUTO(arena) arena = arena_new(ARGS_ARENA_BYTES);
    struct bundle_args args;
    (void)agent;
    return read_args(command->args, &rollback_table, &arena, &args, err);
}

static void write_current(const struct agent *agent, struct json_writer *result)
{
    jw_member_opt(result, "current", str_from(agent->bundle_place.current));
}

static enum command_outcome deploy(struct agent *agent, struct command_call *call,
                                   struct json_writer *result, struct err *err)
{
    AUTO(arena) arena = arena_new(ARGS_ARENA_BYTES);
    struct bundle_args args;
    if (!read_args(call->args, &deploy_table, &arena, &args, err) ||
        !bundles_deploy(agent->bundles, args.bundle, err)) {
        return COMMAND_NOT_DONE;
    }
    write_current(agent, result);
    return COMMAND_DONE;
}

static enum command_outcome rollback(struct agent *agent, struct command_call *call,
                                     struct json_writer *result, struct err *err)
{
    AUTO(arena) arena = arena_new(ARGS_ARENA_BYTES);
    struct bundle_args args;
    if (!read_args(call->args, &rollback_table, &arena, &args, err) ||
        !bundles_roll_back(agent->bundles, args.local, STR("a command said so"), err)) {
        return COMMAND_NOT_DONE;
    }
    write_current(agent, result);
    return COMMAND_DONE;
}

const struct command_verb command_bundle_verbs[] = {
    {.name = "deploy", .check_args = check_deploy, .run = deploy, .is_idempotent = true},
    {.name = "rollback", .check_args = check_rollback, .run = rollback},
    {0}};
