/* command_trust.c - other keys whose commands this device obeys. The whole set is told, so that it does
 * not matter which earlier ones were missed. A command that was issued before the one in force is
 * refused: who withheld it must not bring a removed key back with it. */
#include "agent/daemon/agent_internal.h"

#include "common/log/log.h"
#include "common/wire/signed.h"

#define TRUSTED_SINCE STR("trusted_since") /* when the set in force was issued, in ms */

enum { NUMBER_BYTES = 24 };

static bool check_keys(struct agent *agent, const struct command *command, struct err *err)
{
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    struct command_args args;
    (void)agent;
    return command_read_args(command, &arena, &args, err) &&
           (signed_check_keys(args.keys, err) || err_wrap(err, "trust.keys"));
}

static bool is_overtaken(struct agent *agent, int64_t issued_ms, bool *ret, struct err *err)
{
    char text[NUMBER_BYTES];
    struct buf since = buf_fixed(text, sizeof(text));
    bool found = false;
    int64_t since_ms = 0;
    if (!store_get_setting(agent->store, TRUSTED_SINCE, &since, &found, err)) {
        return false;
    }
    *ret = found && str_to_i64(buf_str(&since), 0, INT64_MAX, &since_ms) && issued_ms < since_ms;
    return true;
}

static bool remember(struct agent *agent, int64_t issued_ms, struct err *err)
{
    char text[NUMBER_BYTES];
    struct buf since = buf_fixed(text, sizeof(text));
    buf_add_i64(&since, issued_ms);
    return store_set_setting(agent->store, TRUSTED_SINCE, buf_str(&since), err);
}

/* The file last: what a power cut leaves half done is done again. */
static bool use_keys(struct agent *agent, struct str keys, int64_t issued_ms, struct err *err)
{
    struct str copy = arena_copy(&agent->identity_arena, keys);
    if (copy.ptr == NULL) {
        (void)err_set(err, ERR_NO_MEMORY, "the keys were changed too often to keep them");
        return err_hint(err, "start the agent again");
    }
    if (!remember(agent, issued_ms, err) ||
        !device_identity_save_keys(agent->state_dir, keys, err)) {
        return false;
    }
    agent->identity.command_keys = copy;
    return true;
}

static void write_ids(struct str keys, struct json_writer *result)
{
    struct str key;
    char id[KEY_ID_SIZE];
    struct err err = {0};
    jw_key(result, STR("keys"));
    jw_begin_array(result);
    while (signed_next_key(&keys, &key)) {
        if (identity_key_id(key, id, &err)) {
            jw_str(result, str_from(id));
        }
    }
    jw_end_array(result);
}

static enum command_outcome trust(struct agent *agent, struct command_call *call,
                                  struct json_writer *result, struct err *err)
{
    int64_t issued_ms = call->issued_at.ns / NS_PER_MS;
    bool is_old = false;
    if (!is_overtaken(agent, issued_ms, &is_old, err)) {
        return COMMAND_NOT_DONE;
    }
    if (is_old) {
        (void)err_set(err, ERR_DENIED, "the keys in force were issued later than these");
        return COMMAND_NOT_DONE;
    }
    if (!use_keys(agent, call->given->keys, issued_ms, err)) {
        return COMMAND_NOT_DONE;
    }
    LOG(INFO, "command.keys_changed", F_S("command", call->id));
    write_ids(call->given->keys, result);
    return COMMAND_DONE;
}

const struct command_verb command_trust_verbs[] = {
    {.name = "trust", .check_args = check_keys, .run = trust, .is_idempotent = true}, {0}};
