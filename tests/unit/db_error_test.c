#include "db_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static void constraints_have_two_classes(void **state)
{
    struct db_fixture *f = *state;
    struct db *db = db_fixture_open(f);
    static const struct {
        const char *sql;
        enum err_code code;
        const char *part;
    } cases[] = {
        {"INSERT INTO thing (id, name) VALUES (1, 'x')", ERR_EXISTS, "thing.id"},
        {"INSERT INTO thing (name) SELECT name FROM thing", ERR_EXISTS, "thing.name"},
        {"INSERT INTO thing (name) VALUES (NULL)", ERR_INVALID, "NOT NULL"},
        {"INSERT INTO thing (name) VALUES ('bad\\name')", ERR_INVALID, "CHECK"},
        {"INSERT INTO thing (name, weight) VALUES ('x', 'heavy')", ERR_INVALID, "REAL"},
        {"INSERT INTO owner (thing) VALUES (99)", ERR_INVALID, "FOREIGN KEY"},
        {"SELECT zeroblob(2000000000)", ERR_INVALID, "too big"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        assert_false(db_exec(db, cases[i].sql, &err));
        assert_code(&err, cases[i].code);
        assert_message_has(err, cases[i].part);
        assert_message_has(err, f->path);
    }
    db_close(db);
}

/* A file size limit is what a quota looks like to a process: EFBIG, which SQLite itself takes for
 * an I/O error. */
static void a_limit_of_the_system_is_full(void **state)
{
    struct db *db = db_fixture_open(*state);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = before;
    small.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct err err = {0};
    /* Once in the middle of a statement (the cache is full) and once in the commit. */
    bool ok = db_exec(db, "CREATE TABLE big AS SELECT randomblob(1000000) AS b", &err);
    bool small_ok = true;
    struct err small_err = {0};
    for (int i = 0; i < 50 && small_ok; i++) {
        small_ok =
            db_exec(db, "INSERT INTO thing (name) VALUES (hex(randomblob(5000)))", &small_err);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    assert_int_equal(err.code, ERR_FULL);
    assert_message_has(err, "write failed: File too large");
    assert_true(err.hint[0] != '\0');
    assert_false(small_ok);
    assert_int_equal(small_err.code, ERR_FULL);
    assert_message_has(small_err, "write failed: File too large");
    db_fixture_insert(db, "works again");
    db_close(db);
}

static void damage_met_while_reading_is_corrupt(void **state)
{
    struct db_fixture *f = *state;
    db_close(db_fixture_open(f));
    char garbage[4096];
    memset(garbage, 0x5a, sizeof(garbage));
    db_fixture_overwrite(f->path, 4096, garbage, sizeof(garbage));
    /* Closed cleanly, so nothing is checked at open. */
    struct db *db = db_fixture_open(f);
    struct err err = {0};
    assert_false(db_exec(db, "SELECT * FROM thing", &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_message_has(err, "malformed");
    assert_non_null(strstr(err.hint, "kernel's log"));
    db_close(db);
}

static void a_long_path_leaves_room_for_the_cause(void **state)
{
    (void)state;
    char path[900];
    memset(path, 'd', sizeof(path));
    path[0] = '/';
    for (size_t i = 100; i < sizeof(path); i += 100) {
        path[i] = '/';
    }
    memcpy(path + sizeof(path) - 9, "/last.db", 9);
    struct db_options options = {.path = path};
    struct db *db = NULL;
    struct err err = {0};
    assert_false(db_open(&db, &options, &err));
    assert_message_has(err, "/last.db: open: ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_fixture_setup, db_fixture_teardown)

int main(void)
{
    /* What exceeds RLIMIT_FSIZE is killed by this signal unless it is ignored. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &ignore, NULL);
    const struct CMUnitTest tests[] = {
        TEST(constraints_have_two_classes),
        TEST(a_limit_of_the_system_is_full),
        TEST(damage_met_while_reading_is_corrupt),
        TEST(a_long_path_leaves_room_for_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
