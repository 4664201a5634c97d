#include "hub/cli/device_words.h"

#include <stdlib.h>

enum { CLOCK_FINE_MS = 2000 }; /* not worth a word */

void device_members(struct json_writer *w, const struct freshness_list *freshness,
                    const struct hub_device *d)
{
    jw_member_str(w, "device", d->id);
    jw_member_str(w, "status", hub_device_presence(d));
    jw_member_str(w, "enrolment", d->status);
    jw_member_opt(w, "status_reason", d->status_reason);
    jw_member_opt(w, "display_name", d->display_name);
    jw_member_opt(w, "serial_number", d->serial_number);
    look_member_labels(w, "labels", d->labels);
    look_member_time(w, "since", d->since);
    look_member_time(w, "last_seen_at", hub_device_last_seen(d));
    jw_member_opt(w, "offline_reason", d->offline_reason);
    jw_member_opt(w, "version", d->version);
    jw_member_opt(w, "board", d->board);
    look_member_number(w, "assets", d->assets);
    look_member_number(w, "failing", d->failing);
    freshness_member(freshness, w, d->id);
    look_member_number(w, "runs_open", d->runs_open);
    look_member_number(w, "events", d->events);
    look_member_number(w, "waiting_events", d->waiting);
    look_member_number(w, "lost_events", d->lost_events);
    look_member_number(w, "clock_offset_ms", d->clock_offset_ms);
    jw_member_opt(w, "definitions_hash", d->definitions_hash);
    look_member_time(w, "definitions_at", d->definitions_at);
    look_member_time(w, "enrolled_at", d->enrolled);
    look_member_time(w, "certificate_expires_at", d->not_after);
    jw_member_opt(w, "certificate_fingerprint", d->cert_fingerprint);
    jw_member_opt(w, "refusal", d->refusal);
}

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

struct str device_note(const struct hub_device *d, struct wall_time now)
{
    if (!str_is_empty(d->status_reason)) {
        return d->status_reason;
    }
    bool is_unknown = str_eq(d->status, STR("unknown"));
    bool is_expired = d->not_after.ns != 0 && d->not_after.ns < now.ns;
    if (!d->is_online && is_expired && str_eq(d->status, STR("enrolled"))) {
        return STR("its certificate has expired; it gets another when it comes back");
    }
    if (!str_is_empty(d->refusal)) {
        return d->refusal;
    }
    return is_unknown && str_is_empty(d->offline_reason) ? STR("enrolled with an earlier database")
                                                         : d->offline_reason;
}
