/* accounts_internal.h - what the files of this folder share. */
#pragma once
#include "common/tls/identity.h"
#include "hub/accounts/accounts.h"
#include "hub/accounts/guesses.h"
#include "hub/accounts/pace.h"
#include "hub/accounts/password.h"
#include "hub_accounts_sql.h"

enum { CALLER_CACHE = 64 };
/* Callers that were looked up a moment ago: a page asks a dozen times at once. */
struct known_caller {
    uint8_t hash[32];
    struct account_caller caller;
    struct wall_time at; /* 0: free */
};
struct accounts {
    struct db *db;
    const struct rng *rng;
    struct pace pace;
    struct guesses guesses;
    struct known_caller known[CALLER_CACHE];
    /* Of a password that nobody has: unknown users take as long. Made when the first logs in. */
    char nobody[PASSWORD_HASH_SIZE];
};

static inline int64_t accounts_ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}
static inline struct wall_time accounts_time(int64_t ms)
{
    return (struct wall_time){ms * NS_PER_MS};
}
/* ERR_NOT_FOUND. */
MUST_CHECK bool accounts_role_of(struct accounts *a, struct str name, enum account_role *ret,
                                 struct err *err);
/* After whatever ends sessions, tokens or rights. */
void accounts_forget_known(struct accounts *accounts);
bool accounts_known(struct accounts *accounts, struct str secret, struct wall_time now,
                    struct account_caller *ret);
void accounts_know(struct accounts *accounts, struct str secret, struct wall_time now,
                   const struct account_caller *caller);
