/* enrol_token.c - the one line of text that a person carries to a device; see messages.h. */
#include "common/wire/messages.h"
#include "common/wire/topics.h"
#include <string.h>

enum { TOKEN_ID_LEN = 8, TOKEN_SECRET_LEN = 32, FINGERPRINT_LEN = 64, HOST_LEN_MAX = 253 };

void enrol_token_format(const struct enrol_token *t, struct buf *out)
{
    buf_add(out, STR("selvedge1."));
    buf_add(out, t->fleet);
    buf_add(out, STR(".["));
    buf_add(out, t->host);
    buf_add(out, STR("]:"));
    buf_add_i64(out, t->port);
    buf_add_char(out, '.');
    buf_add(out, t->id);
    buf_add_char(out, '.');
    buf_add(out, t->secret);
    buf_add_char(out, '.');
    buf_add(out, t->ca_fingerprint);
}

static bool is_made_of(struct str s, size_t len, const char *alphabet)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\0' || strchr(alphabet, s.ptr[i]) == NULL) {
            return false;
        }
    }
    return s.len == len;
}

bool enrol_host_is_valid(struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alnum && (c == '\0' || strchr(".:-_%", c) == NULL)) {
            return false;
        }
    }
    return host.len >= 1 && host.len <= HOST_LEN_MAX;
}

/* "[host]:port.rest" */
static bool cut_address(struct str text, struct enrol_token *t, struct str *ret_rest)
{
    struct str host;
    struct str after;
    struct str port;
    if (!str_starts(text, STR("[")) || !str_cut(text, ']', &host, &after) ||
        !str_starts(after, STR(":")) ||
        !str_cut(str_slice(after, 1, after.len), '.', &port, ret_rest)) {
        return false;
    }
    t->host = str_slice(host, 1, host.len);
    return enrol_host_is_valid(t->host) && str_to_i64(port, 1, 65535, &t->port);
}

static bool take_apart(struct str text, struct enrol_token *t)
{
    static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
    struct str magic;
    struct str rest;
    if (!str_cut(text, '.', &magic, &rest) || !str_eq(magic, STR("selvedge1")) ||
        !str_cut(rest, '.', &t->fleet, &rest) || !cut_address(rest, t, &rest) ||
        !str_cut(rest, '.', &t->id, &rest) || !str_cut(rest, '.', &t->secret, &rest)) {
        return false;
    }
    t->ca_fingerprint = rest;
    return device_name_is_valid(t->fleet) && is_made_of(t->id, TOKEN_ID_LEN, base32) &&
           is_made_of(t->secret, TOKEN_SECRET_LEN, base32) &&
           (is_made_of(t->ca_fingerprint, FINGERPRINT_LEN, "0123456789abcdef") ||
            is_made_of(t->ca_fingerprint, 2 * FINGERPRINT_LEN, "0123456789abcdef"));
}

bool enrol_token_parse(struct str text, struct enrol_token *ret, struct err *err)
{
    struct enrol_token t = {0};
    /* The text is a secret: no part of it goes into the message. */
    if (!take_apart(str_trim(text), &t)) {
        (void)err_set(err, ERR_INVALID, "enrolment token: not complete or mistyped");
        return err_hint(err, "copy the whole line that `selvedge-hub token create` printed");
    }
    *ret = t;
    return true;
}
