/* el_pg_type_test.c - agent/el/pg_type.h */
#include "agent/el/pg_type.h"
#include "tests/support/cmocka_all.h"

static void kinds(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum column_kind kind;
    } rows[] = {
        {"smallint", COLUMN_INTEGER},
        {"bigint", COLUMN_INTEGER},
        {"real", COLUMN_REAL},
        {"double precision", COLUMN_REAL},
        {"boolean", COLUMN_BOOLEAN},
        {"bytea", COLUMN_BLOB},
        {"jsonb", COLUMN_JSON},
        {"text[]", COLUMN_JSON},
        {"character varying(20)", COLUMN_TEXT},
        {"timestamp with time zone", COLUMN_TEXT},
        {"interval", COLUMN_TEXT}, /* no "int" */
        {"numeric", COLUMN_TEXT},  /* any number of digits */
        {"numeric(18,0)", COLUMN_INTEGER},
        {"numeric(19,0)", COLUMN_TEXT},
        {"numeric(15,2)", COLUMN_REAL},
        {"numeric(16,2)", COLUMN_TEXT},
        {"numeric(3,5)", COLUMN_TEXT},
        {"numeric(5,-2)", COLUMN_TEXT},
        {"numeric(x,y)", COLUMN_TEXT},
        {"", COLUMN_TEXT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        print_message("%s\n", rows[i].type);
        assert_int_equal(pg_type_kind(str_from(rows[i].type)), rows[i].kind);
    }
}

static void types_for_new_columns(void **state)
{
    (void)state;
    static const struct {
        enum column_kind kind;
        const char *declared;
        const char *type;
    } rows[] = {
        {COLUMN_INTEGER, "INT", "bigint"},
        {COLUMN_REAL, "", "double precision"},
        {COLUMN_REAL, "DECIMAL(10,2)", "numeric"},
        {COLUMN_BOOLEAN, "BOOLEAN", "boolean"},
        {COLUMN_JSON, "TEXT", "jsonb"},
        {COLUMN_BLOB, "BLOB", "bytea"},
        {COLUMN_ANY, "date", "text"}, /* of SQLite, which promises nothing */
        {COLUMN_TEXT, "VARCHAR(3)", "text"},
        {COLUMN_TEXT, "date", "date"},
        {COLUMN_TEXT, "timestamp with time zone", "timestamp with time zone"},
        {COLUMN_TEXT, "uuid; DROP TABLE t", "text"},
        {COLUMN_TEXT, "numeric text", "numeric"},
        {COLUMN_TEXT, "duration text", "interval"},
        {COLUMN_TEXT, "numeric", "numeric"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct column column = {.kind = rows[i].kind, .type = str_from(rows[i].declared)};
        assert_string_equal(pg_type_for(&column), rows[i].type);
    }
}

static void declared(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"numeric(30,10)", "numeric text"},
        {"interval", "duration text"},
        {"interval(3)", "duration text"},
        {"timestamp(3) with time zone", "timestamp with time zone"},
        {"timestamp with time zone", "timestamp with time zone"},
        {"time without time zone", "time without time zone"},
        {"date", "date"},
        {"uuid", "uuid"},
        {"character varying(20)", "text"},
        {"bit(8)", "text"}, /* SQLite would make 101 of 00000101 */
        {"point", "text"},
        {"(", "text"},
        {"numeric(", "text"},
        {"mood", "text"},
        {"", "text"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        print_message("%s\n", rows[i][0]);
        assert_string_equal(pg_type_declared(str_from(rows[i][0])), rows[i][1]);
    }
    /* SQLite keeps digits as they are only where its affinity is TEXT. */
    assert_int_equal(column_kind_from_sql(STR("numeric text")), COLUMN_TEXT);
    assert_int_equal(column_kind_from_sql(STR("duration text")), COLUMN_TEXT);
}

static void equality(void **state)
{
    (void)state;
    assert_true(pg_type_lacks_equality(STR("json")));
    assert_false(pg_type_lacks_equality(STR("jsonb")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(types_for_new_columns),
        cmocka_unit_test(declared),
        cmocka_unit_test(equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
