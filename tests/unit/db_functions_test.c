#include "common/db/db.h"
#include "tests/support/cmocka_all.h"

static struct db *open_memory(void)
{
    const struct db_options options = {.path = ":memory:", .flags = DB_FOREIGN_FILE};
    struct db *db = NULL;
    struct err err = {0};
    assert_true(db_open(&db, &options, &err));
    return db;
}

/* The value of an expression, as SQLite's quote() writes it. */
static void check(struct db *db, const char *expression, const char *value)
{
    struct err err = {0};
    AUTO(buf) sql = buf_growing(4096);
    AUTO(db_query) q = {0};
    bool has_row = false;
    buf_addf(&sql, "SELECT quote(%s)", expression);
    if (!db_prepare(db, buf_str(&sql), &q, &err) || !db_next(&q, &has_row, &err)) {
        fail_msg("%s: %s", expression, err.msg);
    }
    struct str is = db_col_str(&q, 0);
    if (!str_eq(is, str_from(value))) {
        fail_msg("%s gave " STR_FMT, expression, STR_ARG(is));
    }
}

static void they_give_what_others_give(void **state)
{
    (void)state;
    struct db *db = open_memory();
    struct err err = {0};
    static const char *const cases[][2] = {
        {"md5('abc')", "X'900150983CD24FB0D6963F7D28E17F72'"},
        {"md5(x'616263')", "X'900150983CD24FB0D6963F7D28E17F72'"},
        {"md5('')", "X'D41D8CD98F00B204E9800998ECF8427E'"},
        {"md5(x'')", "X'D41D8CD98F00B204E9800998ECF8427E'"},
        {"md5(12) = md5('12')", "1"},
        {"md5(null)", "NULL"},
        {"lower(hex(md5('abc')))", "'900150983cd24fb0d6963f7d28e17f72'"},
        {"split_part('a,b,c', ',', 1)", "'a'"},
        {"split_part('a,b,c', ',', 2)", "'b'"},
        {"split_part('a,b,c', ',', 3)", "'c'"},
        {"split_part('a,b,c', ',', 4)", "''"},
        {"split_part('a,b,c', ',', -1)", "'c'"},
        {"split_part('a,b,c', ',', -3)", "'a'"},
        {"split_part('a,b,c', ',', -4)", "''"},
        {"split_part('a~@~b~@~c', '~@~', 2)", "'b'"},
        {"split_part('aaa', 'aa', 2)", "'a'"},
        {"split_part('a,', ',', 2)", "''"},
        {"split_part('', ',', 1)", "''"},
        {"split_part('abc', '', 1)", "'abc'"},
        {"split_part('abc', '', 2)", "''"},
        {"split_part(null, ',', 1)", "NULL"},
        {"split_part('a', null, 1)", "NULL"},
        {"ceil(1.2)", "2.0"},
        {"ceiling(-1.2)", "-1.0"},
        {"ceil(7)", "7"},
        {"floor(-1.2)", "-2.0"},
        {"floor('2.9')", "2.0"},
        {"floor('x')", "NULL"},
        {"floor(null)", "NULL"},
    };
    assert_true(db_add_functions(db, &err));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check(db, cases[i][0], cases[i][1]);
    }
    assert_false(db_exec(db, "SELECT split_part('a', ',', 0)", &err));
    db_close(db);
}

static void a_view_may_call_them(void **state)
{
    (void)state;
    struct db *db = open_memory();
    struct err err = {0};
    int64_t length = 0;
    bool found = false;
    assert_true(db_add_functions(db, &err));
    assert_true(db_exec(db, "CREATE VIEW v AS SELECT md5('x') AS hash", &err));
    assert_true(db_scalar_i64(db, "SELECT length(hash) FROM v", &length, &found, &err));
    assert_int_equal(length, 16);
    db_close(db);
}

static void nobody_has_them_unasked(void **state)
{
    (void)state;
    struct db *db = open_memory();
    struct err err = {0};
    assert_false(db_exec(db, "SELECT md5('x')", &err));
    assert_int_equal(err.code, ERR_INVALID);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_give_what_others_give),
        cmocka_unit_test(a_view_may_call_them),
        cmocka_unit_test(nobody_has_them_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
