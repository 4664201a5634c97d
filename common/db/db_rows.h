/* db_rows.h - rows of ours as a table that SQL can read, so that one INSERT ... SELECT takes any
 * number of them: SQLite needs about half the time of one INSERT per row. Thread: the connection's. */
#pragma once
#include "common/db/db.h"

struct db_value {
    enum db_type type;
    union {
        int64_t integer;
        double real;
        struct str text; /* or blob; borrowed until the next row */
    } as;
};

/* A column of the present row of a query, in one call where db_col_type() and its like take three.
 * Text is valid until the next db_next(). */
struct db_value db_col_value(const struct db_query *q, int col);

struct db_rows {
    int columns;
    /* Moves to the next row; *ret_row false after the last, and the statement ends. False fails the
     * statement: why is the caller's to remember. Running the statement again asks again. */
    bool (*next)(void *ctx, bool *ret_row);
    /* A value of the present row; `column` from 0. */
    struct db_value (*value)(void *ctx, int column);
    void *ctx;
};

/* Runs a statement of db_query() that reads these rows from the table `given`, which has
 * db_options.given_columns columns c0, c1, ... (`columns` here is not looked at) and is empty to all
 * other statements. */
MUST_CHECK bool db_run_given(struct db_query *q, const struct db_rows *rows, struct err *err);

/* Makes the rows readable as table `name` with the columns c0, c1, ... by statements prepared
 * afterwards on this connection. `rows` must outlive these; a later call with the same name takes
 * its place. Nothing is stored in the database. */
MUST_CHECK bool db_add_rows(struct db *db, const char *name, const struct db_rows *rows,
                            struct err *err);
