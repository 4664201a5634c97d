/* boundary.h - the rows that share the highest replication key so far, by hash. An append must not
 * repeat them when the next run reads from that key on (>=), nor miss rows that were added with the
 * same key since: `>` would. Pure. */
#pragma once
#include "agent/el/hash.h"
#include "agent/el/schema.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"

enum { BOUNDARY_ROWS_MAX = 10000 };

struct boundary {
    uint64_t *hashes; /* of rows with the present key, in the order they came */
    size_t count;
    uint64_t *loaded; /* of the last committed run; 0 = met again */
    size_t loaded_count;
    bool is_passed; /* the highest key is another one than that of `loaded` */
    size_t skip; /* columns changed since, so that hashes say nothing: that many rows are taken as
                    loaded */
};

/* `rows` is the list of the state, or NULL; `are_comparable`: made of the same columns as the rows
 * to come. */
MUST_CHECK bool boundary_init(struct boundary *b, const struct json *rows, bool are_comparable,
                              struct arena *arena, struct err *err);
void boundary_next_key(struct boundary *b); /* the key grew: nothing shares it yet */
/* Takes a row with the present key. *ret_is_loaded: an earlier run loaded it (as often as it met
 * it). ERR_FULL past BOUNDARY_ROWS_MAX rows with one key. */
MUST_CHECK bool boundary_add(struct boundary *b, const struct value *row, size_t count,
                             bool *ret_is_loaded, struct err *err);
/* For rows in any order, the two halves of boundary_add(): did an earlier run load it? (asked once
 * for each row that has that run's key) ... */
bool boundary_meet(struct boundary *b, const struct value *row, size_t count);
/* ... and taking it, as one that has the highest key. */
MUST_CHECK bool boundary_note(struct boundary *b, const struct value *row, size_t count,
                              struct err *err);
void boundary_restart(struct boundary *b); /* the highest key rose: nothing shares it yet */
/* The list for the state: rows that were taken, and those of the earlier run that were not met again
 * so far and still share the key. */
void boundary_write(const struct boundary *b, struct json_writer *w);
