#include "hub/alert/alert_payload.h"

#include "common/json/json_writer.h"

static const struct {
    const char *one, *many; /* "brooklyn is away", "devices are away" */
} words[ALERT_KIND_COUNT] = {
    [ALERT_AWAY] = {"is away", "are away"},
    [ALERT_FAILING] = {"has assets that fail", "have assets that fail"},
    [ALERT_LATE] = {"has assets that are late", "have assets that are late"},
    [ALERT_BUFFER] = {"has a buffer that is nearly full", "have buffers that are nearly full"},
    [ALERT_DISK] = {"has a disk that is nearly full", "have disks that are nearly full"},
    [ALERT_CERTIFICATE] = {"has a certificate near its end", "have certificates near their end"},
    [ALERT_DEFINITIONS] = {"refuses its definitions", "refuse their definitions"},
    [ALERT_LOST] = {"has given up events", "have given up events"},
    [ALERT_CLOCK] = {"has a wrong clock", "have wrong clocks"},
};

void alert_sentence(const struct alert_row *row, struct str group_label, struct str detail,
                    bool is_over, struct buf *out)
{
    if (is_over) {
        buf_add(out, STR("over: "));
    }
    if (row->is_group) {
        buf_add(out, group_label);
        buf_add_char(out, ' ');
    }
    buf_add(out, row->subject);
    if (row->is_group) {
        buf_addf(out, ": %lld devices %s", (long long)row->devices, words[row->kind].many);
    } else {
        buf_addf(out, " %s", words[row->kind].one);
    }
    if (!str_is_empty(detail)) {
        buf_add(out, row->is_group ? STR(", the first: ") : STR(": "));
        buf_add(out, detail);
    }
    if (!row->is_group && row->troubles > 1) {
        buf_addf(out, " (and %lld more)", (long long)row->troubles - 1);
    }
}

void alert_payload_write(struct str fleet, struct str group_label, const struct alert_change *c,
                         struct wall_time now, struct buf *out)
{
    bool is_over = c->type == ALERT_RESOLVE;
    AUTO(buf) text = buf_growing(4096);
    alert_sentence(&c->row, group_label, c->detail, is_over, &text);
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "fleet", fleet);
    jw_member_i64(&w, "alert", c->row.id);
    jw_member_str(&w, "status", is_over ? STR("resolved") : STR("firing"));
    jw_member_str(&w, "kind", str_from(alert_kind_name(c->row.kind)));
    if (c->row.is_group) {
        jw_member_str(&w, "label", group_label);
        jw_member_str(&w, "value", c->row.subject);
    } else {
        jw_member_str(&w, "device", c->row.subject);
    }
    jw_member_i64(&w, "devices", c->row.devices);
    jw_member_i64(&w, "troubles", c->row.troubles);
    jw_member_wall(&w, "since", c->row.opened);
    jw_member_wall(&w, "at", now);
    jw_member_opt(&w, "detail", c->detail);
    jw_member_str(&w, "text", buf_str(&text));
    jw_end_object(&w);
}

void alert_payload_test(struct str fleet, struct wall_time now, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "fleet", fleet);
    jw_member_str(&w, "status", STR("test"));
    jw_member_wall(&w, "at", now);
    jw_member_str(&w, "text", STR("a test: this is how alerts arrive"));
    jw_end_object(&w);
}
