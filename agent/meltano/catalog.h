/* catalog.h - the catalog of a tap with the rules of a project applied, as Meltano 4.2 does before it
 * starts the tap: what is selected, metadata, schema. Pure: a tree is changed in place. Catalogs are
 * read and written with common/json/json_verbatim.h.
 * Source: meltano/core/plugin/singer/catalog.py and tap.py (apply_catalog_rules). */
#pragma once
#include "agent/meltano/meltano.h"

enum { CATALOG_TEXT_BYTES_MAX = 32 << 20, CATALOG_MEMORY_MAX = 256 << 20 };

struct catalog_rules {
    const struct json *select;        /* array of texts: "stream.property", "!stream", wildcards */
    const struct json *select_filter; /* array of texts: "stream", "!stream" */
    const struct json *metadata;      /* object; NULL = none, as of the others */
    const struct json *schema;        /* object */
    bool is_handwritten;              /* the catalog: only select_filter counts */
};
/* Changes and additions live in `arena`, as the catalog does. ERR_INVALID: a rule or the catalog is
 * not what Meltano could use either; the catalog may be changed in part then. ERR_FULL: `arena`. */
MUST_CHECK bool catalog_apply(struct json *catalog, const struct catalog_rules *rules,
                              struct arena *arena, struct err *err);

/* The streams that a tap with this catalog gives. */
struct catalog_stream_name {
    struct str id;   /* tap_stream_id, which rules name */
    struct str name; /* of its messages */
};
struct catalog_streams {
    struct catalog_stream_name *items;
    size_t count;
};
MUST_CHECK bool catalog_selected(const struct json *catalog, struct arena *arena,
                                 struct catalog_streams *ret, struct err *err);
/* Deselects every stream whose id and message name are not in the list. */
MUST_CHECK bool catalog_narrow(struct json *catalog, const struct str_list *names,
                               struct arena *arena, struct err *err);

/* SHA-1 in hexadecimal of what a discovery depends on (settings, metadata and schema of the tap): a
 * catalog that was kept is good as long as the key beside it is this one. Meltano keeps both as
 * .meltano/run/<tap>/tap.properties.json and .cache_key. Empty: it must not be kept, since the tap is
 * not installed, or is being worked on. */
enum { CATALOG_KEY_SIZE = 41 };
MUST_CHECK bool catalog_cache_key(const struct meltano_setup *tap, struct arena *arena,
                                  char ret[CATALOG_KEY_SIZE], struct err *err);
