/* head.c - the head of a request: the headers that matter, the method, and who asks. */
#include "hub/http/local.h"
#include "hub/http/server_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_name(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* Where the request ends is said once, or not by us: what stands behind may be another's, to a proxy. */
static void take_length(struct http_call *call, bool is_known, struct str text)
{
    call->is_unclear = call->has_length;
    call->has_length = true;
    call->has_body = call->has_body || !is_known || !str_eq(text, STR("0"));
    if (!is_known) {
        call->body_bytes = -1;
    } else if (!str_to_i64(text, 0, INT64_MAX, &call->body_bytes)) {
        call->body_bytes = INT64_MAX;
    }
}

static bool takes_gzip(struct str accepted)
{
    return str_contains(accepted, STR("gzip")) && !str_contains(accepted, STR("gzip;q=0"));
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct http_call *call = cls;
    struct http_headers *h = &call->rq.headers;
    struct str text = str_from(value);
    static const struct {
        const char *name;
        size_t offset;
    } kept[] = {
        {"Authorization", offsetof(struct http_headers, authorization)},
        {"Cookie", offsetof(struct http_headers, cookie)},
        {"X-CSRF-Token", offsetof(struct http_headers, csrf_token)},
        {"Content-Type", offsetof(struct http_headers, content_type)},
        {"If-None-Match", offsetof(struct http_headers, if_none_match)},
        {"Last-Event-ID", offsetof(struct http_headers, last_event_id)},
        {"Host", offsetof(struct http_headers, host)},
        {"Dagster-Cloud-Api-Token", offsetof(struct http_headers, dagster_token)},
    };
    (void)kind;
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        if (is_name(name, kept[i].name)) {
            memcpy((char *)h + kept[i].offset, &text, sizeof(text));
            return MHD_YES;
        }
    }
    if (is_name(name, "Accept-Encoding")) {
        h->takes_gzip = takes_gzip(text);
    } else if (is_name(name, "Content-Length")) {
        take_length(call, true, text);
    } else if (is_name(name, "Transfer-Encoding")) {
        take_length(call, false, text);
    } else if (is_name(name, "X-Forwarded-For")) {
        h->is_forwarded = true;
        h->forwarded_for = text; /* the last of several headers was added last */
    } else if (is_name(name, "Forwarded") || is_name(name, "Via") || is_name(name, "X-Real-IP")) {
        h->is_forwarded = true;
    } else if (is_name(name, "X-Forwarded-Proto")) {
        h->is_forwarded = true;
        h->is_secure_before = str_eq(text, STR("https"));
    }
    return MHD_YES;
}

bool http_method_from(struct str text, enum http_method *ret, bool *ret_head)
{
    *ret_head = str_eq(text, STR("HEAD"));
    if (*ret_head) {
        *ret = HTTP_GET;
        return true;
    }
    for (int i = 0; i < HTTP_METHOD_COUNT; i++) {
        if (str_eq(text, str_from(http_method_name((enum http_method)i)))) {
            *ret = (enum http_method)i;
            return true;
        }
    }
    return false;
}

/* A page of elsewhere may have its name resolve to this machine, and ask as if it were at home: who is
 * trusted for being here says that it means this machine. */
static bool means_this_machine(struct str host)
{
    struct str name = host;
    struct str port = STR_NONE;
    if (str_starts(host, STR("["))) {
        return str_starts(host, STR("[::1]"));
    }
    (void)str_cut(host, ':', &name, &port);
    struct in_addr address;
    char text[INET_ADDRSTRLEN] = "";
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(name));
    return str_eq(name, STR("localhost")) ||
           (name.len < sizeof(text) && inet_pton(AF_INET, text, &address) == 1 &&
            (ntohl(address.s_addr) >> 24) == 127);
}

/* A proxy that we were told of appends who asked it; what stands before that, anybody may have sent. */
static struct in6_addr who_asks(const struct http_call *call)
{
    struct in6_addr told;
    struct str before = STR_NONE;
    struct str last = STR_NONE;
    (void)str_cut_last(call->rq.headers.forwarded_for, ',', &before, &last);
    return call->conn->is_proxy && http_address_parse(str_trim(last), &told) ? told
                                                                             : call->conn->address;
}

static void read_peer(struct http_call *call)
{
    char text[INET6_ADDRSTRLEN];
    const struct http_headers *headers = &call->rq.headers;
    struct in6_addr address = who_asks(call);
    bool is_near = http_address_is_loopback(&call->conn->address);
    if (call->server->local != NULL) {
        call->rq.peer = STR("local");
        call->rq.local_user = http_local_peer(call->conn->fd, &call->arena);
        call->rq.is_secure = true;
        return;
    }
    http_address_write(&address, text);
    call->rq.peer = arena_copy(&call->arena, str_from(text));
    call->rq.is_loopback = is_near && !headers->is_forwarded && means_this_machine(headers->host);
    call->rq.is_secure =
        call->server->is_tls || (headers->is_secure_before && (is_near || call->conn->is_proxy));
}

void http_read_head(struct http_call *call)
{
    (void)MHD_get_connection_values(call->connection, MHD_HEADER_KIND, on_header, call);
    read_peer(call);
}
