/* postgres_quarantine.h - the table _selvedge_rejected of a schema: as sqlite_quarantine.h has it,
 * with the same outcomes. */
#pragma once
#include "agent/el/pg_table.h"
#include "agent/el/rejects.h"

#define QUARANTINE_TABLE "_selvedge_rejected"

struct postgres_quarantine {
    struct pg *pg;
    struct str schema;
    struct str state_id;
    int64_t keep; /* rows with this state id */
    bool is_there;
    bool is_cleared; /* of what an earlier attempt left pending */
};
/* Looks whether there is one. */
MUST_CHECK bool postgres_quarantine_open(struct postgres_quarantine *q, struct arena *arena,
                                         struct err *err);
/* In the caller's transaction. Takes what waits in `r`; `is_pending`: of a load that failed. */
MUST_CHECK bool postgres_quarantine_take(struct postgres_quarantine *q, const struct rejects *r,
                                         bool is_pending, struct err *err);
/* What an earlier attempt left pending goes; once. */
MUST_CHECK bool postgres_quarantine_clear(struct postgres_quarantine *q, struct err *err);
