#include "hub/cli/device_words.h"

#include <stdlib.h>

enum { CLOCK_FINE_MS = 2000 }; /* not worth a word */

bool device_clock_words(struct buf *out, int64_t offset_ms)
{
    bool is_sound = offset_ms > -INT64_MAX / NS_PER_MS && offset_ms < INT64_MAX / NS_PER_MS;
    if (!is_sound) {
        return false;
    }
    if (llabs(offset_ms) <= CLOCK_FINE_MS) {
        buf_add_text(out, "ok");
        return false;
    }
    buf_add_duration(out, llabs(offset_ms) * NS_PER_MS);
    buf_add(out, offset_ms < 0 ? STR(" slow") : STR(" fast"));
    return true;
}

struct str device_note(const struct json *d, struct wall_time now)
{
    struct str reason = item_str(d, "status_reason");
    struct str enrolment = item_str(d, "enrolment");
    struct wall_time end = item_wall(d, "certificate_expires_at");
    if (!str_is_empty(reason)) {
        return reason;
    }
    bool is_silent = !str_eq(item_str(d, "status"), STR("online"));
    if (is_silent && end.ns != 0 && end.ns < now.ns && str_eq(enrolment, STR("enrolled"))) {
        return STR("its certificate has expired; it gets another when it comes back");
    }
    struct str refusal = item_str(d, "refusal");
    struct str why_offline = item_str(d, "offline_reason");
    if (!str_is_empty(refusal)) {
        return refusal;
    }
    return str_is_empty(why_offline) && str_eq(enrolment, STR("unknown"))
               ? STR("enrolled with an earlier database")
               : why_offline;
}
