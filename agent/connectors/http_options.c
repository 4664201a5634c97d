#include "agent/connectors/http_options.h"

#include <math.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 64 << 10 };

const char *const http_method_names[] = {
    [HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH", NULL};
static const char *const kind_names[] = {"none", "basic", "bearer", "api_key", "oauth2", NULL};
static const char *const place_names[] = {"header", "query", NULL};

#define AT(member_) .offset = offsetof(struct auth_options, member_)
static const struct field auth_fields[] = {
    {.key = "kind", .type = FIELD_ENUM, AT(kind), .required = true, .names = kind_names},
    {.key = "user", .type = FIELD_STR, AT(user), .help = "Of `basic`."},
    {.key = "password",
     .marks = OPTION_PRIVATE,
     .type = FIELD_STR,
     AT(password),
     .help = "Of `basic`."},
    {.key = "token",
     .marks = OPTION_PRIVATE,
     .type = FIELD_STR,
     AT(token),
     .help = "Of `bearer` and `api_key`."},
    {.key = "name",
     .type = FIELD_STR,
     AT(name),
     .help = "Of `api_key`: the header field or the parameter."},
    {.key = "in",
     .type = FIELD_ENUM,
     AT(place),
     .names = place_names,
     .fallback = "header",
     .help = "Of `api_key`."},
    {.key = "token_url",
     .type = FIELD_STR,
     AT(token_url),
     .help = "Of `oauth2` (client credentials): who gives tokens."},
    {.key = "client_id", .type = FIELD_STR, AT(client_id), .help = "Of `oauth2`."},
    {.key = "client_secret",
     .marks = OPTION_PRIVATE,
     .type = FIELD_STR,
     AT(client_secret),
     .help = "Of `oauth2`."},
    {.key = "scope", .type = FIELD_STR, AT(scope), .help = "Of `oauth2`."},
};
const struct field_table auth_options_table = {
    .name = "auth",
    .size = sizeof(struct auth_options),
    .fields = auth_fields,
    .count = COUNT_OF(auth_fields),
};

static bool need(struct str value, const char *kind, const char *key, struct err *err)
{
    return value.len > 0 ||
           err_set(err, ERR_INVALID, "\"auth\": \"%s\" is missing, which %s needs", key, kind);
}

static bool check_kind(const struct auth_options *a, struct err *err)
{
    const char *kind = kind_names[a->kind];
    switch ((enum auth_kind)a->kind) {
    case AUTH_BASIC:
        return need(a->user, kind, "user", err);
    case AUTH_BEARER:
        return need(a->token, kind, "token", err);
    case AUTH_API_KEY:
        return need(a->name, kind, "name", err) && need(a->token, kind, "token", err);
    case AUTH_OAUTH2:
        return need(a->token_url, kind, "token_url", err) &&
               need(a->client_id, kind, "client_id", err) &&
               need(a->client_secret, kind, "client_secret", err);
    case AUTH_NONE:
    default:
        return true;
    }
}

/* Nothing that could begin a header field of its own. The value may be a secret: it is not shown. */
static bool check_text(struct str text, const char *key, struct str name, struct err *err)
{
    bool is_line = true;
    for (size_t i = 0; i < text.len; i++) {
        is_line = is_line && (unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f;
    }
    if (is_line && text.len <= TEXT_BYTES_MAX) {
        return true;
    }
    err_set(err, ERR_INVALID, "\"%s\"%s" STR_FMT " has a line end or another control character",
            key, name.len > 0 ? ": " : "", STR_ARG(name));
    return err_hint(err, "a secret that was read from a file may end with a line end");
}

static bool check_map(const struct str_map *map, const char *what, struct err *err)
{
    for (size_t i = 0; i < map->count; i++) {
        if (map->keys[i].len == 0 || memchr(map->keys[i].ptr, ':', map->keys[i].len) != NULL) {
            return err_set(err, ERR_INVALID, "\"%s\": \"" STR_FMT "\" is no name", what,
                           STR_ARG(map->keys[i]));
        }
        if (!check_text(map->keys[i], what, map->keys[i], err) ||
            !check_text(map->values[i], what, map->keys[i], err)) {
            return false;
        }
    }
    return true;
}

static bool check_auth(const struct auth_options *a, struct err *err)
{
    return check_kind(a, err) && check_text(a->user, "auth", STR("user"), err) &&
           check_text(a->password, "auth", STR("password"), err) &&
           check_text(a->token, "auth", STR("token"), err) &&
           check_text(a->name, "auth", STR("name"), err) &&
           check_text(a->client_id, "auth", STR("client_id"), err) &&
           check_text(a->client_secret, "auth", STR("client_secret"), err);
}

bool http_options_check_connection(const struct http_options *o, struct err *err)
{
    double rate = o->requests_per_second;
    if (!isfinite(rate) || rate < 0) {
        return err_set(err, ERR_INVALID, "\"requests_per_second\" is below 0");
    }
    if (o->ca_file.len > 0 && memchr(o->ca_file.ptr, '\0', o->ca_file.len) != NULL) {
        return err_set(err, ERR_INVALID, "\"ca_file\" is no path");
    }
    return check_text(o->url, "url", STR(""), err) && check_map(&o->headers, "headers", err) &&
           check_auth(&o->auth, err);
}

bool http_options_check(const struct http_options *o, struct err *err)
{
    return http_options_check_connection(o, err) && check_text(o->path, "path", STR(""), err) &&
           check_map(&o->params, "params", err);
}
