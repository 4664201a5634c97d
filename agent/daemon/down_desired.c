/* down_desired.c - what the hub wants of this device: taken from the wire, kept in agent.db with the
 * event that tells it, and laid over the definitions of the file. docs/reference/desired-state.md */
#include "agent/daemon/agent_internal.h"

#include "agent/desired/desired_lay.h"
#include "agent/store/desired.h"
#include "common/log/log.h"
#include "common/wire/signed.h"
#include <stdio.h>
#include <string.h>

#define STRANGE_NS                                                                                 \
    (60 * NS_PER_SEC) /* at most one event in this time of messages that nobody signed */

enum {
    KEPT_ARENA_BYTES = 4 * DESIRED_BYTES_MAX,
    MEMBERS_BYTES_MAX = 256,
    ANSWER_BYTES_MAX = 8 << 10
};

static struct wall_time wall_now(const struct agent *agent)
{
    return clock_wall(loop_clock(agent->loop));
}

/* --- settings --- */

static void use_settings(struct agent *agent, const struct desired_settings *wanted)
{
    const struct agent_config *config = agent->options.config;
    agent->desired.settings = *wanted;
    log_set_level(wanted->has_log_level ? (enum log_level)wanted->log_level : agent->log_level);
    if (agent->link != NULL) {
        link_use_pace(
            agent->link, wanted->has_sync_linger ? wanted->sync_linger_ns : config->sync_linger_ns,
            wanted->has_reconnect_max ? wanted->reconnect_max_ns : config->backoff_max_ns);
    }
}

/* --- what is recorded and said --- */

static void answer(struct agent *agent)
{
    AUTO(buf) text = buf_growing(ANSWER_BYTES_MAX);
    struct err err = {0};
    struct message_reported m = desired_answer(&agent->desired, wall_now(agent));
    message_reported_encode(&m, &text);
    if (agent->link != NULL && !link_publish(agent->link, CHANNEL_REPORTED, buf_str(&text), &err)) {
        LOG(DEBUG, "desired.not_answered", F_ERR(&err), F_T("action", "the event tells it"));
    }
}

/* `members` holds what the event tells beside: what is in force once it is recorded. */
static struct record record_of(const struct agent *agent, int64_t revision,
                               enum desired_status status, struct str reason, struct buf *members)
{
    buf_addf(members, "\"applied\":%lld", (long long)agent->desired.applied);
    if (agent->desired.applied != 0) {
        buf_addf(members, ",\"hash\":\"%s\"", agent->desired.hash);
    }
    return (struct record){.type = EVENT_DESIRED,
                           .at = wall_now(agent),
                           .revision = revision,
                           .status = desired_status_name(status),
                           .reason = reason,
                           .members = buf_str(members)};
}

static bool record(struct agent *agent, const struct record *r, struct err *err)
{
    bool ok = runner_record(agent->runner, r, err) && runner_flush(agent->runner);
    if (agent->link != NULL) {
        link_recorded(agent->link, store_last_seq(agent->store));
    }
    return ok;
}

static void say(const struct agent *agent, struct str reason)
{
    if (agent->desired.status == DESIRED_APPLIED) {
        LOG(INFO, "desired.applied", F_I("revision", agent->desired.applied));
    } else {
        LOG(WARN, "desired.degraded", F_I("revision", agent->desired.applied),
            F_S("reason", reason), F_T("action", "what fits stays in force"));
    }
}

/* --- one revision --- */

static void refuse(struct agent *agent, const struct desired *d, struct str body, const char *hash,
                   const struct err *why)
{
    char memory[MEMBERS_BYTES_MAX];
    struct buf members = buf_fixed(memory, sizeof(memory));
    struct err err = {0};
    struct record r = record_of(agent, d->revision, DESIRED_REFUSED, str_from(why->msg), &members);
    r.keys = body;
    desired_state_refuse(&agent->desired, d->revision, hash, str_from(why->msg));
    LOG(ERROR, "desired.refused", F_I("revision", d->revision), F_ERR(why),
        F_I("in_force", agent->desired.applied), F_T("action", "what was in force stays"));
    if (!record(agent, &r, &err)) {
        LOG(ERROR, "desired.not_recorded", F_I("revision", d->revision), F_ERR(&err));
    }
}

/* All of it, or nothing and an error. */
static bool apply(struct agent *agent, struct definitions *base, struct str body, const char *hash,
                  struct err *err)
{
    char memory[MEMBERS_BYTES_MAX];
    struct buf members = buf_fixed(memory, sizeof(memory));
    struct definitions_files files = definitions_system_files();
    struct desired_state before = agent->desired;
    struct desired_laid laid;
    if (!desired_lay(body, base, OVERLAY_WHOLE, &files, &laid, err)) {
        return false;
    }
    desired_state_apply(&agent->desired, laid.revision, hash, DESIRED_APPLIED, STR(""));
    struct record r = record_of(agent, laid.revision, DESIRED_APPLIED, STR(""), &members);
    r.keys = body;
    if (!agent_use_definitions(agent, laid.defs, &r, err)) {
        agent->desired = before;
        definitions_close(laid.defs);
        return false;
    }
    memcpy(agent->desired.bundle, laid.bundle, sizeof(laid.bundle));
    agent->desired.has_bundle = laid.has_bundle;
    bundles_wish(agent->bundles, str_from(laid.bundle));
    use_settings(agent, &laid.settings);
    if (agent->link != NULL) {
        link_use_desired(agent->link, laid.revision);
    }
    say(agent, STR(""));
    return true;
}

/* --- from the wire --- */

/* Not what it claims to be: told, but not as often as somebody likes to send it. */
static void turn_away(struct agent *agent, const struct err *why)
{
    char memory[MEMBERS_BYTES_MAX];
    struct buf members = buf_fixed(memory, sizeof(memory));
    struct mono_time now = loop_now(agent->loop);
    struct err err = {0};
    LOG(WARN, "desired.turned_away", F_ERR(why), F_T("action", "what is in force stays"));
    if (agent->desired_strange.ns != 0 && now.ns - agent->desired_strange.ns < STRANGE_NS) {
        return;
    }
    agent->desired_strange = now;
    const struct record r = record_of(agent, 0, DESIRED_REFUSED, str_from(why->msg), &members);
    if (!record(agent, &r, &err)) {
        LOG(ERROR, "desired.not_recorded", F_ERR(&err));
    }
}

static bool open_message(const struct agent *agent, struct str payload, struct arena *arena,
                         struct str *ret_body, struct desired *ret, struct err *err)
{
    char key[KEY_ID_SIZE];
    return (signed_open(payload, agent->identity.command_keys, ret_body, key, err) &&
            desired_decode(*ret_body, arena, ret, err) &&
            desired_check_address(ret, agent->identity.fleet, agent->identity.device, err)) ||
           err_wrap(err, "desired state");
}

void agent_take_desired(struct agent *agent, struct str payload)
{
    AUTO(arena) arena = arena_new(DESIRED_ARENA_BYTES);
    struct str body = STR_NONE;
    struct desired d;
    struct err err = {0};
    char hash[DESIRED_HASH_SIZE];
    if (str_is_empty(payload)) {
        return; /* the broker was told to keep none */
    }
    if (!open_message(agent, payload, &arena, &body, &d, &err)) {
        turn_away(agent, &err);
        return;
    }
    desired_hash(body, hash);
    switch (desired_weigh(&agent->desired, d.revision, hash)) {
    case DESIRED_TRY:
        if (apply(agent, definitions_base(agent->defs), body, hash, &err)) {
            break;
        }
        if (err.code == ERR_INVALID) {
            refuse(agent, &d, body, hash, &err);
            break;
        }
        LOG(ERROR, "desired.not_applied", F_I("revision", d.revision), F_ERR(&err),
            F_T("action", "it comes again with the next connection"));
        return;
    case DESIRED_STALE:
        LOG(INFO, "desired.passed_over", F_I("revision", d.revision),
            F_I("in_force", agent->desired.applied));
        break;
    case DESIRED_KNOWN:
        break;
    }
    answer(agent);
}

/* --- at start, and when the definitions change --- */

/* Lays what is in force over `base`: what fits of it. *ret is `base` itself when there is nothing. */
static bool lay_kept(struct agent *agent, struct definitions *base, struct desired_kept *ret_kept,
                     struct arena *arena, struct desired_laid *ret, struct err *err)
{
    struct definitions_files files = definitions_system_files();
    bool found = false;
    *ret = (struct desired_laid){0};
    if (!store_desired(agent->store, DESIRED_IN_FORCE, arena, ret_kept, &found, err)) {
        return false;
    }
    if (!found) {
        ret->defs = definitions_share(base);
        return true;
    }
    if (desired_lay(ret_kept->body, base, OVERLAY_FITTING, &files, ret, err)) {
        return true;
    }
    if (err->code == ERR_NO_MEMORY) {
        return err_wrap(err, "what the hub wants");
    }
    /* Written by a newer release, say: the device does what its file says. */
    *ret = (struct desired_laid){.defs = definitions_share(base), .revision = ret_kept->revision};
    (void)snprintf(ret->reason, sizeof(ret->reason), "%.*s", DESIRED_REASON_BYTES, err->msg);
    return true;
}

static enum desired_status status_of(const struct desired_laid *laid)
{
    return laid->reason[0] == '\0' ? DESIRED_APPLIED : DESIRED_DEGRADED;
}

static void remember_refused(struct agent *agent, struct arena *arena)
{
    struct desired_kept kept;
    char hash[DESIRED_HASH_SIZE];
    bool found = false;
    struct err err = {0};
    if (!store_desired(agent->store, DESIRED_NOT_TAKEN, arena, &kept, &found, &err)) {
        LOG(ERROR, "desired.not_read", F_ERR(&err));
    } else if (found) {
        desired_hash(kept.body, hash);
        desired_state_refuse(&agent->desired, kept.revision, hash, kept.reason);
    }
}

static enum log_level level_in_use(void)
{
    enum log_level level = LOG_DEBUG;
    while (level > LOG_ERROR && !log_enabled(level)) {
        level--;
    }
    return level;
}

bool agent_lay_desired(struct agent *agent, struct definitions *base, struct definitions **ret,
                       struct desired_told *ret_told, struct err *err)
{
    AUTO(arena) arena = arena_new(KEPT_ARENA_BYTES);
    struct desired_kept kept = {0};
    struct desired_laid laid;
    char hash[DESIRED_HASH_SIZE] = "";
    if (!lay_kept(agent, base, &kept, &arena, &laid, err)) {
        return false;
    }
    if (laid.revision != 0) {
        desired_hash(kept.body, hash);
    }
    *ret = laid.defs;
    *ret_told = (struct desired_told){
        .revision = laid.revision, .status = status_of(&laid), .settings = laid.settings};
    memcpy(ret_told->hash, hash, sizeof(hash));
    memcpy(ret_told->reason, laid.reason, sizeof(laid.reason));
    memcpy(ret_told->bundle, laid.bundle, sizeof(laid.bundle));
    ret_told->has_bundle = laid.has_bundle;
    ret_told->is_news =
        laid.revision != 0 && (!str_eq(kept.status, desired_status_name(ret_told->status)) ||
                               !str_eq(kept.reason, str_from(laid.reason)));
    return true;
}

/* Of what is in force, once it is laid over the definitions in use. */
void agent_tell_desired(struct agent *agent, const struct desired_told *told)
{
    char memory[MEMBERS_BYTES_MAX];
    struct buf members = buf_fixed(memory, sizeof(memory));
    struct err err = {0};
    if (told->revision == 0) {
        return;
    }
    desired_state_apply(&agent->desired, told->revision, told->hash, told->status,
                        str_from(told->reason));
    memcpy(agent->desired.bundle, told->bundle, sizeof(told->bundle));
    agent->desired.has_bundle = told->has_bundle;
    bundles_wish(agent->bundles, str_from(told->bundle));
    use_settings(agent, &told->settings);
    if (!told->is_news || !agent->options.is_daemon) {
        return;
    }
    say(agent, str_from(told->reason));
    const struct record r =
        record_of(agent, told->revision, told->status, str_from(told->reason), &members);
    if (!record(agent, &r, &err)) {
        LOG(ERROR, "desired.not_recorded", F_ERR(&err));
    }
    answer(agent);
}

bool agent_open_desired(struct agent *agent, struct err *err)
{
    AUTO(arena) arena = arena_new(KEPT_ARENA_BYTES);
    struct definitions *base = agent->defs;
    agent->log_level = level_in_use();
    if (!agent_lay_desired(agent, base, &agent->defs, &agent->desired_told, err)) {
        return false;
    }
    definitions_close(base);
    remember_refused(agent, &arena);
    return true;
}

/* One that was refused may fit what is there now. */
void agent_retry_desired(struct agent *agent)
{
    AUTO(arena) arena = arena_new(KEPT_ARENA_BYTES);
    struct desired_kept kept;
    char hash[DESIRED_HASH_SIZE];
    bool found = false;
    struct err err = {0};
    if (agent->desired.refused <= agent->desired.applied ||
        !store_desired(agent->store, DESIRED_NOT_TAKEN, &arena, &kept, &found, &err) || !found) {
        return;
    }
    desired_hash(kept.body, hash);
    if (apply(agent, definitions_base(agent->defs), kept.body, hash, &err)) {
        answer(agent);
    } else {
        LOG(WARN, "desired.still_refused", F_I("revision", kept.revision), F_ERR(&err));
    }
}
