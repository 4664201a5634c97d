#include "agent/transform/materialize_sqlite.h"

#include "agent/transform/columns_sqlite.h"
#include "agent/transform/hooks.h"
#include "agent/transform/merge_sqlite.h"
#include "agent/transform/sql_text.h"
#include "agent/transform/table_sqlite.h"
#include "common/db/db.h"

/* Beyond it, counting a table's rows would cost more than making it. */
#define COUNT_BYTES_MAX (INT64_C(256) << 20)

struct making {
    struct database *db;
    const struct transform *t;
    const struct dbt_spec *spec;
    struct arena *arena;
    struct node_result *ret;
    struct relation target;
    enum relation_kind old;
    bool is_counted; /* ret->row_count and ret->columns are known */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for a name");
}

/* --- what is there --------------------------------------------------------------------------- */

static bool number(struct making *m, const struct buf *sql, int64_t *ret, struct err *err)
{
    struct query_rows rows = {0};
    if (!database_query(m->db, sql, BY_US, m->arena, &rows, err)) {
        return false;
    }
    return (rows.rows == 1 && str_to_i64(rows.values[0], INT64_MIN, INT64_MAX, ret)) ||
           err_set(err, ERR_INTERNAL, "SQLite gave no number");
}

static bool count_rows(struct making *m, int64_t *ret, struct err *err)
{
    AUTO(buf) size = buf_growing(STATEMENT_BYTES_MAX);
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    int64_t bytes = 0;
    buf_add_text(&size, "select page_count * page_size from pragma_page_count, pragma_page_size");
    buf_addf(&sql, "select count(*) from " STR_FMT, STR_ARG(m->target.quoted));
    *ret = -1;
    return number(m, &size, &bytes, err) && (bytes > COUNT_BYTES_MAX || number(m, &sql, ret, err));
}

static struct str_list names_of(const struct relation_columns *columns, struct arena *arena)
{
    struct str_list names = {.items = arena_array(arena, columns->count + 1, sizeof(struct str))};
    for (size_t i = 0; names.items != NULL && i < columns->count; i++) {
        names.items[names.count++] = columns->items[i].name;
    }
    return names;
}

/* --- views and tables ------------------------------------------------------------------------ */

static bool drop(struct making *m, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    switch (m->old) {
    case RELATION_NONE:
        return true;
    case RELATION_TABLE:
    case RELATION_VIEW:
        break;
    case RELATION_OTHER:
        err_set(err, ERR_INVALID, STR_FMT " is a virtual table", STR_ARG(m->target.quoted));
        return err_hint(err, "drop it, or give the model another alias");
    }
    buf_addf(&sql, "drop %s " STR_FMT, m->old == RELATION_VIEW ? "view" : "table",
             STR_ARG(m->target.quoted));
    return database_exec(m->db, &sql, BY_US, NULL, err);
}

static bool create(struct making *m, const char *what, const struct relation *relation,
                   struct str query, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, "create %s " STR_FMT " as\n", what, STR_ARG(relation->quoted));
    buf_add(&sql, sql_statement(query));
    return database_exec(m->db, &sql, BY_PROJECT, NULL, err);
}

/* A view is made without a look at what it names: read it, as one of the project's, without a row. */
static bool try_view(struct making *m, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct query_rows rows;
    buf_addf(&sql, "select * from " STR_FMT " limit 0", STR_ARG(m->target.quoted));
    return database_query(m->db, &sql, BY_PROJECT, m->arena, &rows, err);
}

static bool make_view(struct making *m, struct err *err)
{
    return drop(m, err) && create(m, "view", &m->target, m->spec->sql, err) && try_view(m, err);
}

/* Rows of a table that was just made are numbered from 1 on; looking at the last is no work. */
static bool count_new_rows(struct making *m, struct err *err)
{
    struct str_list names = names_of(&m->ret->columns, m->arena);
    const char *rowid = rowid_name(&names);
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, rowid == NULL ? "select count(*) from " : "select coalesce(max(%s), 0) from ",
             rowid);
    buf_add(&sql, m->target.quoted);
    return number(m, &sql, &m->ret->rows_written, err);
}

static bool make_table(struct making *m, struct err *err)
{
    if (!drop(m, err) || !create(m, "table", &m->target, m->spec->sql, err) ||
        !m->db->ops->columns(m->db, &m->target, m->arena, &m->ret->columns, err) ||
        !count_new_rows(m, err)) {
        return false;
    }
    if (!sqlite_add_indexes(m->db, m->spec, &m->target, &m->ret->columns, m->arena, err)) {
        return false;
    }
    m->ret->row_count = m->ret->rows_written;
    m->is_counted = true;
    return true;
}

/* --- incremental models ---------------------------------------------------------------------- */

static bool delete_and_insert(struct making *m, const struct incremental_sql *in, bool deletes,
                              struct err *err)
{
    AUTO(buf) delete = buf_growing(STATEMENT_BYTES_MAX);
    AUTO(buf) insert = buf_growing(STATEMENT_BYTES_MAX);
    incremental_delete(in, &delete);
    incremental_insert(in, &insert);
    return (!deletes || (incremental_check_key(m->db, in, m->arena, err) &&
                         database_exec(m->db, &delete, BY_PROJECT, NULL, err))) &&
           database_exec(m->db, &insert, BY_US, &m->ret->rows_written, err);
}

static bool apply(struct making *m, const struct relation *source, const struct str_list *columns,
                  struct err *err)
{
    const struct incremental_sql in = {
        .spec = m->spec, .target = &m->target, .source = source, .columns = columns};
    enum dbt_strategy strategy = DBT_APPEND;
    struct relation_columns there;
    if (!incremental_strategy(m->spec, &strategy, err) ||
        !m->db->ops->columns(m->db, &m->target, m->arena, &there, err)) {
        return false;
    }
    if (strategy == DBT_MERGE && merge_is_partial(&in, there.count)) {
        return merge_sqlite(m->db, &in, m->arena, &m->ret->rows_written, err);
    }
    return delete_and_insert(m, &in, strategy != DBT_APPEND, err);
}

static bool change_columns(struct making *m, const struct relation *source,
                           struct columns_change *ret, struct err *err)
{
    struct relation_columns now;
    struct relation_columns there;
    const struct columns_compared compared = {
        .policy = m->spec->on_schema_change,
        .source = &now,
        .target = &there,
        .is_same_name = names_are_same,
        .is_same_type = columns_sqlite_is_same_type,
    };
    return m->db->ops->columns(m->db, source, m->arena, &now, err) &&
           m->db->ops->columns(m->db, &m->target, m->arena, &there, err) &&
           columns_change_choose(&compared, m->arena, ret, err) &&
           columns_sqlite_change(m->db, &m->target, ret, m->arena, err);
}

static bool add_new_rows(struct making *m, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct columns_change change;
    struct relation source;
    struct str name = arena_printf(m->arena, STR_FMT "__dbt_tmp", STR_ARG(m->target.name));
    if (name.ptr == NULL) {
        return no_memory(err);
    }
    if (!relation_make(STR("temp"), name, m->arena, &source, err) ||
        !create(m, "temporary table", &source, m->spec->sql_incremental, err) ||
        !change_columns(m, &source, &change, err) || !apply(m, &source, &change.columns, err)) {
        return false;
    }
    m->ret->was_incremental = true;
    buf_addf(&sql, "drop table " STR_FMT, STR_ARG(source.quoted));
    return database_exec(m->db, &sql, BY_US, NULL, err) &&
           m->db->ops->columns(m->db, &m->target, m->arena, &m->ret->columns, err);
}

static bool is_full(const struct making *m)
{
    bool is_asked = m->spec->full_refresh == DBT_ALWAYS_FULL ||
                    (m->spec->full_refresh == DBT_AS_ASKED && m->t->full_refresh);
    return m->old != RELATION_TABLE || is_asked;
}

static bool make_incremental(struct making *m, struct err *err)
{
    if (is_full(m)) {
        return make_table(m, err);
    }
    if (!m->spec->has_incremental || sql_statement(m->spec->sql_incremental).len == 0) {
        err_set(err, ERR_INVALID, "the table is there, and the query for new rows only is missing");
        return err_hint(err,
                        "make a bundle of two manifests (selvedge-hub dbt-bundle --incremental), "
                        "or run it with full refresh");
    }
    return add_new_rows(m, err);
}

/* --- the transaction ------------------------------------------------------------------------- */

static bool run_hooks(const struct making *m, bool is_pre, bool outside, struct err *err)
{
    const struct dbt_spec *s = m->spec;
    return is_pre ? hooks_run(m->db, s->pre_hooks, s->pre_hook_count, outside, "pre-hook", err)
                  : hooks_run(m->db, s->post_hooks, s->post_hook_count, outside, "post-hook", err);
}

static bool make(struct making *m, struct err *err)
{
    struct str header = sql_statement(m->spec->sql_header);
    if (!m->db->ops->kind(m->db, &m->target, &m->old, err)) {
        return false;
    }
    if (header.len > 0 && !m->db->ops->exec(m->db, header, BY_PROJECT_SCRIPT, NULL, err)) {
        return err_wrap(err, "sql_header");
    }
    if (m->spec->materialization == DBT_VIEW) {
        return make_view(m, err);
    }
    return m->spec->materialization == DBT_TABLE ? make_table(m, err) : make_incremental(m, err);
}

/* After the hooks, which may have changed it. */
static bool look(struct making *m, struct err *err)
{
    if (m->is_counted && m->spec->post_hook_count == 0) {
        return true;
    }
    if (!m->db->ops->columns(m->db, &m->target, m->arena, &m->ret->columns, err)) {
        return false;
    }
    return m->spec->materialization == DBT_VIEW || count_rows(m, &m->ret->row_count, err);
}

static bool make_whole(struct making *m, struct err *err)
{
    return run_hooks(m, true, false, err) && make(m, err) && run_hooks(m, false, false, err) &&
           look(m, err) && m->db->ops->commit(m->db, err);
}

bool materialize_sqlite(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
                        struct node_result *ret, struct err *err)
{
    struct making m = {.db = t->db, .t = t, .spec = spec, .arena = arena, .ret = ret};
    if (!relation_of(spec->node, arena, &m.target, err) || !sqlite_check_target(&m.target, err) ||
        !run_hooks(&m, true, true, err) || !t->db->ops->begin(t->db, err)) {
        return false;
    }
    if (!make_whole(&m, err)) {
        t->db->ops->rollback(t->db);
        return false;
    }
    return run_hooks(&m, false, true, err) || err_wrap(err, "after the commit");
}
