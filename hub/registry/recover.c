/* recover.c - a device that was away when its certificate ended, or whose clock was wrong: it proves
 * that it has the key of that certificate, and gets another. */
#include "hub/registry/enrol_internal.h"

#include "common/tls/authorities.h"

/* Of our CA, as it was when it began. */
static bool check_certificate(struct decision *d, struct identity_info *info)
{
    const struct message_enrol_request *request = d->request;
    struct err why = {0};
    AUTO(buf) key = buf_growing(CERTIFICATE_BYTES_MAX);
    if (!identity_read_cert(request->certificate_pem, info, &why) ||
        !identity_verify(request->certificate_pem, d->authority->trusted, IDENTITY_CLIENT,
                         info->not_before, &why)) {
        return !enrol_refuse(d, "the expired certificate is not one of this fleet: %s", why.msg);
    }
    if (!str_eq(str_from(info->common_name), request->device)) {
        return !enrol_refuse(d, "the expired certificate is for %s", info->common_name);
    }
    if (!identity_cert_public_key(request->certificate_pem, &key, &why) ||
        !identity_check_signature(buf_str(&key), request->csr_pem, request->signature, &why)) {
        return !enrol_refuse(d, "the request is not signed by the key of the expired certificate");
    }
    if (d->now.ns - info->not_after.ns > d->authority->grace_ns) {
        return !enrol_refuse(d,
                             "its certificate ended longer ago than renewal_grace allows; enrol it "
                             "with a token: selvedge-hub device replace %s",
                             info->common_name);
    }
    return true;
}

static bool is_revoked(struct decision *d, const struct identity_info *info, bool *ret,
                       struct err *err)
{
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_CERTIFICATE_IS_REVOKED);
    db_bind_str(&q, ":serial", str_from(info->serial));
    if (!db_next(&q, ret, err)) {
        return false;
    }
    if (*ret) {
        db_reset(&q);
    }
    return true;
}

bool enrol_decide_returned(struct decision *d, struct err *err)
{
    struct identity_info info;
    struct str reason = STR_NONE;
    bool revoked = false;
    AUTO(buf) authorities = buf_growing(AUTHORITIES_LIST_SIZE);
    struct certificate_order order = {.device = d->request->device,
                                      .csr_pem = d->request->csr_pem,
                                      .cause = "recovered",
                                      .now = d->now};
    if (!check_certificate(d, &info)) {
        return true;
    }
    if (!is_revoked(d, &info, &revoked, err)) {
        return false;
    }
    if (revoked) {
        return enrol_refuse(d, "its certificate is revoked");
    }
    if (!registry_get_authorities(d->registry, d->request->device, &authorities, err)) {
        return false;
    }
    order.authorities = buf_str(&authorities);
    if (!registry_renew_within(d->registry, d->authority, &order, &d->certificate, &reason, err)) {
        return false;
    }
    return str_is_empty(reason) || enrol_refuse(d, STR_FMT, STR_ARG(reason));
}
