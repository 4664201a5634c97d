#include "hub/rows/order_rows.h"

#include "common/cli/text.h"

void fate_count(struct fate_counts *counts, const struct order_device *device)
{
    counts->of[device->fate]++;
    counts->total++;
    counts->over += order_fate_is_over(device->fate) ? 1 : 0;
    counts->away += device->fate == FATE_WAITING && !device->is_online ? 1 : 0;
}

static void add_fate(void *ctx, const struct order_fate_count *row)
{
    struct fate_counts *counts = ctx;
    counts->of[row->fate] += row->devices;
    counts->total += row->devices;
    counts->over += order_fate_is_over(row->fate) ? row->devices : 0;
    counts->away += row->fate == FATE_WAITING && !row->is_online ? row->devices : 0;
}

bool fate_counts_read(struct fate_counts *ret, struct orders *orders,
                      const struct order_view *order, struct wall_time now, struct err *err)
{
    *ret = (struct fate_counts){0};
    return orders_each_fate(orders, order, now, add_fate, ret, err);
}

void fate_counts_add(struct buf *out, const struct fate_counts *counts)
{
    static const enum order_fate order[] = {
        FATE_SUCCEEDED, FATE_FAILED,  FATE_REFUSED,  FATE_OVERDUE, FATE_EXPIRED,
        FATE_WITHDRAWN, FATE_STARTED, FATE_RECEIVED, FATE_SENT,    FATE_WAITING};
    size_t before = out->len;
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        int64_t count = counts->of[order[i]];
        if (count > 0) {
            buf_addf(out, "%s%lld %s", out->len > before ? ", " : "", (long long)count,
                     order_fate_name(order[i]));
        }
    }
    if (counts->away > 0) {
        buf_addf(out, " (%lld away)", (long long)counts->away);
    }
}

/* Without the run that it is about, which has a member of its own: so that equal reasons are. */
static void add_reason(struct buf *out, const struct order_device *device)
{
    char memory[UUID_TEXT_SIZE + 8];
    struct buf run = buf_fixed(memory, sizeof(memory));
    buf_addf(&run, "run " STR_FMT " ", STR_ARG(device->run));
    bool is_about_run =
        !str_is_empty(device->run) && !run.overflow && str_starts(device->reason, buf_str(&run));
    buf_add(out,
            is_about_run ? str_slice(device->reason, run.len, device->reason.len) : device->reason);
}

void fate_why(struct buf *out, const struct order_view *order, const struct order_device *device,
              struct wall_time now)
{
    if (!str_is_empty(device->reason)) {
        add_reason(out, device);
        return;
    }
    bool is_unheard = device->answered.ns == 0;
    if (device->fate == FATE_WITHDRAWN && !str_is_empty(order->withdrawn_why)) {
        buf_add(out, order->withdrawn_why);
    } else if (device->fate == FATE_OVERDUE) {
        buf_add(out, is_unheard ? STR("no answer in time") : STR("did not end in time"));
    } else if (is_unheard && device->sent == 0 && !device->is_online && device->last_seen.ns != 0) {
        buf_add(out, STR("away, last seen "));
        buf_add_ago(out, device->last_seen, now);
    } else if (is_unheard && device->sent == 0 && !device->is_online) {
        buf_add(out, STR("away, never seen"));
    } else if (is_unheard && device->sent > 0) {
        buf_addf(out, "sent %lld time%s, no answer", (long long)device->sent,
                 device->sent == 1 ? "" : "s");
    }
}

const char *order_state(const struct order_view *o, const struct fate_counts *counts,
                        struct wall_time now)
{
    if (counts->over == counts->total && counts->of[FATE_WITHDRAWN] == 0 &&
        counts->of[FATE_EXPIRED] == 0) {
        return "done";
    }
    if (o->withdrawn.ns != 0) {
        return str_is_empty(o->withdrawn_why) ? "withdrawn" : "stopped";
    }
    return o->expires.ns <= now.ns ? "expired" : "open";
}

void row_order(struct json_writer *w, const struct order_view *o, const struct fate_counts *counts,
               struct wall_time now)
{
    jw_member_str(w, "command", o->id);
    jw_member_str(w, "verb", o->verb);
    jw_member_raw(w, "args", str_is_empty(o->args) ? STR("{}") : o->args);
    jw_member_str(w, "to", o->targets);
    jw_member_str(w, "state", str_from(order_state(o, counts, now)));
    jw_member_str(w, "key", o->key);
    jw_member_i64(w, "counter", o->counter);
    jw_member_wall(w, "given_at", o->given);
    jw_member_opt(w, "given_by", o->given_by);
    jw_member_wall(w, "expires_at", o->expires);
    jw_member_opt_wall(w, "withdrawn_at", o->withdrawn);
    jw_member_opt(w, "withdrawn_why", o->withdrawn_why);
    jw_member_i64(w, "devices", o->devices);
    if (o->at_once > 0) {
        jw_member_i64(w, "devices_at_once", o->at_once);
    }
    for (int i = 0; i < FATE_COUNT; i++) {
        jw_member_i64(w, order_fate_name((enum order_fate)i), counts->of[i]);
    }
    jw_member_i64(w, "away", counts->away); /* of those that wait */
}

void row_order_given(struct json_writer *w, const struct order_given *given, struct str verb,
                     struct str targets, const struct chosen *chosen)
{
    jw_begin_object(w);
    jw_member_str(w, "command", str_from(given->id));
    jw_member_str(w, "verb", verb);
    jw_member_str(w, "to", targets);
    jw_member_opt(w, "device", chosen->count == 1 ? chosen->devices[0] : STR_NONE);
    jw_member_i64(w, "devices", given->devices);
    jw_member_i64(w, "online", chosen->online);
    jw_member_wall(w, "expires_at", given->expires);
    jw_end_object(w);
}

void row_order_device(struct json_writer *w, const struct order_device *d, struct str why)
{
    jw_member_str(w, "device", d->device);
    jw_member_str(w, "status", str_from(order_fate_name(d->fate)));
    jw_member_bool(w, "online", d->is_online);
    jw_member_i64(w, "sent", d->sent);
    jw_member_opt_wall(w, "sent_at", d->last_sent);
    jw_member_opt_wall(w, "answered_at", d->answered);
    jw_member_opt(w, "code", d->code);
    jw_member_opt(w, "reason", why);
    jw_member_opt(w, "run", d->run);
    if (!str_is_empty(d->result)) {
        jw_member_raw(w, "result", d->result);
    }
}
