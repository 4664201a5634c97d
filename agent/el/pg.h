/* pg.h - a connection to PostgreSQL: statements, COPY both ways, failures with their SQLSTATE. No
 * message holds the password. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

struct pg_library;
struct pg {
    const struct pg_library *lib;
    void *connection;  /* PGconn */
    char sqlstate[6];  /* of the last failure; empty = the server told none */
    int64_t copy_line; /* of the last failure of a COPY: the line that it names; else untouched */
    char *row;         /* of pg_copy_next, libpq's */
};

enum { PG_NAME_BYTES_MAX = 63 }; /* longer identifiers are cut by the server */

/* `dsn` is a URI or "host=... dbname=..."; what it leaves out comes from the environment, the
 * service file and the password file, as for every program that uses libpq. ERR_OFFLINE: nobody
 * answers; ERR_DENIED, ERR_NOT_FOUND: the server does, and refuses. */
MUST_CHECK bool pg_open(struct pg *pg, struct str dsn, struct err *err);
/* The same with the settings that others get there (TimeZone, ...), on which the results of their SQL
 * depend; but for DateStyle, which is ISO, as for psycopg2's users, and backslashes, which are
 * standard. */
MUST_CHECK bool pg_open_for_project(struct pg *pg, struct str dsn, struct err *err);
void pg_close(struct pg *pg); /* also of one that is not open; what is not committed is undone */
struct str pg_database(const struct pg *pg);
int pg_server_version(const struct pg *pg); /* 150018 is 15.18 */

/* Statements without rows. *ret_rows, when wanted: how many the last one changed. */
MUST_CHECK bool pg_exec(struct pg *pg, struct buf *sql, int64_t *ret_rows, struct err *err);
MUST_CHECK bool pg_exec_text(struct pg *pg, const char *sql, struct err *err);
/* The same of a text that somebody else wrote: refused where it holds several statements. */
MUST_CHECK bool pg_exec_single(struct pg *pg, const char *sql, int64_t *ret_rows, struct err *err);
bool pg_failed_with(const struct pg *pg, const char *sqlstate);
bool pg_is_lost(const struct pg *pg);           /* the connection; also of one that is not open */
bool pg_is_in_transaction(const struct pg *pg); /* a block, failed or not */
bool pg_is_transaction_failed(const struct pg *pg); /* a COMMIT would undo it, and report success */

/* A query of few rows, as text. */
struct pg_rows {
    const struct pg_library *lib;
    void *result;
    int count;
};
enum { PG_PARAMS_MAX = 4 };
MUST_CHECK bool pg_query(struct pg *pg, const char *sql, const char *const *params, size_t count,
                         struct pg_rows *ret, struct err *err);
int pg_rows_columns(const struct pg_rows *rows);
struct str pg_rows_name(const struct pg_rows *rows, int column);         /* the rows' */
unsigned pg_rows_type(const struct pg_rows *rows, int column);           /* the type's OID */
struct str pg_rows_get(const struct pg_rows *rows, int row, int column); /* ptr NULL: NULL */
void pg_rows_release(struct pg_rows *rows);

/* A query of others, row by row, so that memory is bounded by the largest row: `take` gets each, as
 * row 0, until it returns false, having filled err. One statement. */
typedef bool pg_take(void *ctx, const struct pg_rows *row, struct err *err);
MUST_CHECK bool pg_query_each(struct pg *pg, const char *sql, pg_take *take, void *ctx,
                              struct err *err);

/* COPY ... FROM STDIN and COPY ... TO STDOUT in text format: begin, put until end, or next until
 * there is none. */
MUST_CHECK bool pg_copy_begin(struct pg *pg, struct buf *sql, struct err *err);
MUST_CHECK bool pg_copy_put(struct pg *pg, struct str lines, struct err *err);
MUST_CHECK bool pg_copy_end(struct pg *pg, int64_t *ret_rows, struct err *err);
/* *ret_line: one row with its line end, to be changed at will, valid until the next call; NULL at
 * the end. */
MUST_CHECK bool pg_copy_next(struct pg *pg, char **ret_line, size_t *ret_len, struct err *err);

void pg_add_identifier(struct buf *sql, struct str name); /* "quoted" */
void pg_add_literal(struct buf *sql, struct str text);    /* quoted, single */
/* ERR_INVALID for a name that PostgreSQL would cut or cannot hold. */
MUST_CHECK bool pg_check_name(const char *what, struct str name, struct err *err);
