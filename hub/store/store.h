/* store.h - hub.db: the event log, the views derived from it, and the hub's registry, in one SQLite
 * file. Schema: migrations/. Design: docs/decisions/0004-hub-log-and-views.md. Thread: one per
 * handle. */
#pragma once
#include "common/db/db.h"

enum { HUB_STORE_APPLICATION_ID = 0x53764875 }; /* "SvHu" */

/* Of the table `given`, by which merge writes many rows with one statement (common/db/db_rows.h). */
enum { HUB_STORE_GIVEN_COLUMNS = 19 };

struct hub_store_options {
    const char *path; /* of the database file */
    unsigned
        flags; /* enum db_flags: DB_READ_ONLY for reports beside a running hub, DB_URI in tests */
    int64_t max_bytes; /* of the file; 0 = no limit. Beyond it merging fails with ERR_FULL and
                          nothing is acknowledged */
    const char *vfs;   /* tests; NULL = SQLite's own */
};
/* Opens, creates or migrates it; 32 MiB of page cache for a writer, 16 MiB for a reader. Statements
 * are named HUB_STORE_... (generated hub_store_sql.h). Errors: as db_open(). */
MUST_CHECK bool hub_store_open(struct db **ret, const struct hub_store_options *options,
                               struct err *err);

/* ERR_NOT_FOUND: the hub has a CA, and no database any more. Always false. */
bool hub_store_lost(const char *path, struct err *err);

/* A connection for a part of the hub that has statements of its own, beside that of the store:
 * migrated too, and written between merges. ERR_NOT_FOUND when there is no database: `init` makes
 * it. */
MUST_CHECK bool hub_store_open_part(struct db **ret, const char *path, const struct db_text *sql,
                                    int sql_count, struct err *err);

/* Empties every table that is derived from the log; within the caller's transaction. */
MUST_CHECK bool hub_store_clear_views(struct db *db, struct err *err);
/* How this program derives the views from the log. Raise it when a migration adds a derived table, or
 * when one comes to hold something else of events that are there already: then the first start of a
 * hub that is upgraded derives all of them anew. */
enum { HUB_STORE_VIEWS_VERSION = 3 };
/* Whether the views were derived so; true of a log without an event as well. */
MUST_CHECK bool hub_store_views_are_current(struct db *db, bool *ret, struct err *err);
/* Within the transaction that has derived them. */
MUST_CHECK bool hub_store_set_views_current(struct db *db, struct err *err);
/* The derived tables, for comparing two stores; the primary key is their first columns. */
struct hub_store_view {
    const char *table;
    int key_columns;
};
enum { HUB_STORE_VIEW_COUNT = 29 };
extern const struct hub_store_view hub_store_views[HUB_STORE_VIEW_COUNT];
