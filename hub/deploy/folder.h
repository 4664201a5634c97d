/* folder.h - a folder that is to become a bundle, on the machine where it lies: which files it has and what
 * their content is. Blocks for as long as reading them all takes. */
#pragma once
#include "common/platform/files.h"
#include "common/wire/bundle.h"

/* Every file below the folder but those whose name, or a folder's of theirs, begins with a dot. The same
 * content and modes give the same manifest. ERR_INVALID: a link or a device among them, a name that may
 * not be. ERR_NOT_FOUND: it has no BUNDLE_ENTRY. ERR_FULL: the limits of bundle.h. Text and files in
 * `arena`. */
MUST_CHECK bool folder_read(const char *dir, struct arena *arena, struct bundle_manifest *ret,
                            struct err *err);
/* The file's bytes from `offset` on, as many as `bytes`, which grows, has room for. ERR_INVALID: it became
 * shorter meanwhile. */
MUST_CHECK bool folder_read_piece(const char *dir, const struct bundle_file *file, int64_t offset,
                                  struct buf *bytes, struct err *err);
