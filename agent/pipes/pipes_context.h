/* pipes_context.h - what a step's program is told through Dagster Pipes: the context object, and the
 * form in which a parameter travels in an environment variable. Pure.
 * Source: Dagster Pipes 0.1; all ten fields of the context are always there, null where nothing is
 * known. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/model/tz.h"

/* Texts are borrowed; an empty one is null but where it says otherwise. */
struct pipes_asset {
    struct str key;
    struct str code_version;
    bool has_provenance; /* the asset was materialized before: */
    struct str made_by_code_version;
    struct str made_from; /* JSON object, upstream key to its data version then; empty = {} */
    bool is_user_version; /* the data version was given by whoever made it */
};
struct pipes_context {
    const struct pipes_asset *assets; /* sorted by key */
    size_t asset_count;
    struct str partition;                /* key; of a range the first */
    struct str partition_end;            /* of a range the last; empty = one partition */
    struct str window_start, window_end; /* ISO 8601 with offset, of a time window */
    struct str run;                      /* never null */
    struct str job;
    int64_t retry_number; /* 0 on the first attempt */
    struct str extras;    /* JSON object; empty = {} */
};
void pipes_context_write(const struct pipes_context *context, struct buf *out);
/* As Python's isoformat() has it: "2024-01-01T00:00:00+01:00". */
void pipes_add_time(struct buf *out, struct wall_time at, const struct tz *tz);

enum { PIPES_PARAM_BYTES_MAX = 32 << 10 }; /* of the JSON text */
/* Appends base64(zlib(json)), the value of DAGSTER_PIPES_CONTEXT and DAGSTER_PIPES_MESSAGES. The
 * zlib stream is one stored block: every inflater reads it, and nothing is gained by compressing a
 * path. `json` is at most PIPES_PARAM_BYTES_MAX. */
void pipes_param_encode(struct str json, struct buf *out);
