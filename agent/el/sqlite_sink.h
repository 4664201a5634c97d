/* sqlite_sink.h - one table of target_sqlite.c: its columns and key, and the rows that go into it. In
 * mode overwrite they go into a staging table, which takes the table's place at the end. One INSERT
 * ... SELECT takes all rows of a slice, from a virtual table that asks the source. Transactions are
 * the target's. */
#pragma once
#include "agent/el/load_key.h"
#include "agent/el/schema_change.h"
#include "agent/el/table.h"
#include "agent/el/target.h"
#include "common/db/db_rows.h"

struct exact_column {
    size_t column;
    bool is_real; /* to SQLite its numbers are doubles */
};
struct sqlite_sink {
    struct sink base;
    struct db *db;
    const struct load_options *load;
    struct arena *arena;
    char rows_name[32]; /* of the virtual table */
    struct db_query insert;
    struct str name;     /* of the table */
    struct str table;    /* where rows go: the table, or its staging table */
    struct schema there; /* columns of that table now */
    struct load_key key;
    struct held_columns held;
    const struct schema *schema; /* NULL before the first */
    struct exact_column *exact;  /* its columns of numbers that must not be rounded */
    size_t exact_count;
    struct db_rows rows; /* what the INSERT reads */
    const struct row_source *source;
    const struct value *present; /* row */
    struct err source_err;       /* why it gave none */
    int64_t row;                 /* number of the row, for errors */
    int64_t new_rows;            /* written since the last commit */
    bool is_changed;             /* the table, in this transaction */
    bool is_staged;              /* part of the staging table is committed */
    struct rejects *rejects;     /* what becomes of rows that are not taken */
    bool is_careful;             /* the table may refuse a row: a statement takes one alone */
    const struct value *alone;   /* that row, when it has had it */
    bool has_rowid_key;          /* its key is the rowid, which only an integer can be */
    struct buf record;           /* of a rejected row */
};

struct sqlite_sink_options {
    struct db *db;
    struct str table;
    size_t number;   /* of the sink in its target */
    struct str path; /* of the database */
    const struct load_options *load;
    struct rejects *rejects;
    struct arena *arena;
};
MUST_CHECK bool sqlite_sink_open(struct sqlite_sink **ret,
                                 const struct sqlite_sink_options *options, struct err *err);
/* Makes the table, or adds the columns it has not. In the target's transaction, as the next three. */
MUST_CHECK bool sqlite_sink_set_schema(struct sqlite_sink *t, const struct schema *schema,
                                       const struct str_list *key, struct err *err);
MUST_CHECK bool sqlite_sink_load(struct sqlite_sink *t, const struct row_source *source,
                                 struct err *err);
MUST_CHECK bool sqlite_sink_remove(struct sqlite_sink *t, const struct removal *removal,
                                   struct err *err);
/* Mode overwrite: what was staged takes the table's place. */
MUST_CHECK bool sqlite_sink_finish(struct sqlite_sink *t, struct err *err);
void sqlite_sink_committed(struct sqlite_sink *t, bool is_last);
/* What the table has now, for the report; after the commit, so that a long count holds up nobody. */
MUST_CHECK bool sqlite_sink_look(struct sqlite_sink *t, struct err *err);
/* Drops what is staged. After the transaction has ended. */
void sqlite_sink_close(struct sqlite_sink *t);
