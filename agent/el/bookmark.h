/* bookmark.h - how far a table was read by its replication key, as state between runs: the same for
 * every tap that reads tables. Rows come ordered by the key, from the bookmark on (>=); of a source
 * that gives them in any order the bookmark is the highest key, true once all were taken. */
#pragma once
#include "agent/connectors/options.h"
#include "agent/el/boundary.h"
#include "agent/el/key_value.h"
#include "agent/el/stream.h"

struct bookmark {
    struct str table;
    struct str key;      /* the replication key's column */
    bool is_incremental; /* else the whole table is read each time */
    bool is_append;      /* rows at the bookmark are told apart, see boundary.h */
    bool is_unsorted;
    struct key_value start; /* the state's; VALUE_NULL = from the beginning */
    struct key_value first; /* of the rows that were taken */
    struct key_value last;
    struct boundary boundary;
    uint64_t columns_hash;
};

struct bookmark_options {
    struct str table;
    struct str key; /* empty = none */
    enum load_mode mode;
    struct str state;            /* of the last committed run */
    const struct schema *schema; /* of the rows */
    bool is_unsorted;
    struct arena *arena;
};
/* ERR_INVALID when rows are to be appended without a key, ERR_CORRUPT for a state that is none. */
MUST_CHECK bool bookmark_init(struct bookmark *b, const struct bookmark_options *options,
                              struct err *err);
/* Takes note of a row and its key, which is not below `start`. *ret_is_loaded: an earlier run appended the row. */
MUST_CHECK bool bookmark_take(struct bookmark *b, const struct value *key, const struct value *row,
                              size_t count, bool *ret_is_loaded, struct err *err);
/* The state once all rows taken so far are loaded. */
MUST_CHECK bool bookmark_write(const struct bookmark *b, struct buf *out, struct err *err);
/* The least and the greatest key that was read, for the report. */
MUST_CHECK bool bookmark_note_keys(const struct bookmark *b, struct stream *stream,
                                   struct arena *arena, struct err *err);
