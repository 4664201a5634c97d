/* event_metadata.h - metadata as a program told it, in the form that events have:
 * {"name":{"type":"int","raw_value":5}}. Pure.
 *
 * The type is what the client says; "__infer__" and bare values get the one that Dagster infers
 * (text, int, float, bool, json, null). Types that we do not know are kept. Numbers that JSON cannot
 * hold stand as strings ("NaN", "123456789012345678901") under the type that they have. Of two
 * entries of one name the last counts, as in Python. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/limits.h"

enum {
    /* Leaves room for the rest of the event. */
    EVENT_METADATA_BYTES_MAX = LIMIT_EVENT_BYTES - (8 << 10),
};

/* `object` is an object within a line that strict_json_write() wrote and a scanner accepted.
 * Entries beyond LIMIT_METADATA_ENTRIES, or that do not fit EVENT_METADATA_BYTES_MAX, are left out;
 * "selvedge/metadata_dropped_bytes" then says how much. `scratch` holds names that
 * had to be unescaped. */
void event_metadata_write(struct str object, struct arena *scratch, struct buf *out);
