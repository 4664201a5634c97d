/* registry.h - what the hub itself knows, beside the event log: its fleet, tokens, devices and
 * their certificates, who is connected, who was turned away. The tables are in
 * hub/store/migrations/0003_registry.sql of the same hub.db, over a connection of its own: never
 * write here while a merge's transaction is open in the same process. One thread. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/limits.h"
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
    int64_t wrong; /* secrets that were tried on it; those while it was closed not */
    struct wall_time closed_until; /* further ones are refused without a look; 0 = never was */
};
MUST_CHECK bool registry_each_token(struct registry *r,
                                    void (*on_token)(void *ctx, const struct token_row *row),
                                    void *ctx, struct err *err);

/* --- enrolment -------------------------------------------------------------------------- */
struct enrol_authority {
    struct str ca_cert;
    struct str ca_key;
    struct str next_cert, next_key; /* of the CA that is to be next; empty: none is */
    struct str next_fingerprint;
    struct str trusted;      /* all of them, PEM: told to the device, */
    struct str command_keys; /* as are these, host and port */
    struct str host;
    int64_t port;
    int64_t certificate_ns; /* how long a device's certificate is good for */
    int64_t grace_ns;       /* after its end, how long its key still gets another */
    const struct rng *rng;
};
/* Wrong secrets of one token that are looked at at once; each further one closes it for a second, then
 * two, four, ... an hour. Closed, wrong secrets are refused in the same words, and nothing is
 * written; the right one is let in: guessing is slowed down, and nobody is locked out. */
enum { TOKEN_TRIES = 5, TOKEN_CLOSED_S_MAX = 3600 };
struct enrol_outcome {
    struct message_enrol_reply reply;
    int64_t wrong; /* this was the so-and-so-many'th wrong secret of its token; 0: it was none */
    int64_t closed_ns; /* for so long the next are not looked at */
    bool is_held;      /* a wrong secret for a closed token: not counted */
};
/* Decides one request: with a token, an expired certificate, a serial number that was told before, or
 * none of it. The reply is accepted, refused with a reason that tells the device's owner what to do, or
 * pending; all are true here. False: the hub itself could not decide (database, CA), and
 * nothing was changed. The same token, name and key give the same certificate again. The reply's
 * text lives in `arena`. */
MUST_CHECK bool registry_enrol(struct registry *r, const struct enrol_authority *authority,
                               const struct message_enrol_request *request, struct wall_time now,
                               struct arena *arena, struct enrol_outcome *ret, struct err *err);
/* How many may connect. */
MUST_CHECK bool registry_count_devices(struct registry *r, int64_t *ret, struct err *err);
MUST_CHECK bool registry_device_is_known(struct registry *r, struct str device, bool *ret,
                                         struct err *err);

/* --- devices ---------------------------------------------------------------------------- */
/* By its id, or by what people call it. ERR_NOT_FOUND. */
MUST_CHECK bool registry_find_device(struct registry *r, struct str name,
                                     char ret_id[LIMIT_NAME_BYTES + 1], struct err *err);
enum shut_out { SHUT_OUT_REVOKED, SHUT_OUT_DECOMMISSIONED };
/* With all its certificates; it is offline from now on. `reason` may be empty. */
MUST_CHECK bool registry_shut_out(struct registry *r, struct str device, enum shut_out how,
                                  struct str reason, struct wall_time now, struct err *err);
/* Who is, by name. */
MUST_CHECK bool registry_each_shut_out(struct registry *r,
                                       void (*on_device)(void *ctx, struct str device), void *ctx,
                                       struct err *err);
/* Its certificates are revoked; who enrols with `token` takes the device's place, with another key. */
MUST_CHECK bool registry_replace(struct registry *r, struct str device, struct str token,
                                 struct wall_time now, struct err *err);
/* What people call it from now on; its own id takes that back. ERR_EXISTS: another device has the
 * name. */
MUST_CHECK bool registry_rename(struct registry *r, struct str device, struct str name,
                                struct err *err);

/* --- certificates ----------------------------------------------------------------------- */
struct certificate_order {
    struct str device, csr_pem;
    const char *cause; /* "enrolled", "renewed", "recovered" */
    struct wall_time now;
    struct str authorities; /* that the device trusts: their list; empty: the one in force */
};
/* By the next CA when there is one and the device trusts it. Within the caller's transaction. */
MUST_CHECK bool registry_issue(struct registry *r, const struct enrol_authority *authority,
                               const struct certificate_order *order, struct buf *ret_cert,
                               struct identity_info *ret_info, struct err *err);
/* Another certificate for a device that is enrolled, or *ret_reason says why not (static text). The
 * same key gets the same one again while that is good for a third of a life. At most
 * RENEWALS_AT_ONCE_MAX in a twentieth of a life, or in an hour when that is shorter. */
enum { RENEWALS_AT_ONCE_MAX = 5 };
MUST_CHECK bool registry_renew(struct registry *r, const struct enrol_authority *authority,
                               const struct certificate_order *order, struct buf *ret_cert,
                               struct str *ret_reason, struct err *err);
struct registry_revoked {
    struct str device, serial;
    struct wall_time at;
};
/* Certificates that are revoked and had not expired at `since`. */
MUST_CHECK bool registry_each_revoked(struct registry *r, struct wall_time since,
                                      void (*on_row)(void *ctx, const struct registry_revoked *row),
                                      void *ctx, struct err *err);

/* --- joining without a token ------------------------------------------------------------ */
enum { PENDING_MAX = 1000 }; /* hosts that wait; who has not asked for ten minutes is forgotten */
struct registry_pending {
    struct str key_fingerprint, device;
    struct str status; /* "waiting", "accepted", "rejected": until the device has heard of it */
    struct wall_time first, last; /* asked */
    struct str serial_number, version, board;
};
MUST_CHECK bool registry_each_pending(struct registry *r, struct wall_time now,
                                      void (*on_row)(void *ctx, const struct registry_pending *row),
                                      void *ctx, struct err *err);
/* ERR_NOT_FOUND when no such key waits under the name, or it was decided so already. */
MUST_CHECK bool registry_decide_pending(struct registry *r, struct str device,
                                        struct str key_prefix, bool is_accepted, struct err *err);
struct preauthorisation {
    struct str serial_number, device, labels; /* labels: "line=2 site=berlin" */
};
/* All or none; one that was used already stays as it is. */
MUST_CHECK bool registry_preauthorise(struct registry *r, const struct preauthorisation *rows,
                                      size_t count, struct wall_time now, struct err *err);
struct preauthorised {
    struct preauthorisation is;
    struct wall_time added, used; /* used 0: nobody came with it yet */
};
struct preauthorised_list {
    struct str after; /* a serial number; empty: from the first */
    int64_t limit;
    void (*on_row)(void *ctx, const struct preauthorised *row); /* by serial number */
    void *ctx;
};
MUST_CHECK bool registry_each_preauthorised(struct registry *r,
                                            const struct preauthorised_list *list, struct err *err);
/* Who joined by it stays. ERR_NOT_FOUND. */
MUST_CHECK bool registry_drop_preauthorised(struct registry *r, struct str serial_number,
                                            struct err *err);

/* --- connections ------------------------------------------------------------------------ */
/* Nobody is connected yet: the hub has just started. */
MUST_CHECK bool registry_all_offline(struct registry *r, struct wall_time now, struct err *err);
MUST_CHECK bool registry_born(struct registry *r, struct str device,
                              const struct message_birth *birth, struct wall_time now,
                              struct err *err);
/* Whether that is what it has said before. */
MUST_CHECK bool registry_are_authorities(struct registry *r, struct str device,
                                         struct str authorities, struct str authority, bool *ret,
                                         struct err *err);
/* What it trusts now and who issued its certificate, between births. */
MUST_CHECK bool registry_set_authorities(struct registry *r, struct str device,
                                         struct str authorities, struct str authority,
                                         struct err *err);
/* What it trusted when it last said so; empty: it never did. */
MUST_CHECK bool registry_get_authorities(struct registry *r, struct str device, struct buf *ret,
                                         struct err *err);
/* Those that are connected and say what they trust, which is not `list`; by name from behind `after`,
 * so many at most. */
struct registry_behind {
    struct str list, after;
    int64_t limit;
};
MUST_CHECK bool registry_each_behind(struct registry *r, const struct registry_behind *which,
                                     void (*on_device)(void *ctx, struct str device), void *ctx,
                                     struct err *err);
struct registry_authority {
    struct str device;
    bool is_online;
    struct str authorities, authority; /* empty: it never said */
    struct wall_time last_seen;        /* 0: never */
};
/* Every enrolled device, by name. */
MUST_CHECK bool registry_each_authority(struct registry *r,
                                        void (*on_row)(void *ctx,
                                                       const struct registry_authority *row),
                                        void *ctx, struct err *err);
/* Counts only for the session that is connected: a late will of an earlier one says nothing. */
MUST_CHECK bool registry_died(struct registry *r, struct str device,
                              const struct message_death *death, struct wall_time now,
                              struct err *err);
/* Keeps the reason with the device (when there is one of that name) and in the bounded list of
 * refusals. */
MUST_CHECK bool registry_refused(struct registry *r, struct str peer, struct str what,
                                 struct str why, struct wall_time now, struct err *err);
