/* record_metadata.h - a stream's rows with the columns that a Singer target adds to them: names,
 * types and meaning are the Singer SDK's (https://sdk.meltano.com/en/latest/implementation/record_metadata.html).
 * Pure: times are given. */
#pragma once
#include "agent/el/stream.h"
#include "common/base/time.h"

enum metadata_column {
    METADATA_EXTRACTED_AT,
    METADATA_RECEIVED_AT,
    METADATA_BATCHED_AT,
    METADATA_DELETED_AT,
    METADATA_SEQUENCE,
    METADATA_TABLE_VERSION,
    METADATA_SYNC_STARTED_AT,
    METADATA_COLUMNS
};
enum metadata_extent {
    METADATA_NONE,
    METADATA_VERSION, /* the version of the table alone */
    METADATA_ALL,
};
struct record_metadata {
    enum metadata_extent extent;
    struct schema
        schema; /* the stream's columns and those that it lacks; unchanged in METADATA_NONE */
    struct value *row;
    size_t count;                    /* of the stream's own columns */
    size_t places[METADATA_COLUMNS]; /* where each stands */
    bool has_deleted_at;             /* the stream has it: its value stays */
    struct wall_time received;       /* of `received_text` */
    char extracted_text[WALL_TEXT_SIZE];
    char received_text[WALL_TEXT_SIZE];
    char batched_text[WALL_TEXT_SIZE];
};
struct record_times {
    struct wall_time now;
    struct wall_time batch_start;
    struct wall_time load_start;
};

/* For the stream's present columns. */
MUST_CHECK bool record_metadata_init(struct record_metadata *m, enum metadata_extent extent,
                                     const struct schema *stream, struct arena *arena,
                                     struct err *err);
/* The row with its metadata, valid until the next call. `origin` may be empty, its text lives as
 * long as the row. */
const struct value *record_metadata_add(struct record_metadata *m, const struct value *row,
                                        const struct row_origin *origin,
                                        const struct record_times *times);
