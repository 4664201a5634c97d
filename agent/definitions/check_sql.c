/* check_rows.c - assets made by SQL. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include <string.h>

enum { QUERY_BYTES_MAX = 1 << 20 };

static bool is_query(struct str text)
{
    return str_trim(text).len > 0 && str_is_utf8(text) && !str_contains(text, (struct str){"", 1});
}

/* The file's content, in the arena of the definitions. */
static bool read_query(const struct subject *s, struct str file, struct str *ret, struct err *err)
{
    struct definitions *defs = s->l->defs;
    if (str_contains(file, STR("${"))) {
        (void)err_set(err, ERR_INVALID, "variables are not filled in here");
        return err_hint(err, "the file is read when the definitions are loaded");
    }
    /* A path without variables; "$$" in it is the file's business here. */
    struct str path = file;
    if (file.len > 0 && file.ptr[0] != '/') {
        path = arena_printf(&s->l->scratch, "%s/" STR_FMT, defs->dir, STR_ARG(file));
    }
    if (path.ptr == NULL || path.len == 0 || path.len > LIMIT_PATH_BYTES) {
        return err_set(err, ERR_INVALID, "the path is empty or too long");
    }
    AUTO(buf) content = buf_growing(QUERY_BYTES_MAX);
    if (!s->l->files->read_file(s->l->files->ctx, path.ptr, &content, err)) {
        return false;
    }
    if (!is_query(buf_str(&content))) {
        return err_set(err, ERR_INVALID, "the file is empty or not text");
    }
    *ret = arena_copy(&defs->arena, buf_str(&content));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "not enough memory for the query");
}

void check_sql(const struct subject *s)
{
    const struct json *node = json_get(s->node, "sql");
    struct sql *sql = &s->raw->sql.sql;
    if (node->type != JSON_OBJECT) {
        return;
    }
    if (sql->resource_name.ptr != NULL) {
        sql->resource = find_database(s, node, sql->resource_name);
    }
    if (sql->resource != NULL && strcmp(sql->resource->connector->type, "sqlite") != 0) {
        asset_problem(s, place_of(node, "resource"), NULL,
                      "sql: views and tables are made in type sqlite only, and " STR_FMT
                      " is of type %s",
                      STR_ARG(sql->resource_name), sql->resource->connector->type);
        sql->resource = NULL;
    }
    check_table(s, node, "name", &sql->name);
    if (sql->partition_by.ptr != NULL && sql->partition_by.len == 0) {
        asset_problem(s, place_of(node, "partition_by"), NULL, "sql: a column's name is empty");
    }
    bool has_query = json_get(node, "query") != NULL;
    bool has_file = json_get(node, "file") != NULL;
    struct err err = {0};
    if (has_query && has_file) {
        asset_problem(s, place_of(node, "file"), NULL, "sql has both query and file");
    } else if (!has_query && !has_file) {
        asset_problem(s, place_of_node(node), NULL, "sql needs query or file");
    } else if (has_query && sql->query.ptr != NULL && !is_query(sql->query)) {
        asset_problem(s, place_of(node, "query"), NULL, "sql: the query is empty");
    } else if (has_file && sql->file.ptr != NULL && !read_query(s, sql->file, &sql->query, &err)) {
        asset_problem(s, place_of(node, "file"), err.hint, "sql: file " STR_FMT ": %s",
                      STR_ARG(sql->file), err.msg);
    }
    s->raw->asset.sql = *sql;
}
