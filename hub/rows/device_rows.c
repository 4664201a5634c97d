#include "hub/rows/device_rows.h"

#include "hub/rows/rows.h"

enum { DESIRED_TEXT_BYTES = 1 << 20 };

void row_desired(struct json_writer *w, const struct desired_row *row)
{
    jw_member_str(w, "device", row->device);
    jw_member_str(w, "state", str_from(standing_name(standing_of(row))));
    jw_member_i64(w, "wanted", row->revision);
    jw_member_i64(w, "in_force", row->applied);
    jw_member_opt_wall(w, "since", standing_since(row));
    jw_member_opt(w, "reason", standing_reason(row));
    jw_member_opt_wall(w, "issued_at", row->issued);
    jw_member_opt_wall(w, "told_at", row->told_at);
    jw_member_opt(w, "conflicts", row->conflicts);
}

/* --- of itself --------------------------------------------------------------------------------- */

static void write_bundle(struct json_writer *w, const struct hub_device_detail *d)
{
    jw_key(w, STR("bundle"));
    jw_begin_object(w);
    if (d->has_wish) {
        jw_member_str(w, "wanted", d->bundle_wanted);
    }
    jw_member_opt(w, "current", d->bundle_current);
    jw_member_opt(w, "told", d->bundle_told);
    jw_member_opt(w, "status", d->bundle_status);
    jw_member_opt(w, "reason", d->bundle_reason);
    jw_member_opt_wall(w, "told_at", d->bundle_at);
    jw_member_opt(w, "deployment", d->deployment);
    jw_end_object(w);
}

static void write_detail(void *ctx, const struct hub_device_detail *d)
{
    struct json_writer *w = ctx;
    jw_member_opt(w, "key_fingerprint", d->key_fingerprint);
    jw_member_opt_wall(w, "status_since", d->status_since);
    jw_member_opt(w, "epoch", d->epoch);
    jw_member_opt(w, "boot_id", d->boot_id);
    if (d->clock_trusted != HUB_UNKNOWN) {
        jw_member_bool(w, "clock_trusted", d->clock_trusted != 0);
    }
    jw_member_opt_wall(w, "refusal_at", d->refusal_at);
    jw_member_opt(w, "definitions_told", d->definitions_told);
    row_member_number(w, "starts", d->starts);
    row_member_number(w, "clock_steps", d->clock_steps);
    row_member_number(w, "epochs", d->epochs);
    row_member_json(w, "health", d->health);
    jw_member_opt(w, "certificate_cause", d->certificate_cause);
    jw_member_opt_wall(w, "certificate_issued_at", d->certificate_issued);
    write_bundle(w, d);
    row_member_number(w, "cut_off", d->cut_off);
    row_member_number(w, "quarantined", d->quarantined);
}

bool row_desired_whole(struct json_writer *w, struct desired_rows *rows, struct str device,
                       struct arena *arena, bool *ret_wanted, struct err *err)
{
    struct desired_row row;
    struct str in_force;
    if (!desired_of(rows, device, arena, &row, err) ||
        !desired_in_force(rows, device, arena, &in_force, err)) {
        return false;
    }
    *ret_wanted = row.revision > 0 || row.applied > 0;
    if (*ret_wanted) {
        row_desired(w, &row);
        if (!str_is_empty(row.body)) {
            jw_member_raw(w, "content", row.body);
        }
        if (!str_is_empty(in_force) && !str_eq(in_force, row.body)) {
            jw_member_raw(w, "content_in_force", in_force);
        }
    }
    return true;
}

static bool write_desired(struct json_writer *w, const struct device_card *card, struct err *err)
{
    AUTO(buf) text = buf_growing(DESIRED_TEXT_BYTES);
    struct json_writer inner = json_writer(&text);
    bool is_wanted = false;
    jw_begin_object(&inner);
    if (!row_desired_whole(&inner, card->desired, card->device, card->arena, &is_wanted, err)) {
        return false;
    }
    jw_end_object(&inner);
    if (is_wanted) {
        jw_member_raw(w, "desired", buf_str(&text));
    }
    return true;
}

/* --- lists ------------------------------------------------------------------------------------- */

static void write_command(void *ctx, const struct hub_device_command *command)
{
    struct json_writer *w = ctx;
    jw_begin_object(w);
    jw_member_str(w, "id", command->id);
    jw_member_str(w, "verb", command->verb);
    jw_member_str(w, "status", command->status);
    jw_member_opt_wall(w, "given_at", command->given);
    jw_member_opt_wall(w, "expires_at", command->expires);
    jw_member_i64(w, "sent", command->sent);
    jw_end_object(w);
}

static void write_alert(void *ctx, const struct hub_device_alert *alert)
{
    struct json_writer *w = ctx;
    jw_begin_object(w);
    jw_member_str(w, "kind", alert->kind);
    jw_member_opt_wall(w, "opened_at", alert->opened);
    jw_member_str(w, "detail", alert->detail);
    jw_end_object(w);
}

static void write_pool(void *ctx, const struct hub_device_pool *pool)
{
    struct json_writer *w = ctx;
    jw_begin_object(w);
    jw_member_str(w, "pool", pool->pool);
    jw_member_i64(w, "wanted", pool->wanted);
    jw_member_i64(w, "granted", pool->granted);
    jw_end_object(w);
}

static void begin_list(struct json_writer *w, const char *key)
{
    jw_key(w, str_from(key));
    jw_begin_array(w);
}

bool row_device_card(struct json_writer *w, const struct device_card *card, struct err *err)
{
    if (!hub_read_device_detail(card->db, card->device, write_detail, w, err) ||
        !write_desired(w, card, err)) {
        return false;
    }
    begin_list(w, "commands");
    bool ok = hub_each_device_command(card->db, card->device, write_command, w, err);
    jw_end_array(w);
    begin_list(w, "pools");
    ok = ok && hub_each_device_pool(card->db, card->device, write_pool, w, err);
    jw_end_array(w);
    begin_list(w, "alerts");
    ok = ok && hub_each_device_alert(card->db, card->device, write_alert, w, err);
    jw_end_array(w);
    return ok;
}
