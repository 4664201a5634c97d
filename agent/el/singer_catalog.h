/* singer_catalog.h - a Singer catalog: written from what a tap found, and read back with what
 * somebody chose in it. Pure. Selection is resolved as the Singer SDK does
 * (singer_sdk/singerlib/catalog.py, SelectionMask and MetadataMapping.resolve_selection); only
 * streams and their own properties can be chosen, not the members of nested ones, which we do not
 * take apart. */
#pragma once
#include "agent/el/discovery.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"

enum { CATALOG_BYTES_MAX = 32 << 20 };

/* One element of "streams". */
void singer_catalog_write(struct json_writer *w, const struct found_stream *found);

struct catalog_stream {
    struct str id;     /* tap_stream_id: what the tap calls it */
    struct str stream; /* the name in messages; mostly the same */
    bool is_selected;
    int replication; /* enum replication */
    struct str replication_key;
    bool has_key;
    struct str_list key;
    const struct json *metadata; /* the list; NULL = none */
    const struct json *schema;   /* legacy catalogs say "selected" in it */
};
struct catalog {
    struct catalog_stream *streams;
    size_t count;
};
MUST_CHECK bool singer_catalog_read(struct str text, struct arena *arena, struct catalog *ret,
                                    struct err *err);
/* A property of a selected stream; one that the catalog does not know is new, and comes along. */
bool singer_catalog_has_property(const struct catalog_stream *stream, struct str name);
