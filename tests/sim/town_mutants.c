/* town_mutants.c - rules of the programs, broken on purpose one at a time: the linker puts these in
 * the place of functions of the product (--wrap), which they call but for the one thing. */
#include "tests/sim/town_internal.h"

#include "agent/bundle/folder.h"
#include "agent/daemon/bundles_internal.h"
#include "common/wire/signed.h"
#include "hub/alert/alert_rows.h"
#include "hub/deploy/waves.h"
#include "hub/identity/fence.h"
#include "hub/merge/changes.h"
#include "hub/serve/keeper.h"
#include <errno.h>
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
    [TOWN_NO_RENEWAL] = "no-renewal",
    [TOWN_NO_ABORT] = "no-abort",
    [TOWN_HALF_BUNDLE] = "half-bundle",
    [TOWN_TELL_SECRET] = "tell-secret",
    [TOWN_KEEP_SECRET] = "keep-secret",
    [TOWN_SKIP_VIEW] = "skip-view",
    [TOWN_NO_RESEND] = "no-resend",
    [TOWN_OTHER_TOPIC] = "other-topic",
    [TOWN_READ_OTHERS] = "read-others",
    [TOWN_REFUSE_GOOD] = "refuse-good",
    [TOWN_NO_OFFLINE] = "no-offline",
    [TOWN_NO_END] = "no-end",
    [TOWN_SAME_REVISION] = "same-revision",
    [TOWN_ASK_ANYWAY] = "ask-anyway",
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

/* After each merge a hub looks at all devices of a deployment. Here once in half a minute, while
 * something was said of bundles lately, and when its time has come. */
bool REAL(deployments_go_on)(struct deployments *d, struct wall_time now,
                             void (*on_step)(void *ctx, const struct deployment *deployment,
                                             const struct wave_decision *decision),
                             void *ctx, struct deployments_outcome *ret, struct err *err);
bool WRAP(deployments_go_on)(struct deployments *d, struct wall_time now,
                             void (*on_step)(void *ctx, const struct deployment *deployment,
                                             const struct wave_decision *decision),
                             void *ctx, struct deployments_outcome *ret, struct err *err);
bool WRAP(deployments_go_on)(struct deployments *d, struct wall_time now,
                             void (*on_step)(void *ctx, const struct deployment *deployment,
                                             const struct wave_decision *decision),
                             void *ctx, struct deployments_outcome *ret, struct err *err)
{
    struct town *t = town_here;
    bool is_quiet = t->now - t->bundles_said > 15 * MINUTE_NS;
    int64_t due = is_quiet ? t->look_due.ns : t->looked.ns + MINUTE_NS / 2;
    if (now.ns < due) {
        *ret = (struct deployments_outcome){.next = {due}};
        return true;
    }
    t->looked = now;
    bool ok = REAL(deployments_go_on)(d, now, on_step, ctx, ret, err);
    int64_t soon = now.ns + 10 * MINUTE_NS;
    t->look_due.ns = ok && ret->next.ns != 0 && ret->next.ns < soon ? ret->next.ns : soon;
    return ok;
}

/* It reads and checks the hub's keys and certificates twice a minute, which nobody changes here. */
struct keeper_change REAL(keeper_look)(struct keeper *keeper);
struct keeper_change WRAP(keeper_look)(struct keeper *keeper);
struct keeper_change WRAP(keeper_look)(struct keeper *keeper)
{
    return town_here->now / NS_PER_SEC % 3600 < 30 ? REAL(keeper_look)(keeper)
                                                   : (struct keeper_change){0};
}

/* A host gives one user 128 of these, and the towns of others need them. */
int WRAP(inotify_init1)(int flags);
int WRAP(inotify_init1)(int flags)
{
    (void)flags;
    errno = EMFILE;
    return -1;
}

bool REAL(store_acknowledge)(struct store *store, int64_t seq, struct err *err);
bool WRAP(store_acknowledge)(struct store *store, int64_t seq, struct err *err);
bool WRAP(store_acknowledge)(struct store *store, int64_t seq, struct err *err)
{
    bool is_more = town_mutant == TOWN_FORGET_ALL && seq > 0;
    return REAL(store_acknowledge)(store, is_more ? store_last_seq(store) : seq, err);
}

bool REAL(event_parse_all)(struct str line, struct event *ret, struct json_members *further,
                           struct err *err);
bool WRAP(event_parse_all)(struct str line, struct event *ret, struct json_members *further,
                           struct err *err);
bool WRAP(event_parse_all)(struct str line, struct event *ret, struct json_members *further,
                           struct err *err)
{
    static char other[LIMIT_EVENT_BYTES];
    bool ok = REAL(event_parse_all)(line, ret, further, err);
    if (ok && town_mutant == TOWN_REFUSE_GOOD && town_here->current == TOWN_HUB &&
        ret->seq % 50 == 0) {
        return err_set(err, ERR_INVALID, "not this one");
    }
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

bool REAL(registry_renew)(struct registry *r, const struct enrol_authority *authority,
                          const struct certificate_order *order, struct buf *ret_cert,
                          struct str *ret_reason, struct err *err);
bool WRAP(registry_renew)(struct registry *r, const struct enrol_authority *authority,
                          const struct certificate_order *order, struct buf *ret_cert,
                          struct str *ret_reason, struct err *err);
bool WRAP(registry_renew)(struct registry *r, const struct enrol_authority *authority,
                          const struct certificate_order *order, struct buf *ret_cert,
                          struct str *ret_reason, struct err *err)
{
    if (town_mutant == TOWN_NO_RENEWAL) {
        *ret_reason = STR("no");
        return true;
    }
    town_here->result->renewals++;
    return REAL(registry_renew)(r, authority, order, ret_cert, ret_reason, err);
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
bool REAL(announce_device)(struct store *store, const struct device_facts *facts,
                           struct wall_time now, struct err *err);
bool WRAP(announce_device)(struct store *store, const struct device_facts *facts,
                           struct wall_time now, struct err *err);
bool WRAP(announce_device)(struct store *store, const struct device_facts *facts,
                           struct wall_time now, struct err *err)
{
    return (town_mutant != TOWN_KEEP_SECRET ||
            store_set_setting(store, STR("note"), town_here->markers[0], err)) &&
           REAL(announce_device)(store, facts, now, err);
}

bool REAL(changes_write)(const struct changes *c, struct db *out, struct err *err);
bool WRAP(changes_write)(const struct changes *c, struct db *out, struct err *err);
bool WRAP(changes_write)(const struct changes *c, struct db *out, struct err *err)
{
    static int calls;
    bool is_left_out =
        town_mutant == TOWN_SKIP_VIEW && town_here->current == TOWN_HUB && ++calls % 50 == 0;
    return is_left_out || REAL(changes_write)(c, out, err);
}

bool REAL(desired_send_again)(struct desired_rows *rows, struct str device, struct err *err);
bool WRAP(desired_send_again)(struct desired_rows *rows, struct str device, struct err *err);
bool WRAP(desired_send_again)(struct desired_rows *rows, struct str device, struct err *err)
{
    return town_mutant == TOWN_NO_RESEND || REAL(desired_send_again)(rows, device, err);
}

void REAL(topic_device)(struct buf *out, struct str fleet, struct str device, enum channel c);
void WRAP(topic_device)(struct buf *out, struct str fleet, struct str device, enum channel c);
void WRAP(topic_device)(struct buf *out, struct str fleet, struct str device, enum channel c)
{
    bool is_strayed = (town_mutant == TOWN_OTHER_TOPIC && c == CHANNEL_EVENTS) ||
                      (town_mutant == TOWN_READ_OTHERS && c == CHANNEL_CMD);
    REAL(topic_device)(out, fleet, is_strayed && town_here->current > 0 ? STR("d0") : device, c);
}

bool REAL(store_command_of_run)(struct store *store, struct str run, char ret[UUID_TEXT_SIZE],
                                struct err *err);
bool WRAP(store_command_of_run)(struct store *store, struct str run, char ret[UUID_TEXT_SIZE],
                                struct err *err);
bool WRAP(store_command_of_run)(struct store *store, struct str run, char ret[UUID_TEXT_SIZE],
                                struct err *err)
{
    bool ok = REAL(store_command_of_run)(store, run, ret, err);
    if (town_mutant == TOWN_NO_END) {
        ret[0] = '\0';
    }
    return ok;
}

int64_t REAL(standing_next_revision)(const struct desired_row *row);
int64_t WRAP(standing_next_revision)(const struct desired_row *row);
int64_t WRAP(standing_next_revision)(const struct desired_row *row)
{
    return town_mutant == TOWN_SAME_REVISION && row->revision > 0
               ? row->revision
               : REAL(standing_next_revision)(row);
}

bool REAL(desired_bundle)(struct desired_rows *rows, struct str device, struct arena *arena,
                          struct str *ret, struct err *err);
bool WRAP(desired_bundle)(struct desired_rows *rows, struct str device, struct arena *arena,
                          struct str *ret, struct err *err);
bool WRAP(desired_bundle)(struct desired_rows *rows, struct str device, struct arena *arena,
                          struct str *ret, struct err *err)
{
    bool ok = REAL(desired_bundle)(rows, device, arena, ret, err);
    for (int i = 0; ok && town_mutant == TOWN_ASK_ANYWAY && i < town_here->bundle_count; i++) {
        if (town_here->bundles[i].is_aborted) {
            *ret = str_from(town_here->bundles[i].hash);
        }
    }
    return ok;
}
/* NOLINTEND(bugprone-reserved-identifier) */
