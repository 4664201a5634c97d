/* db_internal.h - what the files of common/db share. Nobody else includes it. */
#pragma once
#include "common/db/db.h"
#include "common/db/db_rows.h"
#include <sqlite3.h>

enum db_tx_statement { DB_TX_BEGIN, DB_TX_BEGIN_READ, DB_TX_COMMIT, DB_TX_ROLLBACK, DB_TX_COUNT };

struct db {
    sqlite3 *handle;
    char *path; /* for messages */
    const struct db_text *sql;
    sqlite3_stmt **statements; /* one per entry of sql */
    int sql_count;
    int busy_timeout_ms;
    int64_t max_bytes;
    sqlite3_stmt *tx[DB_TX_COUNT];
    bool (*should_stop)(void *ctx);
    void *should_stop_ctx;
    struct db_rows given; /* what the table `given` reads just now */
    bool is_restricted;
    bool is_our_tx;   /* a statement of db_tx is running, which db_restrict() does not forbid */
    bool saw_write;   /* the authorizer was asked about a write since the last prepare */
    bool was_refused; /* it refused something since then; SQLite's code does not always tell */
};

/* Fills `err` from a result code of the last call on this connection: "file: what: text". Returns
 * false. */
bool db_fail(const struct db *db, int rc, struct str what, struct err *err);

/* The name of a VFS that gathers writes into a WAL over this one (db_gather.c); this one itself where
 * that cannot be had. */
const char *db_gather_over(const char *vfs_name);

/* Makes the table `given`, empty. */
MUST_CHECK bool db_add_given(struct db *db, int columns, struct err *err);

/* Prepares exactly one statement; the caller finalizes it. `what` names it in errors. */
MUST_CHECK bool db_compile(struct db *db, struct str sql, struct str what, unsigned prepare_flags,
                           sqlite3_stmt **ret, struct err *err);
