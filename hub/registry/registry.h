/* registry.h - what the hub itself knows, beside the event log: its fleet, tokens, devices and
 * their certificates, who is connected, who was turned away. The tables are in
 * hub/store/migrations/0003_registry.sql of the same hub.db, over a connection of its own: never
 * write here while a merge's transaction is open in the same process. One thread. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/tls/identity.h"
#include "common/wire/messages.h"

struct registry;
/* ERR_NOT_FOUND when there is no database: `init` makes it. */
MUST_CHECK bool registry_open(struct registry **ret, const char *path, struct err *err);
void registry_close(struct registry *registry); /* NULL is allowed */

/* --- fleet ------------------------------------------------------------------------------ */
MUST_CHECK bool registry_set_fleet(struct registry *r, struct str name, struct wall_time now,
                                   struct err *err);
MUST_CHECK bool registry_fleet(struct registry *r, struct buf *ret_name, struct err *err);

/* --- labels ----------------------------------------------------------------------------- */
enum { LABELS_MAX = 64 }; /* of a device */
struct label_change {
    struct str key, value; /* no value: takes the label off */
};
/* Of all these devices or, when it fails, of none. ERR_FULL beyond LABELS_MAX. Keys and values are
 * valid (hub/fleet/targets.h). */
MUST_CHECK bool registry_change_labels(struct registry *r, const struct str *devices,
                                       size_t device_count, const struct label_change *changes,
                                       size_t change_count, struct err *err);
struct registry_label {
    struct str device, display_name; /* the latter may be empty */
    bool is_online;
    struct str key, value; /* empty: the device has no label */
};
/* Each label of each device of the fleet, by device, then key; a device without one comes once. Not
 * those that are revoked or decommissioned. */
MUST_CHECK bool registry_each_label(struct registry *r,
                                    void (*on_label)(void *ctx, const struct registry_label *row),
                                    void *ctx, struct err *err);

/* --- tokens ----------------------------------------------------------------------------- */
enum { TOKEN_ID_SIZE = 9, TOKEN_SECRET_SIZE = 33 };
struct token_options {
    struct str label; /* may be empty */
    int64_t max_uses;
    struct wall_time expires;
    struct str
        name_pattern; /* what devices that use it may be called, * for any characters; may be empty */
    const struct label_change *labels; /* they get; valid, and none empty */
    size_t label_count;                /* at most LABELS_MAX */
};
/* The secret is given out here and never again; only its SHA-256 is stored. */
MUST_CHECK bool registry_create_token(struct registry *r, const struct rng *rng,
                                      const struct token_options *options, struct wall_time now,
                                      char ret_id[TOKEN_ID_SIZE],
                                      char ret_secret[TOKEN_SECRET_SIZE], struct err *err);
MUST_CHECK bool registry_revoke_token(struct registry *r, struct str id, struct wall_time now,
                                      struct err *err);
struct token_row {
    struct str id, label, last_error;
    struct str name_pattern, labels;            /* "line=2 site=berlin" */
    struct wall_time created, expires, revoked; /* revoked 0 = not */
    int64_t max_uses, uses;
};
MUST_CHECK bool registry_each_token(struct registry *r,
                                    void (*on_token)(void *ctx, const struct token_row *row),
                                    void *ctx, struct err *err);

/* --- enrolment -------------------------------------------------------------------------- */
struct enrol_authority {
    struct str ca_cert;
    struct str ca_key;
    struct str command_keys; /* told to the device, as are host and port */
    struct str host;
    int64_t port;
    int64_t certificate_days;
    const struct rng *rng;
};
/* Decides one request. The reply is accepted or refused with a reason that tells the device's owner
 * what to do; both are true here. False: the hub itself could not decide (database, CA), and
 * nothing was changed. The same token, name and key give the same certificate again. The reply's
 * text lives in `arena`. */
MUST_CHECK bool registry_enrol(struct registry *r, const struct enrol_authority *authority,
                               const struct message_enrol_request *request, struct wall_time now,
                               struct arena *arena, struct message_enrol_reply *ret,
                               struct err *err);
MUST_CHECK bool registry_device_is_known(struct registry *r, struct str device, bool *ret,
                                         struct err *err);

/* --- connections ------------------------------------------------------------------------ */
/* Nobody is connected yet: the hub has just started. */
MUST_CHECK bool registry_all_offline(struct registry *r, struct wall_time now, struct err *err);
MUST_CHECK bool registry_born(struct registry *r, struct str device,
                              const struct message_birth *birth, struct wall_time now,
                              struct err *err);
/* Counts only for the session that is connected: a late will of an earlier one says nothing. */
MUST_CHECK bool registry_died(struct registry *r, struct str device,
                              const struct message_death *death, struct wall_time now,
                              struct err *err);
/* Keeps the reason with the device (when there is one of that name) and in the bounded list of
 * refusals. */
MUST_CHECK bool registry_refused(struct registry *r, struct str peer, struct str what,
                                 struct str why, struct wall_time now, struct err *err);
