/* events.h - what a device says, made from a number: runs of one asset each, seven events a run,
 * as agent/run records them for an extract/load step. The same number gives the same event. */
#pragma once
#include "agent/store/record.h"
#include "common/base/uuid.h"

enum { EVENTS_PER_RUN = 7, EVENTS_TEXT_SIZE = 512 };
struct typical_event {
    struct record record; /* its text is in this struct */
    char run[UUID_TEXT_SIZE];
    char asset[64];
    char metadata[EVENTS_TEXT_SIZE];
};
/* Event `index` (from 0) of a device. */
void typical_event(struct typical_event *ret, uint64_t device, int64_t index);
/* Its line under seq index + 1. */
void typical_line(struct buf *out, uint64_t device, int64_t index);

/* An event whose line is 250 bytes long at a seq below 100,000, and that changes no table but the
 * buffer's. */
struct record plain_record(void);
enum { PLAIN_LINE_BYTES = 250 };
