#include "agent/transform/table_sqlite.h"

#include "agent/transform/index_name.h"
#include "agent/transform/merge_sqlite.h"
#include "agent/transform/relation.h"
#include "common/db/db.h"

bool sqlite_check_target(const struct relation *target, struct err *err)
{
    if (target->schema.len > 0 && !names_are_same(target->schema, STR("main"))) {
        err_set(err, ERR_INVALID, STR_FMT " is in another schema than main",
                STR_ARG(str_clip(target->quoted, 200)));
        return err_hint(err, "a device has one SQLite file: take the schema out of the node's "
                             "configuration");
    }
    return !str_starts(target->name, STR("_selvedge_")) ||
           err_set(err, ERR_INVALID, STR_FMT " is a reserved name", STR_ARG(target->quoted));
}

static bool add_index(struct database *db, const struct dbt_index *index,
                      const struct relation *target, const struct str_list *names,
                      struct arena *arena, struct err *err)
{
    struct str name;
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    if (!index_name(index, target, STR_NONE, arena, &name, err)) {
        return false;
    }
    buf_addf(&sql, "create %sindex if not exists main.", index->is_unique ? "unique " : "");
    db_add_identifier(&sql, name);
    buf_add_text(&sql, " on ");
    db_add_identifier(&sql, target->name);
    for (size_t i = 0; i < index->columns.count; i++) {
        buf_add_text(&sql, i == 0 ? " (" : ", ");
        add_expression(&sql, index->columns.items[i], names);
    }
    buf_add_char(&sql, ')');
    return database_exec(db, &sql, BY_PROJECT, NULL, err) || err_wrap(err, "index");
}

bool sqlite_add_indexes(struct database *db, const struct dbt_spec *spec,
                        const struct relation *target, const struct relation_columns *columns,
                        struct arena *arena, struct err *err)
{
    struct str_list names = {.items = arena_array(arena, columns->count + 1, sizeof(struct str))};
    if (names.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the names of columns");
    }
    for (size_t i = 0; i < columns->count; i++) {
        names.items[names.count++] = columns->items[i].name;
    }
    for (size_t i = 0; i < spec->index_count; i++) {
        if (!add_index(db, &spec->indexes[i], target, &names, arena, err)) {
            return false;
        }
    }
    return true;
}

bool sqlite_make_schema(struct database *db, const struct relation *relation, struct err *err)
{
    (void)db;
    return sqlite_check_target(relation, err);
}

bool sqlite_change_table(const struct transform *t, const struct dbt_spec *spec,
                         struct arena *arena, const struct buf *change, struct str *ret_notes,
                         struct err *err)
{
    (void)spec;
    (void)arena;
    *ret_notes = STR_NONE;
    return database_exec(t->db, change, BY_US, NULL, err);
}

/* SQLite has neither grants nor comments. */
bool sqlite_dress_table(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
                        bool is_new, struct err *err)
{
    struct relation target;
    struct relation_columns columns;
    if (!is_new || spec->index_count == 0) {
        return true;
    }
    return relation_of(spec->node, arena, &target, err) &&
           t->db->ops->columns(t->db, &target, arena, &columns, err) &&
           sqlite_add_indexes(t->db, spec, &target, &columns, arena, err);
}
