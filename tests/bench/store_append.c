/* store_append DATABASE EVENTS GROUP [acknowledge] - events of 250 bytes through agent/store: GROUP
 * records, then one flush. With `acknowledge`, each group is acknowledged at once and the history
 * kept is small, so that every event is also deleted again. The peer: limits/append.c. */
#include "agent/store/store.h"
#include "common/platform/clock.h"
#include "tests/bench/bench.h"
#include "tests/bench/events.h"

enum { HISTORY_BYTES = 1 << 20, QUOTA_BYTES = 1 << 30 };

int main(int argc, char **argv)
{
    int64_t events = bench_count_arg(argc, argv, 2);
    int64_t group = bench_count_arg(argc, argv, 3);
    bool acknowledges = argc > 4;
    struct rng rng = rng_system();
    struct clock clock = clock_system();
    struct err err = {0};
    struct store *store = NULL;
    const struct store_options options = {.path = bench_text_arg(argc, argv, 1),
                                          .quota_bytes = QUOTA_BYTES,
                                          .history_bytes = HISTORY_BYTES,
                                          .rng = &rng};
    bench_check(store_open(&store, &options, clock_wall(&clock), NULL, &err), &err);
    const struct record record = plain_record();

    struct bench_counters start = bench_now();
    for (int64_t done = 0; done < events;) {
        for (int64_t end = done + group; done < end; done++) {
            bench_check(store_record(store, &record, &err), &err);
        }
        bench_check(store_flush(store, clock_wall(&clock), &err), &err);
        if (acknowledges) {
            bench_check(store_acknowledge(store, store_last_seq(store), &err), &err);
        }
    }
    bench_print("events", store_last_seq(store));
    bench_print_since(&start);
    store_close(store);
    return 0;
}
