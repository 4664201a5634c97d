/* db_fixture.h - a folder of its own per test, and a database of two small migrations in it. */
#pragma once
#include "common/db/db.h"
#include "dbtest_migrations.h"
#include "dbtest_sql.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"

enum { DBTEST_APPLICATION_ID = 0x53454c54, DBTEST_PATH_BYTES = 256 };

struct db_fixture {
    struct temp_dir dir;
    char path[DBTEST_PATH_BYTES]; /* of the database */
};

int db_fixture_setup(void **state);
int db_fixture_teardown(void **state);

/* The options of the fixture's own schema. */
struct db_options db_fixture_options(const struct db_fixture *f);
/* Fails the test when it does not open. */
struct db *db_fixture_open(const struct db_fixture *f);
void db_fixture_insert(struct db *db, const char *name);
int64_t db_fixture_count(struct db *db); /* rows of `thing` */
/* Copies file and WAL as they are now to `to`: what a killed process leaves. */
void db_fixture_copy_unclean(const struct db_fixture *f, const char *to);
void db_fixture_overwrite(const char *path, long offset, const void *bytes, size_t len);

/* Both show the whole error when it is not as expected. */
void assert_code(const struct err *err, enum err_code code);
void assert_message_has(struct err err, const char *part);
