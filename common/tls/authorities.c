#include "common/tls/authorities.h"

#include <string.h>

enum { KEY_BYTES_MAX = 4 << 10 };

struct authority_set {
    struct identity_info item[AUTHORITIES_MAX];
    size_t count, newest;
};

bool authorities_next(struct str *rest, struct str *ret_pem)
{
    static const struct str end = STR_INIT("-----END CERTIFICATE-----");
    struct str text = str_trim(*rest);
    for (size_t i = 0; i + end.len <= text.len; i++) {
        if (text.ptr[i] == '-' && str_eq(str_slice(text, i, i + end.len), end)) {
            *ret_pem = str_slice(text, 0, i + end.len);
            *rest = str_slice(text, i + end.len, text.len);
            return true;
        }
    }
    *rest = text;
    return false;
}

static bool is_among(const struct authority_set *set, const char *fingerprint)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_eq(str_from(set->item[i].fingerprint), str_from(fingerprint))) {
            return true;
        }
    }
    return false;
}

static bool add_one(struct authority_set *set, struct str pem, struct err *err)
{
    struct identity_info info;
    if (!str_starts(pem, STR("-----BEGIN CERTIFICATE-----"))) {
        return err_set(err, ERR_INVALID, "CAs: something that is no certificate");
    }
    if (set->count == AUTHORITIES_MAX) {
        return err_set(err, ERR_INVALID, "CAs: more than %d", AUTHORITIES_MAX);
    }
    if (!identity_read_cert(pem, &info, err)) {
        return err_wrap(err, "CAs");
    }
    if (!info.is_ca) {
        return err_set(err, ERR_INVALID, "CAs: \"%s\" is not one", info.common_name);
    }
    if (is_among(set, info.fingerprint)) {
        return err_set(err, ERR_INVALID, "CAs: \"%s\" twice", info.common_name);
    }
    set->item[set->count] = info;
    if (info.not_before.ns > set->item[set->newest].not_before.ns) {
        set->newest = set->count;
    }
    set->count++;
    return true;
}

static bool read_set(struct str pems, struct authority_set *ret, struct err *err)
{
    struct str pem;
    *ret = (struct authority_set){.count = 0};
    if (pems.len > AUTHORITIES_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "CAs: more than %d bytes", AUTHORITIES_BYTES_MAX);
    }
    while (authorities_next(&pems, &pem)) {
        if (!add_one(ret, pem, err)) {
            return false;
        }
    }
    if (ret->count == 0 || !str_is_empty(pems)) {
        return err_set(err, ERR_INVALID, "CAs: no certificate, or something behind them");
    }
    return true;
}

bool authorities_list(struct str pems, char ret[AUTHORITIES_LIST_SIZE], struct err *err)
{
    struct authority_set set;
    struct buf list = buf_fixed(ret, AUTHORITIES_LIST_SIZE);
    if (!read_set(pems, &set, err)) {
        return false;
    }
    for (size_t i = 0; i < set.count; i++) {
        buf_add(&list, i > 0 ? STR(" ") : STR_NONE);
        buf_add_text(&list, set.item[i].fingerprint);
    }
    return buf_cstr(&list) != NULL || err_set(err, ERR_INTERNAL, "CAs: the list is too long");
}

bool authorities_has(struct str list, struct str fingerprint)
{
    struct str one;
    struct str rest = list;
    for (bool has_more = true; has_more;) {
        has_more = str_cut(rest, ' ', &one, &rest);
        if (!str_is_empty(one) && str_eq(one, fingerprint)) {
            return true;
        }
    }
    return false;
}

bool authorities_newest(struct str pems, struct identity_info *ret, struct err *err)
{
    struct authority_set set;
    if (!read_set(pems, &set, err)) {
        return false;
    }
    *ret = set.item[set.newest];
    return true;
}

bool authorities_issuer(struct str pems, struct str cert_pem, char ret[FINGERPRINT_TEXT_SIZE],
                        struct err *err)
{
    struct identity_info cert;
    struct identity_info ca;
    struct str pem;
    struct err why = {0};
    if (!identity_read_cert(cert_pem, &cert, err)) {
        return false;
    }
    while (authorities_next(&pems, &pem)) {
        if (identity_read_cert(pem, &ca, &why) &&
            str_eq(str_from(ca.common_name), str_from(cert.issuer)) &&
            identity_is_signed_by(cert_pem, pem)) {
            memcpy(ret, ca.fingerprint, sizeof(ca.fingerprint));
            return true;
        }
    }
    return err_set(err, ERR_DENIED, "certificate \"%s\" is of another CA (\"%s\")",
                   cert.common_name, cert.issuer);
}

/* Signed by any of those that are trusted: which of them was the hub's when it signed does not
 * matter. */
static bool check_signature(struct str held, struct str offered, struct str signature,
                            struct err *err)
{
    struct str pem;
    while (authorities_next(&held, &pem)) {
        AUTO(buf) key = buf_growing(KEY_BYTES_MAX);
        if (!identity_cert_public_key(pem, &key, err)) {
            return false;
        }
        if (identity_check_signature(buf_str(&key), offered, signature, err)) {
            *err = (struct err){0};
            return true;
        }
    }
    return err_set(err, ERR_DENIED, "CAs: not signed by one that is trusted here");
}

static bool is_subset(const struct authority_set *small, const struct authority_set *large)
{
    for (size_t i = 0; i < small->count; i++) {
        if (!is_among(large, small->item[i].fingerprint)) {
            return false;
        }
    }
    return true;
}

bool authorities_check_next(struct str held, struct str offered, struct str signature,
                            struct err *err)
{
    struct authority_set old;
    struct authority_set new;
    if (!read_set(held, &old, err) || !read_set(offered, &new, err) ||
        !check_signature(held, offered, signature, err)) {
        return false;
    }
    bool is_newer = new.item[new.newest].not_before.ns > old.item[old.newest].not_before.ns ||
                    (is_among(&new, old.item[old.newest].fingerprint) && is_subset(&new, &old));
    return is_newer ||
           err_set(err, ERR_DENIED, "CAs: an earlier set than the one that is trusted here");
}
