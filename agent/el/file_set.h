/* file_set.h - which of the files that a pattern names have to be read, from where, given the state
 * of the last committed run: what did not change adds nothing, what grew is read from where it
 * ended, anything else is read again. */
#pragma once
#include "agent/el/file_reader.h"
#include "agent/el/request.h"
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/json/json_writer.h"
#include <glob.h>
#include <sys/stat.h>

enum { FILE_SET_MAX = 4096 };

enum file_action {
    FILE_SKIP, /* unchanged, or gone (its entry is kept, so that it is not loaded again when it
                  comes back) */
    FILE_TAIL, /* only bytes were added: read from `offset` */
    FILE_WHOLE,
};
struct file_entry {
    const char *path;
    enum file_action action;
    bool is_gone;
    bool was_known;
    bool is_racy; /* written moments before we looked */
    bool is_open; /* followed: a last line without an end is still being written */
    /* As the file is now. */
    int64_t size;
    int64_t mtime_ns;
    int64_t inode;
    /* Where reading starts, and the hash of what lies before it. */
    int64_t offset;
    int64_t offset_lines; /* line ends before it */
    struct hash64 hash;
    /* As the state has it. */
    int64_t known_size;   /* of the text that was read */
    int64_t known_packed; /* of gzip: of the file; else 0 */
    int64_t known_mtime_ns;
    int64_t known_inode;
    uint64_t known_hash;
};
struct file_set {
    struct file_entry *entries; /* sorted by path */
    size_t count;
    bool is_unchanged; /* nothing is to be read */
    uint64_t definition;
};

/* Names that match; one that exists is taken as it is, whatever characters it has, one without
 * wildcards must exist. The caller frees with globfree(), also after an error. */
MUST_CHECK bool file_set_find(struct str pattern, glob_t *ret, struct err *err);
/* Looks at one file: size, times, inode. ERR_NOT_FOUND; ERR_INVALID when it is no regular file. */
MUST_CHECK bool file_set_look_at(struct file_entry *e, struct stat *ret_stat, struct err *err);
/* Matches `pattern` (shell wildcards; a name without them must exist), compares with `state` and
 * decides by `mode`: append refuses a file whose known part changed (ERR_INVALID); upsert reads it
 * again; overwrite reads all or nothing. `definition` is a hash of what tells how the files are to be
 * understood: when it changed, upsert and overwrite read everything again. */
struct file_set_options {
    struct str pattern;
    enum load_mode mode;
    uint64_t definition;
    struct str state;
};
MUST_CHECK bool file_set_open(struct file_set *ret, const struct file_set_options *options,
                              struct arena *arena, struct err *err);
/* Entry `index` is read up to where its reader stands. May be called again further on. */
void file_set_done(struct file_set *set, size_t index, const struct file_reader *reader);
/* Writes the members "definition" and "files" of the state: what file_set_done() was told, else what was known
 * before. */
void file_set_write_state(const struct file_set *set, struct json_writer *w);
