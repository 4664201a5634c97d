/* extract_load_internal.h - a load while it goes on: for extract_load.c, which moves it, and
 * extract_load_tell.c, which says what came of it. */
#pragma once
#include "agent/el/extract_load.h"

#include "agent/el/record_metadata.h"
#include "agent/el/rejects.h"
#include "agent/el/tap.h"
#include "agent/el/target.h"

struct load {
    const struct request *request;
    const struct load_watcher *watcher;
    struct arena *arena;
    struct report *report;
    struct clock clock;
    struct tap *tap;
    struct target *target;
    struct sink *only;       /* takes the only stream there may be; NULL: each stream has a table */
    struct stream **streams; /* that have a sink */
    size_t stream_count;
    struct stream **dropped; /* that failed before they had one */
    size_t dropped_count;
    struct str *failed; /* names of all that failed */
    size_t failed_count;
    struct stream *present;  /* whose sink takes rows; NULL: those of a stream that failed come */
    struct stream *last_row; /* the stream of the tap's last row */
    bool is_mixed;           /* the tap came back to a stream */
    bool has_broken_off;     /* what came before the tap's failure is in the target */
    struct buf joined;
    enum tap_result result; /* of the tap's last call */
    bool is_row_waiting;    /* it gave a row of another stream */
    bool is_slice_full;
    struct rejects rejects;
    bool has_told_of_versions; /* that the target keeps old ones */
    struct record_times times; /* of the present row, for its metadata */
    struct buf state;
    int64_t seen_bytes; /* the tap's, when it last gave something */
    int64_t slice_rows; /* rows and bytes read at the last commit */
    int64_t slice_bytes;
    struct mono_time slice_start;
};

/* What the report says of it, in the load's arena. Of a load that failed too: of streams that are
 * whole. */
MUST_CHECK bool load_describe(const struct load *l, struct materialization *ret, struct err *err);
