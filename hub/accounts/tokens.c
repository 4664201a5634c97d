/* tokens.c - what programs show instead of a session. */
#include "hub/accounts/accounts_internal.h"

#include <stdio.h>
#include <string.h>

#define USED_EVERY_MS INT64_C(60000)
static const char prefix[] = "svhk_";

static bool scope_from(struct str scope, enum account_role *ret)
{
    static const struct {
        const char *scope;
        enum account_role role;
    } scopes[] = {{"metrics", ACCOUNT_METRICS},
                  {"read", ACCOUNT_VIEWER},
                  {"operate", ACCOUNT_OPERATOR},
                  {"admin", ACCOUNT_ADMIN}};
    for (size_t i = 0; i < COUNT_OF(scopes); i++) {
        if (str_eq(scope, str_from(scopes[i].scope))) {
            *ret = scopes[i].role;
            return true;
        }
    }
    return false;
}

static void note_used(struct accounts *a, const char *id, int64_t used_ms, struct wall_time now)
{
    struct err err = {0};
    if (accounts_ms(now) - used_ms > USED_EVERY_MS) {
        struct db_query q = db_query(a->db, HUB_ACCOUNTS_TOKEN_USED);
        db_bind_str(&q, ":id", str_from(id));
        db_bind_i64(&q, ":now", accounts_ms(now));
        (void)!db_run_at_once(&q, &err); /* while the hub merges, the next use writes it */
    }
}

bool accounts_by_token(struct accounts *accounts, struct str secret, struct wall_time now,
                       struct account_caller *ret, bool *ret_found, struct err *err)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    char id[17];
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_TOKEN_FIND);
    bool row = false;
    enum account_role role = ACCOUNT_NONE;
    enum account_role scope = ACCOUNT_NONE;
    *ret_found = secret.len == ACCOUNT_TOKEN_SIZE - 1;
    if (!*ret_found || accounts_known(accounts, secret, now, ret)) {
        return true;
    }
    digest_hex(secret, hash);
    db_bind_str(&q, ":hash", str_from(hash));
    db_bind_i64(&q, ":now", accounts_ms(now));
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret_found =
        row && account_role_from(db_col_str(&q, 2), &role) && scope_from(db_col_str(&q, 3), &scope);
    if (!row) {
        return true;
    }
    *ret = (struct account_caller){.role = role < scope ? role : scope};
    (void)snprintf(id, sizeof(id), STR_FMT, STR_ARG(db_col_str(&q, 0)));
    (void)snprintf(ret->name, sizeof(ret->name), STR_FMT, STR_ARG(db_col_str(&q, 1)));
    (void)snprintf(ret->label, sizeof(ret->label), STR_FMT, STR_ARG(db_col_str(&q, 5)));
    int64_t used = db_col_i64(&q, 4);
    db_reset(&q);
    note_used(accounts, id, used, now);
    if (*ret_found) {
        accounts_know(accounts, secret, now, ret);
    }
    return true;
}

static bool check_token(struct accounts *a, const struct account_token *token, struct err *err)
{
    enum account_role scope = ACCOUNT_NONE;
    enum account_role role = ACCOUNT_NONE;
    int64_t most = INT64_C(86400) * ACCOUNT_TOKEN_DAYS_MAX;
    bool row = false;
    if (!accounts_role_of(a, token->account, &role, err)) {
        return false;
    }
    if (!scope_from(token->scope, &scope)) {
        return err_set(err, ERR_INVALID, "scopes are metrics, read, operate and admin");
    }
    if (token->expires.ns <= token->created.ns ||
        (token->expires.ns - token->created.ns) / NS_PER_SEC > most) {
        return err_set(err, ERR_INVALID, "a token is good for some time, %d days at most",
                       ACCOUNT_TOKEN_DAYS_MAX);
    }
    struct db_query q = db_query(a->db, HUB_ACCOUNTS_TOKEN_COUNT);
    db_bind_str(&q, ":account", token->account);
    db_bind_i64(&q, ":now", accounts_ms(token->created));
    if (!db_next(&q, &row, err)) {
        return false;
    }
    int64_t count = db_col_i64(&q, 0);
    db_reset(&q);
    return count < ACCOUNT_TOKENS_MAX ||
           err_set(err, ERR_FULL, "a user has %d tokens at most", ACCOUNT_TOKENS_MAX);
}

bool accounts_token_add(struct accounts *accounts, const struct account_token *token,
                        char ret_id[17], char ret_secret[ACCOUNT_TOKEN_SIZE], struct err *err)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    if (!check_token(accounts, token, err)) {
        return false;
    }
    rng_hex(accounts->rng, 8, ret_id);
    memcpy(ret_secret, prefix, sizeof(prefix));
    rng_hex(accounts->rng, 32, ret_secret + sizeof(prefix) - 1);
    digest_hex(str_from(ret_secret), hash);
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_TOKEN_ADD);
    db_bind_str(&q, ":id", str_from(ret_id));
    db_bind_str(&q, ":hash", str_from(hash));
    db_bind_str(&q, ":account", token->account);
    db_bind_opt(&q, ":label", token->label);
    db_bind_str(&q, ":scope", token->scope);
    db_bind_i64(&q, ":now", accounts_ms(token->created));
    db_bind_i64(&q, ":expires", accounts_ms(token->expires));
    return db_run(&q, err);
}

bool accounts_token_revoke(struct accounts *accounts, struct str id, struct wall_time now,
                           struct err *err)
{
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_TOKEN_REVOKE);
    db_bind_str(&q, ":id", id);
    db_bind_i64(&q, ":now", accounts_ms(now));
    accounts_forget_known(accounts);
    return db_run(&q, err) &&
           (db_changes(accounts->db) > 0 ||
            err_set(err, ERR_NOT_FOUND, "there is no token " STR_FMT, STR_ARG(id)));
}

bool accounts_each_token(struct accounts *accounts, struct str after, int64_t limit,
                         void (*on_row)(void *ctx, const struct account_token *row), void *ctx,
                         struct err *err)
{
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_TOKEN_LIST);
    bool row = false;
    db_bind_str(&q, ":after", str_is_empty(after) ? STR("") : after);
    db_bind_i64(&q, ":limit", limit);
    while (db_next(&q, &row, err)) {
        if (!row) {
            return true;
        }
        struct account_token token = {.id = db_col_str(&q, 0),
                                      .account = db_col_str(&q, 1),
                                      .label = db_col_str(&q, 2),
                                      .scope = db_col_str(&q, 3),
                                      .created = accounts_time(db_col_i64(&q, 4)),
                                      .expires = accounts_time(db_col_i64(&q, 5)),
                                      .used = accounts_time(db_col_i64(&q, 6)),
                                      .revoked = accounts_time(db_col_i64(&q, 7))};
        on_row(ctx, &token);
    }
    return false;
}
