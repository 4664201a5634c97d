/* shelf.h - the bundles that this hub has, as files: <state_dir>/bundles/files/<sha256> holds each
 * file once, whatever bundles it is in, and <state_dir>/bundles/<hash> a bundle's signed manifest. */
#pragma once
#include "common/platform/files.h"
#include "common/platform/rng.h"
#include "common/wire/bundle.h"
#include "hub/config/config.h"

struct shelf_pack {
    const char *dir;       /* the folder to pack; it must have BUNDLE_ENTRY */
    struct str key;        /* private, that signs the manifest */
    const struct rng *rng; /* for the signature */
};
struct shelf_packed {
    char hash[BUNDLE_HASH_SIZE];
    int64_t files, bytes;
    int64_t new_files; /* that were not there yet */
};
bool shelf_has_any(const struct hub_config *config); /* anything was ever packed */
/* From before a bundle is packed until it is written down who gets it: nothing is deleted meanwhile.
 * Waits for a prune that is going on; of one (`is_prune`) ERR_BUSY, while others hold it. */
MUST_CHECK bool shelf_hold(const struct hub_config *config, bool is_prune, struct fd *ret,
                           struct err *err);
/* Packs every file below the folder but those whose name, or a folder's of theirs, begins with a
 * dot. The same content and modes give the same hash. ERR_INVALID: a link or a device among them,
 * a name that may not be, a *.yaml or *.yml that is no YAML; more only a device can say. ERR_FULL:
 * the limits of bundle.h. Durable when it returns true. */
MUST_CHECK bool shelf_add(const struct hub_config *config, const struct shelf_pack *pack,
                          struct shelf_packed *ret, struct err *err);
/* What is in a bundle. `text` holds the manifest's bytes, from which `ret` borrows. ERR_NOT_FOUND. */
MUST_CHECK bool shelf_manifest(const struct hub_config *config, struct str hash, struct buf *text,
                               struct arena *arena, struct bundle_manifest *ret, struct err *err);
/* The piece that is wanted, appended to `bytes`, and how long the whole file is. ERR_NOT_FOUND. */
MUST_CHECK bool shelf_read(const struct hub_config *config, const struct bundle_want *want,
                           struct buf *bytes, int64_t *ret_total, struct err *err);
