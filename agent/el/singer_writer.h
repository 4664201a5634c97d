/* singer_writer.h - rows as the messages of a Singer tap: SCHEMA, RECORD, STATE. Pure: they go into
 * a buffer, which its owner writes and empties. */
#pragma once
#include "agent/el/schema.h"
#include "common/base/buf.h"
#include "common/json/fields.h"

struct singer_writer {
    struct arena *arena;
    struct buf out;
    struct str stream; /* as a JSON string */
    const struct schema *schema;
    struct str *members; /* by column: its key as JSON, with a comma but for the first; empty = not
                            written */
};
struct singer_stream_text {
    struct str stream;
    const struct schema *schema;     /* lives as long as rows follow */
    const struct str_list *key;      /* must be among the columns */
    struct str replication_key;      /* may be empty */
    const struct str_list *left_out; /* columns; NULL = none */
};

MUST_CHECK bool singer_writer_init(struct singer_writer *w, struct arena *arena, struct err *err);
/* A SCHEMA; the rows that follow have its columns. */
MUST_CHECK bool singer_writer_schema(struct singer_writer *w, const struct singer_stream_text *text,
                                     struct err *err);
/* ERR_INVALID for a value that JSON of its column's type cannot hold. */
MUST_CHECK bool singer_writer_row(struct singer_writer *w, const struct value *row,
                                  struct err *err);
/* The record alone, without its message. */
MUST_CHECK bool singer_writer_record(struct singer_writer *w, const struct value *row,
                                     struct err *err);
/* A BATCH of one file. */
MUST_CHECK bool singer_writer_batch(struct singer_writer *w, struct str compression, struct str uri,
                                    struct err *err);
/* `state` is JSON. */
MUST_CHECK bool singer_writer_state(struct singer_writer *w, struct str state, struct err *err);
void singer_writer_release(struct singer_writer *w); /* fits AUTO(singer_writer) */
