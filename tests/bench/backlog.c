/* backlog DATABASE EVENTS - makes an agent's database that holds EVENTS typical events of a device,
 * none acknowledged. */
#include "agent/store/store.h"
#include "common/platform/clock.h"
#include "tests/bench/bench.h"
#include "tests/bench/events.h"

enum { GROUP = 1000, QUOTA_BYTES = 1 << 30 };

int main(int argc, char **argv)
{
    int64_t events = bench_count_arg(argc, argv, 2);
    struct rng rng = rng_system();
    struct clock clock = clock_system();
    struct wall_time now = clock_wall(&clock);
    struct err err = {0};
    struct store *store = NULL;
    const struct store_options options = {.path = bench_text_arg(argc, argv, 1),
                                          .quota_bytes = QUOTA_BYTES,
                                          .history_bytes = QUOTA_BYTES,
                                          .rng = &rng};
    bench_check(store_open(&store, &options, now, NULL, &err), &err);
    for (int64_t i = 0; i < events; i++) {
        struct typical_event event;
        typical_event(&event, 1, i);
        bench_check(store_record(store, &event.record, &err), &err);
        if (store_pending(store) >= GROUP) {
            bench_check(store_flush(store, now, &err), &err);
        }
    }
    bench_check(store_flush(store, now, &err), &err);
    bench_print("events", store_last_seq(store));
    store_close(store);
    return 0;
}
