/* pending.c - who joins without a token: hardware whose serial number was told before, or a host that a
 * person accepts after comparing its key's fingerprint. */
#include "hub/registry/enrol_internal.h"

#include <string.h>

#define FORGET_MS (INT64_C(10) * 60 * 1000) /* who has not asked again */

/* --- by serial number ------------------------------------------------------------------------- */

static bool bind_key(struct decision *d, struct err *err)
{
    struct db_query use = db_query(d->registry->db, HUB_REGISTRY_PREAUTHORISATION_USE);
    db_bind_str(&use, ":serial_number", d->request->serial_number);
    db_bind_str(&use, ":key", str_from(d->key));
    db_bind_i64(&use, ":now", registry_ms(d->now));
    return db_run(&use, err);
}

static bool give_labels(struct decision *d, struct str labels, struct err *err)
{
    struct str word = STR_NONE;
    while (!str_is_empty(labels)) {
        struct str key = STR_NONE;
        struct str value = STR_NONE;
        (void)str_cut(labels, ' ', &word, &labels);
        (void)str_cut(word, '=', &key, &value);
        struct db_query q = db_query(d->registry->db, HUB_REGISTRY_LABEL_SET);
        db_bind_str(&q, ":device", d->device);
        db_bind_str(&q, ":key", key);
        db_bind_str(&q, ":value", value);
        if (!db_run(&q, err)) {
            return false;
        }
    }
    return true;
}

/* *ret_found false: nobody has told of this serial number. */
static bool decide_by_serial(struct decision *d, bool *ret_found, struct err *err)
{
    AUTO(buf) labels = buf_growing(64 << 10);
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_PREAUTHORISATION_FIND);
    db_bind_str(&q, ":serial_number", d->request->serial_number);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (!*ret_found) {
        return true;
    }
    bool is_taken = !db_col_is_null(&q, 2) && !str_eq(db_col_str(&q, 2), str_from(d->key));
    buf_add(&d->name, db_col_str(&q, 0));
    buf_add(&labels, db_col_str(&q, 1));
    db_reset(&q);
    if (is_taken) {
        return enrol_refuse(d,
                            "another key has joined with this serial number already; if that was "
                            "not you, look who it is: selvedge-hub devices");
    }
    if (!str_is_empty(d->request->device) && !str_eq(d->request->device, buf_str(&d->name))) {
        return enrol_refuse(d, "the hardware with this serial number is to be " STR_FMT,
                            STR_ARG(buf_str(&d->name)));
    }
    d->device = buf_str(&d->name);
    return enrol_check_device(d, err) &&
           (enrol_is_refused(d) ||
            (bind_key(d, err) && enrol_grant(d, err) && give_labels(d, buf_str(&labels), err)));
}

/* --- by a person's word ----------------------------------------------------------------------- */

static bool has_room(struct decision *d, bool *ret, struct err *err)
{
    struct db_query forget = db_query(d->registry->db, HUB_REGISTRY_PENDING_FORGET);
    db_bind_i64(&forget, ":since", registry_ms(d->now) - FORGET_MS);
    struct db_query count = db_query(d->registry->db, HUB_REGISTRY_PENDING_COUNT);
    db_bind_str(&count, ":key", str_from(d->key));
    bool row = false;
    if (!db_run(&forget, err) || !db_next(&count, &row, err)) {
        return false;
    }
    *ret = row && db_col_i64(&count, 0) < PENDING_MAX;
    db_reset(&count);
    return true;
}

static bool keep_asking(struct decision *d, struct err *err)
{
    bool room = false;
    if (!has_room(d, &room, err)) {
        return false;
    }
    if (!room) {
        return enrol_refuse(d,
                            "%d hosts wait for a person's word already; try again later, or use a "
                            "token: selvedge-hub token create",
                            PENDING_MAX);
    }
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_PENDING_ASK);
    db_bind_str(&q, ":key", str_from(d->key));
    db_bind_str(&q, ":device", d->device);
    db_bind_i64(&q, ":now", registry_ms(d->now));
    db_bind_opt(&q, ":serial_number", d->request->serial_number);
    db_bind_opt(&q, ":version", str_clip(d->request->version, 100));
    db_bind_opt(&q, ":board", str_clip(d->request->board, 200));
    d->is_pending = true;
    return db_run(&q, err);
}

static bool find_word(struct decision *d, char ret[16], struct err *err)
{
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_PENDING_FIND);
    db_bind_str(&q, ":key", str_from(d->key));
    db_bind_str(&q, ":device", d->device);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    ret[0] = '\0';
    if (row) {
        struct buf text = buf_fixed(ret, 16);
        buf_add(&text, db_col_str(&q, 0));
        (void)buf_cstr(&text);
        db_reset(&q);
    }
    return true;
}

static bool drop_word(struct decision *d, struct err *err)
{
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_PENDING_DROP);
    db_bind_str(&q, ":key", str_from(d->key));
    return db_run(&q, err);
}

/* The same key again, which is a device already: a lost answer. */
static bool find_granted(struct decision *d, struct err *err)
{
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_CERTIFICATE_OF_KEY);
    db_bind_str(&q, ":device", d->device);
    db_bind_str(&q, ":key", str_from(d->key));
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        buf_add(&d->certificate, db_col_str(&q, 0));
        db_reset(&q);
    }
    return true;
}

static bool decide_by_word(struct decision *d, struct err *err)
{
    char word[16];
    if (!enrol_check_device(d, err)) {
        return false;
    }
    if (enrol_is_refused(d)) {
        return true;
    }
    if (!find_granted(d, err) || d->certificate.len > 0) {
        return d->certificate.len > 0;
    }
    if (!find_word(d, word, err)) {
        return false;
    }
    if (strcmp(word, "rejected") == 0) {
        return drop_word(d, err) && enrol_refuse(d, "the operator has rejected it");
    }
    return strcmp(word, "accepted") == 0 ? enrol_grant(d, err) && drop_word(d, err)
                                         : keep_asking(d, err);
}

bool enrol_decide_stranger(struct decision *d, struct err *err)
{
    bool found = false;
    if (!str_is_empty(d->request->serial_number) && !decide_by_serial(d, &found, err)) {
        return false;
    }
    if (found) {
        return true;
    }
    if (str_is_empty(d->device)) {
        return enrol_refuse(d,
                            "this serial number is not known here; give the device a name, or tell "
                            "the hub of it: selvedge-hub device preauthorise");
    }
    return decide_by_word(d, err);
}

/* --- what a person does ----------------------------------------------------------------------- */

bool registry_each_pending(struct registry *r, struct wall_time now,
                           void (*on_row)(void *ctx, const struct registry_pending *row), void *ctx,
                           struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_PENDING_LIST);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct registry_pending pending = {.key_fingerprint = db_col_str(&q, 0),
                                           .device = db_col_str(&q, 1),
                                           .status = db_col_str(&q, 2),
                                           .first = registry_time(db_col_i64(&q, 3)),
                                           .last = registry_time(db_col_i64(&q, 4)),
                                           .serial_number = db_col_str(&q, 5),
                                           .version = db_col_str(&q, 6),
                                           .board = db_col_str(&q, 7)};
        if (pending.last.ns > now.ns - FORGET_MS * NS_PER_MS) {
            on_row(ctx, &pending);
        }
    }
}

bool registry_decide_pending(struct registry *r, struct str device, struct str key_prefix,
                             bool is_accepted, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_PENDING_DECIDE);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":key", key_prefix);
    db_bind_str(&q, ":status", is_accepted ? STR("accepted") : STR("rejected"));
    if (!db_run(&q, err)) {
        return false;
    }
    if (db_changes(r->db) == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "no host with this key waits to become " STR_FMT,
                      STR_ARG(device));
        return err_hint(err, "list them: selvedge-hub enrolments");
    }
    return true;
}

bool registry_preauthorise(struct registry *r, const struct preauthorisation *rows, size_t count,
                           struct wall_time now, struct err *err)
{
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(r->db, &tx, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct db_query q = db_query(r->db, HUB_REGISTRY_PREAUTHORISATION_ADD);
        db_bind_str(&q, ":serial_number", rows[i].serial_number);
        db_bind_str(&q, ":device", rows[i].device);
        db_bind_str(&q, ":labels", rows[i].labels);
        db_bind_i64(&q, ":now", registry_ms(now));
        if (!db_run(&q, err)) {
            return err->code != ERR_EXISTS
                       ? err_wrap(err, "line %zu", i + 2)
                       : err_set(err, ERR_EXISTS,
                                 STR_FMT ": other hardware is to be " STR_FMT " already",
                                 STR_ARG(rows[i].serial_number), STR_ARG(rows[i].device));
        }
    }
    return db_tx_commit(&tx, err);
}

bool registry_each_preauthorised(struct registry *r, const struct preauthorised_list *list,
                                 struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_PREAUTHORISATION_LIST);
    bool ok = true;
    db_bind_str(&q, ":after", list->after);
    db_bind_i64(&q, ":limit", list->limit);
    while (db_each(&q, &ok, err)) {
        const struct preauthorised row = {.is = {.serial_number = db_col_str(&q, 0),
                                                 .device = db_col_str(&q, 1),
                                                 .labels = db_col_str(&q, 2)},
                                          .added = registry_time(db_col_i64(&q, 3)),
                                          .used = registry_time(db_col_i64(&q, 4))};
        list->on_row(list->ctx, &row);
    }
    return ok;
}

bool registry_drop_preauthorised(struct registry *r, struct str serial_number, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_PREAUTHORISATION_DROP);
    db_bind_str(&q, ":serial_number", serial_number);
    return db_run(&q, err) && (db_changes(r->db) > 0 ||
                               err_set(err, ERR_NOT_FOUND, "no hardware with this serial number"));
}
