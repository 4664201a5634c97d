/* singer.h - one line of the Singer protocol: parsed in place, strictly. Pure; any bytes are safe
 * (fuzzed). Source: https://github.com/singer-io/getting-started/blob/master/docs/SPEC.md (0.3.0)
 * and what taps do in practice: unknown types are ignored, "type" without regard to case,
 * key_properties may be missing or inside the schema. */
#pragma once
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
    struct str stream;              /* SCHEMA, RECORD, ACTIVATE_VERSION, BATCH */
    struct json_raw record;         /* RECORD: an object */
    struct json_raw schema;         /* SCHEMA: an object */
    struct json_raw key_properties; /* SCHEMA: a list, or text.ptr NULL */
    struct json_raw value;          /* STATE: anything */
};
/* `line` has no line end. Slices are borrowed from it, the stream's name perhaps from `names`,
 * which is reset first. False: only ret->type says something, SINGER_OTHER when there is none. */
MUST_CHECK bool singer_parse(struct str line, struct buf *names, struct singer_message *ret,
                             struct err *err);

/* JSON Schema of a SCHEMA message into columns (types by the table in
 * docs/decisions/0005-extract-load.md) and key columns, which must be among them. All is copied
 * into the schema's arena. */
MUST_CHECK bool singer_read_schema(const struct singer_message *message, struct schema *into,
                                   struct str_list *ret_key, struct err *err);
