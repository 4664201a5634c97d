/* accounts.c - see accounts.h. Here: users, and callers that are known for a moment. */
#include "hub/accounts/accounts_internal.h"

#include "hub/store/store.h"
#include <stdlib.h>
#include <string.h>

#define KNOWN_NS NS_PER_SEC

static const char *const role_names[] = {"none", "metrics", "viewer", "operator", "admin"};

const char *account_role_name(enum account_role role)
{
    return role_names[role];
}

bool account_role_from(struct str name, enum account_role *ret)
{
    for (int i = ACCOUNT_VIEWER; i <= ACCOUNT_ADMIN; i++) {
        if (str_eq(name, str_from(role_names[i]))) {
            *ret = (enum account_role)i;
            return true;
        }
    }
    return false;
}

bool accounts_open(struct accounts **ret, const char *database, const struct rng *rng,
                   struct err *err)
{
    struct accounts *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open the accounts: out of memory");
    }
    a->rng = rng;
    rng->fill(rng->ctx, a->guesses.key, sizeof(a->guesses.key));
    if (!hub_store_open_part(&a->db, database, hub_accounts_sql, HUB_ACCOUNTS_SQL_COUNT, err)) {
        accounts_close(a);
        return false;
    }
    *ret = a;
    return true;
}

void accounts_close(struct accounts *accounts)
{
    if (accounts == NULL) {
        return;
    }
    db_close(accounts->db);
    explicit_bzero(accounts, sizeof(*accounts));
    free(accounts);
}

/* --- known for a moment --------------------------------------------------------------------------- */

void accounts_forget_known(struct accounts *accounts)
{
    memset(accounts->known, 0, sizeof(accounts->known));
}

static struct known_caller *place_of(struct accounts *a, struct str secret, uint8_t hash[32])
{
    digest_sha256(secret, hash);
    return &a->known[hash[0] % CALLER_CACHE];
}

bool accounts_known(struct accounts *accounts, struct str secret, struct wall_time now,
                    struct account_caller *ret)
{
    uint8_t hash[32];
    const struct known_caller *known = place_of(accounts, secret, hash);
    if (known->at.ns == 0 || now.ns < known->at.ns || now.ns - known->at.ns > KNOWN_NS ||
        memcmp(known->hash, hash, sizeof(hash)) != 0) {
        return false;
    }
    *ret = known->caller;
    return true;
}

void accounts_know(struct accounts *accounts, struct str secret, struct wall_time now,
                   const struct account_caller *caller)
{
    uint8_t hash[32];
    struct known_caller *known = place_of(accounts, secret, hash);
    memcpy(known->hash, hash, sizeof(hash));
    known->caller = *caller;
    known->at = now;
}

/* --- users ---------------------------------------------------------------------------------------- */

bool account_name_is_valid(struct str name)
{
    static const struct str others = STR_INIT("-_.@");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_plain && !str_contains(others, (struct str){&c, 1})) {
            return false;
        }
    }
    return name.len > 0 && name.len <= ACCOUNT_NAME_BYTES;
}

static bool no_user(struct str name, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no user " STR_FMT, STR_ARG(name));
}

bool accounts_role_of(struct accounts *a, struct str name, enum account_role *ret, struct err *err)
{
    struct db_query q = db_query(a->db, HUB_ACCOUNTS_ACCOUNT_GET);
    bool row = false;
    db_bind_str(&q, ":name", name);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        return no_user(name, err);
    }
    bool ok = account_role_from(db_col_str(&q, 0), ret);
    db_reset(&q);
    return ok || err_set(err, ERR_CORRUPT, "user " STR_FMT " has an unknown role", STR_ARG(name));
}

static bool count(struct accounts *a, int64_t *ret_users, int64_t *ret_admins, struct err *err)
{
    struct db_query q = db_query(a->db, HUB_ACCOUNTS_ACCOUNT_COUNT);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret_users = db_col_i64(&q, 0);
    *ret_admins = db_col_i64(&q, 1);
    db_reset(&q);
    return true;
}

bool accounts_add(struct accounts *accounts, struct str name, enum account_role role,
                  struct str password, struct wall_time now, struct err *err)
{
    char hash[PASSWORD_HASH_SIZE];
    int64_t users = 0;
    int64_t admins = 0;
    enum account_role before = ACCOUNT_NONE;
    struct err none = {0};
    if (!account_name_is_valid(name)) {
        (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no user name", STR_ARG(name));
        return err_hint(err, "1 to 63 of a-z, 0-9, - _ . @");
    }
    if (!password_check(password, err) || !count(accounts, &users, &admins, err)) {
        return false;
    }
    if (accounts_role_of(accounts, name, &before, &none)) {
        return err_set(err, ERR_EXISTS, "there is a user " STR_FMT " already", STR_ARG(name));
    }
    if (users >= ACCOUNT_USERS_MAX) {
        return err_set(err, ERR_FULL, "there are %d users, which is the most", ACCOUNT_USERS_MAX);
    }
    if (!password_hash(accounts->rng, password, hash, err)) {
        return false;
    }
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_ACCOUNT_ADD);
    db_bind_str(&q, ":name", name);
    db_bind_str(&q, ":role", str_from(account_role_name(role)));
    db_bind_str(&q, ":password", str_from(hash));
    db_bind_i64(&q, ":now", accounts_ms(now));
    return db_run(&q, err);
}

/* What takes an admin away must leave one. */
static bool check_admin_stays(struct accounts *a, struct str name, enum account_role after,
                              struct err *err)
{
    enum account_role before = ACCOUNT_NONE;
    int64_t users = 0;
    int64_t admins = 0;
    if (!accounts_role_of(a, name, &before, err) || !count(a, &users, &admins, err)) {
        return false;
    }
    return before != ACCOUNT_ADMIN || after == ACCOUNT_ADMIN || admins > 1 ||
           err_set(err, ERR_INVALID, STR_FMT " is the last admin", STR_ARG(name));
}

static bool end_sessions(struct accounts *a, struct str name, struct str but, struct err *err)
{
    struct db_query q = db_query(a->db, HUB_ACCOUNTS_SESSION_REMOVE_OF);
    char hash[FINGERPRINT_TEXT_SIZE] = "";
    if (!str_is_empty(but)) {
        digest_hex(but, hash);
    }
    db_bind_str(&q, ":account", name);
    db_bind_opt(&q, ":but", str_from(hash));
    return db_run(&q, err);
}

bool accounts_set_role(struct accounts *accounts, struct str name, enum account_role role,
                       struct err *err)
{
    AUTO(db_tx) tx = {0};
    struct db_query q;
    if (!db_tx_begin(accounts->db, &tx, err) || !check_admin_stays(accounts, name, role, err)) {
        return false;
    }
    q = db_query(accounts->db, HUB_ACCOUNTS_ACCOUNT_ROLE);
    db_bind_str(&q, ":name", name);
    db_bind_str(&q, ":role", str_from(account_role_name(role)));
    accounts_forget_known(accounts);
    return db_run(&q, err) && end_sessions(accounts, name, STR_NONE, err) && db_tx_commit(&tx, err);
}

bool accounts_set_password(struct accounts *accounts, struct str name, struct str password,
                           struct str but, struct err *err)
{
    char hash[PASSWORD_HASH_SIZE];
    enum account_role role = ACCOUNT_NONE;
    AUTO(db_tx) tx = {0};
    if (!password_check(password, err) || !accounts_role_of(accounts, name, &role, err) ||
        !password_hash(accounts->rng, password, hash, err) ||
        !db_tx_begin(accounts->db, &tx, err)) {
        return false;
    }
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_ACCOUNT_PASSWORD);
    db_bind_str(&q, ":name", name);
    db_bind_str(&q, ":password", str_from(hash));
    accounts_forget_known(accounts);
    return db_run(&q, err) && end_sessions(accounts, name, but, err) && db_tx_commit(&tx, err);
}

bool accounts_remove(struct accounts *accounts, struct str name, struct err *err)
{
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(accounts->db, &tx, err) ||
        !check_admin_stays(accounts, name, ACCOUNT_NONE, err)) {
        return false;
    }
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_ACCOUNT_REMOVE);
    db_bind_str(&q, ":name", name);
    accounts_forget_known(accounts);
    return db_run(&q, err) && db_tx_commit(&tx, err);
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
bool accounts_each_user(struct accounts *accounts, struct str after, int64_t limit,
                        struct wall_time now,
                        void (*on_row)(void *ctx, const struct account_user *row), void *ctx,
                        struct err *err)
{
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_ACCOUNT_LIST);
    bool row = false;
    db_bind_str(&q, ":after", str_is_empty(after) ? STR("") : after);
    db_bind_i64(&q, ":limit", limit);
    db_bind_i64(&q, ":now", accounts_ms(now));
    while (db_next(&q, &row, err)) {
        if (!row) {
            return true;
        }
        struct account_user user = {.name = db_col_str(&q, 0),
                                    .role = db_col_str(&q, 1),
                                    .created = accounts_time(db_col_i64(&q, 2)),
                                    .failures = db_col_i64(&q, 3),
                                    .locked_until = accounts_time(db_col_i64(&q, 4)),
                                    .last_login = accounts_time(db_col_i64(&q, 5)),
                                    .sessions = db_col_i64(&q, 6),
                                    .tokens = db_col_i64(&q, 7)};
        on_row(ctx, &user);
    }
    return false;
}

/* --- the first password ---------------------------------------------------------------------------- */

bool accounts_setup_make(struct accounts *accounts, struct wall_time now,
                         char ret_secret[ACCOUNT_SECRET_SIZE], bool *ret_needed, struct err *err)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    int64_t users = 0;
    int64_t admins = 0;
    if (!count(accounts, &users, &admins, err)) {
        return false;
    }
    *ret_needed = admins == 0;
    if (!*ret_needed) {
        return true;
    }
    rng_hex(accounts->rng, (ACCOUNT_SECRET_SIZE - 1) / 2, ret_secret);
    digest_hex(str_from(ret_secret), hash);
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_SETUP_SET);
    db_bind_str(&q, ":hash", str_from(hash));
    db_bind_i64(&q, ":expires", accounts_ms(now) + INT64_C(1000) * ACCOUNT_SETUP_S);
    return db_run(&q, err);
}

static bool setup_is(struct accounts *a, struct str secret, struct wall_time now, bool *ret,
                     struct err *err)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    struct db_query q = db_query(a->db, HUB_ACCOUNTS_SETUP_GET);
    bool row = false;
    digest_hex(secret, hash);
    db_bind_i64(&q, ":now", accounts_ms(now));
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = row && digest_equal(db_col_str(&q, 0), str_from(hash));
    db_reset(&q);
    return true;
}

bool accounts_setup_use(struct accounts *accounts, struct str secret, struct str name,
                        struct str password, const struct account_asking *asking, struct err *err)
{
    bool is_right = false;
    int64_t wait = 0;
    int64_t users = 0;
    int64_t admins = 0;
    AUTO(db_tx) tx = {0};
    if (!pace_take(&accounts->pace, asking->peer, false, asking->mono, &wait)) {
        return err_set(err, ERR_BUSY, "too many attempts: try again in %lld s", (long long)wait);
    }
    if (!db_tx_begin(accounts->db, &tx, err) ||
        !setup_is(accounts, secret, asking->now, &is_right, err) ||
        !count(accounts, &users, &admins, err)) {
        return false;
    }
    if (!is_right) {
        (void)err_set(err, ERR_DENIED, "this link was used, is over, or was replaced by a newer");
        return err_hint(err, "the newest is in the hub's log: a restart of the hub makes another");
    }
    if (admins > 0) {
        (void)err_set(err, ERR_DENIED, "there is an admin already: this link is good no more");
        return err_hint(err, "a password that was lost is set anew on the hub: selvedge-hub user "
                             "password");
    }
    if (!accounts_add(accounts, name, ACCOUNT_ADMIN, password, asking->now, err)) {
        return false;
    }
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_SETUP_REMOVE);
    return db_run(&q, err) && db_tx_commit(&tx, err);
}
