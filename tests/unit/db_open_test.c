#include "db_fixture.h"

#include "tests/support/fault_malloc.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static struct err open_fails(const struct db_options *options, enum err_code code)
{
    struct db *db = NULL;
    struct err err = {0};
    assert_false(db_open(&db, options, &err));
    assert_null(db);
    assert_code(&err, code);
    assert_message_has(err, options->path);
    return err;
}

static void opens_durably_and_keeps_rows(void **state)
{
    struct db_fixture *f = *state;
    struct db *db = db_fixture_open(f);
    assert_int_equal(scalar(db, "PRAGMA synchronous"), 2);
    assert_int_equal(scalar(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(scalar(db, "PRAGMA trusted_schema"), 0);
    assert_int_equal(scalar(db, "PRAGMA application_id"), DBTEST_APPLICATION_ID);
    assert_int_equal(scalar(db, "PRAGMA user_version"), 2);
    assert_int_equal(scalar(db, "PRAGMA cache_size"), -256);
    assert_int_equal(
        scalar(db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode='wal'"), 1);
    db_fixture_insert(db, "kept");
    db_close(db);
    db = db_fixture_open(f);
    assert_int_equal(db_fixture_count(db), 2);
    db_close(db);
}

static void writes_nothing_when_opened_again(void **state)
{
    struct db_fixture *f = *state;
    db_close(db_fixture_open(f));
    struct db *db = db_fixture_open(f);
    char wal[DBTEST_PATH_BYTES + 8];
    (void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
    FILE *file = fopen(wal, "rb");
    assert_non_null(file);
    assert_int_equal(fgetc(file), EOF);
    (void)fclose(file);
    db_close(db);
}

static void a_fresh_migration_continues_an_old_file(void **state)
{
    struct db_fixture *f = *state;
    struct db_options options = db_fixture_options(f);
    options.migrations_count = 1;
    struct db *db = NULL;
    struct err err = {0};
    assert_true(db_open(&db, &options, &err));
    assert_int_equal(scalar(db, "PRAGMA user_version"), 1);
    db_close(db);
    db = db_fixture_open(f);
    assert_int_equal(scalar(db, "SELECT count(*) FROM owner"), 0);
    assert_int_equal(db_fixture_count(db), 1);
    db_close(db);
}

static void a_failing_migration_leaves_nothing(void **state)
{
    struct db_fixture *f = *state;
    struct db_text migrations[] = {dbtest_migrations[0],
                                   {"dbtest/0002_bad", "CREATE TABLE t (a); CREATE TABEL u (a);"}};
    struct db_options options = db_fixture_options(f);
    options.migrations = migrations;
    struct err err = open_fails(&options, ERR_INVALID);
    assert_message_has(err, "dbtest/0002_bad");
    assert_message_has(err, "TABEL");
    db_close(db_fixture_open(f)); /* applies both from the start */
}

static void refuses_a_newer_file(void **state)
{
    struct db_fixture *f = *state;
    db_close(db_fixture_open(f));
    struct db_options options = db_fixture_options(f);
    options.migrations_count = 1;
    struct err err = open_fails(&options, ERR_INVALID);
    assert_message_has(err, "newer version");
    assert_true(err.hint[0] != '\0');
}

static void refuses_another_programs_file(void **state)
{
    struct db_fixture *f = *state;
    struct db_options options = {.path = f->path, .flags = DB_FOREIGN_FILE};
    struct db *db = NULL;
    struct err err = {0};
    assert_true(db_open(&db, &options, &err));
    assert_true(db_exec(db, "CREATE TABLE theirs (a)", &err));
    db_close(db);

    options = db_fixture_options(f);
    err = open_fails(&options, ERR_INVALID);
    assert_message_has(err, "another program");
    options.flags = DB_READ_ONLY;
    open_fails(&options, ERR_INVALID);
}

static void names_the_bad_statement(void **state)
{
    struct db_fixture *f = *state;
    static const struct {
        struct db_text text;
        const char *part;
    } cases[] = {
        {{"mine/typo", "SELEC 1"}, "SELEC"},
        {{"mine/missing", "SELECT a FROM nowhere"}, "no such table: nowhere"},
        {{"mine/two", "SELECT 1; SELECT 2"}, "text follows"},
        {{"mine/torn", "SELECT 1; SELEC"}, "text follows"},
        {{"mine/empty", "-- nothing\n"}, "no statement"},
        {{"mine/quotes", "SELECT \"name it is not\" FROM thing"}, "no such column"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct db_options options = db_fixture_options(f);
        options.sql = &cases[i].text;
        options.sql_count = 1;
        struct err err = open_fails(&options, ERR_INVALID);
        assert_message_has(err, cases[i].text.name);
        assert_message_has(err, cases[i].part);
    }
}

static void a_missing_folder_or_file_is_not_found(void **state)
{
    struct db_fixture *f = *state;
    struct db_options options = db_fixture_options(f);
    options.path = "/nowhere/at/all.db";
    struct err err = open_fails(&options, ERR_NOT_FOUND);
    assert_message_has(err, "No such file or directory");

    options = db_fixture_options(f);
    options.flags = DB_READ_ONLY;
    open_fails(&options, ERR_NOT_FOUND);
    assert_int_equal(access(f->path, F_OK), -1); /* it was not created on the way */

    options.path = f->dir.path;
    options.flags = 0;
    struct db *db = NULL;
    assert_false(db_open(&db, &options, &err));
}

static void a_file_without_permission_is_denied(void **state)
{
    struct db_fixture *f = *state;
    db_close(db_fixture_open(f));
    struct db_options options = db_fixture_options(f);
    bool is_root = geteuid() == 0; /* whom no mode stops: become somebody else for the attempt */
    assert_int_equal(chmod(f->dir.path, 0755), 0);
    static const mode_t modes[] = {0444, 0};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        assert_int_equal(chmod(f->path, modes[i]), 0);
        assert_int_equal(is_root ? seteuid(65534) : 0, 0);
        open_fails(&options, ERR_DENIED);
        assert_int_equal(is_root ? seteuid(0) : 0, 0);
    }
}

static void refuses_what_is_not_a_database(void **state)
{
    struct db_fixture *f = *state;
    FILE *file = fopen(f->path, "wb");
    assert_non_null(file);
    for (int i = 0; i < 2000; i++) {
        (void)fputs("not a database\n", file);
    }
    assert_int_equal(fclose(file), 0);
    struct db_options options = db_fixture_options(f);
    struct err err = open_fails(&options, ERR_CORRUPT);
    assert_message_has(err, "not a database");
}

static void a_path_that_looks_like_a_uri_is_refused(void **state)
{
    struct db_fixture *f = *state;
    struct db_options options = db_fixture_options(f);
    options.path = "file:x.db";
    open_fails(&options, ERR_INVALID);
    options.path = "file:shared?mode=memory&cache=private";
    options.flags = DB_URI;
    struct db *db = NULL;
    struct err err = {0};
    assert_true(db_open(&db, &options, &err));
    db_fixture_insert(db, "in memory");
    assert_int_equal(db_fixture_count(db), 2);
    db_close(db);
}

/* 200 rows over several pages, copied while open, and one of the copy's table pages overwritten. */
static void make_unclean_copy(const struct db_fixture *f, const char *path, bool is_damaged)
{
    struct db *db = db_fixture_open(f);
    struct err err = {0};
    assert_true(
        db_exec(db,
                "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 200)"
                "INSERT INTO thing (name) SELECT printf('%0100d', i) FROM n",
                &err));
    assert_true(db_checkpoint(db, &err));
    db_fixture_insert(db, "in the log");
    db_fixture_copy_unclean(f, path);
    db_close(db);
    if (is_damaged) {
        char garbage[4096];
        memset(garbage, 0x5a, sizeof(garbage));
        db_fixture_overwrite(path, 4096L * 6, garbage, sizeof(garbage));
    }
}

static void an_unclean_stop_is_checked_and_survived(void **state)
{
    struct db_fixture *f = *state;
    char path[DBTEST_PATH_BYTES + 8];
    (void)snprintf(path, sizeof(path), "%s.copy", f->path);
    make_unclean_copy(f, path, false);
    struct db_options options = db_fixture_options(f);
    options.path = path;
    struct db *db = NULL;
    struct err err = {0};
    assert_true(db_open(&db, &options, &err));
    assert_int_equal(db_fixture_count(db), 202);
    db_close(db);
}

static void damage_after_an_unclean_stop_is_found_at_open(void **state)
{
    struct db_fixture *f = *state;
    char path[DBTEST_PATH_BYTES + 8];
    (void)snprintf(path, sizeof(path), "%s.copy", f->path);
    make_unclean_copy(f, path, true);
    struct db_options options = db_fixture_options(f);
    options.path = path;
    open_fails(&options, ERR_CORRUPT);
    /* The check is what found it: a second connection that leaves it out opens. */
    options.flags = DB_NO_CHECK;
    struct db *db = NULL;
    struct err err = {0};
    assert_true(db_open(&db, &options, &err));
    db_close(db);
}

static void a_reader_never_migrates_nor_writes(void **state)
{
    struct db_fixture *f = *state;
    struct db_options options = db_fixture_options(f);
    options.migrations_count = 1;
    struct db *writer = NULL;
    struct err err = {0};
    assert_true(db_open(&writer, &options, &err));
    options = db_fixture_options(f);
    options.flags = DB_READ_ONLY;
    err = open_fails(&options, ERR_INVALID);
    assert_message_has(err, "older version");

    options.migrations_count = 1;
    struct db *reader = NULL;
    assert_true(db_open(&reader, &options, &err));
    assert_false(db_exec(reader, "DELETE FROM thing", &err));
    assert_int_equal(err.code, ERR_DENIED);
    db_fixture_insert(writer, "seen by the reader");
    assert_int_equal(db_fixture_count(reader), 1);
    db_close(reader);
    db_close(writer);
}

static void a_foreign_file_keeps_its_ways(void **state)
{
    struct db_fixture *f = *state;
    struct db_options options = {.path = f->path, .flags = DB_FOREIGN_FILE};
    struct db *db = NULL;
    struct err err = {0};
    assert_true(db_open(&db, &options, &err));
    assert_true(
        db_exec(db, "CREATE TABLE pos (a); PRAGMA application_id=7; PRAGMA user_version=9", &err));
    assert_true(db_exec(db, "PRAGMA journal_mode=DELETE", &err));
    db_close(db);
    options.flags = DB_FOREIGN_FILE | DB_READ_ONLY;
    assert_true(db_open(&db, &options, &err));
    assert_int_equal(
        scalar(db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode='delete'"), 1);
    assert_int_equal(scalar(db, "PRAGMA user_version"), 9);
    db_close(db);
}

static void a_limit_of_bytes_gives_full(void **state)
{
    struct db_fixture *f = *state;
    struct db_options options = db_fixture_options(f);
    options.max_bytes = 64 << 10;
    struct db *db = NULL;
    struct err err = {0};
    assert_true(db_open(&db, &options, &err));
    static const char bytes[4000];
    bool ok = true;
    int stored = 0;
    for (; ok && stored < 100; stored++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d", stored);
        struct db_query q = db_query(db, DBTEST_INSERT_THING);
        db_bind_str(&q, ":name", str_from(name));
        db_bind_blob(&q, ":picture", (struct str){bytes, sizeof(bytes)});
        ok = db_run(&q, &err);
    }
    assert_false(ok);
    assert_int_equal(err.code, ERR_FULL);
    assert_message_has(err, "limit");
    assert_message_has(err, "dbtest/insert_thing");
    /* Full is not the end: deleting works, and then there is room again. */
    assert_true(db_exec(db, "DELETE FROM thing WHERE id < 8", &err));
    db_fixture_insert(db, "fits again");
    db_close(db);
}

static void out_of_memory_is_reported(void **state)
{
    struct db_fixture *f = *state;
    struct db_options options = db_fixture_options(f);
    int nth = 0;
    for (;; nth++) {
        struct db *db = NULL;
        struct err err = {0};
        fault_malloc_arm(nth);
        bool ok = db_open(&db, &options, &err);
        bool fired = fault_malloc_disarm();
        assert_true(ok != fired);
        db_close(db);
        if (!fired) {
            break;
        }
        assert_int_equal(err.code, ERR_NO_MEMORY);
    }
    assert_true(nth >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_fixture_setup, db_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(opens_durably_and_keeps_rows),
        TEST(writes_nothing_when_opened_again),
        TEST(a_fresh_migration_continues_an_old_file),
        TEST(a_failing_migration_leaves_nothing),
        TEST(refuses_a_newer_file),
        TEST(refuses_another_programs_file),
        TEST(names_the_bad_statement),
        TEST(a_missing_folder_or_file_is_not_found),
        TEST(a_file_without_permission_is_denied),
        TEST(refuses_what_is_not_a_database),
        TEST(a_path_that_looks_like_a_uri_is_refused),
        TEST(an_unclean_stop_is_checked_and_survived),
        TEST(damage_after_an_unclean_stop_is_found_at_open),
        TEST(a_reader_never_migrates_nor_writes),
        TEST(a_foreign_file_keeps_its_ways),
        TEST(a_limit_of_bytes_gives_full),
        TEST(out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
