#include "agent/transform/relation.h"

#include "agent/transform/index_name.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static void names_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *database;
        const char *schema;
        const char *name;
    } cases[] = {
        {"main.\"hourly\"", "", "main", "hourly"},
        {"\"edge\".\"dbt\".\"hourly\"", "edge", "dbt", "hourly"},
        {"hourly", "", "", "hourly"},
        {"\"a.b\".\"c \"\"d\"\"; --\"", "", "a.b", "c \"d\"; --"},
        {"_x.a1$", "", "_x", "a1$"},
        {"\"\xc3\xa9\"", "", "", "\xc3\xa9"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) arena = arena_new(1 << 16);
        struct dbt_node node = {.relation_name = str_from(cases[i].text)};
        struct relation is;
        struct err err = {0};
        assert_true(relation_of(&node, &arena, &is, &err));
        assert_true(str_eq(is.quoted, node.relation_name));
        assert_true(str_eq(is.database, str_from(cases[i].database)));
        assert_true(str_eq(is.schema, str_from(cases[i].schema)));
        assert_true(str_eq(is.name, str_from(cases[i].name)));
    }
}

static void what_is_no_name_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",         "a.b.c.d",
        "main.",    ".a",
        "a b",      "\"a",
        "\"\"",     "main.\"a\" b",
        "1a",       "a;drop table b",
        "a--",      "main.\"a\";",
        "\"a\"\"",  "(select 1)",
        "a.\"b\".", "a as (b)",
        "main.[a]", "main.\"a\" as select 1; attach '/etc/passwd' as x",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        AUTO(arena) arena = arena_new(1 << 16);
        struct dbt_node node = {.unique_id = STR("model.a.b"), .relation_name = str_from(texts[i])};
        struct relation is;
        struct err err = {0};
        if (relation_of(&node, &arena, &is, &err)) {
            fail_msg("taken: %s", texts[i]);
        }
        assert_int_equal(err.code, ERR_INVALID);
    }
    AUTO(arena) arena = arena_new(1 << 16);
    struct dbt_node node = {.relation_name = {"a\0b", 3}};
    struct relation is;
    struct err err = {0};
    assert_false(relation_of(&node, &arena, &is, &err));
}

static void a_relation_is_made_of_names(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 16);
    struct relation is;
    struct err err = {0};
    assert_true(relation_make(STR("temp"), STR("a\"b"), &arena, &is, &err));
    assert_true(str_eq(is.quoted, STR("\"temp\".\"a\"\"b\"")));
    assert_true(relation_make(STR_NONE, STR("a"), &arena, &is, &err));
    assert_true(str_eq(is.quoted, STR("\"a\"")));
    arena.max = arena.used;
    assert_false(relation_make(STR_NONE, STR("a"), &arena, &is, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
}

static void columns_are_quoted_and_expressions_are_not(void **state)
{
    (void)state;
    struct str names[] = {STR("a b"), STR("order"), STR("Id")};
    struct str_list columns = {.items = names, .count = COUNT_OF(names)};
    AUTO(buf) sql = buf_growing(1000);
    add_columns(&sql, &columns, "s.");
    assert_true(str_eq(buf_str(&sql), STR("s.\"a b\", s.\"order\", s.\"Id\"")));
    buf_reset(&sql);
    add_expression(&sql, STR("order"), &columns);
    buf_add_char(&sql, '|');
    add_expression(&sql, STR("id"), &columns);
    buf_add_char(&sql, '|');
    add_expression(&sql, STR("a || b"), &columns);
    assert_true(str_eq(buf_str(&sql), STR("\"order\"|id|a || b")));
}

/* printf 'a_b_"d"."s"."t"_False_btree_2026' | md5sum */
static void an_index_has_the_name_that_dbt_gives(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 16);
    struct str names[] = {STR("a"), STR("b")};
    struct dbt_index index = {.columns = {names, 2}, .type = STR("btree")};
    struct relation relation = {.quoted = STR("\"d\".\"s\".\"t\"")};
    struct str name;
    struct err err = {0};
    assert_true(index_name(&index, &relation, STR("2026"), &arena, &name, &err));
    assert_true(str_eq(name, STR("c4a9afee2db11d1832e860a2fa3d976f")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_apart),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(a_relation_is_made_of_names),
        cmocka_unit_test(columns_are_quoted_and_expressions_are_not),
        cmocka_unit_test(an_index_has_the_name_that_dbt_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
