#include "agent/transform/incremental_sql.h"

#include <strings.h>

bool incremental_strategy(const struct dbt_spec *spec, enum dbt_strategy *ret, struct err *err)
{
    bool has_key = spec->unique_key.count > 0;
    switch (spec->strategy) {
    case DBT_BY_DEFAULT:
    case DBT_DELETE_INSERT:
        *ret = has_key ? DBT_DELETE_INSERT : DBT_APPEND;
        return true;
    case DBT_MERGE:
        *ret = has_key ? DBT_MERGE : DBT_APPEND;
        return true;
    case DBT_APPEND:
        *ret = DBT_APPEND;
        return true;
    case DBT_OTHER_STRATEGY:
        break;
    }
    err_set(err, ERR_INVALID, "incremental_strategy " STR_FMT " is not known here",
            STR_ARG(spec->strategy_name));
    return err_hint(err, "use append, delete+insert or merge, or run this model with dbt");
}

static void add_key(const struct incremental_sql *in, struct buf *out)
{
    for (size_t i = 0; i < in->spec->unique_key.count; i++) {
        buf_add_text(out, i == 0 ? "" : ", ");
        add_expression(out, in->spec->unique_key.items[i], in->columns);
    }
}

bool incremental_check_key(struct database *db, const struct incremental_sql *in,
                           struct arena *arena, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct query_rows rows;
    buf_add_text(&sql, "select ");
    add_key(in, &sql);
    buf_addf(&sql, " from " STR_FMT " as DBT_INTERNAL_SOURCE limit 0", STR_ARG(in->source->quoted));
    return database_query(db, &sql, BY_PROJECT, arena, &rows, err) || err_wrap(err, "unique_key");
}

/* The keys come by a name of their own. In a plain sub-select a key that the new rows have no more would
 * be the table's own column, equal to itself, and every row would go. */
void incremental_delete(const struct incremental_sql *in, struct buf *out)
{
    buf_add_text(out, "with DBT_INTERNAL_KEYS as (select distinct ");
    add_key(in, out);
    buf_addf(out,
             " from " STR_FMT " as DBT_INTERNAL_SOURCE)\ndelete from " STR_FMT
             " as DBT_INTERNAL_DEST where (",
             STR_ARG(in->source->quoted), STR_ARG(in->target->quoted));
    add_key(in, out);
    buf_add_text(out, ") in (select * from DBT_INTERNAL_KEYS)");
    for (size_t i = 0; i < in->spec->predicates.count; i++) {
        buf_addf(out, "\nand (" STR_FMT "\n)", STR_ARG(in->spec->predicates.items[i]));
    }
}

void incremental_insert(const struct incremental_sql *in, struct buf *out)
{
    buf_addf(out, "insert into " STR_FMT " (", STR_ARG(in->target->quoted));
    add_columns(out, in->columns, "");
    /* With their table's name before them: SQLite takes a quoted name that is no column for a text. */
    buf_add_text(out, ") select ");
    add_columns(out, in->columns, "DBT_INTERNAL_SOURCE.");
    buf_addf(out, " from " STR_FMT " as DBT_INTERNAL_SOURCE", STR_ARG(in->source->quoted));
}

static bool is_listed(const struct str_list *list, struct str name)
{
    for (size_t i = 0; i < list->count; i++) {
        struct str item = list->items[i];
        if (item.len == name.len && strncasecmp(item.ptr, name.ptr, name.len) == 0) {
            return true;
        }
    }
    return false;
}

bool incremental_update_columns(const struct incremental_sql *in, struct arena *arena,
                                struct str_list *ret, struct err *err)
{
    const struct dbt_spec *spec = in->spec;
    if (spec->merge_update_columns.count > 0) {
        *ret = spec->merge_update_columns;
        return spec->merge_exclude_columns.count == 0 ||
               err_set(err, ERR_INVALID,
                       "merge_update_columns and merge_exclude_columns cannot both be given");
    }
    *ret =
        (struct str_list){.items = arena_array(arena, in->columns->count + 1, sizeof(struct str))};
    if (ret->items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the columns of a merge");
    }
    for (size_t i = 0; i < in->columns->count; i++) {
        if (!is_listed(&spec->merge_exclude_columns, in->columns->items[i])) {
            ret->items[ret->count++] = in->columns->items[i];
        }
    }
    return true;
}
