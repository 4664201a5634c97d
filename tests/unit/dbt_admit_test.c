#include "common/dbt/spec.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/dbt_written.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA "../shared/data/dbt/"

struct node_case {
    const char *node;        /* "model table": type and materialization */
    const char *config;      /* further settings, from ", " on; may be empty */
    const char *more;        /* further members of the node, likewise */
    const char *incremental; /* code of the second compilation; NULL: there is none */
    const char *host;        /* "sqlite", "postgres shop", "sqlite frozen" */
    enum dbt_admission admission;
    const char *reason, *change; /* parts; "" = must be empty */
};

/* `code` is the compiled one, NULL for none; raw code asks is_incremental() where `more` says so. */
static void write_node(const struct node_case *c, const char *code, char *out, size_t size)
{
    char type[20] = "";
    char materialized[40] = "";
    struct str head = STR_NONE;
    struct str tail = STR_NONE;
    (void)str_cut(str_from(c->node), ' ', &head, &tail);
    (void)snprintf(type, sizeof type, STR_FMT, STR_ARG(head));
    (void)snprintf(materialized, sizeof materialized, STR_FMT, STR_ARG(tail));
    const bool is_given = strstr(c->more, "`compiled_code`") != NULL;
    (void)snprintf(out, size,
                   "`%s.p.n`: {`unique_id`: `%s.p.n`, `resource_type`: `%s`, `name`: `n`, "
                   "`package_name`: `p`, `alias`: `n`, `original_file_path`: `models/n.sql`, "
                   "`relation_name`: `main.n`, %s`config`: {`materialized`: `%s`%s}%s%s%s%s}",
                   type, type, type,
                   strstr(c->more, "`schema`") == NULL ? "`schema`: `main`, " : "", materialized,
                   c->config, c->more, is_given || code == NULL ? "" : ", `compiled_code`: `",
                   is_given || code == NULL ? "" : code, is_given || code == NULL ? "" : "`");
}

static struct dbt_host host_of(const char *text)
{
    struct dbt_host host = {0};
    struct str rest = STR_NONE;
    (void)str_cut(str_from(text), ' ', &host.adapter, &rest);
    host.allows_frozen = str_eq(rest, STR("frozen"));
    host.database = host.allows_frozen ? STR("") : rest;
    return host;
}

static bool says(struct str text, const char *part)
{
    return part[0] == '\0' ? text.len == 0 : str_contains(text, str_from(part));
}

static void check_case(const struct node_case *c, const char *adapter)
{
    char full[3000];
    char second[3000];
    write_node(c, "select 1", full, sizeof full);
    write_node(c, c->incremental, second, sizeof second);
    struct written w = written_new(adapter, full, NULL, c->incremental == NULL ? NULL : second);
    struct arena arena = arena_new(1 << 20);
    const struct dbt_host host = host_of(c->host);
    struct dbt_verdict verdict = {0};
    struct err err = {0};
    char id[60];
    (void)snprintf(id, sizeof id, "%.*s.p.n", (int)strcspn(c->node, " "), c->node);
    const uint32_t node = dbt_project_find(w.project, str_from(id));
    assert_int_not_equal(node, DBT_NO_NODE);
    if (!dbt_admit(w.project, node, &host, &arena, &verdict, &err)) {
        fail_msg("%s: %s", full, err.msg);
    }
    if (verdict.admission != c->admission || !says(verdict.reason, c->reason) ||
        !says(verdict.change, c->change)) {
        fail_msg("%s\n%s: " STR_FMT " (" STR_FMT ")", full, dbt_admission_name(verdict.admission),
                 STR_ARG(verdict.reason), STR_ARG(verdict.change));
    }
    arena_release(&arena);
    written_release(&w);
}

static void check_all(const struct node_case *cases, size_t count, const char *adapter)
{
    for (size_t i = 0; i < count; i++) {
        check_case(&cases[i], adapter);
    }
}

static void test_native(void **state)
{
    (void)state;
    static const struct node_case cases[] = {
        {"model view", "", "", NULL, "sqlite", DBT_NATIVE, "", ""},
        {"model table", ", `indexes`: [{`columns`: [`a`]}]", "", NULL, "sqlite", DBT_NATIVE, "",
         ""},
        {"model incremental", ", `incremental_strategy`: `append`", "", NULL, "sqlite", DBT_NATIVE,
         "", ""},
        {"model ephemeral", "", ", `compiled_code`: null", NULL, "sqlite", DBT_NATIVE, "", ""},
        {"model table", ", `partition_by`: {`field`: `d`}, `meta`: {`x`: 1}, `my_list`: []", "",
         NULL, "sqlite", DBT_NATIVE, "", ""},
        {"model table", ", `post-hook`: [{`sql`: `analyze {{ this }}`}]", "", NULL, "sqlite",
         DBT_NATIVE, "", ""},
        {"seed seed", "", ", `compiled_code`: null", NULL, "sqlite", DBT_NATIVE, "", ""},
        {"snapshot snapshot", ", `strategy`: `check`, `check_cols`: `all`, `unique_key`: `a`", "",
         NULL, "sqlite", DBT_NATIVE, "", ""},
        {"test test", ", `severity`: `warn`", "", NULL, "sqlite", DBT_NATIVE, "", ""},
        /* Stored failures have a schema of their own. */
        {"test test", ", `store_failures`: true", ", `schema`: `main_dbt_test__audit`", NULL,
         "sqlite", DBT_NATIVE, "", ""},
        {"model view", "", ", `raw_code`: `select {{ var('x') }}`", NULL, "sqlite", DBT_NATIVE,
         "variables of the machine", ""},
        {"model table", ", `sql_header`: `set x;`", "", NULL, "sqlite", DBT_NATIVE, "", ""},
        {"analysis view", "", "", NULL, "sqlite", DBT_NATIVE, "lineage", ""},
    };
    check_all(cases, COUNT_OF(cases), "sqlite");
}

static void test_needs_dbt(void **state)
{
    (void)state;
    static const struct node_case cases[] = {
        {"model table", "", ", `language`: `python`", NULL, "sqlite", DBT_NEEDS_DBT,
         "a python model", ""},
        {"model dynamic_table", "", "", NULL, "sqlite", DBT_NEEDS_DBT, "materialized dynamic_table",
         "models/n.sql: materialize it as view, table or incremental"},
        {"model materialized_view", "", "", NULL, "sqlite", DBT_NEEDS_DBT,
         "materialized materialized_view", "models/n.sql"},
        {"seed upsert", "", "", NULL, "sqlite", DBT_NEEDS_DBT, "materialized upsert",
         "models/n.sql"},
        {"model incremental", ", `incremental_strategy`: `microbatch`", "", NULL, "sqlite",
         DBT_NEEDS_DBT, "strategy \"microbatch\"", "models/n.sql: use append"},
        {"model incremental", ", `incremental_strategy`: `insert_overwrite`", "", NULL, "sqlite",
         DBT_NEEDS_DBT, "insert_overwrite", "models/n.sql"},
        {"snapshot snapshot", ", `strategy`: `mine`, `unique_key`: `a`", "", NULL, "sqlite",
         DBT_NEEDS_DBT, "strategy \"mine\"", "models/n.sql: use timestamp or check"},
        {"model table", ", `contract`: {`enforced`: true}", "", NULL, "sqlite", DBT_NEEDS_DBT,
         "contract", "models/n.sql"},
        {"model table", ", `pre-hook`: [{`sql`: `{{ log('x') }}`}]", "", NULL, "sqlite",
         DBT_NEEDS_DBT, "pre-hook: the hook has Jinja that is not known here: {{ log('x') }}",
         "models/n.sql: write it as plain SQL"},
        {"model table", ", `post-hook`: `{{ target.name }}`", "", NULL, "sqlite", DBT_NEEDS_DBT,
         "target.name", "models/n.sql"},
        {"model table", ", `new_thing`: 5", "", NULL, "sqlite", DBT_NEEDS_DBT,
         "the setting \"new_thing\" is not known here", "models/n.sql: put it under meta"},
        {"model incremental", ", `predicates`: [`a > {{ x }}`]", "", NULL, "sqlite", DBT_NEEDS_DBT,
         "Jinja", ""},
        {"function function", "", "", NULL, "sqlite", DBT_NEEDS_DBT, "functions", ""},
        {"operation view", "", "", NULL, "sqlite", DBT_NEEDS_DBT, "on-run", "models/n.sql"},
    };
    check_all(cases, COUNT_OF(cases), "sqlite");
    static const struct node_case postgres[] = {
        {"snapshot snapshot",
         ", `strategy`: `check`, `check_cols`: `all`, `unique_key`: `a`, `sql_header`: `set x;`",
         ", `database`: `shop`, `schema`: `mart`", NULL, "postgres shop", DBT_NEEDS_DBT,
         "sql_header", "models/n.sql"},
        {"model table", ", `sql_header`: `set x;`", ", `database`: `shop`, `schema`: `mart`", NULL,
         "postgres shop", DBT_NATIVE, "", ""},
        {"model table", ", `contract`: {`enforced`: true}",
         ", `database`: `shop`, `schema`: `mart`", NULL, "postgres shop", DBT_NATIVE, "", ""},
        {"model table", ", `contract`: {`enforced`: true}",
         ", `database`: `shop`, `schema`: `mart`, `constraints`: [{`type`: `foreign_key`}]", NULL,
         "postgres shop", DBT_NEEDS_DBT, "contract", "models/n.sql"},
        {"model view", ", `unlogged`: true", ", `database`: `shop`, `schema`: `mart`", NULL,
         "postgres shop", DBT_NATIVE, "", ""},
    };
    check_all(postgres, COUNT_OF(postgres), "postgres");
}

static void test_refused(void **state)
{
    (void)state;
    static const struct node_case cases[] = {
        {"model table", "", ", `compiled_code`: null", NULL, "sqlite", DBT_REFUSED, "not compiled",
         "models/n.sql: run dbt compile"},
        {"test test", "", ", `compiled_code`: null", NULL, "sqlite", DBT_REFUSED, "not compiled",
         "models/n.sql"},
        {"snapshot snapshot", "", ", `compiled_code`: null", NULL, "sqlite", DBT_REFUSED,
         "not compiled", "models/n.sql"},
        {"model table", "", "", NULL, "postgres", DBT_REFUSED,
         "compiled for sqlite, and the database is postgres", "models/n.sql"},
        {"model table", "", ", `schema`: `other`", NULL, "sqlite", DBT_REFUSED,
         "stands in other, and only the schema main", "models/n.sql: have all in the schema main"},
        {"model table", "",
         ", `extra_ctes`: [{`id`: `model.p.e`, `sql`: ``}], "
         "`extra_ctes_injected`: false",
         NULL, "sqlite", DBT_REFUSED, "ephemeral models are not injected", "models/n.sql"},
        {"model table", "", ", `raw_code`: `select {{ run_query('select 1') }}`", NULL, "sqlite",
         DBT_REFUSED, "asks the database while it is compiled", "models/n.sql"},
        {"model table", "", ", `raw_code`: `select '{{ run_started_at }}'`", NULL, "sqlite",
         DBT_REFUSED, "the time or the id of the run", "models/n.sql"},
        {"model table", "", ", `raw_code`: `select '{{ run_started_at }}'`", NULL, "sqlite frozen",
         DBT_NATIVE, "frozen in it, which is allowed", ""},
        {"model table", ", `unique_key`: {}", "", NULL, "sqlite", DBT_REFUSED,
         "unique_key is an object", "models/n.sql: put it right"},
    };
    check_all(cases, COUNT_OF(cases), "sqlite");
    static const struct node_case postgres[] = {
        {"model table", "", ", `database`: `dev`", NULL, "postgres shop", DBT_REFUSED,
         "stands in the database dev, and the connection is to shop", "models/n.sql"},
        {"model table", "", ", `database`: `dev`", NULL, "postgres", DBT_NATIVE, "", ""},
    };
    check_all(postgres, COUNT_OF(postgres), "postgres");
    static const struct node_case duckdb[] = {
        {"model table", "", "", NULL, "duckdb", DBT_NEEDS_DBT, "SQL for duckdb", ""}};
    check_all(duckdb, COUNT_OF(duckdb), "duckdb");
}

#define ASKS ", `raw_code`: `{% if is_incremental() %}x{% endif %}`"

static void test_two_compilations(void **state)
{
    (void)state;
    static const struct node_case cases[] = {
        {"model incremental", "", ASKS, "select 1 where id > (select max(id) from main.n)",
         "sqlite", DBT_NATIVE, "", ""},
        {"model incremental", "", ASKS, NULL, "sqlite", DBT_REFUSED,
         "no compilation in which it was true",
         "models/n.sql: compile once against an empty database"},
        {"model incremental", "", ASKS, "select 1", "sqlite", DBT_REFUSED,
         "is the same as the other", "models/n.sql: compile once"},
        {"model incremental", ", `full_refresh`: true", ASKS, NULL, "sqlite", DBT_NATIVE, "", ""},
        /* It is always false for a table. */
        {"model table", "", ASKS, NULL, "sqlite", DBT_NATIVE, "", ""},
    };
    check_all(cases, COUNT_OF(cases), "sqlite");
    const struct node_case swapped = {"model incremental",
                                      "",
                                      ASKS ", `compiled_code`: `select max(id) from main.n`",
                                      NULL,
                                      "sqlite",
                                      DBT_REFUSED,
                                      "no compilation in which it was true",
                                      "models/n.sql"};
    check_case(&swapped, "sqlite");
}

/* What stands beside the node counts, too. */
static void check_project(const char *nodes, const char *rest, const char *id,
                          enum dbt_admission admission, const char *reason)
{
    struct written w = written_new("sqlite", nodes, rest, NULL);
    struct arena arena = arena_new(1 << 20);
    const struct dbt_host host = {.adapter = STR("sqlite")};
    struct dbt_verdict verdict = {0};
    struct err err = {0};
    assert_true(dbt_admit(w.project, dbt_project_find(w.project, str_from(id)), &host, &arena,
                          &verdict, &err));
    if (verdict.admission != admission || !says(verdict.reason, reason)) {
        fail_msg("%s: " STR_FMT, dbt_admission_name(verdict.admission), STR_ARG(verdict.reason));
    }
    arena_release(&arena);
    written_release(&w);
}

#define NODE(id, materialized, parent, more)                                                       \
    "`model.p." id "`: {`unique_id`: `model.p." id "`, `resource_type`: `model`, `name`: `" id     \
    "`, `schema`: `main`, `alias`: `" id "`, `relation_name`: `main." id                           \
    "`, `compiled_code`: `select 1`, `config`: {`materialized`: `" materialized                    \
    "`}, `depends_on`: {`nodes`: [" parent "]}" more "}"

static void test_parents(void **state)
{
    (void)state;
    const char *frozen =
        NODE("e", "ephemeral", "", ", `raw_code`: `{{ invocation_id }}`") ", " NODE(
            "f", "ephemeral", "`model.p.e`", "") ", " NODE("n", "table", "`model.p.f`", "");
    check_project(frozen, NULL, "model.p.n", DBT_REFUSED, "the time or the id of the run");
    const char *through_table =
        NODE("e", "table", "", ", `raw_code`: `{{ invocation_id }}`") ", " NODE("n", "table",
                                                                                "`model.p.e`", "");
    check_project(through_table, NULL, "model.p.n", DBT_NATIVE, "");
    const char *source =
        "`sources`: {`source.p.s.t`: {`unique_id`: `source.p.s.t`, `resource_type`: `source`, "
        "`name`: `t`, `source_name`: `s`, `identifier`: `tt`, `schema`: `archive`, "
        "`relation_name`: `archive.tt`}}";
    check_project(NODE("n", "view", "`source.p.s.t`", ""), source, "model.p.n", DBT_REFUSED,
                  "reads archive.tt, and only the schema main");
}

/* The node of the kind, in a project with the macro: is it run by dbt only? */
static void check_override(const char *kind, const char *macro, bool is_seen)
{
    char node[600];
    char macros[300];
    char id[60];
    const bool is_model =
        strcmp(kind, "seed") != 0 && strcmp(kind, "snapshot") != 0 && strcmp(kind, "test") != 0;
    const char *type = is_model ? "model" : kind;
    (void)snprintf(id, sizeof id, "%s.p.n", type);
    (void)snprintf(node, sizeof node,
                   "`%s`: {`unique_id`: `%s`, `resource_type`: `%s`, `name`: `n`, `schema`: "
                   "`main`, `alias`: `n`, `original_file_path`: `models/n.sql`, "
                   "`compiled_code`: `select 1`, `config`: {`materialized`: `%s`, `strategy`: "
                   "`check`, `check_cols`: `all`, `unique_key`: `a`}}",
                   id, id, type, kind);
    (void)snprintf(macros, sizeof macros,
                   "`macros`: {`macro.%s`: {`original_file_path`: `macros/own.sql`}}", macro);
    struct written w = written_new("sqlite", node, macros, NULL);
    struct arena arena = arena_new(1 << 20);
    const struct dbt_host host = {.adapter = STR("sqlite")};
    struct dbt_verdict verdict = {0};
    struct err err = {0};
    assert_true(dbt_admit(w.project, dbt_project_find(w.project, str_from(id)), &host, &arena,
                          &verdict, &err));
    const bool is_right = is_seen
                              ? verdict.admission == DBT_NEEDS_DBT && says(verdict.reason, macro) &&
                                    says(verdict.change, "macros/own.sql: ")
                              : verdict.admission == DBT_NATIVE;
    if (!is_right) {
        fail_msg("%s, %s: %s " STR_FMT, kind, macro, dbt_admission_name(verdict.admission),
                 STR_ARG(verdict.reason));
    }
    arena_release(&arena);
    written_release(&w);
}

/* The compiled text tells nothing of them. */
static void test_overrides(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *macro;
        bool is_seen;
    } cases[] = {
        {"table", "shop.materialization_table_default", true},
        {"table", "shop.materialization_table_sqlite", true},
        {"table", "pkg.create_table_as", true},
        {"table", "shop.default__create_table_as", true},
        {"table", "shop.sqlite__rename_relation", true},
        {"view", "shop.materialization_view_default", true},
        {"view", "shop.create_view_as", true},
        {"view", "shop.run_hooks", true},
        {"incremental", "shop.get_incremental_append_sql", true},
        {"incremental", "shop.default__get_delete_insert_merge_sql", true},
        {"incremental", "shop.process_schema_changes", true},
        {"incremental", "shop.persist_docs", true},
        {"seed", "shop.materialization_seed_default", true},
        {"seed", "shop.load_csv_rows", true},
        {"seed", "shop.default__create_csv_table", true},
        {"snapshot", "shop.materialization_snapshot_default", true},
        {"snapshot", "shop.default__snapshot_merge_sql", true},
        {"snapshot", "shop.build_snapshot_table", true},
        {"snapshot", "shop.current_timestamp", true},
        {"test", "shop.materialization_test_default", true},
        {"test", "shop.get_test_sql", true},
        {"test", "shop.should_store_failures", true},
        /* dbt's own */
        {"table", "dbt.materialization_table_default", false},
        {"table", "dbt_sqlite.sqlite__create_table_as", false},
        /* of another adapter */
        {"table", "shop.materialization_table_postgres", false},
        {"table", "shop.postgres__create_table_as", false},
        {"table", "shop.snowflake__create_table_as", false},
        /* of another kind of node */
        {"table", "shop.materialization_view_default", false},
        {"table", "shop.load_csv_rows", false},
        {"view", "shop.create_table_as", false},
        {"test", "shop.create_table_as", false},
        {"seed", "shop.snapshot_merge_sql", false},
        /* their effect is in the compiled text */
        {"incremental", "shop.is_incremental", false},
        {"table", "shop.ref", false},
        {"table", "shop.generate_schema_name", false},
        {"table", "shop.default__generate_alias_name", false},
        {"test", "shop.test_not_null", false},
        /* its own business */
        {"table", "shop.create_table_as_we_like", false},
        {"table", "shop.materialization_mine_default", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_override(cases[i].kind, cases[i].macro, cases[i].is_seen);
    }
}

/* ---- every node of the fixtures ---- */

struct fixture {
    const char *dir, *manifest, *incremental, *adapter, *database;
    size_t native, needs_dbt, refused; /* of models, seeds, snapshots and tests */
};

static void count_verdicts(const struct fixture *f)
{
    char full[300];
    char second[300];
    (void)snprintf(full, sizeof full, DATA "%s/%s", f->dir, f->manifest);
    (void)snprintf(second, sizeof second, DATA "%s/%s", f->dir,
                   f->incremental == NULL ? "" : f->incremental);
    const struct dbt_open open = {.path = full,
                                  .incremental = f->incremental == NULL ? NULL : second};
    const struct dbt_host host = {.adapter = str_from(f->adapter),
                                  .database = str_from(f->database)};
    struct dbt_project *project = NULL;
    struct err err = {0};
    size_t counts[3] = {0};
    if (!dbt_project_open(&open, &project, &err)) {
        fail_msg("%s", err.msg);
    }
    for (uint32_t i = 0; i < project->count; i++) {
        struct arena arena = arena_new(4 << 20);
        struct dbt_verdict verdict = {0};
        if (!dbt_admit(project, i, &host, &arena, &verdict, &err)) {
            fail_msg("%s", err.msg);
        }
        const struct dbt_node *node = &project->nodes[i];
        const bool is_run = node->type <= DBT_TEST;
        counts[verdict.admission] += is_run ? 1 : 0;
        assert_true(verdict.admission == DBT_NATIVE || verdict.reason.len > 0);
        if (is_run && verdict.admission != DBT_NATIVE && getenv("SHOW") != NULL) {
            printf(STR_FMT ": %s: " STR_FMT " (" STR_FMT ")\n", STR_ARG(node->unique_id),
                   dbt_admission_name(verdict.admission), STR_ARG(verdict.reason),
                   STR_ARG(verdict.change));
        }
        arena_release(&arena);
    }
    printf("%s: %zu native, %zu need dbt, %zu refused\n", f->dir, counts[DBT_NATIVE],
           counts[DBT_NEEDS_DBT], counts[DBT_REFUSED]);
    assert_int_equal(counts[DBT_NATIVE], f->native);
    assert_int_equal(counts[DBT_NEEDS_DBT], f->needs_dbt);
    assert_int_equal(counts[DBT_REFUSED], f->refused);
    dbt_project_close(project);
}

static void test_fixtures(void **state)
{
    (void)state;
    static const struct fixture fixtures[] = {
        {"edge_lab_sqlite", "manifest_full_refresh.json", "manifest_incremental.json", "sqlite", "",
         26, 0, 0},
        /* The three models that ask is_incremental(). */
        {"edge_lab_sqlite", "manifest_full_refresh.json", NULL, "sqlite", "", 23, 0, 3},
        {"jaffle_shop_classic_sqlite", "manifest.json", NULL, "sqlite", "", 28, 0, 0},
        {"jaffle_shop_sqlite", "manifest.json", NULL, "sqlite", "", 45, 0, 0},
        {"fivetran_zendesk_postgres", "manifest.json", NULL, "postgres", "postgres", 85, 0, 48},
        {"dbt_core_state_versions", "manifest_v10.json", NULL, "postgres", "dbt", 1, 0, 6},
        {"dbt_core_state_versions", "manifest_v12.json", NULL, "postgres", "dbt", 1, 0, 6},
    };
    if (access(DATA "README.md", R_OK) != 0) {
        (void)fprintf(stderr, DATA " is not here\n");
        skip();
    }
    for (size_t i = 0; i < COUNT_OF(fixtures); i++) {
        count_verdicts(&fixtures[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_native),   cmocka_unit_test(test_needs_dbt),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_two_compilations),
        cmocka_unit_test(test_parents),  cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_fixtures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
