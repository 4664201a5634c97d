/* accounts.h - who may use the hub's web side: users with passwords, sessions in cookies, tokens for
 * programs, and the audit log. Kept in hub.db (migration 0013) over a connection of its own. Secrets
 * are random or hashed with argon2id, and never stored. One thread. */
#pragma once
#include "common/base/arena.h"
#include "common/base/time.h"
#include "common/db/db.h"
#include "common/platform/rng.h"

enum account_role {
    ACCOUNT_NONE,
    ACCOUNT_METRICS,
    ACCOUNT_VIEWER,
    ACCOUNT_OPERATOR,
    ACCOUNT_ADMIN
};
const char *account_role_name(enum account_role role);
bool account_role_from(struct str name, enum account_role *ret); /* viewer, operator, admin */

enum {
    ACCOUNT_NAME_BYTES = 63,
    ACCOUNT_LABEL_BYTES = 200,
    ACCOUNT_SECRET_SIZE = 65, /* hex, with the NUL */
    ACCOUNT_PASSWORD_BYTES_MIN = 10,
    ACCOUNT_PASSWORD_BYTES_MAX = 1024,
    ACCOUNT_USERS_MAX = 1000,
    ACCOUNT_TOKENS_MAX = 100,   /* of one user */
    ACCOUNT_SESSIONS_MAX = 32,  /* of one user; the oldest ends */
    ACCOUNT_FAILURES_FREE = 10, /* then the account is locked: a minute, two, ... */
    ACCOUNT_LOCK_MINUTES_MAX = 15,
    ACCOUNT_SESSION_IDLE_S = 12 * 3600,
    ACCOUNT_SESSION_S = 7 * 86400,
    ACCOUNT_SETUP_S = 86400,
    ACCOUNT_TOKEN_DAYS_MAX = 3650,
};

struct accounts;
MUST_CHECK bool accounts_open(struct accounts **ret, const char *database, const struct rng *rng,
                              struct err *err);
void accounts_close(struct accounts *accounts); /* NULL is allowed */

/* Somebody who has shown who they are. */
struct account_caller {
    enum account_role role;
    char name[ACCOUNT_NAME_BYTES + 1];
    char csrf[ACCOUNT_SECRET_SIZE];      /* of a session; empty: it was a token */
    char label[ACCOUNT_LABEL_BYTES + 1]; /* of a token; may be empty */
};
/* *ret_found false: unknown, over, or taken back. */
MUST_CHECK bool accounts_by_session(struct accounts *accounts, struct str secret,
                                    struct wall_time now, struct account_caller *ret,
                                    bool *ret_found, struct err *err);
MUST_CHECK bool accounts_by_token(struct accounts *accounts, struct str secret,
                                  struct wall_time now, struct account_caller *ret, bool *ret_found,
                                  struct err *err);

struct account_asking { /* where a login comes from, and when */
    struct str peer;
    struct wall_time now;
    struct mono_time mono;
};
/* Takes some 30 ms of processor time when a password is looked at. ERR_DENIED: user or password is
 * wrong, whichever; ERR_BUSY: too many attempts from there, of all, or of this name (but by who has
 * logged in from there lately); nothing was looked at. */
MUST_CHECK bool accounts_login(struct accounts *accounts, struct str name, struct str password,
                               const struct account_asking *asking,
                               char ret_session[ACCOUNT_SECRET_SIZE], struct err *err);
/* The same without beginning a session. */
MUST_CHECK bool accounts_check_password(struct accounts *accounts, struct str name,
                                        struct str password, const struct account_asking *asking,
                                        struct err *err);
/* Another secret for the same session, whose CSRF token stays: who has seen the one before has nothing. */
MUST_CHECK bool accounts_rotate_session(struct accounts *accounts, struct str session,
                                        char ret_session[ACCOUNT_SECRET_SIZE], struct err *err);
MUST_CHECK bool accounts_logout(struct accounts *accounts, struct str session, struct err *err);

/* While there is no admin: a new secret for the setup link; the one before is void. *ret_needed false:
 * there is an admin. */
MUST_CHECK bool accounts_setup_make(struct accounts *accounts, struct wall_time now,
                                    char ret_secret[ACCOUNT_SECRET_SIZE], bool *ret_needed,
                                    struct err *err);
/* Makes the user `name` the first admin with this password, once. ERR_DENIED: not the secret, it is over, or
 * there is an admin by now. */
MUST_CHECK bool accounts_setup_use(struct accounts *accounts, struct str secret, struct str name,
                                   struct str password, const struct account_asking *asking,
                                   struct err *err);

/* --- users ----------------------------------------------------------------------------------- */

bool account_name_is_valid(struct str name); /* 1..63 of a-z, 0-9, '-', '_', '.', '@' */
/* ERR_EXISTS, ERR_INVALID, ERR_FULL. */
MUST_CHECK bool accounts_add(struct accounts *accounts, struct str name, enum account_role role,
                             struct str password, struct wall_time now, struct err *err);
/* ERR_NOT_FOUND; ERR_INVALID when it would leave no admin. Sessions of the user end, but `but`. */
MUST_CHECK bool accounts_set_role(struct accounts *accounts, struct str name,
                                  enum account_role role, struct err *err);
MUST_CHECK bool accounts_set_password(struct accounts *accounts, struct str name,
                                      struct str password, struct str but, struct err *err);
MUST_CHECK bool accounts_remove(struct accounts *accounts, struct str name, struct err *err);

struct account_user {
    struct str name, role;
    struct wall_time created, locked_until, last_login;
    int64_t failures, sessions, tokens;
};
/* By name, behind `after`. */
MUST_CHECK bool accounts_each_user(struct accounts *accounts, struct str after, int64_t limit,
                                   struct wall_time now,
                                   void (*on_row)(void *ctx, const struct account_user *row),
                                   void *ctx, struct err *err);

/* --- tokens ---------------------------------------------------------------------------------- */

struct account_token {
    struct str id, account, label, scope; /* metrics, read, operate, admin */
    struct wall_time created, expires, used, revoked;
};
enum { ACCOUNT_TOKEN_SIZE = 5 + 64 + 1 }; /* "svhk_" and hex */
/* account, label, scope, created and expires are given. ERR_NOT_FOUND, ERR_INVALID, ERR_FULL. */
MUST_CHECK bool accounts_token_add(struct accounts *accounts, const struct account_token *token,
                                   char ret_id[17], char ret_secret[ACCOUNT_TOKEN_SIZE],
                                   struct err *err);
MUST_CHECK bool accounts_token_revoke(struct accounts *accounts, struct str id,
                                      struct wall_time now, struct err *err);
MUST_CHECK bool accounts_each_token(struct accounts *accounts, struct str after, int64_t limit,
                                    void (*on_row)(void *ctx, const struct account_token *row),
                                    void *ctx, struct err *err);

/* --- audit ----------------------------------------------------------------------------------- */

struct account_audit {
    int64_t id;
    struct wall_time at;
    struct str account, peer, action, subject, result, detail;
};
MUST_CHECK bool accounts_audit(struct accounts *accounts, const struct account_audit *row,
                               struct err *err);
struct account_audit_filter {
    int64_t before; /* an id; 0 = from the newest */
    struct str account, action;
    int64_t limit;
};
/* Newest first. */
MUST_CHECK bool accounts_each_audit(struct accounts *accounts,
                                    const struct account_audit_filter *filter,
                                    void (*on_row)(void *ctx, const struct account_audit *row),
                                    void *ctx, struct err *err);
