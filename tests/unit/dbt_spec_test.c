#include "common/dbt/spec.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/dbt_written.h"
#include <stdio.h>
#include <string.h>

struct world {
    struct written written;
    struct arena arena;
    struct dbt_spec spec;
    struct err err;
    bool ok;
};

static struct world *world;

/* "model", "`materialized`: `view`", "`compiled_code`: `select 1`" */
static const struct dbt_spec *read_node(const char *type, const char *config, const char *more)
{
    char nodes[4000];
    (void)snprintf(nodes, sizeof nodes,
                   "`%s.p.n`: {`unique_id`: `%s.p.n`, `resource_type`: `%s`, `name`: `n`, "
                   "`package_name`: `p`, %s`database`: `db`, `alias`: `n_alias`, "
                   "`original_file_path`: `models/n.sql`, `relation_name`: `main.n_alias`, "
                   "`config`: {%s}, `depends_on`: {`nodes`: [], `macros`: []}%s%s}",
                   type, type, type, strstr(more, "`schema`") == NULL ? "`schema`: `main`, " : "",
                   config, more[0] == '\0' ? "" : ", ", more);
    world->written = written_new("sqlite", nodes, NULL, NULL);
    world->arena = arena_new(1 << 20);
    world->err = (struct err){0};
    world->ok = dbt_spec_read(world->written.project, 0, &world->arena, &world->spec, &world->err);
    return &world->spec;
}

static void done(void)
{
    arena_release(&world->arena);
    written_release(&world->written);
    memset(&world->spec, 0, sizeof world->spec);
}

static void assert_text(struct str text, const char *expected)
{
    if (!str_eq(text, str_from(expected))) {
        fail_msg("\"" STR_FMT "\", not \"%s\"", STR_ARG(text), expected);
    }
}

static const struct dbt_spec *read_well(const char *type, const char *config, const char *more)
{
    const struct dbt_spec *spec = read_node(type, config, more);
    if (!world->ok) {
        fail_msg("%s", world->err.msg);
    }
    return spec;
}

static void test_model_defaults(void **state)
{
    (void)state;
    const struct dbt_spec *s = read_well("model", "", "`compiled_code`: `select 1`");
    assert_int_equal(s->materialization, DBT_VIEW);
    assert_text(s->materialization_name, "view");
    assert_text(s->sql, "select 1");
    assert_text(s->sql_incremental, "select 1");
    assert_true(s->has_incremental);
    assert_int_equal(s->strategy, DBT_BY_DEFAULT);
    assert_int_equal(s->on_schema_change, DBT_IGNORE);
    assert_int_equal(s->full_refresh, DBT_AS_ASKED);
    assert_true(s->unique_key.count == 0 && s->index_count == 0 && s->pre_hook_count == 0);
    assert_false(s->is_contract_enforced || s->is_unlogged || s->persists_column_docs);
    done();
}

static void test_model_settings(void **state)
{
    (void)state;
    const struct dbt_spec *s = read_well(
        "model",
        "`materialized`: `incremental`, `unique_key`: [`a`, `b`], `incremental_strategy`: "
        "`delete+insert`, `on_schema_change`: `sync_all_columns`, `full_refresh`: false, "
        "`merge_exclude_columns`: `x`, `incremental_predicates`: [`a > 1`], `unlogged`: true, "
        "`indexes`: [{`columns`: [`a`], `unique`: true, `type`: `hash`}, {`columns`: [`b`, `c`]}], "
        "`grants`: {`select`: [`r1`, `r2`], `insert`: `w`}, `contract`: {`enforced`: true}, "
        "`persist_docs`: {`relation`: true, `columns`: true}",
        "`description`: `about`, `columns`: {`a`: {`name`: `a`, `data_type`: `int`, "
        "`description`: `key`, `quote`: true}, `b`: {`name`: `b`}}");
    assert_int_equal(s->materialization, DBT_INCREMENTAL_TABLE);
    assert_int_equal(s->unique_key.count, 2);
    assert_text(s->unique_key.items[1], "b");
    assert_int_equal(s->strategy, DBT_DELETE_INSERT);
    assert_int_equal(s->on_schema_change, DBT_SYNC_ALL_COLUMNS);
    assert_int_equal(s->full_refresh, DBT_NEVER_FULL);
    assert_int_equal(s->merge_exclude_columns.count, 1);
    assert_text(s->predicates.items[0], "a > 1");
    assert_int_equal(s->index_count, 2);
    assert_true(s->indexes[0].is_unique && !s->indexes[1].is_unique);
    assert_text(s->indexes[0].type, "hash");
    assert_int_equal(s->indexes[1].columns.count, 2);
    assert_int_equal(s->grant_count, 2);
    assert_int_equal(s->grants[0].grantees.count, 2);
    assert_text(s->grants[1].grantees.items[0], "w");
    assert_true(s->is_contract_enforced && s->is_unlogged && s->persists_relation_docs);
    assert_int_equal(s->column_count, 2);
    assert_text(s->columns[0].data_type, "int");
    assert_true(s->columns[0].is_quoted && !s->columns[1].is_quoted);
    assert_text(s->description, "about");
    done();
    s = read_well("model",
                  "`materialized`: `incremental`, `unique_key`: `k`, `full_refresh`: true, "
                  "`incremental_strategy`: `microbatch`",
                  "");
    assert_int_equal(s->unique_key.count, 1);
    assert_int_equal(s->full_refresh, DBT_ALWAYS_FULL);
    assert_int_equal(s->strategy, DBT_OTHER_STRATEGY);
    assert_text(s->strategy_name, "microbatch");
    done();
    s = read_well("model", "`materialized`: `dynamic_table`", "");
    assert_int_equal(s->materialization, DBT_OTHER);
    done();
}

static void test_contract(void **state)
{
    (void)state;
    const struct dbt_spec *s = read_well(
        "model", "`materialized`: `table`, `contract`: {`enforced`: true}",
        "`columns`: {`a`: {`name`: `a`, `data_type`: `int`, `constraints`: [{`type`: `not_null`}, "
        "{`type`: `check`, `expression`: `a > 0`}, {`type`: `check`}, {`type`: `primary_key`, "
        "`expression`: `using index tablespace x`}, {`type`: `custom`, `expression`: `default "
        "1`}]}, "
        "`b`: {`name`: `b`, `constraints`: null}}, `constraints`: [{`type`: `unique`, `name`: `u`, "
        "`columns`: [`a`, `b`]}, {`type`: `not_null`, `columns`: [`a`]}, {`type`: `check`, "
        "`expression`: `a < b`, `name`: null}]");
    static const char *const of_a[] = {"not null", "check (a > 0)",
                                       "primary key using index tablespace x", "default 1"};
    assert_int_equal(s->columns[0].constraints.count, COUNT_OF(of_a));
    for (size_t i = 0; i < COUNT_OF(of_a); i++) {
        assert_text(s->columns[0].constraints.items[i], of_a[i]);
    }
    assert_int_equal(s->columns[1].constraints.count, 0);
    assert_int_equal(s->constraints.count, 2);
    assert_text(s->constraints.items[0], "constraint u unique (a, b)");
    assert_text(s->constraints.items[1], "check (a < b)");
    assert_false(s->has_foreign_key);
    done();
    s = read_well("model", "`materialized`: `table`, `contract`: {`enforced`: true}",
                  "`columns`: {`a`: {`name`: `a`, `constraints`: [{`type`: `foreign_key`, `to`: "
                  "`s.t`, `to_columns`: [`x`]}]}}, `constraints`: [{`type`: `foreign_key`, "
                  "`columns`: [`a`], `expression`: `s.t (x)`}]");
    assert_text(s->columns[0].constraints.items[0], "references s.t (x)");
    assert_text(s->constraints.items[0], "foreign key (a) references s.t (x)");
    assert_true(s->has_foreign_key);
    done();
}

static void assert_hook(const char *hook, const char *expected)
{
    char config[400];
    (void)snprintf(config, sizeof config, "`post-hook`: [{`sql`: `%s`}]", hook);
    const struct dbt_spec *s = read_node("model", config, "");
    if (expected == NULL) {
        assert_false(world->ok);
        assert_int_equal(world->err.code, ERR_DENIED);
    } else {
        if (!world->ok) {
            fail_msg("%s", world->err.msg);
        }
        assert_int_equal(s->post_hook_count, 1);
        assert_text(s->post_hooks[0].sql, expected);
    }
    done();
}

static void test_hooks(void **state)
{
    (void)state;
    assert_hook("analyze {{ this }}", "analyze main.n_alias");
    assert_hook("  a {{this.schema}}.{{ this.name }} {{ this.identifier }}{{ this.table }} ",
                "a main.n_alias n_aliasn_alias");
    assert_hook("x {{- this -}} y", "xmain.n_aliasy");
    assert_hook("insert into {{ target.schema }}.log values ('{{ this.name }}', '{a}')",
                "insert into main.log values ('n_alias', '{a}')");
    assert_hook("on {{ this.identifier if target.type == 'sqlite' else this }}", "on n_alias");
    assert_hook(
        "on {{ 'x' if target.type != 'sqlite' else 'y' if target.schema == 'main' else 'z' }}",
        "on y");
    assert_hook("on {{ '}}' }}", "on }}");
    assert_hook("{{ run_query('x') }}", NULL);
    assert_hook("{{ target.name }}", NULL);
    assert_hook("{{ this | upper }}", NULL);
    assert_hook("{{ this.database }}", NULL);
    assert_hook("{% if true %}x{% endif %}", NULL);
    assert_hook("{# no #} select 1", NULL);
    assert_hook("{{ this", NULL);
    assert_hook("{{ }}", NULL);
    assert_hook("{{ 'a\\\\'b' }}", NULL);
    assert_hook("{{ this if target.type }}", NULL);
}

static void test_hook_lists(void **state)
{
    (void)state;
    const struct dbt_spec *s =
        read_well("model",
                  "`pre-hook`: [{`sql`: `a`, `transaction`: false}, `b`, {`sql`: ` `}], "
                  "`post-hook`: `c`",
                  "");
    assert_int_equal(s->pre_hook_count, 2);
    assert_true(s->pre_hooks[0].is_outside && !s->pre_hooks[1].is_outside);
    assert_text(s->pre_hooks[1].sql, "b");
    assert_int_equal(s->post_hook_count, 1);
    done();
    /* The schema of the target, where the model has one of its own. */
    s = read_well("model", "`schema`: `shop`, `post-hook`: `{{ target.schema }}`",
                  "`schema`: `main_shop`");
    assert_text(s->post_hooks[0].sql, "main");
    done();
    (void)read_node("model", "`schema`: `shop`, `post-hook`: `{{ target.schema }}`",
                    "`schema`: `shop`");
    assert_int_equal(world->err.code, ERR_DENIED);
    done();
}

static void test_snapshots(void **state)
{
    (void)state;
    const struct dbt_spec *s = read_well(
        "snapshot", "`strategy`: `timestamp`, `unique_key`: `id`, `updated_at`: `at`", "");
    assert_int_equal(s->materialization, DBT_AS_SNAPSHOT);
    assert_false(s->is_check_strategy);
    assert_text(s->updated_at, "at");
    assert_text(s->valid_to_column, "dbt_valid_to");
    assert_text(s->scd_id_column, "dbt_scd_id");
    assert_int_equal(s->hard_deletes, DBT_DELETES_IGNORED);
    assert_int_equal(s->valid_to_current.len, 0);
    done();
    s = read_well("snapshot",
                  "`strategy`: `check`, `unique_key`: [`a`, `b`], `check_cols`: [`x`], "
                  "`hard_deletes`: `new_record`, `dbt_valid_to_current`: `'9999-12-31'`, "
                  "`snapshot_meta_column_names`: {`dbt_valid_to`: `until`, `dbt_scd_id`: null}",
                  "");
    assert_true(s->is_check_strategy && !s->checks_all_columns);
    assert_int_equal(s->check_columns.count, 1);
    assert_int_equal(s->hard_deletes, DBT_DELETES_NEW_RECORD);
    assert_text(s->valid_to_column, "until");
    assert_text(s->scd_id_column, "dbt_scd_id");
    assert_text(s->valid_to_current, "'9999-12-31'");
    done();
    s = read_well("snapshot",
                  "`strategy`: `check`, `unique_key`: `a`, `check_cols`: `all`, "
                  "`invalidate_hard_deletes`: true",
                  "");
    assert_true(s->checks_all_columns);
    assert_int_equal(s->hard_deletes, DBT_DELETES_INVALIDATE);
    done();
}

static void test_seeds(void **state)
{
    (void)state;
    const struct dbt_spec *s =
        read_well("seed", "`quote_columns`: null", "`root_path`: `/project`");
    assert_int_equal(s->materialization, DBT_AS_SEED);
    assert_text(s->delimiter, ",");
    assert_true(s->quotes_columns);
    assert_text(s->seed_path, "models/n.sql");
    assert_text(s->seed_root, "/project");
    assert_null(s->seed_text.ptr);
    done();
    s = read_well("seed",
                  "`quote_columns`: false, `delimiter`: `;`, `column_types`: {`a`: `text`, `b`: "
                  "`numeric(5,2)`}",
                  "`seed_text`: `a\\n1\\n`");
    assert_text(s->delimiter, ";");
    assert_false(s->quotes_columns);
    assert_int_equal(s->column_types.count, 2);
    assert_text(s->column_types.values[1], "numeric(5,2)");
    assert_text(s->seed_text, "a\n1\n");
    done();
}

static void test_tests(void **state)
{
    (void)state;
    const struct dbt_spec *s = read_well("test", "", "`compiled_code`: `select 1`");
    assert_int_equal(s->materialization, DBT_AS_TEST);
    assert_false(s->is_warning);
    assert_text(s->error_if, "!= 0");
    assert_text(s->warn_if, "!= 0");
    assert_text(s->fail_calc, "count(*)");
    assert_int_equal(s->limit, 0);
    assert_int_equal(s->store_as, DBT_STORE_NOT);
    done();
    s = read_well("test",
                  "`severity`: `Warn`, `error_if`: `>10`, `warn_if`: `>5`, `fail_calc`: `sum(n)`, "
                  "`limit`: 20, `store_failures`: true",
                  "");
    assert_true(s->is_warning);
    assert_text(s->error_if, ">10");
    assert_text(s->fail_calc, "sum(n)");
    assert_int_equal(s->limit, 20);
    assert_int_equal(s->store_as, DBT_STORE_TABLE);
    done();
    s = read_well("test", "`store_failures`: true, `store_failures_as`: `ephemeral`", "");
    assert_int_equal(s->store_as, DBT_STORE_NOT);
    done();
    s = read_well("test", "`store_failures`: false, `store_failures_as`: `view`", "");
    assert_int_equal(s->store_as, DBT_STORE_VIEW);
    done();
}

static void test_sources(void **state)
{
    (void)state;
    const struct dbt_spec *s = read_well(
        "source", "",
        "`loaded_at_field`: `at`, `freshness`: {`warn_after`: {`count`: 12, `period`: `hour`}, "
        "`error_after`: {`count`: 1, `period`: `day`}, `filter`: `at > 1`}");
    assert_text(s->loaded_at_field, "at");
    assert_true(s->warn_after_ns == INT64_C(12) * 3600 * 1000000000);
    assert_true(s->error_after_ns == INT64_C(86400) * 1000000000);
    assert_text(s->freshness_filter, "at > 1");
    done();
    s = read_well("source", "`freshness`: null, `loaded_at_query`: `select 1`",
                  "`freshness`: {`warn_after`: {`count`: 12, `period`: `hour`}}");
    assert_int_equal(s->warn_after_ns, 0);
    assert_text(s->loaded_at_query, "select 1");
    done();
    s = read_well("source", "", "`freshness`: {`warn_after`: {`count`: null, `period`: null}}");
    assert_int_equal(s->warn_after_ns, 0);
    done();
}

static void test_nonsense(void **state)
{
    (void)state;
    static const struct {
        const char *type, *config, *more, *why;
    } cases[] = {
        {"model", "`on_schema_change`: `perhaps`", "", "on_schema_change: perhaps is not known"},
        {"model", "`unique_key`: {}", "", "unique_key is an object, not a list of texts"},
        {"model", "`unique_key`: [[1]]", "", "not a list of texts"},
        {"model", "`full_refresh`: `no`", "", "full_refresh is a string, not true or false"},
        {"model", "`indexes`: [{`unique`: true}]", "", "indexes[0] has no columns"},
        {"model", "`indexes`: `a`", "", "indexes is a string, not a list"},
        {"model", "`post-hook`: 5", "", "post-hook: a hook is an integer"},
        {"model", "`grants`: []", "", "grants is a list"},
        {"model", "`sql_header`: {}", "", "sql_header"},
        {"model", "", "`columns`: {`a`: {`name`: []}}", "columns.a: name"},
        {"snapshot", "`strategy`: `timestamp`, `unique_key`: `id`", "", "without updated_at"},
        {"snapshot", "`strategy`: `check`, `unique_key`: `id`", "", "without check_cols"},
        {"snapshot", "`strategy`: `check`, `unique_key`: `id`, `check_cols`: `x`", "",
         "check_cols"},
        {"snapshot", "`strategy`: `check`, `check_cols`: `all`", "", "without unique_key"},
        {"snapshot", "`hard_deletes`: `soft`, `unique_key`: `a`", "", "hard_deletes: soft"},
        {"seed", "`delimiter`: `ab`", "", "delimiter is ab, not one character"},
        {"seed", "`column_types`: {`a`: 1}", "", "column_types.a is an integer"},
        {"test", "`severity`: `loud`", "", "severity: loud is not known"},
        {"test", "`limit`: -1", "", "limit: -1"},
        {"test", "`store_failures_as`: `file`", "", "store_failures_as: file"},
        {"source", "", "`freshness`: {`warn_after`: {`count`: 1, `period`: `year`}}",
         "warn_after: 1 year is no time"},
        {"source", "", "`freshness`: {`warn_after`: {`count`: 999999999999, `period`: `day`}}",
         "is no time"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)read_node(cases[i].type, cases[i].config, cases[i].more);
        if (world->ok || world->err.code != ERR_INVALID ||
            strstr(world->err.msg, cases[i].why) == NULL) {
            fail_msg("%s %s: %s", cases[i].config, cases[i].more,
                     world->ok ? "accepted" : world->err.msg);
        }
        done();
    }
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    (void)read_well("model",
                    "`unique_key`: [`a`], `indexes`: [{`columns`: [`a`]}], `grants`: {`select`: "
                    "[`x`]}, `post-hook`: [`{{ this }}`]",
                    "`columns`: {`a`: {`name`: `a`}}");
    bool ok = false;
    for (size_t max = 64; !ok; max += 64) {
        struct arena arena = arena_new(max);
        struct dbt_spec spec;
        struct err err = {0};
        ok = dbt_spec_read(world->written.project, 0, &arena, &spec, &err);
        assert_true(ok || err.code == ERR_NO_MEMORY || err.code == ERR_FULL);
        assert_true(max < 1 << 20);
        arena_release(&arena);
    }
    done();
}

int main(void)
{
    struct world here = {0};
    world = &here;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_defaults), cmocka_unit_test(test_model_settings),
        cmocka_unit_test(test_contract),       cmocka_unit_test(test_model_settings),
        cmocka_unit_test(test_hooks),          cmocka_unit_test(test_hook_lists),
        cmocka_unit_test(test_snapshots),      cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_tests),          cmocka_unit_test(test_sources),
        cmocka_unit_test(test_nonsense),       cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
