/* http_transport.h - one request and its answer, through libcurl; nothing is tried again here. */
#pragma once
#include "agent/el/http_client.h"
#include "common/curl/curl_library.h"

struct http_transport;
struct http_transport_options {
    int64_t timeout; /* ns: to connect, and for the next byte */
    int64_t answer_bytes_max;
    const char *ca_file; /* NULL = the system's */
    bool tls_verify;
    struct clock clock;
};
struct http_outgoing {
    enum http_method method;
    const char *url;
    struct str body;
};
/* Empty where the answer did not say it. Kept until the next request. */
struct http_incoming {
    int status;
    struct buf body;
    struct buf link;
    struct buf content_type;
    struct buf retry_after;
    struct buf date;
    const char *redirect; /* absolute URL; NULL = none */
};

MUST_CHECK bool http_transport_open(struct http_transport **ret,
                                    const struct http_transport_options *options,
                                    struct arena *arena, struct err *err);
/* A header field of the next request. */
MUST_CHECK bool http_transport_header(struct http_transport *t, struct str name, struct str value,
                                      struct err *err);
/* *ret_may_pass, on false: another attempt may do better. */
MUST_CHECK bool http_transport_send(struct http_transport *t, const struct http_outgoing *request,
                                    const struct http_incoming **ret, bool *ret_may_pass,
                                    struct err *err);
void http_transport_close(struct http_transport *t); /* NULL is allowed */

/* `reference`, relative to `base` (which may be empty), as an absolute URL without a fragment, and
 * its origin "https://host:443". ERR_INVALID for what is no URL, is not HTTP, or has a user in it:
 * errors show URLs. */
MUST_CHECK bool http_url_resolve(struct http_transport *t, struct str base, struct str reference,
                                 struct buf *ret_url, struct buf *ret_origin, struct err *err);
