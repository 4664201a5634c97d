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
    struct wall_time end;   /* no window begins at or after it; 0 = open */
    int64_t end_offset;     /* windows beyond the last that is over; may be negative */
    struct str format;      /* strftime's %Y %m %d %H %M %S; "%Y-%m-%d", "%Y-%m-%d-%H:%M" */
};

struct partition_window {
    struct wall_time start; /* included */
    struct wall_time end;   /* not included */
};

/* The keys of a dynamic set, in order of addition; empty for the other kinds. */
struct partition_keys {
    const struct str *items;
    size_t count;
};

/* How many partitions there are at `now`: of windows, those that are over, and `end_offset` more.
 * At most PARTITIONS_MAX. */
size_t partition_count(const struct partitions *p, const struct partition_keys *dynamic,
                       struct wall_time now);
/* Appends the key of partition `index`; false when there is none of that number at `now`. */
MUST_CHECK bool partition_key_at(const struct partitions *p, const struct partition_keys *dynamic,
                                 struct wall_time now, size_t index, struct buf *out);
/* ERR_NOT_FOUND with the nearest key, or what a key of this kind looks like, as hint. */
MUST_CHECK bool partition_find(const struct partitions *p, const struct partition_keys *dynamic,
                               struct wall_time now, struct str key, size_t *ret_index,
                               struct err *err);
/* The window of a key of PARTITION_TIME, whether or not it is over. ERR_INVALID when the text is no
 * key of these partitions. */
MUST_CHECK bool partition_window(const struct partitions *p, struct str key,
                                 struct partition_window *ret, struct err *err);

/* All keys at `now`, or those from `first` to `last` (both included; empty = open), in `arena`.
 * ERR_NOT_FOUND as partition_find(); ERR_INVALID when `last` comes before `first`; ERR_NO_MEMORY. */
MUST_CHECK bool partition_range(const struct partitions *p, const struct partition_keys *dynamic,
                                struct wall_time now, struct str first, struct str last,
                                struct arena *arena, struct partition_keys *ret, struct err *err);
