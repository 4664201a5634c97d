/* sqlite_quarantine.h - the table _selvedge_rejected of an SQLite database: records that loads did
 * not take, in the transactions of the rows that they took. DESIGN. Rows of an attempt that has not
 * committed what it says (mode overwrite before its end; a load that failed at its limit) have the
 * outcome 'pending': the next load with the same state deletes them first, for their records come
 * again. So a record stands there once. */
#pragma once
#include "agent/el/rejects.h"
#include "common/db/db.h"

#define QUARANTINE_TABLE "_selvedge_rejected"

struct sqlite_quarantine {
    struct db *db;
    struct str state_id;
    int64_t keep;     /* rows with this state id */
    bool is_pending;  /* until sqlite_quarantine_finish() */
    bool is_there;    /* the table */
    bool is_cleared;  /* of what an earlier attempt left pending */
    bool has_written; /* since the last commit */
};
MUST_CHECK bool sqlite_quarantine_open(struct sqlite_quarantine *q, struct err *err);
/* In the caller's transaction, as the next. Takes what waits in `r`. */
MUST_CHECK bool sqlite_quarantine_take(struct sqlite_quarantine *q, const struct rejects *r,
                                       struct err *err);
/* Before the last commit. */
MUST_CHECK bool sqlite_quarantine_finish(struct sqlite_quarantine *q, struct err *err);
