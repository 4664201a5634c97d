#include "agent/transform/columns_change.h"

#include "agent/transform/columns_sqlite.h"
#include "agent/transform/merge_sqlite.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static bool is_same(struct str a, struct str b)
{
    return str_eq(a, b);
}

/* "a INT, b" */
static struct relation_columns columns_of(const char *text, struct arena *arena)
{
    struct relation_columns ret = {.items = arena_array(arena, 16, sizeof(struct relation_column))};
    assert_non_null(ret.items);
    struct str rest = str_from(text);
    while (rest.len > 0) {
        struct str one;
        str_cut(rest, ',', &one, &rest);
        struct relation_column *column = &ret.items[ret.count++];
        str_cut(str_trim(one), ' ', &column->name, &column->type);
    }
    return ret;
}

static void add(struct buf *out, const char *sign, const struct relation_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        const struct relation_column *c = &columns->items[i];
        buf_addf(out, "%s" STR_FMT "%s" STR_FMT " ", sign, STR_ARG(c->name),
                 c->type.len > 0 ? ":" : "", STR_ARG(c->type));
    }
}

static void check(enum dbt_schema_change policy, const char *source, const char *target,
                  const char *expected)
{
    AUTO(arena) arena = arena_new(1 << 16);
    AUTO(buf) text = buf_growing(1 << 16);
    struct relation_columns from = columns_of(source, &arena);
    struct relation_columns to = columns_of(target, &arena);
    const struct columns_compared compared = {policy, &from, &to, is_same, is_same};
    struct columns_change change;
    struct err err = {0};
    if (columns_change_choose(&compared, &arena, &change, &err)) {
        add(&text, "+", &change.added);
        add(&text, "-", &change.removed);
        add(&text, "~", &change.retyped);
        buf_add_char(&text, '|');
        for (size_t i = 0; i < change.columns.count; i++) {
            buf_addf(&text, " " STR_FMT, STR_ARG(change.columns.items[i]));
        }
    } else {
        assert_int_equal(err.code, ERR_INVALID);
        buf_add_text(&text, err.msg);
    }
    if (!str_eq(buf_str(&text), str_from(expected))) {
        fail_msg("%s to %s gave " STR_FMT, source, target, STR_ARG(buf_str(&text)));
    }
}

static void each_policy_does_what_dbt_documents(void **state)
{
    (void)state;
    check(DBT_IGNORE, "a, b", "a, b", "| a b");
    check(DBT_IGNORE, "b, c, a", "a, b", "| a b");
    check(DBT_IGNORE, "a INT", "a TEXT", "| a");
    check(DBT_IGNORE, "a", "a, b", "the table has columns that the query has not: \"b\"");
    check(DBT_APPEND_NEW_COLUMNS, "a, b", "a, b", "| a b");
    check(DBT_APPEND_NEW_COLUMNS, "b, a, c INT, d", "a, x, b", "+c:INT +d | b a c d");
    check(DBT_APPEND_NEW_COLUMNS, "a INT", "a TEXT", "| a");
    check(DBT_SYNC_ALL_COLUMNS, "a, b", "b, a", "| a b");
    check(DBT_SYNC_ALL_COLUMNS, "b INT, c REAL", "a TEXT, b TEXT", "+c:REAL -a:TEXT ~b:INT | b c");
    check(DBT_FAIL_ON_CHANGE, "a, b", "b, a", "| a b");
    check(DBT_FAIL_ON_CHANGE, "a INT, c", "a TEXT, b",
          "the query's columns are not those of the table; new: \"c\"; gone: \"b\"; "
          "of another type: \"a\"");
}

static void long_lists_are_cut(void **state)
{
    (void)state;
    check(DBT_IGNORE, "x", "a,b,c,d,e,f,g,h,i,j,k,l",
          "the table has columns that the query has not: \"a\", \"b\", \"c\", \"d\", \"e\", \"f\", "
          "\"g\", \"h\", \"i\", \"j\", ...");
}

static void sqlite_compares_names_without_case_and_types_by_affinity(void **state)
{
    (void)state;
    assert_true(names_are_same(STR("Id"), STR("iD")));
    assert_false(names_are_same(STR("Id"), STR("Idx")));
    static const struct {
        const char *a;
        const char *b;
        bool is_same;
    } cases[] = {
        {"INT", "bigint", true},
        {"INT", "TEXT", false},
        {"NUM", "decimal(10,2)", true},
        {"REAL", "double", true},
        {"REAL", "NUM", false},
        {"TEXT", "varchar(10)", true},
        {"BLOB", "TEXT", false},
        {"", "TEXT", true},
        {"INT", "", true},
        {"NUM", "datetime", true},
        {"FLOATING POINT", "INT", true},
        {"clob", "TEXT", true},
        {"FLOAT", "REAL", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(columns_sqlite_is_same_type(str_from(cases[i].a), str_from(cases[i].b)) ==
                    cases[i].is_same);
    }
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 16);
    struct relation_columns from = columns_of("a, b", &arena);
    struct relation_columns to = columns_of("b, c", &arena);
    const struct columns_compared compared = {DBT_SYNC_ALL_COLUMNS, &from, &to, is_same, is_same};
    bool ok = false;
    for (size_t bytes = 0; !ok; bytes += 16) {
        AUTO(arena) small = arena_new(bytes);
        struct columns_change change;
        struct err err = {0};
        ok = columns_change_choose(&compared, &small, &change, &err);
        assert_true(ok || err.code == ERR_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_does_what_dbt_documents),
        cmocka_unit_test(long_lists_are_cut),
        cmocka_unit_test(sqlite_compares_names_without_case_and_types_by_affinity),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
