#include "tests/interop/zones.h"

#include "common/platform/files.h"
#include <stdio.h>

static struct {
    char name[TZ_NAME_MAX + 1];
    struct tz *tz;
} zones[ZONES_MAX];
static size_t zone_count;

bool zones_load(struct str name, struct arena *arena, const struct tz **ret, struct err *err)
{
    for (size_t i = 0; i < zone_count; i++) {
        if (str_eq(str_from(zones[i].name), name)) {
            *ret = zones[i].tz;
            return true;
        }
    }
    char path[128];
    AUTO(buf) bytes = buf_growing(TZ_BYTES_MAX);
    if (zone_count == ZONES_MAX || !tz_name_is_valid(name)) {
        return err_set(err, ERR_INVALID, "too many zones, or a bad name");
    }
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/" STR_FMT, STR_ARG(name));
    if (!files_read(path, &bytes, err) ||
        !tz_parse(buf_str(&bytes), arena, &zones[zone_count].tz, err)) {
        return false;
    }
    (void)snprintf(zones[zone_count].name, sizeof(zones[zone_count].name), STR_FMT, STR_ARG(name));
    *ret = zones[zone_count++].tz;
    return true;
}
