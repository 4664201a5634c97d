/* Time zone data: whatever is accepted answers consistently, and cron ends on it. */
#include "common/model/cron.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_local(const struct tz *tz, int64_t local)
{
    struct tz_instants found = tz_from_local(tz, local);
    assert(found.count >= 0 && found.count <= 2);
    if (found.count > 0) {
        assert(found.first + tz_offset_at(tz, found.first) == local);
    }
    if (found.count == 2) {
        assert(found.first < found.second);
        assert(found.second + tz_offset_at(tz, found.second) == local);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) arena = arena_new(4 << 20);
    struct tz *tz = NULL;
    struct err err = {0};
    if (!tz_parse((struct str){(const char *)data, size}, &arena, &tz, &err)) {
        assert(err.code == ERR_CORRUPT && err.msg[0] != '\0');
        return 0;
    }
    static const int64_t times[] = {INT64_MIN, -2000000000, 0, 1774746000, 4102444800, INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        (void)tz_offset_at(tz, times[i]);
        int64_t next = tz_next_change(tz, times[i]);
        assert(next > times[i] || times[i] == INT64_MAX);
        if (i > 0 && i + 1 < COUNT_OF(times)) {
            check_local(tz, times[i]);
        }
    }
    struct cron c;
    bool ok = cron_parse(STR("30 2 * * *"), &c, &err);
    assert(ok);
    struct wall_time t = {INT64_C(1774746000) * NS_PER_SEC};
    struct wall_time fired;
    for (int i = 0; i < 3 && cron_next(&c, tz, t, &fired); i++) {
        assert(fired.ns > t.ns);
        t = fired;
    }
    return 0;
}
