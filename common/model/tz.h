/* tz.h - time zones: reads TZif (RFC 8536, version 2 and later, and its POSIX rule for the future).
 * Pure: bytes in. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/time.h"

struct tz; /* immutable; lives in the arena it was parsed into */

enum { TZ_BYTES_MAX = 64 << 10, TZ_NAME_MAX = 63 };

MUST_CHECK bool tz_parse(struct str tzif, struct arena *arena, struct tz **ret, struct err *err);
const struct tz *tz_utc(void);
/* A zone's name may become a path below the zoneinfo folder: parts of [A-Za-z0-9_+-], no leading or
 * doubled '/'. */
bool tz_name_is_valid(struct str name);

/* Seconds east of UTC at an instant (seconds since 1970 UTC). */
int32_t tz_offset_at(const struct tz *tz, int64_t utc);
/* The first instant after `utc` at which the offset changes, or INT64_MAX when there is none. */
int64_t tz_next_change(const struct tz *tz, int64_t utc);

/* The instants that a local civil time (as civil_to_seconds() gives it) names. */
struct tz_instants {
    int64_t first;  /* count 0: the first instant after the gap it falls into */
    int64_t second; /* count 2: the later of the two */
    int count;      /* 0 = it does not exist, 1, 2 = the clock was set back over it */
};
struct tz_instants tz_from_local(const struct tz *tz, int64_t local_seconds);
