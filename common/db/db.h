/* db.h - SQLite: the only folder that knows it. Opened the way we promise durability (WAL,
 * synchronous=FULL), statements prepared at open, every return code turned into a sentence. One
 * thread per connection (SQLITE_OPEN_NOMUTEX). */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include <stdint.h>

struct db;
struct db_statement; /* opaque: sqlite3_stmt */

struct db_text { /* one embedded .sql file, see cmake/embed.cmake */
    const char *name;
    const char *sql;
};

enum db_flags {
    /* No migration, no write; the file must exist. */
    DB_READ_ONLY = 1,
    /* Somebody else's database (a point of sale, a target): no application_id, no schema of ours,
     * journal mode as it is when read-only; WAL when we may write. */
    DB_FOREIGN_FILE = 2,
    /* synchronous=NORMAL: only where losing the last commits is harmless. */
    DB_NORMAL_SYNC = 4,
    /* `path` is a file: URI (tests, in-memory). */
    DB_URI = 8,
    /* A second connection of the process that opened the file first: no quick_check again. */
    DB_NO_CHECK = 16,
    /* Statements are prepared when they are first used, not at open: for a small host that needs few
     * of many. A bad one shows in db_run()/db_next(); a test of the module opens without this. */
    DB_LATE = 32,
    /* A commit reaches the WAL in few large writes: half its processor time where it is of thousands of
     * pages, at 127 KiB of memory. Not with DB_NORMAL_SYNC, where nothing says when to write. */
    DB_GATHER = 64,
};
struct db_options {
    const char *path;
    unsigned flags;
    /* Checked at open: another program's file is refused (ERR_INVALID). 0 = not checked. */
    int64_t application_id;
    /* Applied in order in one transaction; user_version = how many. A file with a larger
     * user_version is refused with a clear sentence. NULL = user_version is left alone. */
    const struct db_text *migrations;
    int migrations_count;
    const struct db_text
        *sql; /* prepared at open, but for DB_LATE; a bad statement fails here, naming it */
    int sql_count;
    int cache_kib;       /* page cache; 0 = 256 */
    int busy_timeout_ms; /* 0 = 5000 */
    int64_t max_bytes;   /* of the database file; then writes fail with ERR_FULL. 0 = no limit */
    int given_columns; /* of the table `given` that statements may read: db_run_given(). 0 = none */
    const char *vfs;   /* NULL = default (tests: power-cut VFS) */
};

/* A file of ours that was not closed cleanly (its WAL is not empty) gets quick_check when opened
 * for writing; damage gives ERR_CORRUPT (the caller's policy: move aside). The tables of texts are
 * borrowed until db_close(). Errors: ERR_NOT_FOUND, ERR_DENIED (the path), ERR_INVALID (another
 * program's file, a newer or, when read-only, an older version, a bad statement), ERR_CORRUPT,
 * ERR_BUSY, ERR_FULL, ERR_IO, ERR_NO_MEMORY. Blocks for reading the whole file after an unclean
 * stop, and for busy_timeout_ms. */
MUST_CHECK bool db_open(struct db **ret, const struct db_options *options, struct err *err);
void db_close(struct db *db); /* rolls back what is open; NULL is allowed */

/* --- statements known at build time ---------------------------------------------------------- */

/* A failed bind is remembered and reported by db_run()/db_next() with the statement's name. A query
 * is used on one thread for one execution at a time: starting the same id again resets it. */
struct db_query {
    struct db *db;
    struct db_statement *statement;
    const char *name;
    int rc;
    const char *bad_parameter; /* the name whose bind failed; NULL for one by position */
    bool is_unprepared;        /* rc is of preparing it */
};
struct db_query db_query(struct db *db, int sql_id);

/* Names carry their colon: ":seq"; an unknown one is a remembered error (ERR_INVALID). Text and
 * bytes are borrowed until db_run() or until db_next() gave its last row. */
void db_bind_i64(struct db_query *q, const char *name, int64_t v);
void db_bind_str(struct db_query *q, const char *name, struct str v);
void db_bind_opt(struct db_query *q, const char *name, struct str v); /* NULL when empty */
void db_bind_blob(struct db_query *q, const char *name, struct str v);
void db_bind_double(struct db_query *q, const char *name, double v);
void db_bind_null(struct db_query *q, const char *name);

/* Steps to the end, then resets and clears the bindings. */
MUST_CHECK bool db_run(struct db_query *q, struct err *err);
/* The same, without waiting for another connection that writes: ERR_BUSY at once. */
MUST_CHECK bool db_run_at_once(struct db_query *q, struct err *err);
/* One row at a time; *ret_row false at the end (the query is then reset). */
MUST_CHECK bool db_next(struct db_query *q, bool *ret_row, struct err *err);
/* The same for a loop over all of them, with `ok` true before it:
 *     while (db_each(&q, &ok, err)) { one row }
 *     return ok;
 * False at the end, and where reading failed: then *ok is false too. */
bool db_each(struct db_query *q, bool *ok, struct err *err);
void db_reset(struct db_query *q); /* stop reading early */

/* Columns of the present row, from 0. Text and bytes are valid until the next db_next/db_reset. */
enum db_type { DB_NULL, DB_INTEGER, DB_REAL, DB_TEXT, DB_BLOB };
int64_t db_col_i64(const struct db_query *q, int col);
double db_col_double(const struct db_query *q, int col);
/* STR_NONE for NULL; an empty text has a pointer. Out of memory (turning a number into text) also
 * gives STR_NONE; the next db_next() then fails. */
struct str db_col_str(const struct db_query *q, int col);
struct str db_col_blob(const struct db_query *q, int col);
bool db_col_is_null(const struct db_query *q, int col);
enum db_type db_col_type(const struct db_query *q, int col);
int db_col_count(const struct db_query *q);
const char *db_col_name(const struct db_query *q, int col);

/* --- statements known at run time (targets, SQL assets, reports) ------------------------------ */

/* One statement only (ERR_INVALID when text follows). The query must be released with db_finish(),
 * may be run any number of times, and is bound by name or by position. */
MUST_CHECK bool db_prepare(struct db *db, struct str sql, struct db_query *ret, struct err *err);
void db_finish(struct db_query *q); /* releases what db_prepare made; idempotent */
static inline void db_query_release(struct db_query *q) /* the same; fits AUTO(db_query) */
{
    db_finish(q);
}
void db_bind_at_i64(struct db_query *q, int index, int64_t v); /* index from 1 */
void db_bind_at_str(struct db_query *q, int index, struct str v);
void db_bind_at_blob(struct db_query *q, int index, struct str v);
void db_bind_at_double(struct db_query *q, int index, double v);
void db_bind_at_null(struct db_query *q, int index);
bool db_is_read_only_sql(const struct db_query *q); /* the prepared statement writes nothing */

/* Any number of statements, no results. */
MUST_CHECK bool db_exec(struct db *db, const char *sql, struct err *err);
/* First column of the first row of a query without parameters; *ret_found false without a row. */
MUST_CHECK bool db_scalar_i64(struct db *db, const char *sql, int64_t *ret, bool *ret_found,
                              struct err *err);
/* Quotes an identifier: name -> "name" with inner quotes doubled. */
void db_add_identifier(struct buf *out, struct str name);
void db_add_literal(struct buf *out, struct str text); /* a text: it's -> 'it''s' */

/* The functions that SQL of others expects and SQLite, or some builds of it, lack; for statements
 * prepared afterwards on this connection: md5(x) as a BLOB of 16 bytes, split_part(text, mark, n) as
 * PostgreSQL has it, ceil, ceiling, floor. Views may call them, and then want them of whoever reads. */
MUST_CHECK bool db_add_functions(struct db *db, struct err *err);

/* --- transactions ----------------------------------------------------------------------------- */

struct db_tx {
    struct db *db; /* NULL once committed or never begun */
};
MUST_CHECK bool db_tx_begin(struct db *db, struct db_tx *ret, struct err *err); /* to write */
/* To read one snapshot. */
MUST_CHECK bool db_tx_begin_read(struct db *db, struct db_tx *ret, struct err *err);
/* True: durable (unless DB_NORMAL_SYNC). False: rolled back, nothing of it is there. Only when the
 * commit's own sync fails (ERR_IO) is it open whether a power cut brings the transaction back,
 * whole: keep such writes idempotent. */
MUST_CHECK bool db_tx_commit(struct db_tx *tx, struct err *err);
bool db_in_transaction(const struct db *db);
void db_tx_release(struct db_tx *tx); /* rolls back when still open; fits AUTO(db_tx) */

/* --- control ---------------------------------------------------------------------------------- */

int64_t db_changes(const struct db *db); /* rows changed by the last statement */
int64_t db_total_changes(const struct db *db);
/* Stops a running statement (ERR_CANCELLED): `should_stop` is asked every ~10,000 VM steps. NULL
 * ends the asking. */
void db_on_progress(struct db *db, bool (*should_stop)(void *ctx), void *ctx);
/* Refuses ATTACH, DETACH, PRAGMA, VACUUM, transaction control and extension loading (ERR_DENIED) in
 * statements prepared afterwards and in db_exec (for SQL that users write). db_tx_* still work. */
void db_restrict(struct db *db, bool on);
/* Folds the WAL into the file; harmless when readers hold it. */
MUST_CHECK bool db_checkpoint(struct db *db, struct err *err);
/* Bytes of SQLite heap now and at peak, process-wide. */
void db_memory(int64_t *ret_now, int64_t *ret_peak);
/* Sets SQLite's process-wide hard heap limit. */
void db_limit_memory(int64_t bytes);
