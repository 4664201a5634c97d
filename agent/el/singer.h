/* singer.h - one line of the Singer protocol: parsed in place, strictly. Pure; any bytes are safe
 * (fuzzed). Source: https://github.com/singer-io/getting-started/blob/master/docs/SPEC.md (0.3.0)
 * and what taps do in practice: unknown types are ignored, "type" without regard to case,
 * key_properties may be missing or inside the schema. */
#pragma once
#include "agent/el/flatten.h"
#include "agent/el/schema.h"
#include "common/base/buf.h"
#include "common/json/fields.h"
#include "common/json/json_scan.h"

enum singer_type {
    SINGER_SCHEMA,
    SINGER_RECORD,
    SINGER_STATE,
    SINGER_ACTIVATE_VERSION,
    SINGER_BATCH,
    SINGER_OTHER, /* to be ignored */
};
struct singer_message {
    enum singer_type type;
    struct str stream;         /* SCHEMA, RECORD, ACTIVATE_VERSION, BATCH */
    struct json_raw record;    /* RECORD: an object */
    struct str time_extracted; /* RECORD: as it stands; empty = it says none */
    int64_t version;           /* RECORD, BATCH; ACTIVATE_VERSION always has one */
    bool has_version;
    struct json_raw schema;              /* SCHEMA: an object */
    struct json_raw key_properties;      /* SCHEMA: a list, or text.ptr NULL */
    struct json_raw bookmark_properties; /* the same */
    struct json_raw value;               /* STATE: anything */
    struct json_raw encoding;            /* BATCH: an object */
    struct json_raw manifest;            /* BATCH: a list */
};
/* `line` has no line end. Slices are borrowed from it, the stream's name perhaps from `names`,
 * which is reset first. `members`, when given, holds those of a record then. False: only ret->type
 * says something, SINGER_OTHER when there is none. */
MUST_CHECK bool singer_parse(struct str line, struct buf *names, struct json_members *members,
                             struct singer_message *ret, struct err *err);

/* What a SCHEMA message says of its stream; in the arena of the columns. */
struct singer_layout {
    struct schema columns;
    struct str_list key; /* among the columns */
    struct str
        replication_key; /* the first of bookmark_properties that is a column; may be empty */
};
/* JSON Schema into columns (types by the table in docs/decisions/0005-extract-load.md).
 * `ret->columns` is empty when called. `flatten` may be NULL. Two properties with one name after
 * flattening are ERR_INVALID. */
MUST_CHECK bool singer_read_schema(const struct singer_message *message,
                                   const struct flatten *flatten, struct singer_layout *ret,
                                   struct err *err);
