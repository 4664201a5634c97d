#include "agent/daemon/trusted.h"

#include <string.h>

bool trusted_look(struct trusted *t, const struct device_identity *identity, struct err *err)
{
    struct identity_info newest;
    struct err why = {0};
    if (!authorities_list(identity->ca_pem, t->list, err) ||
        !authorities_newest(identity->ca_pem, &newest, err)) {
        t->list[0] = '\0';
        t->issuer[0] = '\0';
        t->is_outdated = false;
        return false;
    }
    if (!authorities_issuer(identity->ca_pem, identity->cert_pem, t->issuer, &why)) {
        t->issuer[0] = '\0'; /* its CA is gone: it needs another */
    }
    t->is_outdated = !str_eq(str_from(t->issuer), str_from(newest.fingerprint));
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
bool trusted_take(struct trusted *t, struct device_identity *identity, const char *state_dir,
                  struct str pems, struct str signature, bool *ret_is_new, struct err *err)
{
    char list[AUTHORITIES_LIST_SIZE];
    if (!authorities_check_next(identity->ca_pem, pems, signature, err) ||
        !authorities_list(pems, list, err)) {
        return false;
    }
    if (str_eq(str_from(list), str_from(t->list))) {
        *ret_is_new = false;
        return true;
    }
    struct buf copy = buf_growing(AUTHORITIES_BYTES_MAX);
    buf_add(&copy, pems);
    if (copy.overflow || !device_identity_save_authorities(state_dir, pems, err)) {
        bool is_full = copy.overflow;
        buf_release(&copy);
        return is_full ? err_set(err, ERR_NO_MEMORY, "keep the CAs: out of memory") : false;
    }
    buf_release(&t->pems);
    t->pems = copy;
    identity->ca_pem = buf_str(&t->pems);
    *ret_is_new = true;
    return trusted_look(t, identity, err);
}

void trusted_release(struct trusted *t, struct device_identity *identity)
{
    if (t->pems.len > 0) {
        identity->ca_pem = STR_NONE;
    }
    buf_release(&t->pems);
}
