/* append DATABASE EVENTS GROUP - the limit of durable appends: the agent's event table and nothing
 * else, rows of 250 bytes that are made beforehand, bare SQLite in WAL mode with synchronous=FULL. */
#include "tests/bench/bench.h"
#include "tests/bench/events.h"
#include "tests/bench/limits/bare.h"

int main(int argc, char **argv)
{
    int64_t events = bench_count_arg(argc, argv, 2);
    int64_t group = bench_count_arg(argc, argv, 3);
    sqlite3 *db = bare_open(bench_text_arg(argc, argv, 1), 256);
    bare_exec(db, "CREATE TABLE event (seq INTEGER PRIMARY KEY,"
                  " from_seq INTEGER NOT NULL CHECK (from_seq BETWEEN 0 AND seq),"
                  " type TEXT NOT NULL, body TEXT NOT NULL) STRICT");
    sqlite3_stmt *begin = bare_prepare(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *commit = bare_prepare(db, "COMMIT");
    sqlite3_stmt *insert = bare_prepare(db, "INSERT INTO event VALUES (?, 0, ?, ?)");
    const struct record record = plain_record();
    char memory[1024];
    struct buf line = buf_fixed(memory, sizeof(memory));
    struct err err = {0};
    bench_check(record_encode(&record, 99999, &line, &err), &err);

    struct bench_counters start = bench_now();
    for (int64_t done = 0; done < events;) {
        bare_run(begin);
        for (int64_t end = done + group; done < end; done++) {
            sqlite3_bind_int64(insert, 1, done + 1);
            sqlite3_bind_text(insert, 2, "asset_observation", -1, SQLITE_STATIC);
            sqlite3_bind_text(insert, 3, line.ptr, (int)line.len, SQLITE_STATIC);
            bare_run(insert);
        }
        bare_run(commit);
    }
    bench_print("events", events);
    bench_print_since(&start);
    bare_close(db);
    return 0;
}
