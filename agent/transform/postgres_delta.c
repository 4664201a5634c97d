#include "agent/transform/columns_change.h"
#include "agent/transform/incremental_sql.h"
#include "agent/transform/postgres_model.h"
#include "agent/transform/relation.h"

enum { PG_WITH_MERGE = 150000 };

/* --- types ----------------------------------------------------------------------------------- */

/* Of text with a length dbt asks only whether it fits. A type without one has room for all. */
static bool text_size(struct str type, int64_t *ret)
{
    static const struct str names[] = {STR_INIT("character varying"), STR_INIT("character"),
                                       STR_INIT("text")};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct str rest = str_slice(type, names[i].len, type.len);
        if (!str_starts(type, names[i])) {
            continue;
        }
        if (rest.len == 0) {
            *ret = INT64_MAX;
            return true;
        }
        return rest.len > 2 && rest.ptr[0] == '(' &&
               str_to_i64(str_slice(rest, 1, rest.len - 1), 1, INT64_MAX, ret);
    }
    return false;
}

static bool is_same_type(struct str source, struct str target)
{
    int64_t source_size = 0;
    int64_t target_size = 0;
    return str_eq(source, target) ||
           (text_size(source, &source_size) && text_size(target, &target_size) &&
            source_size < target_size && target_size < INT64_MAX);
}

static const struct relation_column *find(const struct relation_columns *columns, struct str name)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (str_eq(columns->items[i].name, name)) {
            return &columns->items[i];
        }
    }
    return NULL;
}

/* --- changing the table ---------------------------------------------------------------------- */

static void add_action(struct buf *sql, const struct postgres_model *m, const char *action)
{
    if (sql->len == 0) {
        buf_addf(sql, "alter table " STR_FMT " ", STR_ARG(m->target.quoted));
    } else {
        buf_add_text(sql, ", ");
    }
    buf_add_text(sql, action);
}

static void add_type(struct buf *sql, const struct postgres_model *m, struct str name,
                     struct str type)
{
    add_action(sql, m, "alter column ");
    pg_add_identifier(sql, name);
    buf_addf(sql, " type " STR_FMT, STR_ARG(type));
}

/* Empty for want of memory is no such thing. */
static bool is_nothing(const struct buf *sql)
{
    return sql->len == 0 && !sql->overflow;
}

static bool alter(struct postgres_model *m, const struct buf *sql, struct err *err)
{
    bool is_in_the_way = false;
    return is_nothing(sql) || postgres_around_views(m, sql, &is_in_the_way, err) ||
           err_wrap(err, "change columns");
}

/* A text column that is too narrow gets the type of the new rows, whatever on_schema_change says: dbt
 * does so, by way of a new column at the end of the table. */
static bool widen(struct postgres_model *m, const struct relation_columns *source,
                  struct relation_columns *target, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    for (size_t i = 0; i < target->count; i++) {
        const struct relation_column *there = &target->items[i];
        const struct relation_column *now = find(source, there->name);
        int64_t size = 0;
        int64_t size_now = 0;
        if (now != NULL && text_size(there->type, &size) && text_size(now->type, &size_now) &&
            size < size_now) {
            add_type(&sql, m, there->name, now->type);
        }
    }
    return is_nothing(&sql) ||
           (alter(m, &sql, err) && m->db->ops->columns(m->db, &m->target, m->arena, target, err));
}

static bool is_same_name(struct str a, struct str b)
{
    return str_eq(a, b);
}

static bool change_columns(struct postgres_model *m, const struct relation_columns *source,
                           const struct relation_columns *target, struct str_list *ret,
                           struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    const struct columns_compared compared = {
        .policy = m->spec->on_schema_change,
        .source = source,
        .target = target,
        .is_same_name = is_same_name,
        .is_same_type = is_same_type,
    };
    struct columns_change change;
    if (!columns_change_choose(&compared, m->arena, &change, err)) {
        return false;
    }
    for (size_t i = 0; i < change.added.count; i++) {
        add_action(&sql, m, "add column ");
        pg_add_identifier(&sql, change.added.items[i].name);
        buf_addf(&sql, " " STR_FMT, STR_ARG(change.added.items[i].type));
    }
    for (size_t i = 0; i < change.removed.count; i++) {
        add_action(&sql, m, "drop column ");
        pg_add_identifier(&sql, change.removed.items[i].name);
    }
    for (size_t i = 0; i < change.retyped.count; i++) {
        add_type(&sql, m, change.retyped.items[i].name, change.retyped.items[i].type);
    }
    *ret = change.columns;
    return alter(m, &sql, err);
}

/* --- the rows -------------------------------------------------------------------------------- */

static void add_match(struct buf *sql, const struct incremental_sql *in)
{
    const struct dbt_spec *spec = in->spec;
    for (size_t i = 0; i < spec->predicates.count; i++) {
        buf_addf(sql, "(" STR_FMT "\n) and ", STR_ARG(spec->predicates.items[i]));
    }
    for (size_t i = 0; i < spec->unique_key.count; i++) {
        buf_add_text(sql, i == 0 ? "(DBT_INTERNAL_SOURCE." : ") and (DBT_INTERNAL_SOURCE.");
        add_expression(sql, spec->unique_key.items[i], in->columns);
        buf_add_text(sql, " = DBT_INTERNAL_DEST.");
        add_expression(sql, spec->unique_key.items[i], in->columns);
    }
    buf_add_char(sql, ')');
}

static bool add_merge(struct postgres_model *m, const struct incremental_sql *in, struct buf *sql,
                      struct err *err)
{
    struct str_list updated;
    if (!incremental_update_columns(in, m->arena, &updated, err)) {
        return false;
    }
    buf_addf(sql,
             "merge into " STR_FMT " as DBT_INTERNAL_DEST using " STR_FMT
             " as DBT_INTERNAL_SOURCE on ",
             STR_ARG(in->target->quoted), STR_ARG(in->source->quoted));
    add_match(sql, in);
    for (size_t i = 0; i < updated.count; i++) {
        buf_add_text(sql, i == 0 ? " when matched then update set " : ", ");
        add_expression(sql, updated.items[i], in->columns);
        buf_add_text(sql, " = DBT_INTERNAL_SOURCE.");
        add_expression(sql, updated.items[i], in->columns);
    }
    buf_add_text(sql, " when not matched then insert (");
    add_columns(sql, in->columns, "");
    buf_add_text(sql, ") values (");
    add_columns(sql, in->columns, "DBT_INTERNAL_SOURCE.");
    buf_add_char(sql, ')');
    return true;
}

static bool merge(struct postgres_model *m, const struct incremental_sql *in, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    if (pg_server_version(m->pg) < PG_WITH_MERGE) {
        err_set(err, ERR_INVALID, "incremental_strategy merge needs PostgreSQL 15; this is %d",
                pg_server_version(m->pg) / 10000);
        return err_hint(err, "use delete+insert");
    }
    m->word = "MERGE";
    return add_merge(m, in, &sql, err) && database_exec(m->db, &sql, BY_PROJECT, &m->written, err);
}

static bool insert(struct postgres_model *m, const struct incremental_sql *in, bool deletes,
                   struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    if (deletes) {
        incremental_delete(in, &sql);
        if (!database_exec(m->db, &sql, BY_PROJECT, NULL, err)) {
            return false;
        }
        buf_reset(&sql);
    }
    incremental_insert(in, &sql);
    m->word = "INSERT 0";
    return database_exec(m->db, &sql, BY_PROJECT, &m->written, err);
}

bool postgres_apply_delta(struct postgres_model *m, struct err *err)
{
    const struct database_ops *ops = m->db->ops;
    struct relation source;
    struct relation_columns now;
    struct relation_columns there;
    struct str_list columns;
    enum dbt_strategy strategy = DBT_BY_DEFAULT;
    if (!m->spec->has_incremental) {
        err_set(err, ERR_INVALID, "the text for an incremental run is missing");
        return err_hint(err, "make the bundle of two manifests: dbt-bundle --incremental");
    }
    if (!incremental_strategy(m->spec, &strategy, err) ||
        !postgres_beside(m, "__dbt_tmp", true, &source, err) ||
        !postgres_create(m, AS_TEMPORARY_TABLE, &source, m->spec->sql_incremental, err) ||
        !ops->columns(m->db, &source, m->arena, &now, err) ||
        !ops->columns(m->db, &m->target, m->arena, &there, err) || !widen(m, &now, &there, err) ||
        !change_columns(m, &now, &there, &columns, err)) {
        return false;
    }
    const struct incremental_sql in = {
        .spec = m->spec, .target = &m->target, .source = &source, .columns = &columns};
    return strategy == DBT_MERGE ? merge(m, &in, err)
                                 : insert(m, &in, strategy == DBT_DELETE_INSERT, err);
}
