/* postgres.h - inside of the PostgreSQL executor: what its files share. */
#pragma once
#include "agent/el/pg.h"
#include "agent/transform/database.h"

struct postgres {
    struct database base;
    struct pg pg;
    struct buf dsn; /* a lost connection is opened again, but never within a node's transaction */
    bool is_inside;
    int64_t timeout_ms;
};
struct postgres *postgres_of(struct database *db);

/* Of a statement that the server would take from anybody: ends or begins a transaction, which are
 * ours, becomes another user, reads or writes files or standard input, loads code. By its first
 * words, so that what a DO block or a function does is bounded by the user's rights alone. Pure. */
MUST_CHECK bool postgres_check_statement(struct str sql, struct err *err);
