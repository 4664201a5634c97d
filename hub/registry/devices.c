/* devices.c - what becomes of devices: shut out, renamed, replaced. */
#include "hub/registry/registry_internal.h"

#include "common/wire/topics.h"
#include <stdio.h>

bool registry_find_device(struct registry *r, struct str name, char ret_id[LIMIT_NAME_BYTES + 1],
                          struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_DEVICE_RESOLVE);
    db_bind_str(&q, ":name", name);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no device " STR_FMT, STR_ARG(name));
        return err_hint(err, "list them: selvedge-hub devices");
    }
    (void)snprintf(ret_id, LIMIT_NAME_BYTES + 1, STR_FMT, STR_ARG(db_col_str(&q, 0)));
    db_reset(&q);
    return true;
}

static bool set_status(struct registry *r, struct str device, const char *status, struct str reason,
                       struct wall_time now, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_DEVICE_SET_STATUS);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":status", str_from(status));
    db_bind_opt(&q, ":reason", reason);
    db_bind_i64(&q, ":now", registry_ms(now));
    return db_run(&q, err);
}

static bool revoke_certificates(struct registry *r, struct str device, struct wall_time now,
                                struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_CERTIFICATE_REVOKE);
    db_bind_str(&q, ":device", device);
    db_bind_i64(&q, ":now", registry_ms(now));
    return db_run(&q, err);
}

/* It is not listened to any more, so its will is not, either: nobody else would say that it is gone. */
static bool cut_connection(struct registry *r, struct str device, const char *reason,
                           struct wall_time now, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_CONNECTION_CUT);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":reason", str_from(reason));
    db_bind_i64(&q, ":now", registry_ms(now));
    return db_run(&q, err);
}

bool registry_shut_out(struct registry *r, struct str device, enum shut_out how, struct str reason,
                       struct wall_time now, struct err *err)
{
    static const char *const names[] = {
        [SHUT_OUT_REVOKED] = "revoked", [SHUT_OUT_DECOMMISSIONED] = "decommissioned"};
    AUTO(db_tx) tx = {0};
    return db_tx_begin(r->db, &tx, err) && set_status(r, device, names[how], reason, now, err) &&
           cut_connection(r, device, names[how], now, err) &&
           revoke_certificates(r, device, now, err) && db_tx_commit(&tx, err);
}

bool registry_replace(struct registry *r, struct str device, struct str token, struct wall_time now,
                      struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_TOKEN_REPLACE);
    db_bind_str(&q, ":id", token);
    db_bind_str(&q, ":device", device);
    AUTO(db_tx) tx = {0};
    return db_tx_begin(r->db, &tx, err) && db_run(&q, err) &&
           set_status(r, device, "replacing", STR_NONE, now, err) &&
           cut_connection(r, device, "being replaced", now, err) &&
           revoke_certificates(r, device, now, err) && db_tx_commit(&tx, err);
}

static bool name_is_free(struct registry *r, struct str device, struct str name, struct err *err)
{
    char owner[LIMIT_NAME_BYTES + 1];
    struct err none = {0};
    if (!registry_find_device(r, name, owner, &none)) {
        return none.code == ERR_NOT_FOUND || err_set(err, none.code, "%s", none.msg);
    }
    return str_eq(str_from(owner), device) ||
           err_set(err, ERR_EXISTS, "device %s is called " STR_FMT " already", owner,
                   STR_ARG(name));
}

bool registry_rename(struct registry *r, struct str device, struct str name, struct err *err)
{
    bool is_back = str_eq(device, name);
    if (!device_name_is_valid(name)) {
        (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" cannot be a device's name", STR_ARG(name));
        return err_hint(err,
                        "it has 1 to 63 of a-z, 0-9 and '-', and begins with a letter or digit");
    }
    struct db_query q = db_query(r->db, HUB_REGISTRY_DEVICE_RENAME);
    db_bind_str(&q, ":device", device);
    db_bind_opt(&q, ":name", is_back ? STR_NONE : name);
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(r->db, &tx, err) || !name_is_free(r, device, name, err) || !db_run(&q, err)) {
        return false;
    }
    if (db_changes(r->db) == 0) {
        (void)err_set(err, ERR_NOT_FOUND,
                      "device " STR_FMT " was enrolled with an earlier database of this hub",
                      STR_ARG(device));
        return err_hint(err, "enrol it again with a new token: selvedge-hub token create");
    }
    return db_tx_commit(&tx, err);
}

bool registry_each_shut_out(struct registry *r, void (*on_device)(void *ctx, struct str device),
                            void *ctx, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_DEVICE_LIST_OUT);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        on_device(ctx, db_col_str(&q, 0));
    }
}
