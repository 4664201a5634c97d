#include "agent/transform/materialize_postgres.h"

#include "agent/transform/hooks.h"
#include "agent/transform/postgres_model.h"
#include "agent/transform/relation.h"
#include "agent/transform/sql_text.h"

#include <string.h>

enum { LOOK_BYTES_MAX = 8192, NOTES_BYTES_MAX = 2048, COUNT_BYTES_MAX = 256 << 20 };

/* --- names ----------------------------------------------------------------------------------- */

/* A name without quotes is folded by the server. */
static bool fold(struct postgres_model *m, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    struct query_rows rows;
    buf_add_text(&sql, "SELECT pg_catalog.unnest(pg_catalog.parse_ident(");
    pg_add_literal(&sql, m->target.quoted);
    buf_add_text(&sql, "))");
    if (!database_query(m->db, &sql, BY_US, m->arena, &rows, err)) {
        return false;
    }
    m->target.name = rows.values[rows.rows - 1];
    m->target.schema = rows.rows > 1 ? rows.values[rows.rows - 2] : STR_NONE;
    m->target.database = rows.rows > 2 ? rows.values[rows.rows - 3] : STR_NONE;
    return true;
}

static bool find_target(struct postgres_model *m, struct err *err)
{
    struct relation *r = &m->target;
    if (!relation_of(m->spec->node, m->arena, r, err) || !fold(m, err)) {
        return false;
    }
    if (r->schema.len == 0) {
        err_set(err, ERR_INVALID, "relation_name " STR_FMT " has no schema", STR_ARG(r->quoted));
        return err_hint(err, "compile the project for PostgreSQL");
    }
    if (r->database.len > 0 && !str_eq(r->database, pg_database(m->pg))) {
        err_set(err, ERR_INVALID,
                "it belongs into database \"" STR_FMT "\"; this is \"" STR_FMT "\"",
                STR_ARG(r->database), STR_ARG(pg_database(m->pg)));
        return err_hint(err, "compile the project for this database, or connect to the other");
    }
    return pg_check_name("schema", r->schema, err) && pg_check_name("relation", r->name, err);
}

bool postgres_beside(const struct postgres_model *m, const char *suffix, bool is_temporary,
                     struct relation *ret, struct err *err)
{
    struct str base = str_clip(m->target.name, PG_NAME_BYTES_MAX - strlen(suffix));
    struct str name = arena_printf(m->arena, STR_FMT "%s", STR_ARG(base), suffix);
    struct str schema = is_temporary ? STR("") : m->target.schema;
    if (name.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    if (str_eq(name, m->target.name)) {
        return err_set(err, ERR_INVALID, "the name is one that is kept for the making of models");
    }
    return relation_make(schema, name, m->arena, ret, err);
}

/* --- statements ------------------------------------------------------------------------------ */

static bool exec(struct postgres_model *m, const struct buf *sql, enum statement_by by,
                 struct err *err)
{
    return database_exec(m->db, sql, by, NULL, err);
}

static const char *head_of(const struct postgres_model *m, enum postgres_as as)
{
    switch (as) {
    case AS_VIEW:
        return "create view ";
    case AS_REPLACED_VIEW:
        return "create or replace view ";
    case AS_TABLE:
        return m->spec->is_unlogged ? "create unlogged table " : "create table ";
    case AS_TEMPORARY_TABLE:
        break;
    }
    return "create temporary table ";
}

bool postgres_create(struct postgres_model *m, enum postgres_as as, const struct relation *relation,
                     struct str sql, struct err *err)
{
    AUTO(buf) text = buf_growing(STATEMENT_BYTES_MAX);
    if (m->spec->is_contract_enforced && as == AS_TABLE) {
        return postgres_create_by_contract(m, relation, sql, err);
    }
    buf_addf(&text, "%s" STR_FMT "%s as (\n", head_of(m, as), STR_ARG(relation->quoted),
             as == AS_TEMPORARY_TABLE ? " on commit drop" : "");
    buf_add(&text, sql_statement(sql));
    buf_add_text(&text, "\n)");
    int64_t rows = -1;
    if (!database_exec(m->db, &text, BY_PROJECT, &rows, err)) {
        return false;
    }
    bool is_view = as == AS_VIEW || as == AS_REPLACED_VIEW;
    m->written = is_view ? -1 : rows;
    m->word = is_view ? "CREATE VIEW" : "SELECT";
    return true;
}

static const char *kind_name(enum relation_kind kind)
{
    return kind == RELATION_VIEW ? "view" : "table";
}

static bool drop(struct postgres_model *m, enum relation_kind kind, const struct relation *r,
                 struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    buf_addf(&sql, "drop %s " STR_FMT, kind_name(kind), STR_ARG(r->quoted));
    return exec(m, &sql, BY_US, err);
}

/* What a dbt that died left: its backup may still be read by views that are to be made anew; then it
 * stays until they are. */
static bool drop_leftover(struct postgres_model *m, const char *suffix, bool is_in_the_way,
                          struct err *err)
{
    struct relation r;
    enum relation_kind kind = RELATION_NONE;
    if (!postgres_beside(m, suffix, false, &r, err) || !m->db->ops->kind(m->db, &r, &kind, err)) {
        return false;
    }
    if (kind == RELATION_NONE || (kind == RELATION_OTHER && !is_in_the_way)) {
        return true;
    }
    if (!pg_exec_text(m->pg, "SAVEPOINT _selvedge_leftover", err)) {
        return false;
    }
    if (drop(m, kind, &r, err)) {
        return pg_exec_text(m->pg, "RELEASE SAVEPOINT _selvedge_leftover", err);
    }
    if (is_in_the_way || !pg_failed_with(m->pg, "2BP01")) {
        return err_wrap(err, "leftover " STR_FMT, STR_ARG(r.quoted));
    }
    return pg_exec_text(m->pg, "ROLLBACK TO SAVEPOINT _selvedge_leftover", err);
}

/* --- the new one in the place of the old one ------------------------------------------------- */

static void add_swap(struct postgres_model *m, struct buf *sql)
{
    buf_addf(sql, "drop %s " STR_FMT "; alter %s " STR_FMT " rename to ", kind_name(m->old),
             STR_ARG(m->target.quoted), kind_name(m->now), STR_ARG(m->made.quoted));
    pg_add_identifier(sql, m->target.name);
}

static bool is_same_table(struct postgres_model *m, bool *ret, struct relation_columns *ret_columns,
                          struct err *err)
{
    struct relation_columns made;
    if (!m->db->ops->columns(m->db, &m->target, m->arena, ret_columns, err) ||
        !m->db->ops->columns(m->db, &m->made, m->arena, &made, err)) {
        return false;
    }
    *ret = m->old == RELATION_TABLE && m->now == RELATION_TABLE && made.count == ret_columns->count;
    for (size_t i = 0; *ret && i < made.count; i++) {
        *ret = str_eq(made.items[i].name, ret_columns->items[i].name) &&
               str_eq(made.items[i].type, ret_columns->items[i].type);
    }
    return true;
}

/* What depends on the table cannot be taken down for a moment: a materialized view, a function, a
 * view of another user. The rows are then exchanged and the table stays. */
static bool refill(struct postgres_model *m, const struct relation_columns *columns,
                   struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, "truncate " STR_FMT, STR_ARG(m->target.quoted));
    if (!exec(m, &sql, BY_US, err) || !postgres_drop_indexes(m, err)) {
        return false;
    }
    buf_reset(&sql);
    buf_addf(&sql, "insert into " STR_FMT " (", STR_ARG(m->target.quoted));
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < columns->count; i++) {
            buf_add_text(&sql, i == 0 ? "" : ", ");
            pg_add_identifier(&sql, columns->items[i].name);
        }
        if (side == 0) {
            buf_add_text(&sql, ") select ");
        }
    }
    buf_addf(&sql, " from " STR_FMT, STR_ARG(m->made.quoted));
    m->keeps_grants = true;
    return exec(m, &sql, BY_US, err) && drop(m, RELATION_TABLE, &m->made, err) &&
           postgres_create_indexes(m, &m->target, err);
}

static bool replace(struct postgres_model *m, struct err *err)
{
    bool is_in_the_way = false;
    bool is_same = false;
    struct relation_columns columns;
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    add_swap(m, &sql);
    if (postgres_around_views(m, &sql, &is_in_the_way, err)) {
        return true;
    }
    struct err why = *err;
    if (!is_in_the_way || !is_same_table(m, &is_same, &columns, err)) {
        return false;
    }
    if (!is_same) {
        *err = why;
        return false;
    }
    return refill(m, &columns, err);
}

/* --- materializations ------------------------------------------------------------------------ */

/* In its place where its columns stay, at most with new ones behind them: nobody has to notice. */
static bool replace_view(struct postgres_model *m, bool *ret_done, struct err *err)
{
    *ret_done = false;
    if (!pg_exec_text(m->pg, "SAVEPOINT _selvedge_replace", err)) {
        return false;
    }
    if (postgres_create(m, AS_REPLACED_VIEW, &m->target, m->spec->sql, err)) {
        *ret_done = true;
        m->keeps_grants = true;
        return pg_exec_text(m->pg, "RELEASE SAVEPOINT _selvedge_replace", err);
    }
    return pg_failed_with(m->pg, "42P16") &&
           pg_exec_text(m->pg, "ROLLBACK TO SAVEPOINT _selvedge_replace", err);
}

static bool build_view(struct postgres_model *m, struct err *err)
{
    if (m->old == RELATION_NONE) {
        return postgres_create(m, AS_VIEW, &m->target, m->spec->sql, err);
    }
    if (m->old == RELATION_VIEW) {
        bool is_done = false;
        if (!replace_view(m, &is_done, err) || is_done) {
            return is_done;
        }
    }
    return postgres_create(m, AS_VIEW, &m->made, m->spec->sql, err) && replace(m, err);
}

static bool build_table(struct postgres_model *m, struct err *err)
{
    const struct relation *first = m->old == RELATION_NONE ? &m->target : &m->made;
    return postgres_create(m, AS_TABLE, first, m->spec->sql, err) &&
           postgres_create_indexes(m, first, err) && (m->old == RELATION_NONE || replace(m, err));
}

static bool is_delta(const struct postgres_model *m)
{
    bool is_full = m->spec->full_refresh == DBT_ALWAYS_FULL ||
                   (m->spec->full_refresh == DBT_AS_ASKED && m->t->full_refresh);
    return m->spec->materialization == DBT_INCREMENTAL_TABLE && m->old == RELATION_TABLE &&
           !is_full;
}

static bool build(struct postgres_model *m, struct err *err)
{
    struct str header = sql_statement(m->spec->sql_header);
    if (header.len > 0 && !m->db->ops->exec(m->db, header, BY_PROJECT_SCRIPT, NULL, err)) {
        return err_wrap(err, "sql_header");
    }
    bool has_delta = is_delta(m);
    if (m->spec->is_contract_enforced &&
        !postgres_check_contract(m, has_delta ? m->spec->sql_incremental : m->spec->sql, err)) {
        return false;
    }
    if (has_delta) {
        m->keeps_grants = true;
        return postgres_apply_delta(m, err);
    }
    return m->now == RELATION_VIEW ? build_view(m, err) : build_table(m, err);
}

/* --- one transaction ------------------------------------------------------------------------- */

static bool pre_hooks(struct postgres_model *m, bool outside, struct err *err)
{
    return hooks_run(m->db, m->spec->pre_hooks, m->spec->pre_hook_count, outside, "pre-hook", err);
}

static bool post_hooks(struct postgres_model *m, bool outside, struct err *err)
{
    return hooks_run(m->db, m->spec->post_hooks, m->spec->post_hook_count, outside, "post-hook",
                     err);
}

/* What is there is looked at behind the hooks: they may make or drop it. */
static bool look(struct postgres_model *m, struct err *err)
{
    if (!database_make_schema(m->db, &m->target, err) ||
        !m->db->ops->kind(m->db, &m->target, &m->old, err)) {
        return false;
    }
    if (m->old == RELATION_OTHER) {
        err_set(err, ERR_EXISTS, STR_FMT " is there, and is neither a table nor a view",
                STR_ARG(m->target.quoted));
        return err_hint(err, "drop it, or give the model another alias");
    }
    return postgres_beside(m, "__dbt_tmp", false, &m->made, err) &&
           drop_leftover(m, "__dbt_backup", false, err) && drop_leftover(m, "__dbt_tmp", true, err);
}

/* Of a table, dbt's post-hooks come before the grants and comments; else behind them. */
static bool dress(struct postgres_model *m, struct err *err)
{
    bool is_table = m->spec->materialization == DBT_TABLE;
    return (!is_table || post_hooks(m, false, err)) && postgres_grant(m, err) &&
           postgres_comment(m, err) && (is_table || post_hooks(m, false, err));
}

static bool look_at_result(struct postgres_model *m, struct node_result *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    struct query_rows rows;
    if (!m->db->ops->columns(m->db, &m->target, m->arena, &ret->columns, err)) {
        return false;
    }
    ret->rows_written = m->written;
    if (m->now == RELATION_VIEW || !ret->was_incremental) {
        ret->row_count = m->written;
        return true;
    }
    buf_addf(&sql,
             "SELECT CASE WHEN pg_catalog.pg_relation_size(c) > %d THEN -1 ELSE (SELECT "
             "count(*) FROM " STR_FMT ") END FROM (SELECT ",
             COUNT_BYTES_MAX, STR_ARG(m->target.quoted));
    pg_add_literal(&sql, m->target.quoted);
    buf_add_text(&sql, "::regclass AS c) q");
    return database_query(m->db, &sql, BY_US, m->arena, &rows, err) &&
           (str_to_i64(rows.values[0], -1, INT64_MAX, &ret->row_count) ||
            err_set(err, ERR_INTERNAL, "a count that is none"));
}

static bool inside(struct postgres_model *m, struct node_result *ret, struct err *err)
{
    if (!find_target(m, err) || !pre_hooks(m, false, err) || !look(m, err)) {
        return false;
    }
    ret->was_incremental = is_delta(m);
    return build(m, err) && dress(m, err) && look_at_result(m, ret, err);
}

static bool in_transaction(struct postgres_model *m, struct node_result *ret, struct err *err)
{
    const struct database_ops *ops = m->db->ops;
    if (!ops->begin(m->db, err)) {
        return false;
    }
    if (!inside(m, ret, err) || !ops->commit(m->db, err)) {
        ops->rollback(m->db);
        return false;
    }
    return true;
}

static bool say(const struct postgres_model *m, struct node_result *ret, struct err *err)
{
    struct str notes = m->notes.overflow ? STR("; dropped views") : buf_str(&m->notes);
    ret->message = m->written < 0 ? arena_printf(m->arena, "%s" STR_FMT, m->word, STR_ARG(notes))
                                  : arena_printf(m->arena, "%s %lld" STR_FMT, m->word,
                                                 (long long)m->written, STR_ARG(notes));
    return ret->message.ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a message");
}

static bool run(struct postgres_model *m, struct node_result *ret, struct err *err)
{
    return pre_hooks(m, true, err) && in_transaction(m, ret, err) && post_hooks(m, true, err) &&
           say(m, ret, err);
}

bool materialize_postgres(const struct transform *t, const struct dbt_spec *spec,
                          struct arena *arena, struct node_result *ret, struct err *err)
{
    struct postgres_model m = {
        .t = t,
        .spec = spec,
        .arena = arena,
        .db = t->db,
        .pg = &postgres_of(t->db)->pg,
        .now = spec->materialization == DBT_VIEW ? RELATION_VIEW : RELATION_TABLE,
        .written = -1,
        .word = "OK",
        .notes = buf_growing(NOTES_BYTES_MAX),
    };
    bool ok = run(&m, ret, err);
    buf_release(&m.notes);
    return ok;
}
