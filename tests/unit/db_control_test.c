#include "db_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool stop_at_third(void *ctx)
{
    int *asked = ctx;
    return ++*asked >= 3;
}

static void a_running_statement_can_be_stopped(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    int asked = 0;
    int64_t value = 0;
    bool found = false;
    static const char endless[] =
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)"
        " SELECT count(*) FROM n";
    db_on_progress(db, stop_at_third, &asked);
    assert_false(db_scalar_i64(db, endless, &value, &found, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_int_equal(asked, 3);
    db_on_progress(db, NULL, NULL);
    assert_int_equal(db_fixture_count(db), 1);
    db_close(db);
}

static void a_restricted_database_refuses_what_reaches_out(void **state)
{
    struct db *db = db_fixture_open(*state);
    static const char *const refused[] = {
        "ATTACH 'other.db' AS o",
        "DETACH main",
        "PRAGMA synchronous=OFF",
        "VACUUM",
        "VACUUM INTO 'copy.db'",
        "VACUUM INTO lower('COPY.DB')",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "SELECT load_extension('x.so')",
    };
    struct err err = {0};
    struct db_query q = {0};
    db_restrict(db, true);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (db_prepare(db, str_from(refused[i]), &q, &err)) {
            fail_msg("not refused: %s", refused[i]);
        }
        assert_int_equal(err.code, ERR_DENIED);
        assert_false(db_exec(db, refused[i], &err));
        assert_int_equal(err.code, ERR_DENIED);
    }
    db_restrict(db, false);
    assert_true(db_prepare(db, STR("PRAGMA synchronous"), &q, &err));
    db_finish(&q);
    db_close(db);
}

static void a_restricted_database_still_does_its_work(void **state)
{
    struct db *db = db_fixture_open(*state);
    static const char *const allowed[] = {
        "CREATE TABLE t (a, b)",
        "CREATE INDEX i ON t (a)",
        "INSERT INTO t VALUES (1, upper('x'))",
        "UPDATE t SET b = 2",
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 3) SELECT * FROM n",
        "CREATE VIEW v AS SELECT * FROM t",
        "ANALYZE t",
        "REINDEX i",
        "DELETE FROM t",
        "DROP VIEW v",
        "DROP TABLE t",
    };
    struct err err = {0};
    db_restrict(db, true);
    AUTO(db_tx) tx = {0};
    assert_true(db_tx_begin(db, &tx, &err));
    for (size_t i = 0; i < COUNT_OF(allowed); i++) {
        struct db_query q;
        if (!db_prepare(db, str_from(allowed[i]), &q, &err) || !db_run(&q, &err)) {
            fail_msg("%s", err.msg);
        }
        db_finish(&q);
    }
    db_fixture_insert(db, "ours");
    assert_true(db_tx_commit(&tx, &err));
    assert_true(db_tx_begin_read(db, &tx, &err));
    db_tx_release(&tx);
    db_close(db);
}

static void checkpoint_empties_the_log(void **state)
{
    struct db_fixture *f = *state;
    struct db *db = db_fixture_open(f);
    struct err err = {0};
    struct stat st;
    char wal[DBTEST_PATH_BYTES + 8];
    (void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
    db_fixture_insert(db, "a");
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > 0);
    assert_true(db_checkpoint(db, &err));
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_size, 0);

    /* A reader keeps what it needs, which is no error. */
    struct db *reader = db_fixture_open(f);
    AUTO(db_tx) tx = {0};
    assert_true(db_tx_begin_read(reader, &tx, &err));
    assert_int_equal(db_fixture_count(reader), 2);
    db_fixture_insert(db, "b");
    assert_true(db_checkpoint(db, &err));
    db_tx_release(&tx);
    db_close(reader);
    db_close(db);
}

static void memory_is_counted_and_limited(void **state)
{
    struct db *db = db_fixture_open(*state);
    int64_t now = 0;
    int64_t peak = 0;
    db_memory(&now, &peak);
    assert_true(now > 0 && peak >= now);
    struct err err = {0};
    int64_t value = 0;
    bool found = false;
    db_limit_memory(now + (1 << 20));
    assert_false(
        db_scalar_i64(db, "SELECT length(hex(randomblob(10000000)))", &value, &found, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
    db_limit_memory(0);
    assert_true(
        db_scalar_i64(db, "SELECT length(hex(randomblob(10000000)))", &value, &found, &err));
    assert_int_equal(value, 20000000);
    db_close(db);
}

static void changes_are_counted(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct err err = {0};
    int64_t before = db_total_changes(db);
    db_fixture_insert(db, "a");
    db_fixture_insert(db, "b");
    assert_true(db_exec(db, "UPDATE thing SET weight = 1", &err));
    assert_int_equal(db_changes(db), 3);
    assert_int_equal(db_total_changes(db) - before, 5);
    db_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_fixture_setup, db_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_running_statement_can_be_stopped),
        TEST(a_restricted_database_refuses_what_reaches_out),
        TEST(a_restricted_database_still_does_its_work),
        TEST(checkpoint_empties_the_log),
        TEST(memory_is_counted_and_limited),
        TEST(changes_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
