#include "agent/el/http_auth.h"

#include "agent/el/http_pager.h"
#include "common/json/json_path.h"

#include <string.h>

enum { SECRET_BYTES_MIN = 4, ENCODED_BYTES_MAX = 512 << 10, TOKEN_SECONDS_MAX = 10 * 365 * 86400 };

static void add_base64(struct buf *out, struct str text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < text.len; i += 3) {
        size_t left = text.len - i;
        uint32_t bits = (uint32_t)(unsigned char)text.ptr[i] << 16;
        bits |= left > 1 ? (uint32_t)(unsigned char)text.ptr[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)(unsigned char)text.ptr[i + 2] : 0;
        buf_add_char(out, digits[bits >> 18]);
        buf_add_char(out, digits[bits >> 12 & 63]);
        buf_add(out, left > 1 ? (struct str){&digits[bits >> 6 & 63], 1} : STR("="));
        buf_add(out, left > 2 ? (struct str){&digits[bits & 63], 1} : STR("="));
    }
}

static void add_basic(struct buf *out, struct str user, struct str password)
{
    AUTO(buf) pair = buf_growing(ENCODED_BYTES_MAX);
    buf_add(&pair, user);
    buf_add_char(&pair, ':');
    buf_add(&pair, password);
    buf_add_text(out, "Basic ");
    add_base64(out, buf_str(&pair));
    buf_wipe(&pair);
}

void auth_header(const struct auth_options *a, struct str token, struct buf *out)
{
    if (a->kind == AUTH_BASIC) {
        add_basic(out, a->user, a->password);
    } else if (a->kind == AUTH_BEARER || a->kind == AUTH_OAUTH2) {
        buf_add_text(out, "Bearer ");
        buf_add(out, a->kind == AUTH_BEARER ? a->token : token);
    }
}

void auth_token_request(const struct auth_options *a, struct buf *out)
{
    buf_add_text(out, "grant_type=client_credentials");
    if (a->scope.len > 0) {
        buf_add_text(out, "&scope=");
        url_encode(out, a->scope);
    }
}

/* RFC 6749 section 2.3.1: both are form-encoded first. */
void auth_client(const struct auth_options *a, struct buf *out)
{
    AUTO(buf) id = buf_growing(ENCODED_BYTES_MAX);
    AUTO(buf) secret = buf_growing(ENCODED_BYTES_MAX);
    url_encode(&id, a->client_id);
    url_encode(&secret, a->client_secret);
    add_basic(out, buf_str(&id), buf_str(&secret));
    buf_wipe(&secret);
}

bool auth_token_read(struct str answer, struct buf *ret_token, int64_t *ret_lasts_s,
                     struct err *err)
{
    struct json_raw found;
    bool is_found = false;
    struct str token;
    if (!json_path_find(STR("access_token"), answer, &is_found, &found, err)) {
        return false;
    }
    buf_reset(ret_token);
    if (!is_found || found.type != JSON_STRING || found.text.len == 0 ||
        !json_unescape(found, true, ret_token, &token)) {
        return err_set(err, ERR_INVALID, "the answer has no \"access_token\"");
    }
    if (!found.has_escape) {
        buf_add(ret_token, found.text);
    }
    *ret_lasts_s = -1;
    if (!json_path_find(STR("expires_in"), answer, &is_found, &found, err)) {
        return false;
    }
    int64_t seconds = 0;
    if (is_found && json_raw_i64(found, &seconds)) {
        seconds = seconds < TOKEN_SECONDS_MAX ? seconds : TOKEN_SECONDS_MAX;
        *ret_lasts_s = seconds > 0 ? seconds : 0;
    }
    return !ret_token->overflow || err_set(err, ERR_FULL, "the token is too long");
}

/* --- what must not be seen ------------------------------------------------------------------- */

void secrets_add(struct secrets *s, struct str text)
{
    if (text.len >= SECRET_BYTES_MIN && s->count < SECRETS_MAX) {
        s->items[s->count++] = text;
    }
}

void secrets_collect(struct secrets *s, const struct http_options *o)
{
    secrets_add(s, o->auth.password);
    secrets_add(s, o->auth.token);
    secrets_add(s, o->auth.client_secret);
    for (size_t i = 0; i < o->headers.count; i++) {
        secrets_add(s, o->headers.values[i]);
    }
    for (size_t i = 0; i < o->params.count; i++) {
        secrets_add(s, o->params.values[i]);
    }
}

/* The longest secret that the text begins with. */
static size_t secret_len(const struct secrets *s, struct str text, struct buf *encoded)
{
    size_t longest = 0;
    for (size_t i = 0; i < s->count; i++) {
        buf_reset(encoded);
        url_encode(encoded, s->items[i]);
        const struct str forms[] = {s->items[i], buf_str(encoded)};
        for (size_t k = 0; k < COUNT_OF(forms); k++) {
            bool is_there = forms[k].len > longest && str_starts(text, forms[k]);
            longest = is_there ? forms[k].len : longest;
        }
    }
    return longest;
}

void secrets_mask(const struct secrets *s, struct str text, struct buf *out)
{
    AUTO(buf) encoded = buf_growing(ENCODED_BYTES_MAX);
    while (text.len > 0) {
        size_t len = secret_len(s, text, &encoded);
        if (len > 0) {
            buf_add_text(out, "***");
        } else {
            buf_add_char(out, text.ptr[0]);
            len = 1;
        }
        text = str_slice(text, len, text.len);
    }
    buf_wipe(&encoded);
}
