#include "agent/transform/dbt_database.h"

#include "common/json/json.h"

#include <assert.h>

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for the database of a project");
}

struct str dbt_database_text(const struct dbt_options *options, const char *key)
{
    const struct json *node = json_get(options->database, key);
    return node != NULL && node->type == JSON_STRING ? node->as.string : STR("");
}

bool dbt_database_open(const struct dbt_options *options, struct arena *arena,
                       struct database **ret, struct err *err)
{
    const struct database_options opening = {.statement_timeout_ns = options->statement_timeout_ns};
    struct str type = dbt_database_text(options, "type");
    struct str dsn = dbt_database_text(options, "dsn");
    if (options->database == NULL) {
        err_set(err, ERR_INVALID, "there is no database for its nodes to run in");
        return err_hint(err, "give it a resource, or runner: dbt");
    }
    if (str_eq(type, STR("sqlite"))) {
        const char *path = arena_cstr(arena, dbt_database_text(options, "path"));
        return path != NULL ? database_open_sqlite(path, &opening, ret, err) : no_memory(err);
    }
    if (str_eq(type, STR("postgres"))) {
        return database_open_postgres(dsn.len > 0 ? dsn : dbt_database_text(options, "url"),
                                      &opening, ret, err);
    }
    return err_set(err, ERR_INVALID, "this program runs no nodes in a database of type " STR_FMT,
                   STR_ARG(str_clip(type, 40)));
}

bool dbt_database_host(const struct dbt_options *options, struct database *db, struct arena *arena,
                       struct dbt_host *ret, struct err *err)
{
    struct query_rows rows = {0};
    assert(db != NULL);
    *ret = (struct dbt_host){.adapter = str_from(db->ops->name),
                             .allows_frozen = options->allows_frozen};
    if (!str_eq(ret->adapter, STR("postgres"))) {
        return true;
    }
    if (!db->ops->query(db, STR("select current_database()"), BY_US, arena, &rows, err)) {
        return false;
    }
    ret->database = rows.rows == 1 ? rows.values[0] : STR("");
    return true;
}
