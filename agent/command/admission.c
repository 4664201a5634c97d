#include "agent/command/admission.h"

#include "common/wire/signed.h"

static const char *const code_names[COMMAND_CODE_COUNT] = {
    [COMMAND_CODE_NONE] = "",
    [COMMAND_UNSIGNED] = "unsigned",
    [COMMAND_UNTRUSTED_KEY] = "untrusted_key",
    [COMMAND_BAD_SIGNATURE] = "bad_signature",
    [COMMAND_UNREADABLE] = "unreadable",
    [COMMAND_WRONG_FLEET] = "wrong_fleet",
    [COMMAND_MISADDRESSED] = "misaddressed",
    [COMMAND_REPLAYED] = "replayed",
    [COMMAND_TOO_OLD] = "too_old",
    [COMMAND_EXPIRED] = "expired",
    [COMMAND_NOT_YET] = "not_yet",
    [COMMAND_UNSUPPORTED] = "unsupported",
    [COMMAND_INVALID_ARGUMENTS] = "invalid_arguments",
    [COMMAND_FULL] = "full",
};

const char *command_code_name(enum command_code code)
{
    return code_names[code];
}

bool command_code_is_of_message(enum command_code code)
{
    return code >= COMMAND_UNSIGNED && code <= COMMAND_TOO_OLD;
}

/* --- who sent it ------------------------------------------------------------------------------ */

static enum command_code open_message(const struct admission_question *q, struct arena *arena,
                                      struct admission *a)
{
    struct str body = STR_NONE;
    if (!signed_open(q->payload, q->keys, &body, a->signer, &a->why)) {
        if (a->why.code == ERR_INVALID) {
            a->signer[0] = '\0';
            return COMMAND_UNSIGNED;
        }
        return a->signer[0] == '\0' ? COMMAND_UNTRUSTED_KEY : COMMAND_BAD_SIGNATURE;
    }
    return command_decode(body, arena, &a->command, &a->why) ? COMMAND_CODE_NONE
                                                             : COMMAND_UNREADABLE;
}

static enum command_code judge_address(const struct admission_question *q, struct admission *a)
{
    if (!str_eq(a->command.fleet, q->fleet)) {
        (void)err_set(&a->why, ERR_DENIED,
                      "meant for the fleet \"" STR_FMT "\", this device is of \"" STR_FMT "\"",
                      STR_ARG(a->command.fleet), STR_ARG(q->fleet));
        return COMMAND_WRONG_FLEET;
    }
    if (!command_is_for(&a->command, q->device)) {
        (void)err_set(&a->why, ERR_DENIED, "not meant for this device, " STR_FMT,
                      STR_ARG(q->device));
        return COMMAND_MISADDRESSED;
    }
    return COMMAND_CODE_NONE;
}

/* --- whether it was here before --------------------------------------------------------------- */

static enum command_code judge_memory(const struct command_memory *m, struct admission *a)
{
    long long counter = (long long)a->command.counter;
    if (m->has_id || m->has_counter) {
        a->is_known = m->is_open;
        (void)err_set(&a->why, ERR_EXISTS,
                      m->has_id ? "command " STR_FMT " was received before, counter %lld"
                                : "command " STR_FMT " has the counter of another one, %lld",
                      STR_ARG(a->command.id), counter);
        return COMMAND_REPLAYED;
    }
    if (m->has_floor && counter < m->floor) {
        (void)err_set(&a->why, ERR_DENIED,
                      "counter %lld is below those that are remembered, from %lld on", counter,
                      (long long)m->floor);
        (void)err_hint(&a->why, "sign it anew, with the next counter of the key");
        return COMMAND_TOO_OLD;
    }
    return COMMAND_CODE_NONE;
}

enum command_code admission_judge_time(struct wall_time issued_at, struct wall_time expires_at,
                                       struct wall_time now, struct err *ret_why)
{
    char then[WALL_TEXT_SIZE];
    char here[WALL_TEXT_SIZE];
    if (now.ns >= expires_at.ns) {
        (void)err_set(ret_why, ERR_TIMEOUT, "it expired at %s, here it is %s",
                      wall_format(expires_at, then), wall_format(now, here));
        return COMMAND_EXPIRED;
    }
    if (issued_at.ns > now.ns && issued_at.ns - now.ns > COMMAND_AHEAD_NS) {
        (void)err_set(ret_why, ERR_INVALID, "it was issued at %s, here it is %s",
                      wall_format(issued_at, then), wall_format(now, here));
        (void)err_hint(ret_why, "one of the two clocks is wrong");
        return COMMAND_NOT_YET;
    }
    return COMMAND_CODE_NONE;
}

static enum command_code judge_rest(const struct admission_question *q,
                                    const struct admission_port *port,
                                    const struct command_memory *m, struct arena *arena,
                                    struct admission *a)
{
    a->is_waiting = !wall_is_set(q->now);
    enum command_code code =
        a->is_waiting
            ? COMMAND_CODE_NONE
            : admission_judge_time(a->command.issued_at, a->command.expires_at, q->now, &a->why);
    if (code != COMMAND_CODE_NONE) {
        return code;
    }
    if (!port->check(port->ctx, &a->command, arena, &a->why)) {
        return a->why.code == ERR_NOT_FOUND ? COMMAND_UNSUPPORTED : COMMAND_INVALID_ARGUMENTS;
    }
    if (m->open_count >= COMMANDS_OPEN_MAX) {
        (void)err_set(&a->why, ERR_FULL, "%lld commands are open already (at most %d)",
                      (long long)m->open_count, COMMANDS_OPEN_MAX);
        return COMMAND_FULL;
    }
    return COMMAND_CODE_NONE;
}

bool admission_judge(const struct admission_question *q, const struct admission_port *port,
                     struct arena *arena, struct admission *ret, struct err *err)
{
    struct command_memory memory = {0};
    *ret = (struct admission){0};
    ret->code = open_message(q, arena, ret);
    if (ret->code == COMMAND_CODE_NONE) {
        ret->code = judge_address(q, ret);
    }
    if (ret->code != COMMAND_CODE_NONE) {
        return true;
    }
    if (!port->recall(port->ctx, str_from(ret->signer), ret->command.counter, ret->command.id,
                      &memory, err)) {
        return false;
    }
    ret->code = judge_memory(&memory, ret);
    if (ret->code == COMMAND_CODE_NONE) {
        ret->code = judge_rest(q, port, &memory, arena, ret);
    }
    ret->is_waiting = ret->is_waiting && ret->code == COMMAND_CODE_NONE;
    return true;
}
