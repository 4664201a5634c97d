/* A cron expression: whatever is accepted fires in order, on whole minutes, and not for ever into
 * the future. */
#include "common/model/cron.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cron c;
    struct err err = {0};
    if (!cron_parse((struct str){(const char *)data, size}, &c, &err)) {
        assert(err.code == ERR_INVALID && err.msg[0] != '\0');
        return 0;
    }
    assert(c.minutes != 0 && c.hours != 0 && c.days != 0 && c.months != 0 && c.weekdays != 0);
    struct wall_time t = {INT64_C(1767225600) * NS_PER_SEC};
    struct wall_time next;
    for (int i = 0; i < 8 && cron_next(&c, tz_utc(), t, &next); i++) {
        assert(next.ns > t.ns && next.ns % (60 * NS_PER_SEC) == 0);
        t = next;
    }
    return 0;
}
