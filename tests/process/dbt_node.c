/* dbt_node.c - carries out nodes of a dbt project, one JSON object a line on standard input, in the
 * PostgreSQL of the first argument, and says what became of each. For tests that write nodes by hand
 * and watch the statements; the keys are those of a manifest, flat. */
#include "agent/el/cancel.h"
#include "agent/transform/node.h"
#include "common/json/json_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 16 << 20, LINE_BYTES = 4 << 20 };

/* --- reading --------------------------------------------------------------------------------- */

static struct str text(const struct json *j, const char *key)
{
    const struct json *value = json_get(j, key);
    return value != NULL && value->type == JSON_STRING ? value->as.string : STR("");
}

static bool flag(const struct json *j, const char *key)
{
    const struct json *value = json_get(j, key);
    return value != NULL && value->type == JSON_BOOL && value->as.boolean;
}

static void *array(struct arena *arena, const struct json *list, size_t size)
{
    void *items = arena_array(arena, (list == NULL ? 0 : list->count) + 1, size);
    if (items == NULL) {
        abort();
    }
    return items;
}

static struct str_list texts(const struct json *j, const char *key, struct arena *arena)
{
    const struct json *list = json_get(j, key);
    struct str_list ret = {.items = array(arena, list, sizeof(struct str))};
    for (const struct json *i = list == NULL ? NULL : list->child; i != NULL; i = i->next) {
        ret.items[ret.count++] = i->as.string;
    }
    return ret;
}

static size_t read_hooks(const struct json *j, const char *key, struct arena *arena,
                         struct dbt_hook **ret)
{
    const struct json *list = json_get(j, key);
    size_t count = 0;
    *ret = array(arena, list, sizeof(**ret));
    for (const struct json *i = list == NULL ? NULL : list->child; i != NULL; i = i->next) {
        (*ret)[count++] =
            (struct dbt_hook){.sql = text(i, "sql"), .is_outside = flag(i, "outside")};
    }
    return count;
}

static int choice(struct str word, const char *const *words)
{
    int i = 0;
    while (words[i] != NULL && !str_eq(word, str_from(words[i]))) {
        i++;
    }
    return words[i] == NULL ? 0 : i;
}

static void read_dress(const struct json *j, struct arena *arena, struct dbt_spec *s)
{
    const struct json *list = json_get(j, "indexes");
    s->indexes = array(arena, list, sizeof(*s->indexes));
    for (const struct json *i = list == NULL ? NULL : list->child; i != NULL; i = i->next) {
        s->indexes[s->index_count++] = (struct dbt_index){.columns = texts(i, "columns", arena),
                                                          .type = text(i, "type"),
                                                          .is_unique = flag(i, "unique")};
    }
    list = json_get(j, "grants");
    s->grants = array(arena, list, sizeof(*s->grants));
    for (const struct json *i = list == NULL ? NULL : list->child; i != NULL; i = i->next) {
        char key[64];
        (void)snprintf(key, sizeof(key), STR_FMT, STR_ARG(i->key));
        s->grants[s->grant_count++] =
            (struct dbt_grant){.privilege = i->key, .grantees = texts(list, key, arena)};
    }
    list = json_get(j, "columns");
    s->columns = array(arena, list, sizeof(*s->columns));
    for (const struct json *i = list == NULL ? NULL : list->child; i != NULL; i = i->next) {
        s->columns[s->column_count++] =
            (struct dbt_column){.name = i->key, .description = i->as.string};
    }
    s->description = text(j, "description");
    s->persists_relation_docs = flag(j, "persist_docs");
    s->persists_column_docs = flag(j, "persist_docs");
    s->is_unlogged = flag(j, "unlogged");
    s->sql_header = text(j, "sql_header");
}

/* {"columns": {name: {"type", "constraints"}}, "constraints"}, as DDL. */
static void read_contract(const struct json *j, struct arena *arena, struct dbt_spec *s)
{
    const struct json *contract = json_get(j, "contract");
    const struct json *list = json_get(contract, "columns");
    if (contract == NULL) {
        return;
    }
    s->is_contract_enforced = true;
    s->constraints = texts(contract, "constraints", arena);
    s->column_count = 0;
    s->columns = array(arena, list, sizeof(*s->columns));
    for (const struct json *i = list == NULL ? NULL : list->child; i != NULL; i = i->next) {
        s->columns[s->column_count++] =
            (struct dbt_column){.name = i->key,
                                .data_type = text(i, "type"),
                                .constraints = texts(i, "constraints", arena)};
    }
}

static void read_spec(const struct json *j, struct arena *arena, struct dbt_spec *s)
{
    static const char *const kinds[] = {"view", "table",    "incremental", "ephemeral",
                                        "seed", "snapshot", "test",        NULL};
    static const char *const strategies[] = {"", "append", "delete+insert", "merge", "other", NULL};
    static const char *const changes[] = {"ignore", "append_new_columns", "sync_all_columns",
                                          "fail", NULL};
    static const char *const refreshes[] = {"", "never", "always", NULL};
    static const char *const stores[] = {"", "table", "view", NULL};
    *s = (struct dbt_spec){
        .sql = text(j, "sql"),
        .sql_incremental = text(j, "sql_incremental"),
        .has_incremental = json_get(j, "sql_incremental") != NULL,
        .materialization = (enum dbt_materialization)choice(text(j, "materialized"), kinds),
        .materialization_name = text(j, "materialized"),
        .unique_key = texts(j, "unique_key", arena),
        .strategy = (enum dbt_strategy)choice(text(j, "strategy"), strategies),
        .strategy_name = text(j, "strategy"),
        .on_schema_change = (enum dbt_schema_change)choice(text(j, "on_schema_change"), changes),
        .full_refresh = (enum dbt_refresh)choice(text(j, "full_refresh"), refreshes),
        .merge_update_columns = texts(j, "merge_update_columns", arena),
        .merge_exclude_columns = texts(j, "merge_exclude_columns", arena),
        .predicates = texts(j, "predicates", arena),
        .error_if = STR("!= 0"),
        .warn_if = STR("!= 0"),
        .fail_calc = STR("count(*)"),
        .store_as = (enum dbt_store_as)choice(text(j, "store_as"), stores),
        .is_warning = flag(j, "is_warning"),
    };
    s->pre_hook_count = read_hooks(j, "pre_hooks", arena, &s->pre_hooks);
    s->post_hook_count = read_hooks(j, "post_hooks", arena, &s->post_hooks);
    read_dress(j, arena, s);
    read_contract(j, arena, s);
}

/* View models of the project: {"schema", "alias"}. */
static void read_project(const struct json *j, struct arena *arena, struct dbt_project *ret)
{
    const struct json *list = json_get(j, "views");
    *ret = (struct dbt_project){.nodes = array(arena, list, sizeof(*ret->nodes))};
    for (const struct json *i = list == NULL ? NULL : list->child; i != NULL; i = i->next) {
        ret->nodes[ret->count++] = (struct dbt_node){.type = DBT_MODEL,
                                                     .materialized = STR("view"),
                                                     .schema = text(i, "schema"),
                                                     .alias = text(i, "alias")};
    }
}

/* --- running --------------------------------------------------------------------------------- */

static void write_result(struct json_writer *w, const struct node_result *r)
{
    jw_member_str(w, "status", str_from(dbt_status_name(r->status)));
    jw_member_str(w, "message", r->message);
    jw_member_i64(w, "rows_written", r->rows_written);
    jw_member_i64(w, "row_count", r->row_count);
    jw_member_i64(w, "failures", r->failures);
    jw_member_str(w, "stored_in", r->stored_in);
    jw_member_bool(w, "was_incremental", r->was_incremental);
    jw_key(w, STR("columns"));
    jw_begin_object(w);
    for (size_t i = 0; i < r->columns.count; i++) {
        char name[256];
        (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(r->columns.items[i].name));
        jw_member_str(w, name, r->columns.items[i].type);
    }
    jw_end_object(w);
}

static void run_node(struct database *db, struct str line)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    AUTO(buf) out = buf_growing(LINE_BYTES);
    struct json *j = NULL;
    struct err err = {0};
    struct dbt_spec spec;
    struct dbt_project project;
    struct node_result result = {0};
    if (!json_parse(line, LINE_BYTES, &arena, &j, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        exit(2);
    }
    const struct dbt_node node = {.type = DBT_MODEL,
                                  .unique_id = STR("model.lab.m"),
                                  .relation_name = text(j, "relation_name")};
    read_spec(j, &arena, &spec);
    read_project(j, &arena, &project);
    spec.node = &node;
    const struct transform t = {
        .db = db, .project = &project, .full_refresh = flag(j, "asked_full_refresh")};
    bool ok = spec.materialization == DBT_AS_TEST ? data_test_run(&t, &spec, &arena, &result, &err)
                                                  : model_run(&t, &spec, &arena, &result, &err);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_bool(&w, "ok", ok);
    if (ok) {
        write_result(&w, &result);
    } else {
        jw_member_str(&w, "code", str_from(err_code_name(err.code)));
        jw_member_str(&w, "error", str_from(err.msg));
        jw_member_str(&w, "hint", str_from(err.hint));
    }
    jw_end_object(&w);
    (void)printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct database *db = NULL;
    int64_t timeout_ms = 0;
    bool has_timeout = argc > 2 && str_to_i64(str_from(argv[2]), 0, 3600000, &timeout_ms);
    const struct database_options options = {.statement_timeout_ns = timeout_ms * NS_PER_MS};
    if (argc < 2 || (argc > 2 && !has_timeout) || !cancel_install(&err) ||
        !database_open_postgres(str_from(argv[1]), &options, &db, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 2;
    }
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t len = 0; (len = getline(&line, &cap, stdin)) > 0;) {
        run_node(db, str_trim((struct str){line, (size_t)len}));
    }
    free(line);
    database_close(db);
    return 0;
}
