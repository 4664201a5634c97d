/* bare.h - SQLite as the limit programs use it: no wrapper, no reports, death at the first error. */
#pragma once
#include <sqlite3.h>

/* WAL, synchronous=FULL. */
sqlite3 *bare_open(const char *path, int cache_kib);
void bare_exec(sqlite3 *db, const char *sql);
sqlite3_stmt *bare_prepare(sqlite3 *db, const char *sql);
void bare_run(sqlite3_stmt *statement); /* to the end, then resets */
void bare_close(sqlite3 *db);           /* finalizes what was prepared */
