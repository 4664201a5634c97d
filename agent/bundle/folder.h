/* folder.h - bundles as files on the device. <state_dir>/bundles/<hash> is a whole bundle, verified
 * and synced before it has that name; <hash>.part one that is coming in, <hash>.manifest its signed
 * manifest. What came is appended as it comes, so that a transfer goes on where it broke, after a
 * power cut too. Files that another bundle here has with the same content are copied, not fetched. */
#pragma once
#include "common/platform/files.h"
#include "common/wire/bundle.h"

enum { FOLDER_SYNC_BYTES = 1 << 20, FOLDER_SPOILT_MAX = 3 };

/* The path of a bundle's file; `name` may be "". */
MUST_CHECK bool folder_path(const char *state_dir, struct str hash, const char *name, char ret[],
                            size_t size, struct err *err);
bool folder_is_whole(const char *state_dir, struct str hash);
/* Deletes every bundle but those three (which may be empty), whole or coming in. */
MUST_CHECK bool folder_clear(const char *state_dir, struct str keep, struct str keep_too,
                             struct str keep_coming, struct err *err);

struct incoming;
struct incoming_options {
    const char *state_dir;
    struct str hash;
    struct str keys; /* public, that may sign manifests; borrowed */
    struct str base; /* hash of a bundle to copy from, where it has the same files; may be empty */
    int64_t bytes_max; /* of the bundle's files */
};
/* Goes on with what is there. */
MUST_CHECK bool incoming_open(struct incoming **ret, const struct incoming_options *options,
                              struct err *err);
void incoming_close(struct incoming *in); /* keeps what came; NULL is allowed */

enum incoming_need {
    INCOMING_PIECE, /* *ret_want says which */
    INCOMING_WORK,  /* call again: one file was looked at */
    INCOMING_WHOLE, /* it has its name now, durable */
};
/* ERR_DENIED, ERR_INVALID, ERR_CORRUPT: it can never be taken (signature, manifest, a file that did
 * not match FOLDER_SPOILT_MAX times). ERR_FULL: larger than bytes_max, or than the disk has room
 * for. Others may pass. Blocks for reading or copying one file and an fsync. */
MUST_CHECK bool incoming_next(struct incoming *in, enum incoming_need *ret,
                              struct bundle_want *ret_want, struct err *err);
/* A piece that was asked for; one that does not go on where its file ends is passed over, with
 * *ret_taken false. */
MUST_CHECK bool incoming_add(struct incoming *in, const struct bundle_piece *piece, bool *ret_taken,
                             struct err *err);
struct incoming_progress {
    int64_t bytes, bytes_total; /* of files; total 0: the manifest is not there yet */
    int64_t files;              /* verified and safe */
    int64_t fetched, copied;    /* bytes, since it was opened */
};
struct incoming_progress incoming_progress(const struct incoming *in);
