/* partition.h - the slices of an asset: which there are, what they are called, which stretch of
 * time each stands for. Names and rules are Dagster's (StaticPartitionsDefinition,
 * TimeWindowPartitionsDefinition, DynamicPartitionsDefinition). Pure.
 *
 * Partitions are numbered from 0 in order: static ones as written, windows of time by their start,
 * dynamic ones in the order in which they were added. The keys of a dynamic set live in the
 * device's database; whoever asks brings them. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/model/cron.h"

enum partition_kind { PARTITION_NONE, PARTITION_STATIC, PARTITION_TIME, PARTITION_DYNAMIC };
enum { PARTITION_KEY_BYTES_MAX = 255, PARTITIONS_MAX = 100000 };

struct partitions {
    enum partition_kind kind;
    /* PARTITION_STATIC */
    const struct str *keys; /* different, none empty */
    size_t key_count;
    /* PARTITION_DYNAMIC */
    struct str set; /* the name under which keys are added and deleted */
    /* PARTITION_TIME: a window begins at each tick of `cron` and ends at the next */
    struct cron cron;
    struct str cron_text;
    struct str timezone;
    const struct tz *tz;    /* never NULL */
    struct wall_time start; /* the first window is the first that begins at or after it */
    struct wall_time end;   /* no window ends after it; 0 = open */
    int64_t end_offset;     /* windows beyond the last that is over; may be negative */
    struct str format;      /* strftime's %Y %m %d %H %M %S %z; "%Y-%m-%d", "%Y-%m-%d-%H:%M" */
};

struct partition_window {
    struct wall_time start; /* included */
    struct wall_time end;   /* not included */
};

/* Keys in order: of a dynamic set that of addition. */
struct partition_keys {
    const struct str *items;
    size_t count;
};

/* Whether what was written makes sense: keys that may be keys and are all different, or a format
 * that gives every window a key of its own. */
MUST_CHECK bool partition_check(const struct partitions *p, struct err *err);
/* Whether a text may be a key: not empty, not too long, UTF-8 without control characters, and
 * without "...", which Dagster keeps for ranges. */
MUST_CHECK bool partition_key_check(struct str key, struct err *err);
/* The same slices under the same names. */
bool partition_same(const struct partitions *a, const struct partitions *b);

/* The window of a key of PARTITION_TIME, whether or not it is over. ERR_NOT_FOUND when the text is
 * no key of these partitions; ERR_INVALID when they are not windows of time. */
MUST_CHECK bool partition_window(const struct partitions *p, struct str key,
                                 struct partition_window *ret, struct err *err);

/* The partitions that there are at one moment. */
struct partition_view {
    const struct partitions *of;
    const struct partition_keys *dynamic; /* PARTITION_DYNAMIC; else NULL */
    struct wall_time now;
};
/* How many: of windows, those that are over, and `end_offset` more. Does not go through them, as
 * the two that follow. */
size_t partition_count(const struct partition_view *v);
/* Appends the key of partition `index`; false when there is none of that number. */
MUST_CHECK bool partition_key_at(const struct partition_view *v, size_t index, struct buf *out);
/* ERR_NOT_FOUND with the nearest key, or what a key of this kind looks like, as hint. */
MUST_CHECK bool partition_find(const struct partition_view *v, struct str key, size_t *ret_index,
                               struct err *err);

struct partition_bounds {
    struct str first; /* included; empty = from the first on */
    struct str last;  /* included; empty = up to the last */
};
/* The keys within the bounds, in `arena`. ERR_NOT_FOUND as partition_find(); ERR_INVALID when `last`
 * comes before `first`; ERR_FULL when they are more than PARTITIONS_MAX; ERR_NO_MEMORY. */
MUST_CHECK bool partition_range(const struct partition_view *v, struct partition_bounds bounds,
                                struct arena *arena, struct partition_keys *ret, struct err *err);
