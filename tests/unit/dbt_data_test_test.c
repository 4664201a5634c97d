/* Data tests in SQLite. */
#include "tests/support/cmocka_all.h"
#include "tests/support/dbt_world.h"

#include <string.h>

/* As many failing rows as asked for. */
static struct dbt_spec spec_of(struct dbt_world *w, int failing)
{
    struct str sql = arena_printf(&w->arena,
                                  "with recursive n(i) as (values (1) union all select i + 1 from n"
                                  " where i < %d)\nselect i from n where i <= %d; -- failing;",
                                  failing, failing);
    return dbt_world_spec(w, DBT_AS_TEST, "check_it", sql.ptr);
}

static void conditions_decide(void **state)
{
    (void)state;
    static const struct {
        int failing;
        bool is_warning;
        const char *warn_if;
        const char *error_if;
        enum dbt_status status;
        int64_t failures;
        const char *message;
    } cases[] = {
        {0, false, "!= 0", "!= 0", DBT_PASS, 0, NULL},
        {3, false, "!= 0", "!= 0", DBT_FAIL, 3, "Got 3 results, configured to fail if != 0"},
        {1, false, "!= 0", "!= 0", DBT_FAIL, 1, "Got 1 result, configured to fail if != 0"},
        {3, true, "!= 0", "!= 0", DBT_WARN, 3, "Got 3 results, configured to warn if != 0"},
        {0, true, "!= 0", "!= 0", DBT_PASS, 0, NULL},
        {3, false, ">0", ">100", DBT_WARN, 3, "Got 3 results, configured to warn if >0"},
        {3, false, ">10", ">100", DBT_PASS, 0, NULL},
        {3, false, ">10", ">2", DBT_FAIL, 3, "Got 3 results, configured to fail if >2"},
        {3, true, ">10", ">2", DBT_PASS, 0, NULL},
        {3, false, "between 2 and 4", "= 7", DBT_WARN, 3,
         "Got 3 results, configured to warn if between 2 and 4"},
    };
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct dbt_spec spec = spec_of(&w, cases[i].failing);
        spec.is_warning = cases[i].is_warning;
        spec.warn_if = str_from(cases[i].warn_if);
        spec.error_if = str_from(cases[i].error_if);
        dbt_world_make(&w, &spec);
        assert_int_equal(w.result.status, cases[i].status);
        assert_int_equal(w.result.failures, cases[i].failures);
        assert_true(str_eq(w.result.message, str_from(cases[i].message)));
        assert_int_equal(w.result.stored_in.len, 0);
    }
}

static void a_limit_and_a_calculation(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = spec_of(&w, 9);
    spec.limit = 4;
    dbt_world_make(&w, &spec);
    assert_int_equal(w.result.failures, 4);
    spec.fail_calc = STR("sum(i)");
    dbt_world_make(&w, &spec);
    assert_int_equal(w.result.failures, 10);
    spec.fail_calc = STR("sum(i * 1.0)");
    dbt_world_make(&w, &spec);
    assert_int_equal(w.result.failures, 10);
    spec.fail_calc = STR("avg(i)");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "fail_calc avg(i) gave 2.5, not a whole number");
    spec = spec_of(&w, 0);
    spec.fail_calc = STR("sum(i)");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "fail_calc sum(i) gave NULL");
}

static void rows_are_stored_where_asked(void **state)
{
    (void)state;
    static const enum dbt_store_as kinds[] = {DBT_STORE_TABLE, DBT_STORE_VIEW};
    static const char *const names[][2] = {
        {"main_dbt_test__audit.\"check_it\"", "dbt_test__audit__check_it"},
        {"main.\"check_it\"", "check_it"},
        {"audit.check_it", "audit__check_it"},
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        for (size_t k = 0; k < COUNT_OF(names); k++) {
            AUTO(dbt_world) w;
            dbt_world_init(&w, NULL);
            struct dbt_spec spec = spec_of(&w, 5);
            struct dbt_node node = {.relation_name = str_from(names[k][0])};
            spec.node = &node;
            spec.limit = 3;
            spec.store_as = kinds[i];
            for (int run = 0; run < 2; run++) {
                dbt_world_make(&w, &spec);
                assert_int_equal(w.result.status, DBT_FAIL);
                assert_int_equal(w.result.failures, 3);
                dbt_world_check(&w, "select name from sqlite_schema", names[k][1]);
                AUTO(buf) sql = buf_growing(1000);
                buf_addf(&sql, "select count(*) from " STR_FMT, STR_ARG(w.result.stored_in));
                dbt_world_check(&w, buf_cstr(&sql), "3");
                spec.store_as = spec.store_as == DBT_STORE_VIEW ? DBT_STORE_TABLE : DBT_STORE_VIEW;
            }
        }
    }
}

static void a_broken_test_leaves_the_stored_rows(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = spec_of(&w, 2);
    spec.store_as = DBT_STORE_TABLE;
    dbt_world_make(&w, &spec);
    spec.sql = STR("select * from gone");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "no such table");
    dbt_world_check(&w, "select * from check_it", "1\n2");
    spec.sql = STR("select 1 as i");
    spec.fail_calc = STR("sum(gone)");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "no such column");
    dbt_world_check(&w, "select * from check_it", "1\n2");
    assert_int_equal(w.result.stored_in.len, 0);
}

static void a_test_without_code_is_refused(void **state)
{
    (void)state;
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    struct dbt_spec spec = dbt_world_spec(&w, DBT_AS_TEST, "check_it", " -- nothing");
    dbt_world_refuse(&w, &spec, ERR_INVALID, "no compiled code");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_decide),
        cmocka_unit_test(a_limit_and_a_calculation),
        cmocka_unit_test(rows_are_stored_where_asked),
        cmocka_unit_test(a_broken_test_leaves_the_stored_rows),
        cmocka_unit_test(a_test_without_code_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
