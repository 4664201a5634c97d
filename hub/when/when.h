/* when.h - what devices tell of times, computed here: the next ticks of a schedule, until when an asset
 * is fresh, the partitions that there are. With the device's zone and this machine's zone files. */
#pragma once
#include "common/json/json.h"
#include "common/model/freshness.h"
#include "common/model/partition.h"

enum { ZONES_MAX = 32, WHEN_TICKS_MAX = 5 };

/* Zones that were read for a request. */
struct zones {
    struct arena *arena;
    struct str names[ZONES_MAX];
    const struct tz *zones[ZONES_MAX];
    size_t count;
};

/* The next ticks of a schedule as its device tells it; none when it says nothing that is understood.
 * Its splay is not in them. */
size_t when_ticks(struct zones *zones, const struct json *schedule, struct wall_time now,
                  struct wall_time ret[WHEN_TICKS_MAX]);
/* False: there is no policy, or none that is understood. */
bool when_freshness(struct zones *zones, const struct json *policy, struct freshness_policy *ret);
/* Of `partitions` as told; keys of a static set that the device only counted are not known: false. */
bool when_partitions(struct zones *zones, const struct json *told, struct partitions *ret);

/* A member of an object; empty when it is not there or of another type. */
struct str when_text(const struct json *object, const char *key);
