/* tzif_fixture.h - time zone data made up for a test: changes, then a POSIX rule. */
#pragma once
#include "common/base/buf.h"
#include "common/model/tz.h"

struct tzif_change {
    int64_t at;
    int32_t offset;
};
/* Version 2 data that starts with `first_offset`; each change has a local time type of its own. */
void tzif_write(struct buf *out, int32_t first_offset, const struct tzif_change *changes,
                size_t count, const char *rule);
/* A zone that follows `rule` for ever; fails the test when it is refused. */
const struct tz *tzif_zone(struct arena *arena, const char *rule);
/* The zone of a file of real data in the fuzz corpus. */
const struct tz *tzif_real_zone(struct arena *arena, const char *name);
