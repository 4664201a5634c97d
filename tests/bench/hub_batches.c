#include "tests/bench/hub_batches.h"

#include "tests/bench/bench.h"
#include "tests/bench/events.h"
#include <stdio.h>
#include <stdlib.h>

struct hub_batches hub_batches_make(int64_t devices, int64_t events, int64_t run)
{
    size_t count = (size_t)((events + run - 1) / run);
    struct hub_batches b = {.lines = buf_growing((size_t)events * 1024), .count = count};
    b.item = calloc(count, sizeof(*b.item));
    if (b.item == NULL) {
        bench_die("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        struct hub_batch *batch = &b.item[i];
        int64_t device = (int64_t)i % devices + 1;
        int64_t first = (int64_t)i / devices * run;
        batch->device_number = device;
        (void)snprintf(batch->device, sizeof(batch->device), "shop-%06lld", (long long)device);
        (void)snprintf(batch->header.epoch, sizeof(batch->header.epoch), "%016llx",
                       (long long)device);
        batch->header.first = first + 1;
        batch->header.last = first + run;
        batch->from = b.lines.len;
        for (int64_t j = 0; j < run; j++) {
            typical_line(&b.lines, (uint64_t)device, first + j);
        }
        batch->to = b.lines.len;
        b.events += run;
    }
    if (b.lines.overflow) {
        bench_die("out of memory");
    }
    return b;
}

void hub_batches_release(struct hub_batches *batches)
{
    free(batches->item);
    buf_release(&batches->lines);
}

struct str hub_batch_lines(const struct hub_batches *batches, const struct hub_batch *batch)
{
    return str_slice(buf_str(&batches->lines), batch->from, batch->to);
}
