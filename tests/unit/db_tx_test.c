#include "db_fixture.h"

#include <string.h>

static void commit_keeps_and_release_drops(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    {
        AUTO(db_tx) tx = {0};
        assert_true(db_tx_begin(db, &tx, &err));
        db_fixture_insert(db, "dropped");
    }
    assert_int_equal(db_fixture_count(db), 1);
    AUTO(db_tx) tx = {0};
    assert_true(db_tx_begin(db, &tx, &err));
    db_fixture_insert(db, "kept");
    assert_true(db_tx_commit(&tx, &err));
    assert_null(tx.db);
    assert_false(db_tx_commit(&tx, &err)); /* there is nothing to commit twice */
    db_close(db);
    db = db_fixture_open(*state);
    assert_int_equal(db_fixture_count(db), 2);
    db_close(db);
}

static void close_rolls_back(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    struct db_tx tx = {0};
    assert_true(db_tx_begin(db, &tx, &err));
    db_fixture_insert(db, "dropped");
    db_close(db);
    db = db_fixture_open(*state);
    assert_int_equal(db_fixture_count(db), 1);
    db_close(db);
}

static void a_second_writer_is_busy(void **state)
{
    struct db *one = db_fixture_open(*state);
    struct db *two = db_fixture_open(*state);
    struct err err = {0};
    AUTO(db_tx) tx = {0};
    AUTO(db_tx) other = {0};
    assert_true(db_tx_begin(one, &tx, &err));
    assert_false(db_tx_begin(two, &other, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_null(other.db);
    assert_true(err.hint[0] != '\0');
    assert_true(db_tx_commit(&tx, &err));
    assert_true(db_tx_begin(two, &other, &err));
    assert_true(db_tx_commit(&other, &err));
    db_close(two);
    db_close(one);
}

/* With a patience of ten minutes, which the test does not have. */
static void who_does_not_wait_is_told_at_once(void **state)
{
    struct db_options options = db_fixture_options(*state);
    struct err err = {0};
    struct db *patient = NULL;
    options.busy_timeout_ms = 600000;
    assert_true(db_open(&patient, &options, &err));
    struct db *writer = db_fixture_open(*state);
    AUTO(db_tx) tx = {0};
    assert_true(db_tx_begin(writer, &tx, &err));
    struct db_query q = db_query(patient, DBTEST_INSERT_THING);
    db_bind_str(&q, ":name", STR("late"));
    assert_false(db_run_at_once(&q, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_true(db_tx_commit(&tx, &err));
    q = db_query(patient, DBTEST_INSERT_THING);
    db_bind_str(&q, ":name", STR("in time"));
    assert_true(db_run_at_once(&q, &err));
    assert_int_equal(db_fixture_count(writer), 2);
    db_close(writer);
    db_close(patient);
}

static void a_read_transaction_sees_one_snapshot(void **state)
{
    struct db *writer = db_fixture_open(*state);
    struct db *reader = db_fixture_open(*state);
    struct err err = {0};
    AUTO(db_tx) tx = {0};
    assert_true(db_tx_begin_read(reader, &tx, &err));
    assert_int_equal(db_fixture_count(reader), 1);
    db_fixture_insert(writer, "later");
    assert_int_equal(db_fixture_count(reader), 1);
    assert_true(db_tx_commit(&tx, &err));
    assert_int_equal(db_fixture_count(reader), 2);
    db_close(reader);
    db_close(writer);
}

static void transactions_do_not_nest(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    AUTO(db_tx) tx = {0};
    AUTO(db_tx) inner = {0};
    assert_true(db_tx_begin(db, &tx, &err));
    assert_false(db_tx_begin(db, &inner, &err));
    db_fixture_insert(db, "kept");
    assert_true(db_tx_commit(&tx, &err));
    assert_int_equal(db_fixture_count(db), 2);
    db_close(db);
}

static void a_commit_after_sqlites_own_rollback_fails(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    AUTO(db_tx) tx = {0};
    assert_true(db_tx_begin(db, &tx, &err));
    db_fixture_insert(db, "lost");
    assert_false(db_exec(db, "INSERT OR ROLLBACK INTO thing (name) VALUES ('lost')", &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_false(db_tx_commit(&tx, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_int_equal(db_fixture_count(db), 1);
    db_close(db);
}

static void a_deferred_constraint_fails_the_commit_whole(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    assert_true(db_exec(db,
                        "CREATE TABLE late (thing INTEGER REFERENCES thing (id)"
                        " DEFERRABLE INITIALLY DEFERRED) STRICT",
                        &err));
    AUTO(db_tx) tx = {0};
    assert_true(db_tx_begin(db, &tx, &err));
    db_fixture_insert(db, "not there afterwards");
    assert_true(db_exec(db, "INSERT INTO late VALUES (99)", &err));
    assert_false(db_tx_commit(&tx, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_message_has(err, "FOREIGN KEY");
    assert_null(tx.db);
    assert_int_equal(db_fixture_count(db), 1);
    db_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_fixture_setup, db_fixture_teardown)

static int64_t rows_of(struct db *db, const char *sql)
{
    struct err err = {0};
    int64_t rows = -1;
    bool found = false;
    assert_true(db_scalar_i64(db, sql, &rows, &found, &err));
    return rows;
}

/* Pages that do not fit the cache go to the WAL before the commit; those of a transaction that is
 * rolled back must not come to lie over what another connection has committed since. */
static void what_was_gathered_of_a_rollback_is_never_written(void **state)
{
    static const char fill[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 25) INSERT INTO big SELECT i, hex(randomblob(2000)) FROM n";
    struct db_options options = db_fixture_options(*state);
    struct err err = {0};
    struct db *gathering = NULL;
    options.flags = DB_GATHER;
    options.cache_kib = 16;
    assert_true(db_open(&gathering, &options, &err));
    struct db *other = db_fixture_open(*state);
    assert_true(db_exec(other, "CREATE TABLE big (i, b)", &err));
    assert_true(db_checkpoint(other, &err)); /* nothing in the WAL that a rollback reads */
    {
        AUTO(db_tx) tx = {0};
        assert_true(db_tx_begin(gathering, &tx, &err));
        assert_true(db_exec(gathering, fill, &err));
    }
    assert_true(db_exec(other, fill, &err));
    assert_true(db_exec(other, "CREATE TABLE copy AS SELECT * FROM big", &err));
    db_fixture_insert(gathering, "after it");
    db_close(gathering);
    db_close(other);
    struct db *db = db_fixture_open(*state);
    assert_int_equal(db_fixture_count(db), 2);
    assert_int_equal(rows_of(db, "SELECT count(*) FROM big JOIN copy USING (i, b)"), 25);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commit_keeps_and_release_drops),
        TEST(close_rolls_back),
        TEST(a_second_writer_is_busy),
        TEST(who_does_not_wait_is_told_at_once),
        TEST(a_read_transaction_sees_one_snapshot),
        TEST(transactions_do_not_nest),
        TEST(a_commit_after_sqlites_own_rollback_fails),
        TEST(a_deferred_constraint_fails_the_commit_whole),
        cmocka_unit_test_setup_teardown(what_was_gathered_of_a_rollback_is_never_written,
                                        db_fixture_setup, db_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
