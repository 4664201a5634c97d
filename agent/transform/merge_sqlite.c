#include "agent/transform/merge_sqlite.h"

#include "common/db/db.h"

#include <strings.h>

bool names_are_same(struct str a, struct str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static bool has_column(const struct str_list *columns, struct str name)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (names_are_same(columns->items[i], name)) {
            return true;
        }
    }
    return false;
}

const char *rowid_name(const struct str_list *columns)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!has_column(columns, str_from(names[i]))) {
            return names[i];
        }
    }
    return NULL;
}

bool merge_is_partial(const struct incremental_sql *in, size_t target_columns)
{
    const struct dbt_spec *spec = in->spec;
    return spec->merge_update_columns.count > 0 || spec->merge_exclude_columns.count > 0 ||
           spec->predicates.count > 0 || target_columns > in->columns->count;
}

static bool check_columns(const struct str_list *names, const struct str_list *columns,
                          const char *what, struct err *err)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!has_column(columns, names->items[i])) {
            err_set(err, ERR_INVALID, "%s " STR_FMT " is not a column of the query", what,
                    STR_ARG(str_clip(names->items[i], 100)));
            return err_hint(err, "a merge that does not replace whole rows wants columns here; see "
                                 "also incremental_strategy: delete+insert");
        }
    }
    return true;
}

/* --- statements ------------------------------------------------------------------------------ */

struct merge {
    const struct incremental_sql *in;
    struct str_list updated;
    const char *rowid;
    struct relation unmatched; /* the new rows that had no match, by their number */
};

static void add_match(struct buf *sql, const struct incremental_sql *in)
{
    const struct str_list *keys = &in->spec->unique_key;
    const struct str_list *predicates = &in->spec->predicates;
    for (size_t i = 0; i < predicates->count; i++) {
        buf_addf(sql, "(" STR_FMT "\n) and ", STR_ARG(predicates->items[i]));
    }
    for (size_t i = 0; i < keys->count; i++) {
        buf_add_text(sql, i == 0 ? "DBT_INTERNAL_SOURCE." : " and DBT_INTERNAL_SOURCE.");
        db_add_identifier(sql, keys->items[i]);
        buf_add_text(sql, " = DBT_INTERNAL_DEST.");
        db_add_identifier(sql, keys->items[i]);
    }
}

static void add_target(struct buf *sql, const struct merge *m)
{
    buf_addf(sql, STR_FMT " as DBT_INTERNAL_DEST", STR_ARG(m->in->target->quoted));
}

static void add_source(struct buf *sql, const struct merge *m)
{
    buf_addf(sql, STR_FMT " as DBT_INTERNAL_SOURCE", STR_ARG(m->in->source->quoted));
}

/* A row of the table that meets several new ones would take any of them. */
static bool check_single(struct database *db, const struct merge *m, struct arena *arena,
                         struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct query_rows rows = {0};
    buf_add_text(&sql, "select 1 from ");
    add_target(&sql, m);
    buf_add_text(&sql, " join ");
    add_source(&sql, m);
    buf_add_text(&sql, " on ");
    add_match(&sql, m->in);
    buf_addf(&sql, " group by DBT_INTERNAL_DEST.%s having count(*) > 1 limit 1", m->rowid);
    if (!database_query(db, &sql, BY_PROJECT, arena, &rows, err)) {
        return false;
    }
    if (rows.rows > 0) {
        err_set(err, ERR_INVALID, "the query gives several rows for one row of the table");
        return err_hint(err, "a merge wants one row for each unique_key: group the query by it");
    }
    return true;
}

/* Before anything changes: afterwards an updated row might match, or match no more. */
static bool note_unmatched(struct database *db, const struct merge *m, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, "create temporary table " STR_FMT " as select DBT_INTERNAL_SOURCE.%s as number",
             STR_ARG(m->unmatched.quoted), m->rowid);
    buf_add_text(&sql, " from ");
    add_source(&sql, m);
    buf_add_text(&sql, " where not exists (select 1 from ");
    add_target(&sql, m);
    buf_add_text(&sql, " where ");
    add_match(&sql, m->in);
    buf_add_char(&sql, ')');
    return database_exec(db, &sql, BY_PROJECT, NULL, err);
}

static bool update(struct database *db, const struct merge *m, int64_t *ret_rows, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    *ret_rows = 0;
    if (m->updated.count == 0) {
        return true; /* all are excluded */
    }
    buf_add_text(&sql, "update ");
    add_target(&sql, m);
    for (size_t i = 0; i < m->updated.count; i++) {
        buf_add_text(&sql, i == 0 ? " set " : ", ");
        db_add_identifier(&sql, m->updated.items[i]);
        buf_add_text(&sql, " = DBT_INTERNAL_SOURCE.");
        db_add_identifier(&sql, m->updated.items[i]);
    }
    buf_add_text(&sql, " from ");
    add_source(&sql, m);
    buf_add_text(&sql, " where ");
    add_match(&sql, m->in);
    return database_exec(db, &sql, BY_PROJECT, ret_rows, err);
}

static bool insert(struct database *db, const struct merge *m, int64_t *ret_rows, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    AUTO(buf) drop = buf_growing(STATEMENT_BYTES_MAX);
    incremental_insert(m->in, &sql);
    buf_addf(&sql, " where DBT_INTERNAL_SOURCE.%s in (select number from " STR_FMT ")", m->rowid,
             STR_ARG(m->unmatched.quoted));
    buf_addf(&drop, "drop table " STR_FMT, STR_ARG(m->unmatched.quoted));
    return database_exec(db, &sql, BY_PROJECT, ret_rows, err) &&
           database_exec(db, &drop, BY_US, NULL, err);
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool plan(const struct incremental_sql *in, struct arena *arena, struct merge *ret,
                 struct err *err)
{
    *ret = (struct merge){.in = in, .rowid = rowid_name(in->columns)};
    if (ret->rowid == NULL) {
        return err_set(err, ERR_INVALID,
                       "columns rowid, _rowid_ and oid leave rows without a number");
    }
    struct str name = arena_printf(arena, STR_FMT "__dbt_new", STR_ARG(in->target->name));
    if (name.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    return relation_make(STR("temp"), name, arena, &ret->unmatched, err) &&
           incremental_update_columns(in, arena, &ret->updated, err) &&
           check_columns(&in->spec->unique_key, in->columns, "unique_key", err) &&
           check_columns(&ret->updated, in->columns, "merge_update_columns:", err);
}

bool merge_sqlite(struct database *db, const struct incremental_sql *in, struct arena *arena,
                  int64_t *ret_rows, struct err *err)
{
    struct merge m;
    int64_t updated = 0;
    int64_t inserted = 0;
    if (!plan(in, arena, &m, err) || !check_single(db, &m, arena, err) ||
        !note_unmatched(db, &m, err) || !update(db, &m, &updated, err) ||
        !insert(db, &m, &inserted, err)) {
        return false;
    }
    *ret_rows = updated + inserted;
    return true;
}
