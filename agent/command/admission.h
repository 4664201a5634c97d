/* admission.h - whether a message on channel `cmd` is a command that this device carries out. Pure:
 * what the journal remembers and which verbs there are is asked through a port.
 *
 * A device that does not know the time (its clock says less than 2024) cannot tell whether a command
 * has expired: such a command is taken in, waits, and is judged when the clock is set. */
#pragma once
#include "agent/store/commands.h"
#include "common/tls/identity.h"
#include "common/wire/command.h"

/* Why one is refused: words that programs may rely on. */
enum command_code {
    COMMAND_CODE_NONE, /* it is not */
    /* Of a message: whoever sent it did not mean a command to this device, or it was known before. */
    COMMAND_UNSIGNED,
    COMMAND_UNTRUSTED_KEY,
    COMMAND_BAD_SIGNATURE,
    COMMAND_UNREADABLE, /* signed, but no command of this version */
    COMMAND_WRONG_FLEET,
    COMMAND_MISADDRESSED,
    COMMAND_REPLAYED,
    COMMAND_TOO_OLD, /* its counter is below those that are remembered */
    /* Of a command to this device, which has ended so. */
    COMMAND_EXPIRED,
    COMMAND_NOT_YET, /* issued far in the future */
    COMMAND_UNSUPPORTED,
    COMMAND_INVALID_ARGUMENTS,
    COMMAND_FULL, /* too many are open */
    COMMAND_CODE_COUNT
};
const char *command_code_name(enum command_code code); /* "bad_signature" */
bool command_code_is_of_message(enum command_code code);

#define COMMAND_AHEAD_NS (3600 * NS_PER_SEC) /* by which the clock of who issues it may be ahead */

struct admission_port {
    /* What the journal knows; false: it cannot be read now. */
    bool (*recall)(void *ctx, struct str signer, int64_t counter, struct str id,
                   struct command_memory *ret, struct err *err);
    /* ERR_NOT_FOUND: no such verb here; any other error: of its arguments. */
    bool (*check)(void *ctx, const struct command *command, struct arena *arena, struct err *err);
    void *ctx;
};
struct admission_question {
    struct str payload;
    struct str keys; /* public keys that are trusted, PEM */
    struct str fleet, device;
    struct wall_time now;
};
struct admission {
    enum command_code code;
    struct err why;           /* when it is refused */
    char signer[KEY_ID_SIZE]; /* empty when no key that is trusted signed it */
    struct command command;   /* once it could be read; in the arena, and the payload */
    bool is_waiting;          /* taken in, but the clock is not set */
    bool is_known;            /* COMMAND_REPLAYED: the very one, and it has not ended */
};
/* False: it cannot be judged now (the journal cannot be read, no memory). */
MUST_CHECK bool admission_judge(const struct admission_question *q,
                                const struct admission_port *port, struct arena *arena,
                                struct admission *ret, struct err *err);
/* Of time alone, by a clock that is set. */
enum command_code admission_judge_time(struct wall_time issued_at, struct wall_time expires_at,
                                       struct wall_time now, struct err *ret_why);
