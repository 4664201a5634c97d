#include "hub/config/zone.h"

#include "common/platform/files.h"
#include <stdio.h>

bool zone_load(struct str name, struct arena *arena, const struct tz **ret, struct err *err)
{
    char path[TZ_NAME_MAX + 64];
    AUTO(buf) bytes = buf_growing(TZ_BYTES_MAX);
    struct tz *tz = NULL;
    if (str_eq(name, STR("UTC"))) {
        *ret = tz_utc();
        return true;
    }
    if (name.len > TZ_NAME_MAX || !tz_name_is_valid(name)) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no name of a time zone",
                       STR_ARG(name));
    }
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/" STR_FMT, STR_ARG(name));
    if (!files_read(path, &bytes, err) || !tz_parse(buf_str(&bytes), arena, &tz, err)) {
        return err_wrap(err, "time zone " STR_FMT, STR_ARG(name));
    }
    *ret = tz;
    return true;
}
