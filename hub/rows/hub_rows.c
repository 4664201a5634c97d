#include "hub/rows/hub_rows.h"

#include "hub/alert/alert_payload.h"

enum { ALERT_TEXT_BYTES_MAX = 4096 };

struct str alert_status(const struct alert_listed *a)
{
    if (a->resolved.ns != 0) {
        return STR("resolved");
    }
    return a->row.told.ns == 0 ? STR("pending") : STR("firing");
}

void row_alert(struct json_writer *w, const struct alert_listed *a, struct str group_label)
{
    jw_member_i64(w, "alert", a->row.id);
    jw_member_str(w, "status", alert_status(a));
    jw_member_str(w, "kind", str_from(alert_kind_name(a->row.kind)));
    if (a->row.is_group) {
        jw_member_str(w, "label", group_label);
        jw_member_str(w, "value", a->row.subject);
    } else {
        jw_member_str(w, "device", a->row.subject);
    }
    jw_member_i64(w, "devices", a->row.devices);
    jw_member_i64(w, "troubles", a->row.troubles);
    jw_member_wall(w, "since", a->row.opened);
    jw_member_opt_wall(w, "told_at", a->row.told);
    jw_member_opt_wall(w, "resolved_at", a->resolved);
    jw_member_opt(w, "detail", a->detail);
    AUTO(buf) text = buf_growing(ALERT_TEXT_BYTES_MAX);
    alert_sentence(&a->row, group_label, a->detail, a->resolved.ns != 0, &text);
    jw_member_str(w, "text", buf_str(&text));
}

void row_pool(struct json_writer *w, const struct pool_listed *p)
{
    jw_member_str(w, "pool", p->name);
    jw_member_i64(w, "places", p->places);
    jw_member_i64(w, "lease_s", p->lease_ns / NS_PER_SEC);
    jw_member_bool(w, "paused", p->is_paused);
    jw_member_opt(w, "paused_by", p->paused_by);
    jw_member_opt_wall(w, "paused_at", p->paused);
    jw_member_opt(w, "device", p->device);
    if (!str_is_empty(p->device)) {
        jw_member_i64(w, "wanted", p->wanted);
        jw_member_i64(w, "granted", p->granted);
        jw_member_wall(w, "since", p->since);
    }
}
