/* login.c - passwords, sessions. */
#include "hub/accounts/accounts_internal.h"

#include <stdio.h>
#include <string.h>

#define SEEN_EVERY_MS INT64_C(60000) /* a session's last use is written so often */

static int64_t idle_since(struct wall_time now)
{
    return accounts_ms(now) - INT64_C(1000) * ACCOUNT_SESSION_IDLE_S;
}

/* --- sessions ----------------------------------------------------------------------------------- */

static void note_seen(struct accounts *a, const char *hash, int64_t seen_ms, struct wall_time now)
{
    struct err err = {0};
    if (accounts_ms(now) - seen_ms > SEEN_EVERY_MS) {
        struct db_query q = db_query(a->db, HUB_ACCOUNTS_SESSION_SEEN);
        db_bind_str(&q, ":hash", str_from(hash));
        db_bind_i64(&q, ":now", accounts_ms(now));
        (void)!db_run_at_once(&q, &err); /* while the hub merges, the next use writes it */
    }
}

bool accounts_by_session(struct accounts *accounts, struct str secret, struct wall_time now,
                         struct account_caller *ret, bool *ret_found, struct err *err)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_SESSION_FIND);
    bool row = false;
    *ret_found = secret.len == ACCOUNT_SECRET_SIZE - 1;
    if (!*ret_found || accounts_known(accounts, secret, now, ret)) {
        return true;
    }
    digest_hex(secret, hash);
    db_bind_str(&q, ":hash", str_from(hash));
    db_bind_i64(&q, ":now", accounts_ms(now));
    db_bind_i64(&q, ":idle", idle_since(now));
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret_found = row;
    if (!row) {
        return true;
    }
    *ret = (struct account_caller){0};
    (void)snprintf(ret->name, sizeof(ret->name), STR_FMT, STR_ARG(db_col_str(&q, 0)));
    (void)snprintf(ret->csrf, sizeof(ret->csrf), STR_FMT, STR_ARG(db_col_str(&q, 2)));
    *ret_found = account_role_from(db_col_str(&q, 1), &ret->role);
    int64_t seen = db_col_i64(&q, 3);
    db_reset(&q);
    note_seen(accounts, hash, seen, now);
    accounts_know(accounts, secret, now, ret);
    return true;
}

static bool begin_session(struct accounts *a, struct str name, const struct account_asking *asking,
                          char ret_session[ACCOUNT_SECRET_SIZE], struct err *err)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    char csrf[ACCOUNT_SECRET_SIZE];
    AUTO(db_tx) tx = {0};
    rng_hex(a->rng, (ACCOUNT_SECRET_SIZE - 1) / 2, ret_session);
    rng_hex(a->rng, (ACCOUNT_SECRET_SIZE - 1) / 2, csrf);
    digest_hex(str_from(ret_session), hash);
    if (!db_tx_begin(a->db, &tx, err)) {
        return false;
    }
    struct db_query good = db_query(a->db, HUB_ACCOUNTS_ACCOUNT_SUCCEEDED);
    db_bind_str(&good, ":name", name);
    db_bind_i64(&good, ":now", accounts_ms(asking->now));
    struct db_query trim = db_query(a->db, HUB_ACCOUNTS_SESSION_TRIM);
    db_bind_i64(&trim, ":now", accounts_ms(asking->now));
    db_bind_i64(&trim, ":idle", idle_since(asking->now));
    struct db_query bound = db_query(a->db, HUB_ACCOUNTS_SESSION_BOUND);
    db_bind_str(&bound, ":account", name);
    db_bind_i64(&bound, ":keep", ACCOUNT_SESSIONS_MAX - 1);
    struct db_query add = db_query(a->db, HUB_ACCOUNTS_SESSION_ADD);
    db_bind_str(&add, ":hash", str_from(hash));
    db_bind_str(&add, ":account", name);
    db_bind_str(&add, ":csrf", str_from(csrf));
    db_bind_str(&add, ":peer", asking->peer);
    db_bind_i64(&add, ":now", accounts_ms(asking->now));
    db_bind_i64(&add, ":expires", accounts_ms(asking->now) + INT64_C(1000) * ACCOUNT_SESSION_S);
    return db_run(&good, err) && db_run(&trim, err) && db_run(&bound, err) && db_run(&add, err) &&
           db_tx_commit(&tx, err);
}

bool accounts_rotate_session(struct accounts *accounts, struct str session,
                             char ret_session[ACCOUNT_SECRET_SIZE], struct err *err)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    char hash_after[FINGERPRINT_TEXT_SIZE];
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_SESSION_ROTATE);
    rng_hex(accounts->rng, (ACCOUNT_SECRET_SIZE - 1) / 2, ret_session);
    digest_hex(session, hash);
    digest_hex(str_from(ret_session), hash_after);
    db_bind_str(&q, ":hash", str_from(hash));
    db_bind_str(&q, ":new", str_from(hash_after));
    accounts_forget_known(accounts);
    return db_run(&q, err);
}

bool accounts_logout(struct accounts *accounts, struct str session, struct err *err)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_SESSION_REMOVE);
    digest_hex(session, hash);
    db_bind_str(&q, ":hash", str_from(hash));
    accounts_forget_known(accounts);
    return db_run(&q, err);
}

/* --- passwords ---------------------------------------------------------------------------------- */

struct found_account {
    char hash[PASSWORD_HASH_SIZE];
    int64_t failures, locked_ms;
    bool is_there;
    struct guess *stranger; /* of a name that nobody has; else NULL */
    struct guess *place;    /* the user has logged in from there lately; else NULL */
};

static bool make_nobody(struct accounts *a, struct err *err)
{
    char nothing[ACCOUNT_SECRET_SIZE];
    if (a->nobody[0] != '\0') {
        return true;
    }
    rng_hex(a->rng, (ACCOUNT_SECRET_SIZE - 1) / 2, nothing);
    return password_hash(a->rng, str_from(nothing), a->nobody, err);
}

static bool find(struct accounts *a, struct str name, struct str peer, struct found_account *ret,
                 struct err *err)
{
    struct db_query q = db_query(a->db, HUB_ACCOUNTS_ACCOUNT_GET);
    *ret = (struct found_account){.place = guesses_place(&a->guesses, name, peer)};
    db_bind_str(&q, ":name", name);
    if (!make_nobody(a, err) || !db_next(&q, &ret->is_there, err)) {
        return false;
    }
    if (!ret->is_there) {
        memcpy(ret->hash, a->nobody, sizeof(ret->hash));
        ret->stranger = guesses_name(&a->guesses, name);
        ret->failures = ret->stranger->failures;
        ret->locked_ms = ret->stranger->locked_ms;
        return true;
    }
    (void)snprintf(ret->hash, sizeof(ret->hash), STR_FMT, STR_ARG(db_col_str(&q, 1)));
    ret->failures = db_col_i64(&q, 2);
    ret->locked_ms = db_col_i64(&q, 3);
    db_reset(&q);
    return true;
}

/* Ten are free; then a minute, two, four, ... up to fifteen. */
static int64_t lock_after(int64_t failures)
{
    int64_t beyond = failures - ACCOUNT_FAILURES_FREE;
    int64_t minutes = beyond < 0 ? 0 : beyond > 3 ? ACCOUNT_LOCK_MINUTES_MAX : INT64_C(1) << beyond;
    return minutes * 60000;
}

static bool note_failure(struct accounts *a, struct str name, const struct found_account *found,
                         struct wall_time now, struct err *err)
{
    int64_t lock = lock_after(found->failures + 1);
    int64_t locked_ms = lock == 0 ? 0 : accounts_ms(now) + lock;
    if (found->place != NULL) {
        found->place->failures++;
    }
    if (found->stranger != NULL) {
        found->stranger->failures++;
        found->stranger->locked_ms = locked_ms;
        return true;
    }
    struct db_query q = db_query(a->db, HUB_ACCOUNTS_ACCOUNT_FAILED);
    db_bind_str(&q, ":name", name);
    db_bind_i64(&q, ":locked", locked_ms);
    return db_run(&q, err);
}

/* Has the user logged in from there lately, and not guessed on and on since? Those who guess from elsewhere do
 * not keep such a one out. */
static bool is_at_home(const struct guess *place)
{
    return place != NULL && place->failures < ACCOUNT_FAILURES_FREE;
}

bool accounts_check_password(struct accounts *accounts, struct str name, struct str password,
                             const struct account_asking *asking, struct err *err)
{
    struct found_account found;
    int64_t wait = 0;
    bool is_known = is_at_home(guesses_place(&accounts->guesses, name, asking->peer));
    if (!pace_take(&accounts->pace, asking->peer, is_known, asking->mono, &wait)) {
        return err_set(err, ERR_BUSY, "too many attempts: try again in %lld s", (long long)wait);
    }
    if (!find(accounts, name, asking->peer, &found, err)) {
        return false;
    }
    if (found.locked_ms > accounts_ms(asking->now) && !is_known) {
        return err_set(err, ERR_BUSY, "too many wrong passwords: try again in %lld s",
                       (long long)(found.locked_ms - accounts_ms(asking->now)) / 1000 + 1);
    }
    bool is_right = password.len <= ACCOUNT_PASSWORD_BYTES_MAX && password_is(password, found.hash);
    if (!is_right || !found.is_there) {
        return note_failure(accounts, name, &found, asking->now, err) &&
               err_set(err, ERR_DENIED, "user or password is wrong");
    }
    guesses_welcome(&accounts->guesses, name, asking->peer);
    return true;
}

bool accounts_login(struct accounts *accounts, struct str name, struct str password,
                    const struct account_asking *asking, char ret_session[ACCOUNT_SECRET_SIZE],
                    struct err *err)
{
    return accounts_check_password(accounts, name, password, asking, err) &&
           begin_session(accounts, name, asking, ret_session, err);
}
