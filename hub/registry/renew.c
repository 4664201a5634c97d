/* renew.c - another certificate for a device that is one. Decided and written in one transaction. */
#include "hub/registry/registry_internal.h"

#define HOUR_NS (3600 * NS_PER_SEC)

/* The newest certificate of the device and key that is still good for more than a third of its life,
 * and of the CA that would issue another: the answer to a request that is repeated. */
static bool find_same(struct registry *r, const struct certificate_order *order,
                      const struct enrol_authority *authority, struct str key, struct buf *ret_cert,
                      struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_CERTIFICATE_OF_KEY);
    db_bind_str(&q, ":device", order->device);
    db_bind_str(&q, ":key", key);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        int64_t left = registry_time(db_col_i64(&q, 1)).ns - order->now.ns;
        bool is_of_ca = identity_is_signed_by(
            db_col_str(&q, 0),
            registry_is_for_next(authority, order) ? authority->next_cert : authority->ca_cert);
        if (left > authority->certificate_ns / 3 && is_of_ca) {
            buf_add(ret_cert, db_col_str(&q, 0));
        }
        db_reset(&q);
    }
    return true;
}

static bool check_status(struct registry *r, struct str device, struct str *ret_reason,
                         struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_DEVICE_FIND);
    db_bind_str(&q, ":device", device);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        *ret_reason = STR("the hub does not know this device any more (its database is new): enrol "
                          "it again with a token");
    } else if (!str_eq(db_col_str(&q, 1), STR("enrolled"))) {
        *ret_reason = STR("the device is revoked, decommissioned or being replaced");
    }
    if (row) {
        db_reset(&q);
    }
    return true;
}

/* A device makes a key for each renewal; one that makes them without end is held back. */
static bool check_pace(struct registry *r, const struct certificate_order *order,
                       const struct enrol_authority *authority, struct str *ret_reason,
                       struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_CERTIFICATE_COUNT_SINCE);
    int64_t pace = authority->certificate_ns / 20;
    pace = pace > HOUR_NS ? HOUR_NS : pace;
    db_bind_str(&q, ":device", order->device);
    db_bind_i64(&q, ":since", registry_ms(order->now) - pace / NS_PER_MS);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row && db_col_i64(&q, 0) >= RENEWALS_AT_ONCE_MAX) {
        *ret_reason = STR("asked for too many certificates; ask again later");
    }
    db_reset(&q);
    return true;
}

static bool certify(struct registry *r, const struct identity_info *info, struct str device,
                    struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_DEVICE_CERTIFIED);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":serial", str_from(info->serial));
    db_bind_str(&q, ":fingerprint", str_from(info->fingerprint));
    db_bind_str(&q, ":key", str_from(info->key_fingerprint));
    db_bind_i64(&q, ":not_after", registry_ms(info->not_after));
    return db_run(&q, err);
}

bool registry_renew_within(struct registry *r, const struct enrol_authority *authority,
                           const struct certificate_order *order, struct buf *ret_cert,
                           struct str *ret_reason, struct err *err)
{
    char key[FINGERPRINT_TEXT_SIZE];
    char name_text[128];
    struct buf name = buf_fixed(name_text, sizeof(name_text));
    struct identity_info info;
    struct err why = {0};
    *ret_reason = STR_NONE;
    if (!wall_is_set(order->now)) {
        *ret_reason = STR("the hub's clock is not set");
        return true;
    }
    if (!identity_read_csr(order->csr_pem, &name, &why) ||
        !identity_csr_key_fingerprint(order->csr_pem, key, &why)) {
        *ret_reason = STR("the certificate request is not good");
        return true;
    }
    if (!check_status(r, order->device, ret_reason, err) ||
        (str_is_empty(*ret_reason) &&
         !find_same(r, order, authority, str_from(key), ret_cert, err))) {
        return false;
    }
    if (!str_is_empty(*ret_reason) || ret_cert->len > 0) {
        return true;
    }
    return check_pace(r, order, authority, ret_reason, err) &&
           (!str_is_empty(*ret_reason) ||
            (registry_issue(r, authority, order, ret_cert, &info, err) &&
             certify(r, &info, order->device, err)));
}

bool registry_renew(struct registry *r, const struct enrol_authority *authority,
                    const struct certificate_order *order, struct buf *ret_cert,
                    struct str *ret_reason, struct err *err)
{
    AUTO(db_tx) tx = {0};
    return db_tx_begin(r->db, &tx, err) &&
           registry_renew_within(r, authority, order, ret_cert, ret_reason, err) &&
           db_tx_commit(&tx, err);
}
