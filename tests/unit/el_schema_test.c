/* el_schema_test.c - agent/el/schema.h */
#include "agent/el/schema.h"
#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static void names_are_unique_whatever_their_case(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct schema s = schema_new(&arena);
    struct err err = {0};
    size_t at = 9;
    assert_true(schema_add(&s, &(struct column){.name = STR("Id")}, &err));
    assert_false(schema_add(&s, &(struct column){.name = STR("Id")}, &err));
    assert_non_null(strstr(err.msg, "twice"));
    assert_false(schema_add(&s, &(struct column){.name = STR("ID")}, &err));
    assert_non_null(strstr(err.msg, "case"));
    assert_false(schema_add(&s, &(struct column){.name = STR("")}, &err));
    assert_false(schema_find(&s, STR("id"), &at));
    assert_true(schema_find_nocase(&s, STR("id"), &at));
    assert_int_equal(at, 0);
    assert_true(str_eq(schema_nearest(&s, STR("Ids")), STR("Id")));
    assert_true(schema_nearest(&s, STR("customer")).len == 0);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(4 << 20);
    struct schema s = schema_new(&arena);
    struct err err = {0};
    char name[16];
    for (int i = 0; i < LIMIT_COLUMNS; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        assert_true(schema_add(&s, &(struct column){.name = str_from(name)}, &err));
    }
    assert_false(schema_add(&s, &(struct column){.name = STR("more")}, &err));
    assert_int_equal(err.code, ERR_FULL);
    size_t at = 0;
    assert_true(schema_find(&s, STR("c999"), &at));
    assert_int_equal(at, 999);
}

static void kinds_follow_sqlite(void **state)
{
    (void)state;
    assert_int_equal(column_kind_from_sql(STR("BIGINT")), COLUMN_INTEGER);
    assert_int_equal(column_kind_from_sql(STR("varchar(20)")), COLUMN_TEXT);
    assert_int_equal(column_kind_from_sql(STR("CHARINT")), COLUMN_INTEGER); /* INT is asked first */
    assert_int_equal(column_kind_from_sql(STR("double precision")), COLUMN_REAL);
    assert_int_equal(column_kind_from_sql(STR("DECIMAL(10,2)")), COLUMN_REAL);
    assert_int_equal(column_kind_from_sql(STR("boolean")), COLUMN_BOOLEAN);
    assert_int_equal(column_kind_from_sql(STR("BLOB")), COLUMN_BLOB);
    assert_int_equal(column_kind_from_sql(STR("DATE")), COLUMN_ANY);
    assert_int_equal(column_kind_from_sql(STR("")), COLUMN_ANY);
}

static bool is_kept(const char *type)
{
    struct column c = {.type = str_from(type), .kind = COLUMN_TEXT};
    return str_eq(column_sql_type(&c), c.type);
}

/* A declared type is written into CREATE TABLE: it must not be able to say more than a type. */
static void only_plain_types_are_written_again(void **state)
{
    (void)state;
    assert_true(is_kept("DECIMAL(10, 2)"));
    assert_true(is_kept("UNSIGNED BIG INT"));
    assert_false(is_kept("INT PRIMARY KEY"));
    assert_false(is_kept("TEXT DEFAULT 1"));
    assert_false(is_kept("TEXT, x INT"));
    assert_false(is_kept("INT) AS SELECT (1"));
    assert_false(is_kept("INT(1) CHECK(0)"));
    assert_false(is_kept("INT()"));
    assert_false(is_kept("\"INT\""));
    assert_false(is_kept("INT--"));
    assert_false(is_kept("INT "));
    assert_false(is_kept("9INT"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_whatever_their_case),
        cmocka_unit_test(there_is_a_limit),
        cmocka_unit_test(kinds_follow_sqlite),
        cmocka_unit_test(only_plain_types_are_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
