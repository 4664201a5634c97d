#include "agent/transform/snapshot_sql.h"

#include "agent/transform/relation.h"
#include "agent/transform/sql_text.h"
#include "agent/transform/table_node.h"

struct taking {
    struct table_node node;
    struct database *db;
    struct snapshot sql;
    struct relation rows, changes;
    int64_t written;
};

/* One statement, which `add` writes. */
static bool step(struct taking *k, void (*add)(const struct snapshot *, struct buf *),
                 int64_t *ret_rows, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    add(&k->sql, &sql);
    return database_exec(k->db, &sql, BY_PROJECT, ret_rows, err);
}

/* Of the query: of the table with its rows, be it the temporary one or the new one. */
static bool take_columns(struct taking *k, const struct relation *of, struct err *err)
{
    struct relation_columns found;
    if (!k->db->ops->columns(k->db, of, k->node.arena, &found, err)) {
        return false;
    }
    struct str_list *names = &k->sql.columns;
    names->items = arena_array(k->node.arena, found.count + 1, sizeof *names->items);
    if (names->items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a snapshot's columns");
    }
    for (size_t i = 0; i < found.count; i++) {
        names->items[names->count++] = found.items[i].name;
    }
    return snapshot_check_names(&k->sql, err);
}

static bool fit_columns(struct taking *k, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct relation_columns found;
    if (!k->db->ops->columns(k->db, &k->changes, k->node.arena, &found, err)) {
        return false;
    }
    snapshot_fit_columns(&k->sql, &found, &sql);
    return (sql.len == 0 && !sql.overflow) || table_node_change(&k->node, &sql, err);
}

/* PostgreSQL's go with the transaction. */
static bool drop_temporary(struct taking *k, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, "drop table " STR_FMT "; drop table " STR_FMT, STR_ARG(k->changes.quoted),
             STR_ARG(k->rows.quoted));
    return k->sql.is_postgres || database_exec(k->db, &sql, BY_US, NULL, err);
}

static bool update(struct taking *k, struct err *err)
{
    struct snapshot *s = &k->sql;
    int64_t closed;
    int64_t inserted;
    if (!k->db->ops->columns(k->db, &k->node.relation, k->node.arena, &s->there, err) ||
        !snapshot_check_target(s, err) || !step(k, snapshot_read_rows, NULL, err) ||
        !take_columns(k, &k->rows, err) || !snapshot_choose_columns(s, k->node.arena, err) ||
        !step(k, snapshot_find_changes, NULL, err) || !fit_columns(k, err) ||
        !step(k, snapshot_close_rows, &closed, err) ||
        !step(k, snapshot_insert_rows, &inserted, err) || !drop_temporary(k, err)) {
        return false;
    }
    k->written = closed < 0 || inserted < 0 ? -1 : closed + inserted;
    return true;
}

/* SQLite does not say how many rows a table was made with. */
static bool count_rows(struct taking *k, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct query_rows rows;
    buf_addf(&sql, "select count(*) from " STR_FMT, STR_ARG(k->node.relation.quoted));
    return database_query(k->db, &sql, BY_US, k->node.arena, &rows, err) &&
           (str_to_i64(rows.values[0], 0, INT64_MAX, &k->written) ||
            err_set(err, ERR_INTERNAL, "SQLite gave no number"));
}

static bool create(struct taking *k, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    snapshot_create(&k->sql, &sql);
    return database_exec(k->db, &sql, BY_PROJECT, &k->written, err) &&
           take_columns(k, &k->node.relation, err) && (k->node.is_postgres || count_rows(k, err));
}

static bool make(struct table_node *node, void *ctx, struct err *err)
{
    struct taking *k = ctx;
    struct str header = sql_statement(node->spec->sql_header);
    if (header.len > 0 && !k->db->ops->exec(k->db, header, BY_PROJECT, NULL, err)) {
        return err_wrap(err, "sql_header");
    }
    return node->old == RELATION_NONE ? create(k, err) : update(k, err);
}

static bool check_spec(const struct dbt_spec *spec, struct err *err)
{
    if (sql_statement(spec->sql).len == 0) {
        err_set(err, ERR_INVALID, "it has no compiled code");
        return err_hint(err, "run dbt compile, and use the manifest that it writes");
    }
    if (spec->unique_key.count == 0) {
        return err_set(err, ERR_INVALID, "a snapshot needs a unique_key");
    }
    return spec->is_check_strategy || spec->updated_at.len > 0 ||
           err_set(err, ERR_INVALID, "the timestamp strategy needs updated_at");
}

static bool open_taking(struct taking *k, const struct transform *t, const struct dbt_spec *spec,
                        struct arena *arena, struct err *err)
{
    char text[WALL_TEXT_SIZE];
    if (!table_node_init(&k->node, t, spec, arena, err)) {
        return false;
    }
    struct str schema = k->node.is_postgres ? STR_NONE : STR("temp");
    struct str now = str_from(wall_format(t->now, text)); /* as datetime() has it: */
    now = arena_printf(arena, "%.10s %.8s", now.ptr, now.ptr + 11);
    k->sql = (struct snapshot){.spec = spec,
                               .is_postgres = k->node.is_postgres,
                               .now = now,
                               .target = &k->node.relation,
                               .rows = &k->rows,
                               .changes = &k->changes};
    return (now.ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a snapshot")) &&
           relation_make(schema, STR("dbt_snapshot_rows"), arena, &k->rows, err) &&
           relation_make(schema, STR("dbt_snapshot_changes"), arena, &k->changes, err);
}

bool snapshot_run(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
                  struct node_result *ret, struct err *err)
{
    struct taking k = {.db = t->db, .written = -1};
    return check_spec(spec, err) && open_taking(&k, t, spec, arena, err) &&
           table_node_run(&k.node, make, &k, err) &&
           table_node_tell(&k.node, STR("OK"), k.written, ret, err);
}
