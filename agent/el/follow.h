/* follow.h - files that grow and are rotated: each look finds what came since the last one, under
 * whatever name it is now (follow_match.h). The state has a mark for every file. */
#pragma once
#include "agent/el/follow_files.h"

enum { FOLLOW_GONE_MAX = 16 }; /* marks of files that are gone; they may come back, packed */

struct follow;
struct follow_options {
    struct str path; /* without wildcards: also "<path>.*" and "<path>-*" */
    enum load_mode mode;
    uint64_t definition; /* as for file_set_open() */
    struct str state;
};
/* Not with mode overwrite. ERR_INVALID for a state of the same files that were not followed, which an
 * append would repeat. */
MUST_CHECK bool follow_open(struct follow **ret, const struct follow_options *options,
                            struct arena *arena, struct err *err);
/* Fills `set` with the files in the order in which they were written, and what is to be read of each.
 * Everything that the look before gave must be closed. ERR_NOT_FOUND when there never was a file. */
MUST_CHECK bool follow_look(struct follow *f, struct file_set *set, struct err *err);
/* Entry `index` of the set is read up to where its reader stands. */
MUST_CHECK bool follow_done(struct follow *f, size_t index, const struct file_reader *reader,
                            struct err *err);
/* All that the look gave was read. */
void follow_end_look(struct follow *f);
/* Is the open file still the one that was looked at, and not another one of its name? */
bool follow_is_same(const struct follow *f, size_t index, const struct file_reader *reader);
void follow_write_state(const struct follow *f, struct json_writer *w);
void follow_close(struct follow *f); /* NULL is allowed */
