/* postgres_shape.c - see postgres_shape.h. */
#include "agent/el/postgres_shape.h"

#include "agent/el/pg_type.h"

/* Mode overwrite: the staging table, once it is there. */
static bool table_to_shape(const struct postgres_sink *t, struct pg_table *ret)
{
    bool is_overwrite = t->link->load->mode == MODE_OVERWRITE;
    *ret = is_overwrite ? (struct pg_table){STR("pg_temp"), str_from(t->staging)} : t->table;
    return !is_overwrite || t->has_staging;
}

/* The table's column takes the rows' values, or rows are held to what it takes. */
static bool change_column(struct postgres_sink *t, size_t at, const struct schema *schema,
                          size_t column, struct err *err)
{
    struct column *there = &t->there.columns[at];
    struct pg_table table;
    enum schema_change change = CHANGE_NONE;
    if (!schema_change_choose(there, &schema->columns[column],
                              (enum schema_policy)t->link->load->on_schema_change, &change, err)) {
        return false;
    }
    if (change == CHANGE_HELD) {
        t->held.items[column] = there;
    }
    if (change == CHANGE_NONE || change == CHANGE_HELD) {
        return true;
    }
    if (table_to_shape(t, &table) &&
        !pg_table_change_column(&t->link->pg, &table, there, change, err)) {
        return false;
    }
    *there = pg_changed_column(there, change);
    return true;
}

static bool add_column(struct postgres_sink *t, struct column column, struct err *err)
{
    struct pg_table table;
    if (table_to_shape(t, &table) && !pg_table_add_column(&t->link->pg, &table, &column, err)) {
        return false;
    }
    column.type = str_from(pg_type_for(&column));
    return pg_check_name("column", column.name, err) && schema_add(&t->there, &column, err);
}

bool postgres_shape(struct postgres_sink *t, const struct schema *schema, struct err *err)
{
    bool is_overwrite = t->link->load->mode == MODE_OVERWRITE;
    if (!held_columns_init(&t->held, schema->count, t->link->arena, err)) {
        return false;
    }
    if (t->there.count == 0 && !is_overwrite) {
        return pg_table_create(&t->link->pg, &t->table, schema, &t->key, err) &&
               pg_table_describe(&t->link->pg, &t->table, &t->there, &(char){0}, NULL, err);
    }
    for (size_t i = 0; i < schema->count; i++) {
        size_t at = 0;
        bool is_there = schema_find_nocase(&t->there, schema->columns[i].name, &at);
        if (!(is_there ? change_column(t, at, schema, i, err)
                       : add_column(t, schema->columns[i], err))) {
            return false;
        }
    }
    return true;
}

/* With the policy json a column of JSON may have been made of another: text in it is a string. */
static enum copy_form json_form(const struct postgres_sink *t, enum column_kind kind)
{
    bool is_value = kind != COLUMN_JSON && t->link->load->on_schema_change == SCHEMA_JSON;
    return is_value ? COPY_FORM_AS_JSON : COPY_FORM_JSON;
}

static enum copy_form form_of(struct str type)
{
    if (str_eq(type, STR("bytea"))) {
        return COPY_FORM_BYTES;
    }
    if (str_eq(type, STR("double precision")) || str_eq(type, STR("real"))) {
        return COPY_FORM_DOUBLE;
    }
    return str_starts(type, STR("json")) ? COPY_FORM_JSON : COPY_FORM_TEXT;
}

bool postgres_map_columns(struct postgres_sink *t, const struct schema *schema, struct err *err)
{
    struct arena *arena = t->link->arena;
    t->names = arena_array(arena, schema->count + 1, sizeof(*t->names));
    t->types = arena_array(arena, schema->count + 1, sizeof(*t->types));
    t->forms = arena_array(arena, schema->count + 1, sizeof(*t->forms));
    t->kinds = arena_array(arena, schema->count + 1, sizeof(*t->kinds));
    if (t->kinds == NULL || t->names == NULL || t->types == NULL || t->forms == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu columns", schema->count);
    }
    for (size_t i = 0; i < schema->count; i++) {
        size_t at = 0;
        if (!schema_find_nocase(&t->there, schema->columns[i].name, &at)) {
            return err_set(err, ERR_INTERNAL, "column \"" STR_FMT "\" was not made",
                           STR_ARG(schema->columns[i].name));
        }
        t->names[i] = t->there.columns[at].name;
        t->types[i] = t->there.columns[at].type;
        t->kinds[i] = schema->columns[i].kind;
        t->forms[i] = form_of(t->types[i]);
        if (t->forms[i] == COPY_FORM_JSON) {
            t->forms[i] = json_form(t, t->kinds[i]);
        }
    }
    t->count = schema->count;
    return true;
}
