#include "db_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int db_fixture_setup(void **state)
{
    struct db_fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->dir = temp_dir_new();
    (void)snprintf(f->path, sizeof(f->path), "%s/test.db", f->dir.path);
    *state = f;
    return 0;
}

int db_fixture_teardown(void **state)
{
    struct db_fixture *f = *state;
    temp_dir_release(&f->dir);
    free(f);
    return 0;
}

struct db_options db_fixture_options(const struct db_fixture *f)
{
    return (struct db_options){.path = f->path,
                               .application_id = DBTEST_APPLICATION_ID,
                               .migrations = dbtest_migrations,
                               .migrations_count = DBTEST_MIGRATIONS_COUNT,
                               .sql = dbtest_sql,
                               .sql_count = DBTEST_SQL_COUNT,
                               .busy_timeout_ms = 50};
}

struct db *db_fixture_open(const struct db_fixture *f)
{
    struct db_options options = db_fixture_options(f);
    struct db *db = NULL;
    struct err err = {0};
    if (!db_open(&db, &options, &err)) {
        fail_msg("%s", err.msg);
    }
    return db;
}

void db_fixture_insert(struct db *db, const char *name)
{
    struct err err = {0};
    struct db_query q = db_query(db, DBTEST_INSERT_THING);
    db_bind_str(&q, ":name", str_from(name));
    if (!db_run(&q, &err)) {
        fail_msg("%s", err.msg);
    }
}

int64_t db_fixture_count(struct db *db)
{
    struct err err = {0};
    int64_t count = -1;
    bool found = false;
    if (!db_scalar_i64(db, "SELECT count(*) FROM thing", &count, &found, &err)) {
        fail_msg("%s", err.msg);
    }
    return count;
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    char chunk[4096];
    for (size_t n = fread(chunk, 1, sizeof(chunk), in); n > 0;
         n = fread(chunk, 1, sizeof(chunk), in)) {
        assert_int_equal(fwrite(chunk, 1, n, out), n);
    }
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

void db_fixture_copy_unclean(const struct db_fixture *f, const char *to)
{
    char from_wal[DBTEST_PATH_BYTES + 8];
    char to_wal[DBTEST_PATH_BYTES + 8];
    (void)snprintf(from_wal, sizeof(from_wal), "%s-wal", f->path);
    (void)snprintf(to_wal, sizeof(to_wal), "%s-wal", to);
    copy_file(f->path, to);
    copy_file(from_wal, to_wal);
}

void db_fixture_overwrite(const char *path, long offset, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void assert_code(const struct err *err, enum err_code code)
{
    if (err->code != code) {
        fail_msg("%s instead of %s: %s", err_code_name(err->code), err_code_name(code), err->msg);
    }
}

void assert_message_has(struct err err, const char *part)
{
    if (strstr(err.msg, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", err.msg, part);
    }
}
