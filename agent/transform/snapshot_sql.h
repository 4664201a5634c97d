/* snapshot_sql.h - the statements of a snapshot: a table that keeps the versions of rows, each with
 * the time from and to which it held. Pure. The same rows as dbt-adapters' macros make, with the
 * query run once, into a temporary table that the others read.
 *
 * All but those said to be ours hold text of the project, one statement each: BY_PROJECT.
 * Source: dbt-adapters, macros/materializations/snapshots; dbt-postgres, snapshot_merge.sql; dbt-sqlite,
 * snapshot/strategies.sql. Differences: docs/reference/dbt.md */
#pragma once
#include "agent/transform/database.h"
#include "common/dbt/spec.h"

struct snapshot {
    const struct dbt_spec *spec;
    bool is_postgres;
    struct str now; /* of SQLite: "2026-11-22 02:30:00"; PostgreSQL has the transaction's */
    const struct relation *target;
    const struct relation *rows;    /* temporary: the query's */
    const struct relation *changes; /* temporary: what is new, closed or gone */
    struct str_list columns;        /* of the query, as the database names them */
    struct relation_columns there;  /* of the target */
    /* Of the check strategy, see snapshot_choose_columns(). */
    struct str_list compared;
    bool is_column_new; /* so every row counts as changed */
};

/* The table, when there is none yet. */
void snapshot_create(const struct snapshot *s, struct buf *sql);

/* ERR_INVALID when the table is no snapshot, or lacks a column that the settings need. */
MUST_CHECK bool snapshot_check_target(const struct snapshot *s, struct err *err);
void snapshot_read_rows(const struct snapshot *s, struct buf *sql);
/* Once `columns` and `there` are known. ERR_INVALID: check_cols names a column that the query has not. */
MUST_CHECK bool snapshot_choose_columns(struct snapshot *s, struct arena *arena, struct err *err);
/* SQLite takes a name in double quotes that is no column for a text: then all rows had the same key, or
 * time. ERR_INVALID. */
MUST_CHECK bool snapshot_check_names(const struct snapshot *s, struct err *err);
void snapshot_find_changes(const struct snapshot *s, struct buf *sql);
void snapshot_close_rows(const struct snapshot *s, struct buf *sql);
void snapshot_insert_rows(const struct snapshot *s, struct buf *sql);
/* Ours: the statements that make the target's columns fit those of `changes` (of the table of that name),
 * which may be new or longer; nothing when they do. */
void snapshot_fit_columns(const struct snapshot *s, const struct relation_columns *changes,
                          struct buf *sql);
