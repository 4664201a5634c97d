/* tap.h - where rows come from: one interface, one file per connector (connectors.h lists them). */
#pragma once
#include "agent/el/discovery.h"
#include "agent/el/rejects.h"
#include "agent/el/request.h"
#include "agent/el/stream.h"
#include "agent/el/tap_metrics.h"
#include "common/base/buf.h"

struct tap_context {
    const void *options; /* of the struct that ops->options describes */
    enum load_mode mode;
    struct str state;              /* JSON of the last committed run; empty = from the start */
    const struct schema *existing; /* the target's columns; NULL or count 0 = there is no table */
    int64_t idle_ns;               /* a tap that waits says TAP_IDLE after this time */
    bool takes_rejects;            /* else a bad record is an error */
    bool validates;                /* Singer: strictly (struct column: json_types, format) */
    struct arena *arena;           /* lives longer than the tap */
};

enum tap_result {
    TAP_ROW,     /* tap->row has a row of tap->stream, valid until the next call */
    TAP_SCHEMA,  /* tap->stream->schema is new; rows that follow have its columns */
    TAP_VERSION, /* tap->origin.version of tap->stream is active: rows of older ones go */
    TAP_STATE,   /* the state moved on (taps with has_checkpoints) */
    TAP_IDLE,    /* nothing came for a while; more may come */
    TAP_REJECT,  /* a record that cannot be one of its stream: tap->bad; context->takes_rejects */
    TAP_END,
};

struct tap_ops;
/* First member of every connector's struct. */
struct tap {
    const struct tap_ops *ops;
    struct stream *stream;    /* after open: the only one, or NULL where a TAP_SCHEMA names each */
    struct value *row;        /* stream->schema.count values */
    struct row_origin origin; /* of the row; empty but for Singer's */
    bool is_unchanged;        /* the source holds nothing new: no row will come */
    bool has_checkpoints;     /* the state moves at a TAP_STATE only, not with every row */
    bool wants_commit;        /* at TAP_IDLE: its source waits for what it gave to be durable */
    int64_t rows_read;        /* with those that were rejected */
    int64_t bytes_read;
    int64_t passed_over;               /* rows of streams that were not asked for */
    struct bad_record bad;             /* at TAP_REJECT; counted in rows_read */
    struct err failure;                /* at TAP_END: the source broke off; what it gave is good */
    const struct tap_metrics *metrics; /* what it measured itself; NULL = nothing */
    int64_t snapshots;                 /* read transactions that were needed; 0 = not a database */
};

struct tap_ops {
    const char *type;
    const struct field_table *options; /* of the step's "tap"; has a row for "type" */
    MUST_CHECK bool (*open)(struct tap **ret, const struct tap_context *context, struct err *err);
    MUST_CHECK bool (*next)(struct tap *tap, enum tap_result *ret, struct err *err);
    /* Appends the state once all rows given so far are loaded: one JSON value, or nothing when the
     * source told none. */
    MUST_CHECK bool (*state)(struct tap *tap, struct buf *out, struct err *err);
    void (*close)(struct tap *tap); /* NULL is allowed */

    /* Of a tap that can be a Singer program (singer_tap.c); NULL else. */
    /* Gives each stream of the source that the options name; context->state is empty. */
    MUST_CHECK bool (*discover)(const struct tap_context *context, const struct found_taker *taker,
                                struct err *err);
    /* Sets `options`, a copy that is the caller's, to the chosen stream. */
    MUST_CHECK bool (*choose)(void *options, const struct stream_choice *choice,
                              enum load_mode *ret_mode, struct err *err);
    bool has_bookmarks; /* its state is Singer's {"bookmarks": {stream: ...}} */
};
