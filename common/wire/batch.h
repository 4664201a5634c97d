/* batch.h - a run of events as one MQTT payload (docs/reference/protocol.md): a header line of
 * JSON, a newline, a body.
 *   {"v":1,"epoch":"<16 hex>","first":41,"last":104,"codec":"deflate","size":15800}\n<body>
 * The body is newline-separated JSON, zlib-deflated ("deflate") when that is smaller, else as it is
 * ("none"). `first`..`last` leaves no gap: a buffer_gap event stands for the range it names. Pure.
 */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"

enum { EPOCH_TEXT_SIZE = 17 };
bool epoch_is_valid(struct str epoch); /* 16 lower-case hex digits */

struct batch_header {
    char epoch[EPOCH_TEXT_SIZE];
    int64_t first;
    int64_t last;
    int64_t prev; /* event_check() of the event before `first`; 0 = not told */
};
/* Appends the payload to `out`. `lines` is the events, each ending in '\n', at most
 * LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES of them. ERR_FULL when `out` is too small. Takes about 130
 * KiB of heap during the call. */
MUST_CHECK bool batch_encode(const struct batch_header *header, struct str lines, struct buf *out,
                             struct err *err);
/* Checks everything that can be checked without reading the events: header, size <=
 * LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES, a body that inflates to just that size (never more is
 * written), a last line that ends. The lines are appended to `ret_lines`, which keeps its length on
 * failure. ERR_INVALID: the payload is wrong; ERR_NO_MEMORY: try again. */
MUST_CHECK bool batch_decode(struct str payload, struct batch_header *ret, struct buf *ret_lines,
                             struct err *err);
