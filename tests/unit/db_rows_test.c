/* db_rows_test.c - common/db/db_rows.h */
#include "common/db/db_rows.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

struct numbers {
    int64_t n;
    int64_t until;
    int64_t fails_at; /* 0 = never */
};

static bool next_number(void *ctx, bool *ret_row)
{
    struct numbers *s = ctx;
    s->n++;
    *ret_row = s->n <= s->until;
    return s->n != s->fails_at;
}

static struct db_value value_of(void *ctx, int column)
{
    const struct numbers *s = ctx;
    switch (column) {
    case 0:
        return (struct db_value){.type = DB_INTEGER, .as.integer = s->n};
    case 1:
        return (struct db_value){.type = DB_REAL, .as.real = (double)s->n / 2};
    case 2:
        return (struct db_value){.type = DB_TEXT, .as.text = {"ab", (size_t)(s->n % 3)}};
    case 3:
        return (struct db_value){.type = DB_BLOB, .as.text = STR_NONE};
    default:
        return (struct db_value){.type = DB_NULL};
    }
}

static struct db *open_memory(void)
{
    struct db *db = NULL;
    struct err err = {0};
    const struct db_options options = {.path = ":memory:", .flags = DB_FOREIGN_FILE};
    assert_true(db_open(&db, &options, &err));
    return db;
}

static int64_t scalar(struct db *db, const char *sql)
{
    struct err err = {0};
    int64_t value = -1;
    bool found = false;
    if (!db_scalar_i64(db, sql, &value, &found, &err)) {
        fail_msg("%s", err.msg);
    }
    return value;
}

static void one_statement_takes_all_rows(void **state)
{
    (void)state;
    struct db *db = open_memory();
    struct err err = {0};
    struct numbers s = {.until = 1000};
    const struct db_rows rows = {.columns = 5, .next = next_number, .value = value_of, .ctx = &s};
    assert_true(db_exec(db, "CREATE TABLE t (i INTEGER PRIMARY KEY, r, x, b, n)", &err));
    assert_true(db_add_rows(db, "incoming", &rows, &err));
    struct db_query q;
    assert_true(db_prepare(db,
                           STR("INSERT OR FAIL INTO t SELECT c0, c1, c2, c3, c4 FROM incoming "
                               "WHERE true ON CONFLICT (i) DO UPDATE SET x = excluded.x"),
                           &q, &err));
    assert_true(db_run(&q, &err));
    assert_int_equal(scalar(db, "SELECT count(*) FROM t"), 1000);
    assert_int_equal(scalar(db, "SELECT count(*) FROM t WHERE r = i / 2.0 AND n IS NULL"), 1000);
    assert_int_equal(scalar(db, "SELECT count(*) FROM t WHERE b = x'' AND length(x) = i % 3"),
                     1000);
    s.until = 1500; /* the statement goes on where the rows are */
    assert_true(db_run(&q, &err));
    assert_int_equal(scalar(db, "SELECT count(*) FROM t"), 1499); /* row 1001 said "the end" */
    db_finish(&q);
    db_close(db);
}

static void a_failing_source_fails_the_statement(void **state)
{
    (void)state;
    struct db *db = open_memory();
    struct err err = {0};
    struct numbers s = {.until = 10, .fails_at = 5};
    const struct db_rows rows = {.columns = 1, .next = next_number, .value = value_of, .ctx = &s};
    assert_true(db_exec(db, "CREATE TABLE t (i)", &err));
    assert_true(db_add_rows(db, "incoming", &rows, &err));
    struct db_tx tx = {0};
    assert_true(db_tx_begin(db, &tx, &err));
    struct db_query q;
    assert_true(db_prepare(db, STR("INSERT INTO t SELECT c0 FROM incoming"), &q, &err));
    assert_false(db_run(&q, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    db_tx_release(&tx);
    assert_int_equal(scalar(db, "SELECT count(*) FROM t"), 0);
    db_finish(&q);
    db_close(db);
}

static void another_source_takes_the_name(void **state)
{
    (void)state;
    struct db *db = open_memory();
    struct err err = {0};
    struct numbers s = {.until = 3};
    const struct db_rows one = {.columns = 1, .next = next_number, .value = value_of, .ctx = &s};
    const struct db_rows two = {.columns = 2, .next = next_number, .value = value_of, .ctx = &s};
    assert_true(db_add_rows(db, "incoming", &one, &err));
    assert_int_equal(scalar(db, "SELECT sum(c0) FROM incoming"), 6);
    assert_true(db_add_rows(db, "incoming", &two, &err));
    s.n = 0;
    assert_int_equal(scalar(db, "SELECT sum(c1) * 10 FROM incoming"), 30);
    db_close(db);
}

static void a_column_as_a_value(void **state)
{
    (void)state;
    struct db *db = open_memory();
    struct err err = {0};
    struct db_query q;
    bool has_row = false;
    assert_true(db_prepare(db, STR("SELECT 5, 1.5, 'ab', x'00ff', NULL, '', x''"), &q, &err));
    assert_true(db_next(&q, &has_row, &err));
    assert_true(db_col_value(&q, 0).type == DB_INTEGER && db_col_value(&q, 0).as.integer == 5);
    assert_true(db_col_value(&q, 1).type == DB_REAL && db_col_value(&q, 1).as.real >= 1.5);
    assert_true(str_eq(db_col_value(&q, 2).as.text, STR("ab")));
    assert_true(str_eq(db_col_value(&q, 3).as.text, (struct str){"\x00\xff", 2}));
    assert_int_equal(db_col_value(&q, 3).type, DB_BLOB);
    assert_int_equal(db_col_value(&q, 4).type, DB_NULL);
    assert_true(db_col_value(&q, 5).type == DB_TEXT && db_col_value(&q, 5).as.text.len == 0);
    assert_true(db_col_value(&q, 6).type == DB_BLOB && db_col_value(&q, 6).as.text.len == 0);
    db_finish(&q);
    db_close(db);
}

static void a_statement_reads_what_is_given(void **state)
{
    (void)state;
    static const struct db_text sql[] = {{"add", "INSERT INTO t SELECT c0, c1 FROM given"}};
    const struct db_text migrations[] = {{"1", "CREATE TABLE t (i, r)"}};
    const struct db_options options = {.path = ":memory:",
                                       .migrations = migrations,
                                       .migrations_count = 1,
                                       .sql = sql,
                                       .sql_count = 1,
                                       .given_columns = 2};
    struct db *db = NULL;
    struct err err = {0};
    struct numbers s = {.until = 3};
    const struct db_rows rows = {.next = next_number, .value = value_of, .ctx = &s};
    assert_true(db_open(&db, &options, &err));
    struct db_query q = db_query(db, 0);
    assert_true(db_run_given(&q, &rows, &err));
    assert_int_equal(db_changes(db), 3);
    assert_int_equal(scalar(db, "SELECT sum(i) FROM t"), 6);
    s = (struct numbers){.until = 3, .fails_at = 2};
    q = db_query(db, 0);
    assert_false(db_run_given(&q, &rows, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_int_equal(scalar(db, "SELECT count(*) FROM given"), 0);
    q = db_query(db, 0);
    assert_true(db_run(&q, &err)); /* nothing is given */
    assert_int_equal(scalar(db, "SELECT count(*) FROM t"), 3);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_statement_takes_all_rows),
        cmocka_unit_test(a_failing_source_fails_the_statement),
        cmocka_unit_test(another_source_takes_the_name),
        cmocka_unit_test(a_statement_reads_what_is_given),
        cmocka_unit_test(a_column_as_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
