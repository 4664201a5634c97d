/* db_work.h - a workload whose every state is known: transaction t (1, 2, ...) adds a group of rows
 * that follow from t, and every seventh also deletes the group of t - 5. It opens and closes the
 * database twice, checkpoints, and has groups larger than the page cache. */
#pragma once
#include "common/db/db.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/power_vfs.h"

enum { DB_WORK_TRANSACTIONS = 24 };

struct db_work {
    const char *vfs;
    unsigned flags;        /* of db_open */
    const char *extra_sql; /* after each open; NULL = none */
    int committed;         /* db_tx_commit() returned true up to here */
    int attempted;         /* db_tx_commit() was called up to here */
};

MUST_CHECK bool db_work_open(const struct db_work *w, struct db **ret, struct err *err);
/* One transaction: the one after the last committed. */
MUST_CHECK bool db_work_step(struct db_work *w, struct db *db, struct err *err);
/* All of it, until the first error. */
MUST_CHECK bool db_work_run(struct db_work *w, struct err *err);
/* Whether the database is exactly as after transaction `last`; reading must not fail. */
MUST_CHECK bool db_work_matches(struct db *db, int last, bool *ret_matches, struct err *err);
/* PRAGMA integrity_check; fills `err` with the finding. */
MUST_CHECK bool db_work_is_sound(struct db *db, struct err *err);
