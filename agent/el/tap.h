/* tap.h - where rows come from: one interface, one file per connector (connectors.h lists them). */
#pragma once
#include "agent/el/request.h"
#include "agent/el/schema.h"
#include "common/base/buf.h"

struct tap_context {
    const struct tap_options *options;
    enum load_mode mode;
    struct str state;              /* JSON of the last committed run; empty = from the start */
    const struct schema *existing; /* the target's columns; count 0 = there is no table yet */
    struct arena *arena;           /* lives longer than the tap */
};

enum tap_result {
    TAP_ROW,    /* tap->row has a row, valid until the next call */
    TAP_SCHEMA, /* tap->schema is new; rows that follow have its columns */
    TAP_END,
};

struct tap_ops;
/* First member of every connector's struct. */
struct tap {
    const struct tap_ops *ops;
    struct schema schema; /* valid after open, unless the tap says TAP_SCHEMA first */
    struct value *row;    /* schema.count values */
    struct str_list key;  /* key columns as the source states them (Singer); may be empty */
    bool is_unchanged;    /* the source holds nothing new: no row will come */
    int64_t rows_read;
    int64_t bytes_read;
    /* Incremental by replication key; text as stored in the state. */
    struct str key_min, key_max;
    int64_t rows_without_key; /* its value is NULL, so they are never extracted */
    int64_t snapshots;        /* read transactions that were needed; 0 = not a database */
};

struct tap_ops {
    const char *type;
    MUST_CHECK bool (*open)(struct tap **ret, const struct tap_context *context, struct err *err);
    MUST_CHECK bool (*next)(struct tap *tap, enum tap_result *ret, struct err *err);
    /* Appends the state once all rows given so far are loaded: one JSON object. */
    MUST_CHECK bool (*state)(struct tap *tap, struct buf *out, struct err *err);
    void (*close)(struct tap *tap); /* NULL is allowed */
};
