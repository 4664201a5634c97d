/* staleness.h - whether an asset is what would be made now, and what an asset's data version is, by
 * Dagster's rules. Pure.
 *
 * An asset is stale when its code version is another than at its last materialization, when it has
 * gained or lost a dep since, or when a dep has another data version than the one it was made from.
 * This is not transitive: what is made from a stale asset becomes stale when that one is made
 * again, and only if that gives another data version. Not known here: partitions (as Dagster says
 * without a partition key: fresh). Source: dagster 1.13, _core/definitions/data_version.py, compared
 * by tests/interop. */
#pragma once
#include "common/base/time.h"
#include "common/model/graph.h"

/* What stands in for a version that nobody recorded. Dagster's words. */
#define DATA_VERSION_INITIAL STR("INITIAL") /* of what is taken to be there */
#define DATA_VERSION_NULL    STR("NULL")    /* of what was never made */
#define DATA_VERSION_UNKNOWN STR("UNKNOWN")

/* --- what is recorded with a materialization --- */

struct asset_input {
    struct str key;          /* of the dep */
    struct str data_version; /* that it had when the asset was made from it */
};
/* What an asset was made with and from. */
struct provenance {
    struct str code_version; /* of the definition then, or the run's id; empty: nothing is known */
    const struct asset_input *inputs; /* one for each dep then, in any order */
    size_t input_count;
};
/* `ret` = SHA-256 of `bytes`: digest_sha256() of common/tls. */
struct digest {
    void (*sha256)(struct str bytes, uint8_t ret[32]);
};
enum { DATA_VERSION_TEXT_SIZE = 65 };

/* The data version of a materialization to which nobody gave one: the same 64 hex digits that
 * Dagster computes. Without a code version in the definition the run's id is in its place, so that
 * each run of such an asset makes a new version; the inputs have their asset_version_of(). The
 * text UNKNOWN when an input is. Memory of `arena` is used for the call. ERR_NO_MEMORY. */
MUST_CHECK bool data_version_compute(const struct provenance *from, const struct digest *digest,
                                     struct arena *arena, char ret[DATA_VERSION_TEXT_SIZE],
                                     struct err *err);

/* --- what is known of an asset --- */

/* The last materialization; of an external asset the later one of materialization and observation.
 * All empty: there was none. */
struct asset_version {
    struct wall_time at;     /* 0 = there was none */
    struct str data_version; /* may be empty: none was told */
    bool is_given;           /* somebody gave the data version; it was not computed. Changes the
                                words of a cause only */
    struct provenance from;
};
struct stale_asset {
    struct asset_version made;
    struct str code_version; /* of the definition; may be empty */
    bool is_external;
    bool is_partitioned;
};
/* The data version that an asset has now: what is to be recorded as an input. */
struct str asset_version_of(const struct stale_asset *asset);

/* --- whether it is stale --- */

enum stale_status { STALE_STATUS_FRESH, STALE_STATUS_STALE, STALE_STATUS_MISSING };
enum stale_category { STALE_CODE, STALE_DATA, STALE_DEPENDENCIES };
const char *stale_status_name(enum stale_status status);       /* "FRESH" */
const char *stale_category_name(enum stale_category category); /* "CODE" */

struct stale_cause {
    enum stale_category category;
    struct str dependency; /* a key, perhaps of an asset that is no longer defined; may be empty */
    struct str reason;     /* of the asset: "has a new dependency data version" */
    const char *root;      /* of the dependency: "has a new data version"; NULL for other causes */
};
struct staleness {
    enum stale_status status;
    const struct stale_cause *causes; /* in Dagster's order: code, then by dependency */
    size_t cause_count;               /* 0 unless stale */
};

/* Of one asset; `assets` is numbered as the graph. Memory and time go with its deps and inputs. */
MUST_CHECK bool staleness_of(const struct graph *g, const struct stale_asset *assets, uint32_t node,
                             struct arena *arena, struct staleness *ret, struct err *err);
