#include "hub/client/target.h"

#include <arpa/inet.h>
#include <stdio.h>

/* What comes before the first of these. */
static struct str until(struct str text, const char *ends)
{
    struct str stops = str_from(ends);
    size_t len = 0;
    while (len < text.len && !str_contains(stops, (struct str){text.ptr + len, 1})) {
        len++;
    }
    return str_slice(text, 0, len);
}

bool target_stays_here(struct str url)
{
    static const struct str v6 = STR_INIT("[::1]");
    static const struct str scheme = STR_INIT("http://");
    struct in_addr address;
    char host[64];
    int64_t port = 0;
    if (!str_starts(url, scheme)) {
        return false;
    }
    struct str authority = until(str_slice(url, scheme.len, url.len), "/?#");
    struct str name = str_starts(authority, v6) ? v6 : until(authority, ":");
    struct str rest = str_slice(authority, name.len, authority.len);
    bool is_sound =
        str_is_empty(rest) ||
        (str_starts(rest, STR(":")) && str_to_i64(str_slice(rest, 1, rest.len), 1, 65535, &port));
    (void)snprintf(host, sizeof(host), STR_FMT, STR_ARG(str_clip(name, sizeof(host) - 1)));
    bool is_here =
        str_eq(name, STR("localhost")) || str_eq(name, v6) ||
        (inet_pton(AF_INET, host, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127);
    return is_sound && is_here;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static void encode(struct buf *target, struct str text, bool keeps_slash)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_plain(c) || (c == '/' && keeps_slash)) {
            buf_add_char(target, c);
        } else {
            buf_addf(target, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

void target_begin(struct buf *target, const char *path)
{
    buf_reset(target);
    buf_add_text(target, path);
}

void target_part(struct buf *target, struct str part, bool is_key)
{
    buf_add_char(target, '/');
    encode(target, str_is_empty(part) ? STR(" ") : part,
           is_key); /* neither is a name of anything */
}

void target_query(struct buf *target, const char *name, struct str value)
{
    if (!str_is_empty(value)) {
        bool is_first = !str_contains(buf_str(target), STR("?"));
        buf_addf(target, "%c%s=", is_first ? '?' : '&', name);
        encode(target, value, false);
    }
}

void target_query_i64(struct buf *target, const char *name, int64_t value)
{
    char memory[32];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_add_i64(&text, value);
    target_query(target, name, buf_str(&text));
}
