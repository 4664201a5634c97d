/* folds.h - schedules and sensors once for all devices that define the same: what they come to. A device's in forty bytes each; a
 * device that is put again replaces what was put of it. Pure: rows are read in named.c. */
#pragma once
#include "common/base/strmap.h"

enum { FOLDS_BYTES_MAX = 64 << 20 };

enum fold_kind { FOLD_SCHEDULE, FOLD_SENSOR, FOLD_KINDS };
struct fold_row { /* of a device. Texts are borrowed */
    enum fold_kind kind;
    struct str name, version;
    int64_t assets;
    bool is_paused;              /* by a person, or by the hub */
    bool is_untouched;           /* by either: it is as its definition says */
    bool has_ticked, has_failed; /* has_failed: the last time */
    int64_t ticked_ms, ticks, started;
};
struct fold {
    struct str name, version;
    struct str device; /* the first by name */
    int64_t devices, assets, paused, untouched;
    bool has_ticked;
    int64_t ticked_ms, ticks, started, failed;
};

struct folds;
MUST_CHECK struct folds *folds_new(void); /* NULL: no memory */
void folds_free(struct folds *f);         /* NULL is allowed */
/* Out of memory, or more than FOLDS_BYTES_MAX: nothing of it can be relied upon. */
bool folds_has_failed(const struct folds *f);
/* All of a device. */
void folds_put(struct folds *f, struct str device, const struct fold_row *rows, size_t count);

/* Those of a kind by name and version: borrowed until the next change. */
struct fold_list {
    const struct fold *items;
    size_t count;
};
struct fold_list folds_list(struct folds *f, enum fold_kind kind);
/* The first of the list behind a name and a version. */
size_t folds_behind(const struct fold_list *list, struct str name, struct str version);
