/* hub_batches.h - the same stream of events for hub_merge and its limit: DEVICES devices in turn,
 * RUN events of one device after the other, made beforehand. */
#pragma once
#include "common/base/buf.h"
#include "common/wire/batch.h"

enum { DEVICE_TEXT_SIZE = 32 };
struct hub_batch {
    char device[DEVICE_TEXT_SIZE];
    int64_t device_number; /* from 1 */
    struct batch_header header;
    size_t from, to; /* its lines in `lines` */
};
struct hub_batches {
    struct hub_batch *item;
    size_t count;
    struct buf lines;
    int64_t events;
};
/* At least `events` events. */
struct hub_batches hub_batches_make(int64_t devices, int64_t events, int64_t run);
void hub_batches_release(struct hub_batches *batches);
struct str hub_batch_lines(const struct hub_batches *batches, const struct hub_batch *batch);
