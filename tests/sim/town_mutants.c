/* town_mutants.c - rules of the programs, broken on purpose one at a time: the linker puts these in
 * the place of functions of the product (--wrap), which they call but for the one thing. */
#include "tests/sim/town_internal.h"

#include "agent/bundle/folder.h"
#include "agent/daemon/bundles_internal.h"
#include "common/wire/signed.h"
#include "hub/alert/alert_rows.h"
#include "hub/deploy/waves.h"
#include "hub/identity/fence.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum town_mutant town_mutant;
const char *const town_mutant_names[TOWN_MUTANTS] = {
    [TOWN_HONEST] = "none",
    [TOWN_ACK_BEFORE_COMMIT] = "ack-before-commit",
    [TOWN_FORGET_ALL] = "forget-all",
    [TOWN_OTHER_EVENT] = "other-event",
    [TOWN_LAZY_DISK] = "lazy-disk",
    [TOWN_ANY_SIGNATURE] = "any-signature",
    [TOWN_ANY_ADDRESS] = "any-address",
    [TOWN_NO_JOURNAL] = "no-journal",
    [TOWN_NO_EXPIRY] = "no-expiry",
    [TOWN_OLD_DESIRED] = "old-desired",
    [TOWN_TICK_AGAIN] = "tick-again",
    [TOWN_HEAR_REVOKED] = "hear-revoked",
    [TOWN_CUT_NEIGHBOUR] = "cut-neighbour",
    [TOWN_NO_ABORT] = "no-abort",
    [TOWN_HALF_BUNDLE] = "half-bundle",
    [TOWN_TELL_SECRET] = "tell-secret",
};

/* The names that the linker asks for. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
#define REAL(name) __real_##name
#define WRAP(name) __wrap_##name

/* One process holds a thousand devices: the bound of one is not theirs. */
void WRAP(store_limit_memory)(int64_t bytes);
void WRAP(store_limit_memory)(int64_t bytes)
{
    (void)bytes;
}

/* The alerts' look at all devices, four times a minute, is the larger part of a hub's week in which
 * nothing is waited for. Here it is one in ten minutes. */
bool REAL(alert_rows_look)(struct alert_rows *rows, const struct alert_limits *limits,
                           struct wall_time now, struct arena *arena, struct alert_look *ret,
                           bool *ret_cut, struct err *err);
bool WRAP(alert_rows_look)(struct alert_rows *rows, const struct alert_limits *limits,
                           struct wall_time now, struct arena *arena, struct alert_look *ret,
                           bool *ret_cut, struct err *err);
bool WRAP(alert_rows_look)(struct alert_rows *rows, const struct alert_limits *limits,
                           struct wall_time now, struct arena *arena, struct alert_look *ret,
                           bool *ret_cut, struct err *err)
{
    return now.ns / NS_PER_SEC % 600 < 15 &&
           REAL(alert_rows_look)(rows, limits, now, arena, ret, ret_cut, err);
}

bool REAL(store_acknowledge)(struct store *store, int64_t seq, struct err *err);
bool WRAP(store_acknowledge)(struct store *store, int64_t seq, struct err *err);
bool WRAP(store_acknowledge)(struct store *store, int64_t seq, struct err *err)
{
    bool is_more = town_mutant == TOWN_FORGET_ALL && seq > 0;
    return REAL(store_acknowledge)(store, is_more ? store_last_seq(store) : seq, err);
}

bool REAL(event_parse)(struct str line, struct event *ret, struct err *err);
bool WRAP(event_parse)(struct str line, struct event *ret, struct err *err);
bool WRAP(event_parse)(struct str line, struct event *ret, struct err *err)
{
    static char other[LIMIT_EVENT_BYTES];
    bool ok = REAL(event_parse)(line, ret, err);
    if (ok && town_mutant == TOWN_OTHER_EVENT && town_here->current == TOWN_HUB &&
        ret->seq % 50 == 0 && ret->body.len < sizeof(other)) {
        memcpy(other, ret->body.ptr, ret->body.len);
        other[ret->body.len - 2] ^= 1;
        ret->body.ptr = other;
    }
    return ok;
}

bool REAL(signed_open)(struct str message, struct str keys, struct str *ret_body,
                       char ret_key[KEY_ID_SIZE], struct err *err);

/* To check a signature takes a millisecond, and the same message comes a hundred times: that it was
 * good is remembered with the digest of all that was asked. */
static bool open_before(struct str message, struct str keys, struct str *ret_body,
                        char ret_key[KEY_ID_SIZE], struct err *err)
{
    static struct {
        uint8_t digest[2][32];
        size_t body;
        char key[KEY_ID_SIZE];
    } known[4096];
    uint8_t digest[2][32];
    digest_sha256(message, digest[0]);
    digest_sha256(keys, digest[1]);
    size_t place = (digest[0][0] | (size_t)digest[0][1] << 8) % COUNT_OF(known);
    if (memcmp(known[place].digest, digest, sizeof(digest)) == 0) {
        *ret_body = str_slice(message, known[place].body, message.len);
        memcpy(ret_key, known[place].key, KEY_ID_SIZE);
        return true;
    }
    if (!REAL(signed_open)(message, keys, ret_body, ret_key, err)) {
        return false;
    }
    memcpy(known[place].digest, digest, sizeof(digest));
    memcpy(known[place].key, ret_key, KEY_ID_SIZE);
    known[place].body = (size_t)(ret_body->ptr - message.ptr);
    return true;
}

bool WRAP(signed_open)(struct str message, struct str keys, struct str *ret_body,
                       char ret_key[KEY_ID_SIZE], struct err *err);
bool WRAP(signed_open)(struct str message, struct str keys, struct str *ret_body,
                       char ret_key[KEY_ID_SIZE], struct err *err)
{
    struct str head = STR_NONE;
    if (open_before(message, keys, ret_body, ret_key, err)) {
        return true;
    }
    if (town_mutant != TOWN_ANY_SIGNATURE || !str_cut(message, '\n', &head, ret_body)) {
        return false;
    }
    (void)snprintf(ret_key, KEY_ID_SIZE, "0123456789abcdef");
    *err = (struct err){0};
    return true;
}

bool REAL(command_is_for)(const struct command *c, struct str device);
bool WRAP(command_is_for)(const struct command *c, struct str device);
bool WRAP(command_is_for)(const struct command *c, struct str device)
{
    return town_mutant == TOWN_ANY_ADDRESS || REAL(command_is_for)(c, device);
}

bool REAL(store_recall_command)(struct store *store, struct str signer, int64_t counter,
                                struct str id, struct command_memory *ret, struct err *err);
bool WRAP(store_recall_command)(struct store *store, struct str signer, int64_t counter,
                                struct str id, struct command_memory *ret, struct err *err);
bool WRAP(store_recall_command)(struct store *store, struct str signer, int64_t counter,
                                struct str id, struct command_memory *ret, struct err *err)
{
    if (town_mutant == TOWN_NO_JOURNAL) {
        *ret = (struct command_memory){0};
        return true;
    }
    return REAL(store_recall_command)(store, signer, counter, id, ret, err);
}

enum command_code REAL(admission_judge_time)(struct wall_time issued_at,
                                             struct wall_time expires_at, struct wall_time now,
                                             struct err *ret_why);
enum command_code WRAP(admission_judge_time)(struct wall_time issued_at,
                                             struct wall_time expires_at, struct wall_time now,
                                             struct err *ret_why);
enum command_code WRAP(admission_judge_time)(struct wall_time issued_at,
                                             struct wall_time expires_at, struct wall_time now,
                                             struct err *ret_why)
{
    return town_mutant == TOWN_NO_EXPIRY
               ? COMMAND_CODE_NONE
               : REAL(admission_judge_time)(issued_at, expires_at, now, ret_why);
}

bool REAL(admission_judge)(const struct admission_question *q, const struct admission_port *port,
                           struct arena *arena, struct admission *ret, struct err *err);
bool WRAP(admission_judge)(const struct admission_question *q, const struct admission_port *port,
                           struct arena *arena, struct admission *ret, struct err *err);
bool WRAP(admission_judge)(const struct admission_question *q, const struct admission_port *port,
                           struct arena *arena, struct admission *ret, struct err *err)
{
    bool ok = REAL(admission_judge)(q, port, arena, ret, err);
    if (ok && town_mutant == TOWN_NO_EXPIRY && ret->code == COMMAND_EXPIRED) {
        ret->code = COMMAND_CODE_NONE;
    }
    return ok;
}

enum desired_verdict REAL(desired_weigh)(const struct desired_state *state, int64_t revision,
                                         const char *hash);
enum desired_verdict WRAP(desired_weigh)(const struct desired_state *state, int64_t revision,
                                         const char *hash);
enum desired_verdict WRAP(desired_weigh)(const struct desired_state *state, int64_t revision,
                                         const char *hash)
{
    return town_mutant == TOWN_OLD_DESIRED ? DESIRED_TRY
                                           : REAL(desired_weigh)(state, revision, hash);
}

bool REAL(store_tick_has_started)(struct store *store, struct str schedule,
                                  struct wall_time nominal, bool *ret, struct err *err);
bool WRAP(store_tick_has_started)(struct store *store, struct str schedule,
                                  struct wall_time nominal, bool *ret, struct err *err);
bool WRAP(store_tick_has_started)(struct store *store, struct str schedule,
                                  struct wall_time nominal, bool *ret, struct err *err)
{
    if (town_mutant == TOWN_TICK_AGAIN) {
        *ret = false;
        return true;
    }
    return REAL(store_tick_has_started)(store, schedule, nominal, ret, err);
}

bool REAL(fence_is_out)(const struct fence *fence, struct str device);
bool WRAP(fence_is_out)(const struct fence *fence, struct str device);
bool WRAP(fence_is_out)(const struct fence *fence, struct str device)
{
    return town_mutant != TOWN_HEAR_REVOKED && REAL(fence_is_out)(fence, device);
}

struct wave_decision REAL(waves_decide)(const struct wave_plan *plan,
                                        const struct wave_device *devices, size_t count,
                                        struct wall_time now);
struct wave_decision WRAP(waves_decide)(const struct wave_plan *plan,
                                        const struct wave_device *devices, size_t count,
                                        struct wall_time now);
struct wave_decision WRAP(waves_decide)(const struct wave_plan *plan,
                                        const struct wave_device *devices, size_t count,
                                        struct wall_time now)
{
    struct wave_plan tame = *plan;
    if (town_mutant == TOWN_NO_ABORT) {
        tame.rules.count = 0;
    }
    return REAL(waves_decide)(&tame, devices, count, now);
}

bool REAL(incoming_next)(struct incoming *in, enum incoming_need *ret_need,
                         struct bundle_want *ret_want, struct err *err);
bool WRAP(incoming_next)(struct incoming *in, enum incoming_need *ret_need,
                         struct bundle_want *ret_want, struct err *err);
bool WRAP(incoming_next)(struct incoming *in, enum incoming_need *ret_need,
                         struct bundle_want *ret_want, struct err *err)
{
    bool ok = REAL(incoming_next)(in, ret_need, ret_want, err);
    if (ok && *ret_need == INCOMING_WHOLE && town_mutant == TOWN_HALF_BUNDLE) {
        char path[512];
        const struct town_device *d = &town_here->devices[town_here->current];
        (void)snprintf(path, sizeof(path), "%s/bundles/%s/note.txt", d->dir,
                       d->agent->bundles->wanted);
        (void)!truncate(path, 10);
    }
    return ok;
}

void REAL(message_birth_encode)(const struct message_birth *m, struct buf *out);
void WRAP(message_birth_encode)(const struct message_birth *m, struct buf *out);
void WRAP(message_birth_encode)(const struct message_birth *m, struct buf *out)
{
    struct message_birth told = *m;
    if (town_mutant == TOWN_TELL_SECRET) {
        told.board = town_here->markers[0];
    }
    REAL(message_birth_encode)(&told, out);
}
/* NOLINTEND(bugprone-reserved-identifier) */
