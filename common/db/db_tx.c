#include "common/db/db_internal.h"

/* The flag is for the authorizer: SQLite compiles a statement again after it was set. */
static bool tx_step(struct db *db, enum db_tx_statement which, const char *what, struct err *err)
{
    sqlite3_stmt *statement = db->tx[which];
    db->is_our_tx = true;
    int rc = sqlite3_step(statement);
    db->is_our_tx = false;
    if (rc != SQLITE_DONE) {
        db_fail(db, rc, str_from(what), err);
    }
    sqlite3_reset(statement);
    return rc == SQLITE_DONE;
}

bool db_tx_begin(struct db *db, struct db_tx *ret, struct err *err)
{
    if (!tx_step(db, DB_TX_BEGIN, "begin", err)) {
        return false;
    }
    ret->db = db;
    return true;
}

bool db_tx_begin_read(struct db *db, struct db_tx *ret, struct err *err)
{
    if (!tx_step(db, DB_TX_BEGIN_READ, "begin", err)) {
        return false;
    }
    ret->db = db;
    return true;
}

bool db_tx_commit(struct db_tx *tx, struct err *err)
{
    struct db *db = tx->db;
    if (db == NULL || sqlite3_get_autocommit(db->handle) != 0) {
        /* A full disk or an I/O error makes SQLite roll back on its own; the caller missed that
         * error. */
        tx->db = NULL;
        return err_set(err, ERR_INTERNAL, "%s: commit: the transaction was rolled back before",
                       db == NULL ? "database" : db->path);
    }
    bool ok = tx_step(db, DB_TX_COMMIT, "commit", err);
    if (ok) {
        tx->db = NULL;
    } else {
        db_tx_release(tx);
    }
    return ok;
}

void db_tx_release(struct db_tx *tx)
{
    struct db *db = tx->db;
    tx->db = NULL;
    if (db != NULL && sqlite3_get_autocommit(db->handle) == 0) {
        /* A rollback that meets an I/O error has still ended the transaction: the pager drops its
         * cache. */
        struct err ignored;
        tx_step(db, DB_TX_ROLLBACK, "rollback", &ignored);
    }
}

bool db_in_transaction(const struct db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}
