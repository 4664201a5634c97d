/* shelf.h - the bundles that this hub has, as files: <state_dir>/bundles/files/<sha256> holds each
 * file once, whatever bundles it is in, and <state_dir>/bundles/<hash> a bundle's signed manifest. */
#pragma once
#include "common/platform/files.h"
#include "common/platform/rng.h"
#include "common/wire/bundle.h"
#include "hub/config/config.h"

struct shelf_packed {
    char hash[BUNDLE_HASH_SIZE];
    int64_t files, bytes;
};
bool shelf_has_any(const struct hub_config *config); /* anything was ever packed */
/* From before a bundle is put there until it is written down who gets it: nothing is deleted meanwhile.
 * ERR_BUSY: a prune goes on; of one (`is_prune`), others hold it. Never waits: the web process has others
 * to answer. */
MUST_CHECK bool shelf_hold(const struct hub_config *config, bool is_prune, struct fd *ret,
                           struct err *err);
/* A file comes in pieces, one after the other; the first, and one at offset 0, begins it anew. */
#define SHELF_PART ".part-" /* and the SHA-256: what has come so far, in bundles/files */
struct shelf_piece {
    struct str sha256;    /* of the whole file, which is its name */
    int64_t offset, size; /* where this begins, and how large the whole is */
    struct str bytes;
};
/* *ret_whole: all of it is here, durable with the bundle. ERR_EXISTS: it is not the next piece. ERR_INVALID:
 * all of it has come and is not what it is named by; it is forgotten. Blocks for as long as hashing takes. */
MUST_CHECK bool shelf_put_piece(const struct hub_config *config, const struct shelf_piece *piece,
                                bool *ret_whole, struct err *err);
bool shelf_has_file(const struct hub_config *config, struct str sha256);
struct shelf_signer {
    struct str key;        /* private */
    const struct rng *rng; /* for the signature */
};
/* The bundle of this manifest, signed. ERR_NOT_FOUND: a file that it names is not here. ERR_INVALID: it is
 * none, or a *.yaml or *.yml of it is no YAML; more only a device can say. Durable when it returns true. */
MUST_CHECK bool shelf_put_bundle(const struct hub_config *config, const struct shelf_signer *signer,
                                 struct str manifest, struct shelf_packed *ret, struct err *err);
/* What is in a bundle. `text` holds the manifest's bytes, from which `ret` borrows. ERR_NOT_FOUND. */
MUST_CHECK bool shelf_manifest(const struct hub_config *config, struct str hash, struct buf *text,
                               struct arena *arena, struct bundle_manifest *ret, struct err *err);
/* The piece that is wanted, appended to `bytes`, and how long the whole file is. ERR_NOT_FOUND. */
MUST_CHECK bool shelf_read(const struct hub_config *config, const struct bundle_want *want,
                           struct buf *bytes, int64_t *ret_total, struct err *err);
