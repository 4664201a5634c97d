/* database.h - the database that nodes run in, SQLite or PostgreSQL: little more than statements,
 * with the difference between those that we wrote and those that hold text of a project. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"

struct relation {
    struct str quoted; /* as the manifest has it: main."hourly", "edge"."dbt"."hourly" */
    struct str database, schema, name;
};
enum relation_kind { RELATION_NONE, RELATION_TABLE, RELATION_VIEW, RELATION_OTHER };
struct relation_column {
    struct str name;
    struct str type; /* as declared; may be empty in SQLite */
};
struct relation_columns {
    struct relation_column *items;
    size_t count;
};

/* The rows of a small query, as text; ptr NULL is NULL. */
struct query_rows {
    struct str *values; /* row by row */
    size_t columns, rows;
};
enum { QUERY_ROWS_MAX = 1000, QUERY_BYTES_MAX = 1 << 20 };

/* Who wrote the text. */
enum statement_by {
    BY_US, /* any number of statements; of a project only names, checked (relation.h) or quoted */
    BY_PROJECT, /* holds SQL of a project: one statement, which may not attach, set pragmas, end or
                   begin transactions, load extensions, nor (PostgreSQL) COPY from or to files. A
                   query may not write. ERR_DENIED */
    BY_PROJECT_SCRIPT, /* the same of a hook or header, which in PostgreSQL may be several statements, one
                          after the other; not a query */
};

struct database;
struct transform; /* node.h */
struct dbt_spec;
struct node_result;
struct database_ops {
    const char *name; /* "sqlite", "postgres": dbt's adapter_type */
    /* A view, a table or an incremental model: model_run(). The one thing that the two do unlike. */
    bool (*materialize)(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
                        struct node_result *ret, struct err *err);
    /* Our statements `change`, which drop, make or alter the table of a node. Views of others that read it
     * stay (PostgreSQL), or *ret_notes says which did not, to be put behind the node's message. */
    bool (*change_table)(const struct transform *t, const struct dbt_spec *spec,
                         struct arena *arena, const struct buf *change, struct str *ret_notes,
                         struct err *err);
    /* What dbt gives a table beside its rows: indexes when it is new, grants, comments. */
    bool (*dress_table)(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
                        bool is_new, struct err *err);
    /* *ret_rows (may be NULL): rows changed; -1 = the database does not say. */
    bool (*exec)(struct database *db, struct str sql, enum statement_by by, int64_t *ret_rows,
                 struct err *err);
    /* ERR_FULL over QUERY_ROWS_MAX or QUERY_BYTES_MAX. */
    bool (*query)(struct database *db, struct str sql, enum statement_by by, struct arena *arena,
                  struct query_rows *ret, struct err *err);
    bool (*begin)(struct database *db, struct err *err);
    bool (*commit)(struct database *db, struct err *err); /* true: durable */
    void (*rollback)(struct database *db);                /* harmless without a transaction */
    bool (*kind)(struct database *db, const struct relation *relation, enum relation_kind *ret,
                 struct err *err);
    bool (*columns)(struct database *db, const struct relation *relation, struct arena *arena,
                    struct relation_columns *ret, struct err *err);
    /* Makes the schema of a relation where there is none; NULL: there always is. */
    bool (*make_schema)(struct database *db, const struct relation *relation, struct err *err);
    void (*close)(struct database *db);
};
struct database {
    const struct database_ops *ops;
};

/* Statements that run longer are stopped (ERR_TIMEOUT), and at SIGTERM all are (ERR_CANCELLED). */
struct database_options {
    int64_t statement_timeout_ns; /* 0 = no limit */
    int64_t
        memory_max_bytes; /* SQLite's, of the whole process: more gives ERR_NO_MEMORY; 0 = no limit */
};
MUST_CHECK bool database_open_sqlite(const char *path, const struct database_options *options,
                                     struct database **ret, struct err *err);
MUST_CHECK bool database_open_postgres(struct str dsn, const struct database_options *options,
                                       struct database **ret, struct err *err);
void database_close(struct database *db); /* rolls back; NULL is allowed */

/* The schema of a relation, where it is missing, as dbt makes those of all that it makes. */
MUST_CHECK bool database_make_schema(struct database *db, const struct relation *relation,
                                     struct err *err);
/* A statement built in `sql`; ERR_NO_MEMORY when it did not fit. */
MUST_CHECK bool database_exec(struct database *db, const struct buf *sql, enum statement_by by,
                              int64_t *ret_rows, struct err *err);
MUST_CHECK bool database_query(struct database *db, const struct buf *sql, enum statement_by by,
                               struct arena *arena, struct query_rows *ret, struct err *err);
enum { STATEMENT_BYTES_MAX = 32 << 20 }; /* of a statement around a project's text */
