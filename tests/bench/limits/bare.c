#include "tests/bench/limits/bare.h"

#include "tests/bench/bench.h"
#include <stdio.h>

sqlite3 *bare_open(const char *path, int cache_kib)
{
    sqlite3 *db = NULL;
    char sql[64];
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        bench_die("open %s: %s", path, sqlite3_errmsg(db));
    }
    (void)snprintf(sql, sizeof(sql), "PRAGMA cache_size=-%d", cache_kib);
    bare_exec(db, sql);
    bare_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF");
    return db;
}

void bare_exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        bench_die("%s: %s", sql, sqlite3_errmsg(db));
    }
}

sqlite3_stmt *bare_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
        bench_die("%s: %s", sql, sqlite3_errmsg(db));
    }
    return statement;
}

void bare_run(sqlite3_stmt *statement)
{
    int rc = SQLITE_ROW;
    while (rc == SQLITE_ROW) {
        rc = sqlite3_step(statement);
    }
    (void)sqlite3_reset(statement);
    if (rc != SQLITE_DONE) {
        bench_die("%s: %s", sqlite3_sql(statement), sqlite3_errstr(rc));
    }
}

void bare_close(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    while ((statement = sqlite3_next_stmt(db, NULL)) != NULL) {
        (void)sqlite3_finalize(statement);
    }
    (void)sqlite3_close(db);
}
