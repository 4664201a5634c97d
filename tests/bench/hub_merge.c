/* hub_merge DATABASE DEVICES EVENTS RUN - batches of RUN events of many devices through hub/merge:
 * inflated, read, logged, all views kept, committed as the hub does. The peer: limits/merge.c. */
#include "common/platform/clock.h"
#include "hub/merge/merge.h"
#include "hub/store/store.h"
#include "tests/bench/bench.h"
#include "tests/bench/hub_batches.h"

#include <stdlib.h>
#include <sys/resource.h>

/* What the batches themselves take is there before. */
static int64_t peak_bytes(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024;
}

static void add(struct merge *merge, const struct hub_batch *batch, struct str payload,
                struct wall_time now)
{
    struct err err = {0};
    struct merge_result result;
    if (merge_is_full(merge)) {
        bench_check(merge_commit(merge, &err) && merge_begin(merge, &err), &err);
    }
    bench_check(merge_add(merge, str_from(batch->device), payload, now, &result, &err), &err);
    if (result.outcome != MERGE_MERGED) {
        bench_die("a batch was not merged: %s", result.why.msg);
    }
}

int main(int argc, char **argv)
{
    struct hub_batches batches =
        hub_batches_make(bench_count_arg(argc, argv, 2), bench_count_arg(argc, argv, 3),
                         bench_count_arg(argc, argv, 4));
    struct err err = {0};
    struct buf payloads = buf_growing(batches.lines.len + batches.count * 512);
    size_t *ends = calloc(batches.count, sizeof(*ends));
    for (size_t i = 0; ends != NULL && i < batches.count; i++) {
        const struct hub_batch *batch = &batches.item[i];
        bench_check(batch_encode(&batch->header, hub_batch_lines(&batches, batch), &payloads, &err),
                    &err);
        ends[i] = payloads.len;
    }

    const struct hub_store_options options = {.path = bench_text_arg(argc, argv, 1)};
    struct db *db = NULL;
    struct merge *merge = NULL;
    struct clock clock = clock_system();
    bench_check(hub_store_open(&db, &options, &err) && merge_open(db, &merge, &err), &err);

    int64_t before = peak_bytes();
    struct bench_counters start = bench_now();
    bench_check(merge_begin(merge, &err), &err);
    size_t from = 0;
    for (size_t i = 0; ends != NULL && i < batches.count; i++) {
        add(merge, &batches.item[i], str_slice(buf_str(&payloads), from, ends[i]),
            clock_wall(&clock));
        from = ends[i];
    }
    bench_check(merge_commit(merge, &err), &err);
    bench_print("events", batches.events);
    bench_print_since(&start);
    bench_print("grown_bytes", peak_bytes() - before);
    merge_close(merge);
    db_close(db);
    free(ends);
    buf_release(&payloads);
    hub_batches_release(&batches);
    return 0;
}
