/* freshness.h - how fresh an asset on a device is, as far as the hub can know: what the device judged,
 * and whether the device can still judge. docs/reference/lineage.md#freshness. Pure but for
 * hub_each_freshness(). */
#pragma once
#include "common/base/time.h"
#include "hub/store/queries.h"

enum { CLOCK_WRONG_MS = 60000 /* the device's clock is further from the hub's than this */ };

enum freshness_word {
    FRESH_PASS,
    FRESH_LATE,    /* warns: it was not made for a while */
    FRESH_STALE,   /* it was not made in time, and nothing says why */
    FRESH_FAILED,  /* it was not made in time, since making it fails */
    FRESH_AWAY,    /* stale, or not to be known, because its device is away */
    FRESH_CLOCK,   /* not to be known, because its device's clock is wrong */
    FRESH_UNKNOWN, /* never made */
    FRESH_COUNT
};
const char *freshness_word(enum freshness_word word); /* "device away" */
/* Somebody should look: all but the first two and the last. */
bool freshness_is_bad(enum freshness_word word);

struct freshness_facts {
    struct str told; /* "pass", "warn", "fail", "unknown" */
    bool is_failing; /* the latest attempt failed */
    bool is_online;
    bool is_clock_trusted;   /* as the device says */
    int64_t clock_offset_ms; /* device minus hub; HUB_UNKNOWN */
    struct wall_time made;   /* by the device's clock; 0 = never */
    int64_t fail_after_ms;   /* HUB_UNKNOWN: its policy is a deadline */
};
enum freshness_word freshness_judge(const struct freshness_facts *facts, struct wall_time now);

struct hub_freshness {
    struct str device, asset;
    struct str told;
    struct wall_time told_at; /* by the device's clock */
    enum freshness_word word;
};
/* Of assets that have a policy. filter->device and asset. By asset, device. */
MUST_CHECK bool hub_each_freshness(struct db *db, const struct hub_filter *filter,
                                   struct wall_time now,
                                   void (*on_row)(void *ctx, const struct hub_freshness *row),
                                   void *ctx, struct err *err);
