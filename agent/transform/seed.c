#include "agent/transform/seed_rows.h"
#include "agent/transform/seed_sql.h"
#include "agent/transform/table_node.h"
#include "common/base/limits.h"
#include "common/platform/files.h"

enum { BATCH_BYTES = 128 << 10, BATCH_ROWS = 500 };

struct seed {
    struct table_node node;
    struct seed_source source;
    struct seed_table table;
    struct seed_column *columns;
    int64_t rows;
};

/* --- the file -------------------------------------------------------------------------------- */

/* The folder of the node's package: those of other packages are where `dbt deps` puts them. */
static bool package_dir(struct seed *s, const char **ret, struct err *err)
{
    const struct transform *t = s->node.t;
    struct str package = s->node.spec->node->package;
    *ret = t->project_dir;
    if (t->project_dir != NULL && t->project != NULL && !str_eq(package, t->project->name)) {
        *ret = arena_printf(s->node.arena, "%s/dbt_packages/" STR_FMT, t->project_dir,
                            STR_ARG(package))
                   .ptr;
        return *ret != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    return true;
}

/* The project's folder on this device, else where the project was when it was compiled, as dbt does. */
static bool find_file(struct seed *s, struct err *err)
{
    const struct dbt_spec *spec = s->node.spec;
    char path[LIMIT_PATH_BYTES + 1];
    const char *dirs[2];
    dirs[1] = spec->seed_root.len > 0 ? arena_cstr(s->node.arena, spec->seed_root) : NULL;
    if (!package_dir(s, &dirs[0], err)) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(dirs); i++) {
        if (dirs[i] == NULL) {
            continue;
        }
        if (!files_join(dirs[i], spec->seed_path, path, sizeof path, err)) {
            return false;
        }
        if (files_exist(path)) {
            s->source.path = arena_cstr(s->node.arena, str_from(path));
            return s->source.path != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a path");
        }
    }
    err_set(err, ERR_NOT_FOUND, STR_FMT " is not there", STR_ARG(spec->seed_path));
    return err_hint(err, "put seeds into the bundle, or name the project's folder");
}

static bool find_source(struct seed *s, struct err *err)
{
    struct str delimiter = s->node.spec->delimiter;
    if (delimiter.len != 1 || delimiter.ptr[0] == '"' || delimiter.ptr[0] == '\n' ||
        delimiter.ptr[0] == '\r') {
        return err_set(err, ERR_INVALID, "delimiter \"" STR_FMT "\": one ASCII character is needed",
                       STR_ARG(str_clip(delimiter, 20)));
    }
    s->source =
        (struct seed_source){.text = s->node.spec->seed_text, .delimiter = delimiter.ptr[0]};
    return s->node.spec->seed_text.ptr != NULL || find_file(s, err);
}

/* The first pass: what the columns are. */
static bool infer(struct seed *s, struct err *err)
{
    struct seed_rows *rows;
    if (!seed_rows_open(&s->source, s->node.arena, &rows, err)) {
        return false;
    }
    struct seed_table *table = &s->table;
    table->names = seed_rows_names(rows, &table->count);
    s->columns = arena_array(s->node.arena, table->count, sizeof *s->columns);
    table->columns = s->columns;
    if (s->columns == NULL) {
        seed_rows_close(rows);
        return err_set(err, ERR_NO_MEMORY, "no memory for a seed's columns");
    }
    for (size_t i = 0; i < table->count; i++) {
        struct str ignored;
        s->columns[i] =
            seed_column_new(seed_declared_type(s->node.spec, table->names[i], &ignored));
    }
    const struct str *fields;
    bool is_ok;
    while ((is_ok = seed_rows_next(rows, &fields, err)) && fields != NULL) {
        for (size_t i = 0; i < table->count; i++) {
            seed_column_see(&s->columns[i], fields[i]);
        }
    }
    seed_rows_close(rows);
    return is_ok && seed_check_table(table, err);
}

/* --- the table ------------------------------------------------------------------------------- */

static bool make_table(struct seed *s, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct database *db = s->node.t->db;
    if (s->node.old == RELATION_TABLE && !s->node.is_remade) {
        buf_addf(&sql, "%s " STR_FMT, s->table.is_postgres ? "truncate table" : "delete from",
                 STR_ARG(s->node.relation.quoted));
        return database_exec(db, &sql, BY_US, NULL, err);
    }
    if (s->node.old == RELATION_TABLE) {
        buf_addf(&sql, "drop table " STR_FMT "; ", STR_ARG(s->node.relation.quoted));
    }
    seed_add_create(&s->table, &sql);
    return table_node_change(&s->node, &sql, err);
}

static bool changed_meanwhile(const struct seed *s, size_t column, struct err *err)
{
    err_set(err, ERR_CORRUPT, "%s was changed while it was read: column " STR_FMT,
            s->source.path != NULL ? s->source.path : "the seed", STR_ARG(s->table.names[column]));
    return err_hint(err, "run it again");
}

static bool flush(struct seed *s, struct buf *sql, size_t *count, struct err *err)
{
    if (*count > 0 && !database_exec(s->node.t->db, sql, BY_US, NULL, err)) {
        if (s->node.old == RELATION_TABLE && !s->node.is_remade) {
            err_hint(err, "a full refresh makes the table anew with the file's columns");
        }
        return false;
    }
    buf_reset(sql);
    *count = 0;
    return true;
}

/* The second pass, with the statements of many rows. */
static bool insert_rows(struct seed *s, struct seed_rows *rows, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    const struct str *fields;
    size_t count = 0;
    bool is_ok;
    while ((is_ok = seed_rows_next(rows, &fields, err)) && fields != NULL) {
        size_t column;
        if (count == 0) {
            seed_add_insert(&s->table, &sql);
        }
        buf_add_text(&sql, count == 0 ? "" : ",\n");
        if (!seed_add_row(&s->table, fields, &sql, &column)) {
            return changed_meanwhile(s, column, err);
        }
        count++;
        s->rows++;
        if ((count == BATCH_ROWS || sql.len >= BATCH_BYTES) && !flush(s, &sql, &count, err)) {
            return false;
        }
    }
    return is_ok && flush(s, &sql, &count, err);
}

static bool fill(struct seed *s, struct err *err)
{
    struct seed_rows *rows;
    size_t count;
    if (!seed_rows_open(&s->source, s->node.arena, &rows, err)) {
        return false;
    }
    (void)seed_rows_names(rows, &count);
    bool is_ok = count == s->table.count ? insert_rows(s, rows, err) : changed_meanwhile(s, 0, err);
    seed_rows_close(rows);
    return is_ok;
}

static bool make(struct table_node *node, void *ctx, struct err *err)
{
    (void)node;
    struct seed *s = ctx;
    return make_table(s, err) && fill(s, err);
}

bool seed_run(const struct transform *t, const struct dbt_spec *spec, struct arena *arena,
              struct node_result *ret, struct err *err)
{
    struct seed s = {0};
    if (!table_node_init(&s.node, t, spec, arena, err)) {
        return false;
    }
    s.node.is_remade = spec->full_refresh == DBT_AS_ASKED ? t->full_refresh
                                                          : spec->full_refresh == DBT_ALWAYS_FULL;
    s.table = (struct seed_table){
        .relation = &s.node.relation, .spec = spec, .is_postgres = s.node.is_postgres};
    if (!find_source(&s, err) || !infer(&s, err) || !table_node_run(&s.node, make, &s, err)) {
        return false;
    }
    struct str word =
        arena_printf(arena, "%s %lld", s.node.is_remade ? "CREATE" : "INSERT", (long long)s.rows);
    if (!table_node_tell(&s.node, word, s.rows, ret, err)) {
        return false;
    }
    ret->row_count = s.rows;
    return true;
}
