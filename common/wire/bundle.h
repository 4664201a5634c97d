/* bundle.h - a bundle: a folder of definitions that the hub hands to devices. What is in it stands
 * in its manifest; its hash is the SHA-256 of the manifest's bytes, so that the same files give the
 * same hash everywhere. Files are known by their content. Pure. docs/reference/bundles.md
 *
 *   {"kind":"bundle","v":1,"files":2,"bytes":164}
 *   {"path":"selvedge.yaml","size":120,"sha256":"9f86...","mode":"644"}
 *   {"path":"sql/sales.sql","size":44,"sha256":"60303a...","mode":"644"}
 *
 * One line for each file, by path; there is one way to write it, and any other is refused. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/wire/signed.h"

enum {
    BUNDLE_FILES_MAX = 10000,
    BUNDLE_BYTES_MAX = 64 << 20, /* of all files together */
    BUNDLE_PATH_BYTES = 255,
    BUNDLE_PATH_PARTS = 16,
    BUNDLE_MANIFEST_BYTES = 4 << 20,
    BUNDLE_SIGNED_BYTES = BUNDLE_MANIFEST_BYTES + SIGNED_HEAD_BYTES_MAX,
    BUNDLE_HASH_SIZE = FINGERPRINT_TEXT_SIZE,
    BUNDLE_PIECE_MIN = 1 << 10,
    BUNDLE_PIECE_MAX = 64 << 10, /* of bytes of a file */
};
#define BUNDLE_ENTRY "selvedge.yaml" /* every bundle has it: the definitions */

struct bundle_file {
    struct str path; /* see bundle_path_is_good() */
    int64_t size;
    struct str sha256; /* 64 hex digits */
    bool is_executable;
};
struct bundle_manifest {
    struct bundle_file *files; /* by path */
    size_t count;
    int64_t bytes; /* of all */
};
/* 1 to 255 bytes of UTF-8 in at most 16 parts with '/' between them; no part is empty, "." or "..";
 * no control characters, no '"', no '\'. */
bool bundle_path_is_good(struct str path);
bool bundle_hash_is_good(struct str hash); /* 64 lower-case hex digits */

void bundle_manifest_encode(const struct bundle_manifest *m, struct buf *out);
/* Borrows from `text`. ERR_INVALID with the line; ERR_FULL at a limit. */
MUST_CHECK bool bundle_manifest_decode(struct str text, struct arena *arena,
                                       struct bundle_manifest *ret, struct err *err);
/* NULL when it has no such path. */
const struct bundle_file *bundle_manifest_find(const struct bundle_manifest *m, struct str path);

struct bundle_want { /* device -> hub, on `want` */
    struct str bundle;
    struct str file; /* its SHA-256; empty = the signed manifest */
    int64_t offset;
    int64_t max; /* bytes: BUNDLE_PIECE_MIN..BUNDLE_PIECE_MAX */
};
void bundle_want_encode(const struct bundle_want *m, struct buf *out);
/* ERR_NOT_FOUND when it asks for something else than a bundle. */
MUST_CHECK bool bundle_want_decode(struct str payload, struct arena *arena, struct bundle_want *ret,
                                   struct err *err);

struct bundle_piece { /* hub -> device, on `bundle`: a line, then the bytes */
    struct str bundle;
    struct str file;
    int64_t offset;
    int64_t total;      /* size of the whole file */
    struct str problem; /* why there is nothing, in words; empty = here it is */
    struct str bytes;   /* at least one, unless the file is empty or there is a problem */
};
void bundle_piece_encode(const struct bundle_piece *m, struct buf *out);
/* `bytes` are borrowed from the payload. */
MUST_CHECK bool bundle_piece_decode(struct str payload, struct arena *arena,
                                    struct bundle_piece *ret, struct err *err);
