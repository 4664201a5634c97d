/* merge DATABASE DEVICES EVENTS RUN - the limit of merging: the same events into a bare append-only
 * rowid table with a unique (device, seq), 10,000 rows a commit, 64 MiB of cache; no views, nothing
 * to inflate or to read. */
#include "tests/bench/bench.h"
#include "tests/bench/hub_batches.h"
#include "tests/bench/limits/bare.h"

enum { COMMIT_EVENTS = 10000, CACHE_KIB = 64 << 10 };

int main(int argc, char **argv)
{
    struct hub_batches batches =
        hub_batches_make(bench_count_arg(argc, argv, 2), bench_count_arg(argc, argv, 3),
                         bench_count_arg(argc, argv, 4));
    sqlite3 *db = bare_open(bench_text_arg(argc, argv, 1), CACHE_KIB);
    bare_exec(db, "CREATE TABLE event (id INTEGER PRIMARY KEY, device INTEGER NOT NULL,"
                  " seq INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (device, seq)) STRICT");
    sqlite3_stmt *begin = bare_prepare(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *commit = bare_prepare(db, "COMMIT");
    sqlite3_stmt *insert =
        bare_prepare(db, "INSERT OR IGNORE INTO event (device, seq, body) VALUES (?, ?, ?)");

    struct bench_counters start = bench_now();
    int64_t rows = 0;
    bare_run(begin);
    for (size_t i = 0; i < batches.count; i++) {
        const struct hub_batch *batch = &batches.item[i];
        struct str rest = hub_batch_lines(&batches, batch);
        struct str line;
        for (int64_t seq = batch->header.first; str_cut(rest, '\n', &line, &rest); seq++) {
            sqlite3_bind_int64(insert, 1, batch->device_number);
            sqlite3_bind_int64(insert, 2, seq);
            sqlite3_bind_text(insert, 3, line.ptr, (int)line.len, SQLITE_STATIC);
            bare_run(insert);
            if (++rows % COMMIT_EVENTS == 0) {
                bare_run(commit);
                bare_run(begin);
            }
        }
    }
    bare_run(commit);
    bench_print("events", rows);
    bench_print_since(&start);
    bare_close(db);
    hub_batches_release(&batches);
    return 0;
}
