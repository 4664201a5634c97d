/* singer DATABASE - the limit of Singer lines into SQLite: lines from standard input, a scanner that
 * walks the members of `record` in place and trusts them to be in order, without escapes and of the
 * types it wants, one prepared upsert, one transaction. */
#include "tests/bench/bench.h"
#include "tests/bench/limits/bare.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 256 << 10, COLUMNS = 10 };

static const char *skip(const char *p)
{
    while (*p == ' ' || *p == ':' || *p == ',') {
        p++;
    }
    return p;
}

/* Binds the value at `p`; gives what is behind it. */
static const char *bind(sqlite3_stmt *upsert, int column, const char *p)
{
    if (*p == '"') {
        const char *end = strchr(p + 1, '"');
        sqlite3_bind_text(upsert, column, p + 1, (int)(end - p - 1), SQLITE_STATIC);
        return end + 1;
    }
    if (*p == 'n') {
        sqlite3_bind_null(upsert, column);
        return p + 4;
    }
    int64_t whole = 0;
    const char *digits = p;
    for (; *p >= '0' && *p <= '9'; p++) {
        whole = whole * 10 + (*p - '0');
    }
    if (*p != '.') {
        sqlite3_bind_int64(upsert, column, whole);
        return p;
    }
    char *end = NULL;
    sqlite3_bind_double(upsert, column, strtod(digits, &end));
    return end;
}

static int64_t take_line(sqlite3_stmt *upsert, const char *line)
{
    static const char start[] = "\"record\": {";
    const char *p = strstr(line, start);
    if (p == NULL) {
        return 0;
    }
    p += sizeof(start) - 1;
    for (int column = 1; column <= COLUMNS; column++) {
        p = skip(strchr(skip(p) + 1, '"') + 1); /* behind the name */
        p = bind(upsert, column, p);
    }
    bare_run(upsert);
    return 1;
}

int main(int argc, char **argv)
{
    static char block[BLOCK_BYTES + 1];
    size_t len = 0;
    int64_t rows = 0;
    sqlite3 *db = bare_open(bench_text_arg(argc, argv, 1), 2048);
    bare_exec(
        db, "CREATE TABLE sales (id INTEGER PRIMARY KEY, shop TEXT, sold_at TEXT, customer INTEGER,"
            " item TEXT, quantity INTEGER, price REAL, total REAL, note TEXT, updated_at TEXT);"
            "BEGIN IMMEDIATE");
    sqlite3_stmt *upsert = bare_prepare(
        db, "INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " shop = excluded.shop, sold_at = excluded.sold_at, customer = excluded.customer,"
            " item = excluded.item, quantity = excluded.quantity, price = excluded.price,"
            " total = excluded.total, note = excluded.note, updated_at = excluded.updated_at");
    for (;;) {
        ssize_t n = read(STDIN_FILENO, block + len, BLOCK_BYTES - len);
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
        block[len] = '\0';
        char *line = block;
        for (char *end = NULL; (end = memchr(line, '\n', len - (size_t)(line - block))) != NULL;) {
            *end = '\0';
            rows += take_line(upsert, line);
            line = end + 1;
        }
        len -= (size_t)(line - block);
        memmove(block, line, len);
    }
    bare_exec(db, "COMMIT");
    bench_print("rows", rows);
    bare_close(db);
    return 0;
}
