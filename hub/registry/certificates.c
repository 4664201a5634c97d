/* certificates.c - what was issued, and what of it is revoked. */
#include "hub/registry/registry_internal.h"

#include "common/tls/authorities.h"

#define CLOCK_SLACK_NS (300 * NS_PER_SEC) /* a broker's clock may be behind the hub's */

bool registry_is_for_next(const struct enrol_authority *authority,
                          const struct certificate_order *order)
{
    return !str_is_empty(authority->next_cert) &&
           authorities_has(order->authorities, authority->next_fingerprint);
}

bool registry_issue(struct registry *r, const struct enrol_authority *authority,
                    const struct certificate_order *order, struct buf *ret_cert,
                    struct identity_info *ret_info, struct err *err)
{
    int64_t slack = authority->certificate_ns / 10;
    struct identity_issue certificate = {
        .kind = IDENTITY_CLIENT,
        .common_name = order->device,
        .not_before = {order->now.ns - (slack < CLOCK_SLACK_NS ? slack : CLOCK_SLACK_NS)},
        .not_after = {order->now.ns + authority->certificate_ns}};
    bool by_next = registry_is_for_next(authority, order);
    if (!identity_issue_for_csr(authority->rng, by_next ? authority->next_cert : authority->ca_cert,
                                by_next ? authority->next_key : authority->ca_key, order->csr_pem,
                                &certificate, ret_cert, err) ||
        !identity_read_cert(buf_str(ret_cert), ret_info, err)) {
        return false;
    }
    struct db_query add = db_query(r->db, HUB_REGISTRY_CERTIFICATE_ADD);
    db_bind_str(&add, ":serial", str_from(ret_info->serial));
    db_bind_str(&add, ":device", order->device);
    db_bind_str(&add, ":key", str_from(ret_info->key_fingerprint));
    db_bind_str(&add, ":fingerprint", str_from(ret_info->fingerprint));
    db_bind_str(&add, ":cause", str_from(order->cause));
    db_bind_i64(&add, ":now", registry_ms(order->now));
    db_bind_i64(&add, ":not_after", registry_ms(ret_info->not_after));
    db_bind_str(&add, ":pem", buf_str(ret_cert));
    struct db_query trim = db_query(r->db, HUB_REGISTRY_CERTIFICATE_TRIM);
    db_bind_str(&trim, ":device", order->device);
    db_bind_i64(&trim, ":now", registry_ms(order->now));
    return db_run(&add, err) && db_run(&trim, err);
}

bool registry_each_revoked(struct registry *r, struct wall_time since,
                           void (*on_row)(void *ctx, const struct registry_revoked *row), void *ctx,
                           struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_CERTIFICATE_LIST_REVOKED);
    db_bind_i64(&q, ":since", registry_ms(since));
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct registry_revoked revoked = {.serial = db_col_str(&q, 0),
                                           .at = registry_time(db_col_i64(&q, 1)),
                                           .device = db_col_str(&q, 2)};
        on_row(ctx, &revoked);
    }
}
