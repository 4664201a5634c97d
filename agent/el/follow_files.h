/* follow_files.h - the files that are followed as they are now, oldest first, and what is in them. */
#pragma once
#include "agent/el/file_set.h"
#include "agent/el/follow_match.h"

enum { FOLLOW_FILES_MAX = 256 };

struct seen_file {
    char head[FOLLOW_PIECE];
    size_t head_bytes; /* of `head` */
    bool is_broken;    /* gzip that breaks off */
    /* Of a copy. */
    int64_t text_bytes;
    int64_t tail_bytes;
    uint64_t tail;
};
struct follow_files {
    struct str path; /* without wildcards: also "<path>.*" and "<path>-*" */
    glob_t found;    /* the names, until the next list */
    struct file_entry entries[FOLLOW_FILES_MAX];
    struct follow_file files[FOLLOW_FILES_MAX];
    struct seen_file seen[FOLLOW_FILES_MAX];
    size_t count;
};

/* Each once, whatever names it has; none may be there. ERR_FULL for more than FOLLOW_FILES_MAX. */
MUST_CHECK bool follow_files_list(struct follow_files *f, struct err *err);
/* Does the file have the mark's bytes? */
MUST_CHECK bool follow_files_fit(const struct follow_files *f, size_t file,
                                 const struct follow_mark *mark, bool *ret, struct err *err);
/* Is all of `copy` what `whole` begins with? Sets seen[copy].text_bytes, tail_bytes, tail. */
MUST_CHECK bool follow_files_is_beginning(struct follow_files *f, size_t copy, size_t whole,
                                          bool *ret, struct err *err);
/* Is the open file still the one that was listed, and not another one of its name? */
bool follow_files_is_same(const struct follow_files *f, size_t index,
                          const struct file_reader *reader);
uint64_t follow_hash(const char *p, size_t len);
void follow_files_fini(struct follow_files *f);
