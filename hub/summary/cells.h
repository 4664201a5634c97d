/* cells.h - the partitions of one asset: on how many devices each was made or failed, and when last. What is said of a
 * partition by a device takes eight bytes; a device that is put again replaces what was put of it. Pure: rows are read in
 * partitions.c. */
#pragma once
#include "common/base/strmap.h"
#include "common/model/partition.h"

struct cell_row { /* what was last made of a partition, or of a range of them. Texts are borrowed */
    struct str first, last, run;
    struct str
        epoch; /* with stream_ms before it and seq behind it: of two that overlap the later counts */
    int64_t stream_ms, seq, at_ms;
    bool is_made; /* else it failed */
};
struct cell {
    struct str key;
    int64_t made, failed; /* on how many devices */
    int64_t at_ms;        /* the latest of them; 0: none */
};

/* Of partitions that are not in the order: of more of them nothing is kept. */
enum { CELLS_OTHERS_MAX = 1024 };

struct cells;
MUST_CHECK struct cells *cells_new(size_t bytes_max); /* NULL: no memory */
void cells_free(struct cells *c);                     /* NULL is allowed */
size_t cells_bytes(const struct cells *c);
/* Out of memory, or more than bytes_max: nothing of it can be relied upon. */
bool cells_has_failed(const struct cells *c);

/* --- which there are: those of the asset's definition, in order ----------------------------------- */

/* When cells_depends_on_order() all devices are to be put again. */
void cells_order(struct cells *c, const struct partition_keys *keys);
/* Some device said something of a range, which means something by the order only, or of more others than are kept. */
bool cells_depends_on_order(const struct cells *c);
size_t cells_count(const struct cells *c);
bool cells_find(const struct cells *c, struct str key, size_t *ret_place);

/* --- what was made of them ------------------------------------------------------------------------ */

/* All that there is of a device. The rows are sorted. */
void cells_put(struct cells *c, struct str device, struct cell_row *rows, size_t count);
/* What there is now of one partition on a device; NULL: nothing. False: it said something of a range, and is to be put whole. */
bool cells_put_one(struct cells *c, struct str device, struct str key, const struct cell_row *row);
void cells_get(struct cells *c, size_t place, struct cell *ret);
/* Of the rows that were put last, the one that counts for a partition; NULL: none. */
const struct cell_row *cells_last_row(const struct cells *c, size_t place);

/* --- how devices define it ------------------------------------------------------------------------ */

enum cells_defined { CELLS_NOT_DEFINED, CELLS_WHOLE /* without partitions */, CELLS_CUT };
/* `rules`: of one that is cut up, as the device tells them. */
void cells_define(struct cells *c, struct str device, enum cells_defined is, struct str rules);
/* What most devices say, and how many; of as many the smallest text. Empty: made as a whole, or nobody defines it. */
int64_t cells_rules(const struct cells *c, struct str *ret);
