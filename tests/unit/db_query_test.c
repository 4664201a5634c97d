#include "db_fixture.h"

#include <stdio.h>
#include <string.h>

static void every_type_goes_in_and_comes_out(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    struct db_query q = db_query(db, DBTEST_INSERT_THING);
    db_bind_str(&q, ":name", STR("na\"me"));
    db_bind_double(&q, ":weight", 2.5);
    db_bind_blob(&q, ":picture", (struct str){"\0\1", 2});
    assert_true(db_run(&q, &err));
    assert_int_equal(db_changes(db), 1);

    q = db_query(db, DBTEST_THINGS);
    db_bind_i64(&q, ":from", 2);
    bool row = false;
    assert_true(db_next(&q, &row, &err));
    assert_true(row);
    assert_int_equal(db_col_count(&q), 5);
    assert_int_equal(db_col_i64(&q, 0), 2);
    assert_true(str_eq(db_col_str(&q, 1), STR("na\"me")));
    assert_true(db_col_double(&q, 2) == 2.5);
    assert_true(str_eq(db_col_blob(&q, 3), (struct str){"\0\1", 2}));
    assert_int_equal(db_col_type(&q, 0), DB_INTEGER);
    assert_int_equal(db_col_type(&q, 1), DB_TEXT);
    assert_int_equal(db_col_type(&q, 2), DB_REAL);
    assert_int_equal(db_col_type(&q, 3), DB_BLOB);
    assert_string_equal(db_col_name(&q, 4), "twice");
    assert_true(db_next(&q, &row, &err));
    assert_false(row);
    db_close(db);
}

static void late_statements_say_what_is_wrong_when_they_are_used(void **state)
{
    static const struct db_text texts[] = {{"good", "SELECT 7"}, {"bad", "SELECT x FROM nowhere"}};
    const struct db_fixture *f = *state;
    struct db_options options = db_fixture_options(f);
    struct db *db = NULL;
    struct err err = {0};
    bool row = false;
    options.sql = texts;
    options.sql_count = COUNT_OF(texts);
    assert_false(db_open(&db, &options, &err));
    assert_message_has(err, "bad");
    options.flags |= DB_LATE;
    assert_true(db_open(&db, &options, &err));
    for (int i = 0; i < 2; i++) {
        struct db_query q = db_query(db, 0);
        assert_true(db_next(&q, &row, &err));
        assert_int_equal(db_col_i64(&q, 0), 7);
        db_reset(&q);
        q = db_query(db, 1);
        db_bind_i64(&q, ":nothing", 1);
        err = (struct err){0};
        assert_false(i == 0 ? db_run(&q, &err) : db_next(&q, &row, &err));
        assert_message_has(err, "bad: no such table: nowhere");
        db_reset(&q);
    }
    db_close(db);
}

static void each_row_comes_once_and_a_failure_is_told(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    struct db_query q;
    bool ok = true;
    int64_t sum = 0;
    assert_true(db_prepare(db, STR("SELECT value FROM json_each('[1,2,3]')"), &q, &err));
    for (int i = 0; i < 2; i++) { /* it may be run again */
        while (db_each(&q, &ok, &err)) {
            sum += db_col_i64(&q, 0);
        }
        assert_true(ok);
    }
    assert_int_equal(sum, 12);
    db_finish(&q);
    assert_true(db_prepare(db,
                           STR("SELECT abs(value) FROM (SELECT 1 AS value UNION ALL SELECT "
                               "-9223372036854775807 - 1)"),
                           &q, &err));
    assert_true(db_each(&q, &ok, &err) && ok);
    assert_false(db_each(&q, &ok, &err));
    assert_false(ok);
    assert_message_has(err, "overflow");
    db_finish(&q);
    db_close(db);
}

static void null_and_empty_are_different(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    struct db_query q;
    assert_true(db_prepare(db, STR("SELECT ?1, ?2, ?3, ?4, :opt"), &q, &err));
    db_bind_at_null(&q, 1);
    db_bind_at_str(&q, 2, STR_NONE);
    db_bind_at_blob(&q, 3, STR_NONE);
    db_bind_at_str(&q, 4, STR(""));
    db_bind_opt(&q, ":opt", STR(""));
    bool row = false;
    assert_true(db_next(&q, &row, &err));
    assert_true(db_col_is_null(&q, 0));
    assert_null(db_col_str(&q, 0).ptr);
    assert_null(db_col_blob(&q, 0).ptr);
    assert_int_equal(db_col_type(&q, 1), DB_TEXT);
    assert_non_null(db_col_str(&q, 1).ptr);
    assert_int_equal(db_col_type(&q, 2), DB_BLOB);
    assert_non_null(db_col_blob(&q, 2).ptr);
    assert_int_equal(db_col_type(&q, 3), DB_TEXT);
    assert_true(db_col_is_null(&q, 4));
    db_finish(&q);
    db_finish(&q);
    db_close(db);
}

static void sixty_four_bits_survive(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    struct db_query q;
    assert_true(db_prepare(db, STR("SELECT ?1, ?2, ?3"), &q, &err));
    db_bind_at_i64(&q, 1, INT64_MIN);
    db_bind_at_i64(&q, 2, INT64_MAX);
    db_bind_at_double(&q, 3, 1e300);
    bool row = false;
    assert_true(db_next(&q, &row, &err));
    assert_true(db_col_i64(&q, 0) == INT64_MIN);
    assert_true(db_col_i64(&q, 1) == INT64_MAX);
    assert_true(db_col_double(&q, 2) == 1e300);
    db_finish(&q);
    db_close(db);
}

static void an_unknown_parameter_is_reported_by_the_run(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    struct db_query q = db_query(db, DBTEST_INSERT_THING);
    db_bind_str(&q, ":nam", STR("x"));
    db_bind_str(&q, ":name", STR("x"));
    assert_false(db_run(&q, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_message_has(err, "dbtest/insert_thing");
    assert_message_has(err, ":nam");
    assert_int_equal(db_fixture_count(db), 1);

    bool row = false;
    assert_true(db_prepare(db, STR("SELECT ?1"), &q, &err));
    db_bind_at_i64(&q, 2, 1);
    assert_false(db_next(&q, &row, &err));
    assert_int_equal(err.code, ERR_INVALID);
    /* The error is told once; the query is fresh after it. */
    db_bind_at_i64(&q, 1, 1);
    assert_true(db_next(&q, &row, &err));
    assert_true(row);
    db_finish(&q);
    db_close(db);
}

static void bindings_do_not_leak_into_the_next_run(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    struct db_query q = db_query(db, DBTEST_INSERT_THING);
    db_bind_str(&q, ":name", STR("x"));
    assert_true(db_run(&q, &err));
    q = db_query(db, DBTEST_INSERT_THING);
    assert_false(db_run(&q, &err)); /* name is NULL now */
    assert_message_has(err, "NOT NULL constraint failed: thing.name");
    db_close(db);
}

static void starting_the_same_query_again_resets_it(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    db_fixture_insert(db, "second");
    bool row = false;
    struct db_query q = db_query(db, DBTEST_THINGS);
    db_bind_i64(&q, ":from", 0);
    assert_true(db_next(&q, &row, &err));
    q = db_query(db, DBTEST_THINGS);
    db_bind_i64(&q, ":from", 2);
    assert_true(db_next(&q, &row, &err));
    assert_true(row);
    assert_int_equal(db_col_i64(&q, 0), 2);
    db_reset(&q);
    db_close(db);
}

static void one_statement_runs_many_times(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    struct db_query q;
    assert_true(db_prepare(db, STR("INSERT INTO thing (name) VALUES (?) RETURNING id ;\n-- end"),
                           &q, &err));
    assert_false(db_is_read_only_sql(&q));
    for (int i = 0; i < 10; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "n%d", i);
        db_bind_at_str(&q, 1, str_from(name));
        assert_true(db_run(&q, &err));
    }
    db_finish(&q);
    assert_int_equal(db_fixture_count(db), 11);
    db_close(db);
}

static void refuses_what_is_not_one_statement(void **state)
{
    struct db *db = db_fixture_open(*state);
    static const struct str cases[] = {
        STR_INIT(""),
        STR_INIT("  -- nothing"),
        STR_INIT("SELECT 1; SELECT 2"),
        STR_INIT("SELECT 1; x"),
        STR_INIT("SELECT 1\0; SELECT 2"),
        STR_INIT("SELECT nothing"),
        STR_INIT("SELECT (((("),
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct db_query q = {0};
        assert_false(db_prepare(db, cases[i], &q, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_null(q.statement);
    }
    struct db_query q = {0};
    struct err err = {0};
    assert_false(db_prepare(db, STR_NONE, &q, &err));
    db_close(db);
}

static void scalar_tells_whether_there_is_a_row(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    int64_t value = 7;
    bool found = true;
    assert_true(db_scalar_i64(db, "SELECT id FROM thing WHERE id = 99", &value, &found, &err));
    assert_false(found);
    assert_int_equal(value, 7);
    assert_true(db_scalar_i64(db, "SELECT 42", &value, &found, &err));
    assert_true(found);
    assert_int_equal(value, 42);
    assert_false(db_scalar_i64(db, "SELECT x", &value, &found, &err));
    db_close(db);
}

static void quoting_makes_any_name_safe(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    AUTO(buf) sql = buf_growing(1024);
    buf_add_text(&sql, "CREATE TABLE ");
    db_add_identifier(&sql, STR("we\"ird; DROP TABLE thing"));
    buf_add_text(&sql, " AS SELECT 7 AS v");
    const char *text = buf_cstr(&sql);
    assert_non_null(text);
    assert_true(db_exec(db, text, &err));
    struct db_query q;
    assert_true(db_prepare(db, STR("SELECT v FROM \"we\"\"ird; DROP TABLE thing\""), &q, &err));
    bool row = false;
    assert_true(db_next(&q, &row, &err));
    assert_int_equal(db_col_i64(&q, 0), 7);
    db_finish(&q);
    db_close(db);
}

static void exec_names_what_failed(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    assert_false(db_exec(db, "CREATE TABLE a (b); NONSENSE", &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_message_has(err, "NONSENSE");
    /* A long text is cut between characters. */
    static const char text[] = "-- \xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
                               "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
                               "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
                               "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
                               "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
                               "\nNONSENSE";
    assert_false(db_exec(db, text, &err));
    assert_true(str_is_utf8(str_from(err.msg)));
    db_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_fixture_setup, db_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_type_goes_in_and_comes_out),
        TEST(late_statements_say_what_is_wrong_when_they_are_used),
        TEST(each_row_comes_once_and_a_failure_is_told),
        TEST(null_and_empty_are_different),
        TEST(sixty_four_bits_survive),
        TEST(an_unknown_parameter_is_reported_by_the_run),
        TEST(bindings_do_not_leak_into_the_next_run),
        TEST(starting_the_same_query_again_resets_it),
        TEST(one_statement_runs_many_times),
        TEST(refuses_what_is_not_one_statement),
        TEST(scalar_tells_whether_there_is_a_row),
        TEST(quoting_makes_any_name_safe),
        TEST(exec_names_what_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
