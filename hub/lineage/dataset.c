#include "hub/lineage/dataset.h"

enum { SCHEME_BYTES_MAX = 32, HOST_BYTES_MAX = 255 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_scheme(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '+' && c != '-' &&
            c != '.') {
            return false;
        }
    }
    return s.len > 0 && s.len <= SCHEME_BYTES_MAX;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* --- whose host it is ------------------------------------------------------------------------ */

static bool is_word(struct str host, const char *word)
{
    struct str w = str_from(word);
    if (host.len != w.len) {
        return false;
    }
    for (size_t i = 0; i < w.len; i++) {
        if (lower(host.ptr[i]) != w.ptr[i]) {
            return false;
        }
    }
    return true;
}

static bool ends_with_word(struct str host, const char *word)
{
    size_t len = str_from(word).len;
    return host.len > len && is_word(str_slice(host, host.len - len, host.len), word);
}

static bool read_ipv4(struct str host, int64_t part[4])
{
    for (size_t i = 0; i < 4; i++) {
        struct str text;
        bool has_dot = str_cut(host, '.', &text, &host);
        if (has_dot != (i < 3) || !str_to_i64(text, 0, 255, &part[i])) {
            return false;
        }
    }
    return true;
}

static enum dataset_scope scope_of_ipv4(const int64_t part[4])
{
    if (part[0] == 127 || part[0] == 0) {
        return DATASET_DEVICE;
    }
    bool is_private = part[0] == 10 || (part[0] == 172 && part[1] >= 16 && part[1] <= 31) ||
                      (part[0] == 192 && part[1] == 168) || (part[0] == 169 && part[1] == 254) ||
                      (part[0] == 100 && part[1] >= 64 && part[1] <= 127);
    return is_private ? DATASET_SITE : DATASET_EVERYWHERE;
}

/* "[...]": unique local (fc00::/7) and link-local (fe80::/10) addresses are private. */
static enum dataset_scope scope_of_ipv6(struct str host)
{
    if (is_word(host, "[::1]") || is_word(host, "[::]")) {
        return DATASET_DEVICE;
    }
    char first = host.len > 2 ? lower(host.ptr[1]) : 0;
    char second = host.len > 2 ? lower(host.ptr[2]) : 0;
    char third = host.len > 3 ? lower(host.ptr[3]) : 0;
    bool is_private = first == 'f' && (second == 'c' || second == 'd' ||
                                       (second == 'e' && third >= '8' && third <= 'b'));
    return is_private ? DATASET_SITE : DATASET_EVERYWHERE;
}

static enum dataset_scope scope_of(struct str host)
{
    int64_t part[4];
    if (str_is_empty(host) || is_word(host, "localhost") || ends_with_word(host, ".localhost") ||
        is_word(host, "localhost.localdomain")) {
        return DATASET_DEVICE;
    }
    if (host.ptr[0] == '[') {
        return scope_of_ipv6(host);
    }
    if (read_ipv4(host, part)) {
        return scope_of_ipv4(part);
    }
    return ends_with_word(host, ".local") ? DATASET_SITE : DATASET_EVERYWHERE;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool read_authority(struct str authority, struct dataset *d)
{
    struct str user;
    struct str rest;
    if (str_cut_last(authority, '@', &user, &rest)) {
        authority = rest;
    }
    bool is_bracketed = authority.len > 0 && authority.ptr[0] == '[';
    struct str head = authority;
    struct str tail = STR_NONE;
    if (is_bracketed) {
        if (!str_cut(authority, ']', &head, &tail)) {
            return false;
        }
        d->host = str_slice(authority, 0, head.len + 1);
        if (!str_is_empty(tail) && tail.ptr[0] != ':') {
            return false;
        }
        tail = str_slice(tail, 1, tail.len);
    } else {
        (void)str_cut(authority, ':', &head, &tail);
        d->host = head;
    }
    int64_t port = 0;
    d->port = tail;
    return d->host.len <= HOST_BYTES_MAX &&
           (str_is_empty(tail) || str_to_i64(tail, 1, 65535, &port));
}

bool dataset_parse(struct str address, struct dataset *ret)
{
    struct dataset d = {0};
    struct str names;
    if (address.len > DATASET_BYTES_MAX || has_control(address) || !str_is_utf8(address) ||
        !str_cut(address, ':', &d.scheme, &names) || !is_scheme(d.scheme) ||
        !str_starts(names, STR("//"))) {
        return false;
    }
    struct str space;
    if (!str_cut(str_slice(names, 2, names.len), ' ', &space, &d.name) || str_is_empty(d.name)) {
        return false;
    }
    struct str authority;
    struct str path;
    if (str_cut(space, '/', &authority, &path)) {
        d.path = str_slice(space, authority.len, space.len);
    }
    if (!read_authority(authority, &d)) {
        return false;
    }
    d.scheme = str_eq(d.scheme, STR("postgresql")) ? STR("postgres") : d.scheme;
    d.scope = scope_of(d.host);
    *ret = d;
    return true;
}

static struct str usual_port(struct str scheme)
{
    static const struct {
        struct str scheme, port;
    } usual[] = {{STR_INIT("postgres"), STR_INIT("5432")}, {STR_INIT("mysql"), STR_INIT("3306")},
                 {STR_INIT("mssql"), STR_INIT("1433")},    {STR_INIT("mqtt"), STR_INIT("1883")},
                 {STR_INIT("http"), STR_INIT("80")},       {STR_INIT("https"), STR_INIT("443")},
                 {STR_INIT("kafka"), STR_INIT("9092")},    {STR_INIT("modbus"), STR_INIT("502")}};
    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        if (str_eq(usual[i].scheme, scheme)) {
            return usual[i].port;
        }
    }
    return STR_NONE;
}

void dataset_add(struct buf *out, const struct dataset *d, struct str host)
{
    struct str shown = !str_is_empty(host) ? host : d->scope == DATASET_DEVICE ? STR("") : d->host;
    struct str port = str_is_empty(d->port) ? usual_port(d->scheme) : d->port;
    buf_add(out, d->scheme);
    buf_add(out, STR("://"));
    for (size_t i = 0; i < shown.len; i++) {
        buf_add_char(out, lower(shown.ptr[i]));
    }
    if (!str_is_empty(port)) {
        buf_add_char(out, ':');
        buf_add(out, port);
    }
    buf_add(out, d->path);
    buf_add_char(out, ' ');
    buf_add(out, d->name);
}
