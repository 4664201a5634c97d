#include "tests/support/dbt_world.h"

#include "tests/support/cmocka_all.h"

#include <string.h>

enum { ARENA_MAX = 64 << 20, ROWS_BYTES_MAX = 1 << 20 };

void dbt_world_open(struct dbt_world *w, const char *path, const struct database_options *options)
{
    const struct database_options none = {0};
    database_close(w->t.db);
    w->t.db = NULL;
    if (path != NULL &&
        !database_open_sqlite(path, options == NULL ? &none : options, &w->t.db, &w->err)) {
        fail_msg("open: %s", w->err.msg);
    }
}

void dbt_world_init(struct dbt_world *w, const struct database_options *options)
{
    *w = (struct dbt_world){.dir = temp_dir_new(), .arena = arena_new(ARENA_MAX)};
    dbt_world_open(w, temp_dir_path(&w->dir, "shop.db"), options);
}

void dbt_world_release(struct dbt_world *w)
{
    database_close(w->t.db);
    arena_release(&w->arena);
    temp_dir_release(&w->dir);
}

void dbt_world_exec(struct dbt_world *w, const char *sql)
{
    if (!w->t.db->ops->exec(w->t.db, str_from(sql), BY_US, NULL, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
}

struct str dbt_world_rows(struct dbt_world *w, const char *sql)
{
    struct query_rows rows;
    AUTO(buf) text = buf_growing(ROWS_BYTES_MAX);
    if (!w->t.db->ops->query(w->t.db, str_from(sql), BY_US, &w->arena, &rows, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
    for (size_t i = 0; i < rows.rows * rows.columns; i++) {
        buf_add_text(&text, i == 0 ? "" : i % rows.columns == 0 ? "\n" : "|");
        buf_add(&text, rows.values[i].ptr == NULL ? STR("NULL") : rows.values[i]);
    }
    struct str copy = arena_copy(&w->arena, buf_str(&text));
    assert_non_null(copy.ptr);
    return copy;
}

struct str dbt_world_digest(struct dbt_world *w, struct str relation)
{
    AUTO(buf) sql = buf_growing(1 << 20);
    buf_add_text(&sql,
                 "select group_concat('case typeof(\"' || name || '\") when ''blob'' then"
                 " length(\"' || name || '\") else quote(\"' || name || '\") end', '||'',''||')"
                 " from pragma_table_xinfo('");
    buf_addf(&sql, STR_FMT "')", STR_ARG(relation));
    struct str values = dbt_world_rows(w, buf_cstr(&sql));
    buf_reset(&sql);
    /* As one number: an answer has a limit. */
    buf_addf(&sql,
             "select count(*), lower(hex(md5(group_concat(r, char(10))))) from"
             " (select " STR_FMT " as r from main.\"" STR_FMT "\" order by r)",
             STR_ARG(values), STR_ARG(relation));
    return dbt_world_rows(w, buf_cstr(&sql));
}

void dbt_world_check(struct dbt_world *w, const char *sql, const char *rows)
{
    struct str is = dbt_world_rows(w, sql);
    if (!str_eq(is, str_from(rows))) {
        fail_msg("%s gave\n" STR_FMT "\nand not\n%s", sql, STR_ARG(is), rows);
    }
}

struct dbt_spec dbt_world_spec(struct dbt_world *w, enum dbt_materialization materialization,
                               const char *name, const char *sql)
{
    struct dbt_node *node = arena_alloc(&w->arena, sizeof(*node));
    assert_non_null(node);
    *node = (struct dbt_node){
        .unique_id = arena_printf(&w->arena, "model.shop.%s", name),
        .name = str_from(name),
        .alias = str_from(name),
        .schema = STR("main"),
        .relation_name = arena_printf(&w->arena, "main.\"%s\"", name),
    };
    return (struct dbt_spec){
        .node = node,
        .sql = str_from(sql),
        .sql_incremental = str_from(sql),
        .has_incremental = true,
        .materialization = materialization,
        .error_if = STR("!= 0"),
        .warn_if = STR("!= 0"),
        .fail_calc = STR("count(*)"),
    };
}

struct str_list dbt_world_list(struct dbt_world *w, const char *a, const char *b)
{
    struct str_list list = {.items = arena_array(&w->arena, 2, sizeof(struct str))};
    assert_non_null(list.items);
    list.items[list.count++] = str_from(a);
    if (b != NULL) {
        list.items[list.count++] = str_from(b);
    }
    return list;
}

bool dbt_world_run(struct dbt_world *w, const struct dbt_spec *spec)
{
    w->err = (struct err){0};
    return spec->materialization == DBT_AS_TEST
               ? data_test_run(&w->t, spec, &w->arena, &w->result, &w->err)
               : model_run(&w->t, spec, &w->arena, &w->result, &w->err);
}

void dbt_world_make(struct dbt_world *w, const struct dbt_spec *spec)
{
    if (!dbt_world_run(w, spec)) {
        fail_msg(STR_FMT ": %s", STR_ARG(spec->node->name), w->err.msg);
    }
}

void dbt_world_refuse(struct dbt_world *w, const struct dbt_spec *spec, enum err_code code,
                      const char *text)
{
    if (dbt_world_run(w, spec)) {
        fail_msg(STR_FMT " was carried out", STR_ARG(spec->node->name));
    }
    if (w->err.code != code || strstr(w->err.msg, text) == NULL) {
        fail_msg("%s (%s)", w->err.msg, err_code_name(w->err.code));
    }
}
