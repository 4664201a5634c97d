#include "agent/transform/node.h"
#include "agent/transform/relation.h"
#include "agent/transform/sql_text.h"

#include <math.h>

/* The failing rows. */
static void add_rows(struct buf *sql, const struct dbt_spec *spec)
{
    buf_add(sql, sql_statement(spec->sql));
    if (spec->limit > 0) {
        buf_addf(sql, "\nlimit %lld", (long long)spec->limit);
    }
}

/* --- the failing rows, kept ------------------------------------------------------------------ */

/* dbt-sqlite keeps them in a second file, main_dbt_test__audit.db. What a view or a transaction spans
 * is one file, and a device has one to look after: so the schema becomes a part of the name. */
static bool stored_relation(const struct transform *t, const struct dbt_spec *spec,
                            struct arena *arena, struct relation *ret, struct err *err)
{
    if (!relation_of(spec->node, arena, ret, err)) {
        return false;
    }
    if (!str_eq(str_from(t->db->ops->name), STR("sqlite")) || ret->schema.len == 0 ||
        str_eq(ret->schema, STR("main"))) {
        return true;
    }
    struct str schema = ret->schema;
    if (str_starts(schema, STR("main_"))) {
        schema = str_slice(schema, sizeof("main_") - 1, schema.len);
    }
    struct str name =
        arena_printf(arena, STR_FMT "__" STR_FMT, STR_ARG(schema), STR_ARG(ret->name));
    if (name.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    return relation_make(STR("main"), name, arena, ret, err);
}

static bool drop_stored(struct database *db, const struct relation *relation, struct err *err)
{
    enum relation_kind kind = RELATION_NONE;
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    if (!db->ops->kind(db, relation, &kind, err)) {
        return false;
    }
    if (kind == RELATION_NONE) {
        return true;
    }
    buf_addf(&sql, "drop %s " STR_FMT, kind == RELATION_VIEW ? "view" : "table",
             STR_ARG(relation->quoted));
    return database_exec(db, &sql, BY_US, NULL, err);
}

static bool store(struct database *db, const struct dbt_spec *spec, const struct relation *relation,
                  struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, "create %s " STR_FMT " as\n",
             spec->store_as == DBT_STORE_VIEW ? "view" : "table", STR_ARG(relation->quoted));
    add_rows(&sql, spec);
    return database_make_schema(db, relation, err) && drop_stored(db, relation, err) &&
           database_exec(db, &sql, BY_PROJECT, NULL, err);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void add_condition(struct buf *sql, const struct dbt_spec *spec, struct str condition,
                          const char *name)
{
    buf_addf(sql, ",\ncase when " STR_FMT " " STR_FMT " then 'true' else 'false' end as %s",
             STR_ARG(spec->fail_calc), STR_ARG(condition), name);
}

/* One row of three columns, on both databases. `stored` is NULL where the rows are not kept. */
static bool ask(struct database *db, const struct dbt_spec *spec, const struct relation *stored,
                struct arena *arena, struct query_rows *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, "select " STR_FMT " as failures", STR_ARG(spec->fail_calc));
    add_condition(&sql, spec, spec->warn_if, "should_warn");
    add_condition(&sql, spec, spec->error_if, "should_error");
    buf_add_text(&sql, "\nfrom (\n");
    if (stored == NULL) {
        add_rows(&sql, spec);
    } else {
        buf_addf(&sql, "select * from " STR_FMT, STR_ARG(stored->quoted));
    }
    buf_add_text(&sql, "\n) dbt_internal_test");
    return database_query(db, &sql, BY_PROJECT, arena, ret, err);
}

static bool read_failures(const struct dbt_spec *spec, const struct query_rows *rows, int64_t *ret,
                          struct err *err)
{
    if (rows->rows != 1 || rows->columns != 3) {
        return err_set(err, ERR_INVALID,
                       "a test gives one row of 3 columns; this one gave %zu of %zu", rows->rows,
                       rows->columns);
    }
    double number = 0;
    struct str text = rows->values[0];
    if (text.ptr != NULL && str_to_i64(text, INT64_MIN, INT64_MAX, ret)) {
        return true;
    }
    if (text.ptr != NULL && str_to_double(text, &number) && nearbyint(number) == number &&
        fabs(number) < 9e15) {
        *ret = (int64_t)number; /* a sum of numbers */
        return true;
    }
    return err_set(err, ERR_INVALID, "fail_calc " STR_FMT " gave %s%.*s, not a whole number",
                   STR_ARG(str_clip(spec->fail_calc, 80)), text.ptr == NULL ? "NULL" : "",
                   (int)str_clip(text, 40).len, text.ptr == NULL ? "" : text.ptr);
}

/* --- judging --------------------------------------------------------------------------------- */

static struct str message_of(const struct node_result *result, const struct dbt_spec *spec,
                             struct arena *arena)
{
    bool is_failure = result->status == DBT_FAIL;
    struct str condition = is_failure ? spec->error_if : spec->warn_if;
    return arena_printf(arena, "Got %lld result%s, configured to %s if " STR_FMT,
                        (long long)result->failures, result->failures == 1 ? "" : "s",
                        is_failure ? "fail" : "warn", STR_ARG(condition));
}

static bool judge(const struct dbt_spec *spec, const struct query_rows *rows, struct arena *arena,
                  struct node_result *ret, struct err *err)
{
    bool should_warn = str_eq(rows->values[1], STR("true"));
    bool should_error = str_eq(rows->values[2], STR("true"));
    if (should_error && !spec->is_warning) {
        ret->status = DBT_FAIL;
    } else if (should_warn) {
        ret->status = DBT_WARN;
    } else {
        ret->status = DBT_PASS;
        ret->failures = 0;
        return true;
    }
    ret->message = message_of(ret, spec, arena);
    return ret->message.ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a message");
}

static bool run(struct database *db, const struct dbt_spec *spec, const struct relation *stored,
                struct arena *arena, struct node_result *ret, struct err *err)
{
    struct query_rows rows = {0};
    struct str header = sql_statement(spec->sql_header);
    if (header.len > 0 && !db->ops->exec(db, header, BY_PROJECT_SCRIPT, NULL, err)) {
        return err_wrap(err, "sql_header");
    }
    return (stored == NULL || store(db, spec, stored, err)) &&
           ask(db, spec, stored, arena, &rows, err) &&
           read_failures(spec, &rows, &ret->failures, err) && judge(spec, &rows, arena, ret, err);
}

static bool run_and_store(const struct transform *t, const struct dbt_spec *spec,
                          struct arena *arena, struct node_result *ret, struct err *err)
{
    const struct database_ops *ops = t->db->ops;
    struct relation stored;
    if (!stored_relation(t, spec, arena, &stored, err) || !ops->begin(t->db, err)) {
        return false;
    }
    if (!run(t->db, spec, &stored, arena, ret, err) || !ops->commit(t->db, err)) {
        ops->rollback(t->db);
        return false;
    }
    ret->stored_in = stored.quoted;
    return true;
}

bool data_test_run(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
                   struct node_result *ret, struct err *err)
{
    *ret = (struct node_result){.rows_written = -1, .row_count = -1, .failures = -1};
    if (sql_statement(spec->sql).len == 0) {
        err_set(err, ERR_INVALID, "the test has no compiled code");
        return err_hint(err, "run dbt compile, and use the manifest that it writes");
    }
    return spec->store_as == DBT_STORE_NOT ? run(t->db, spec, NULL, arena, ret, err)
                                           : run_and_store(t, spec, arena, ret, err);
}
