/* http_client.h - requests to one server, one after another over a connection that is kept, through
 * libcurl. Retries, their waits, the rate, redirects, who we are, and errors that hold no secret are
 * its business. One owner, one thread. Blocks while an answer comes; never longer than the time-out
 * without a byte. */
#pragma once
#include "agent/connectors/http_options.h"
#include "common/platform/clock.h"

struct http_client;

struct http_client_options {
    const struct http_options *options; /* checked; outlives the client */
    int64_t answer_bytes_max;           /* of a body, once unpacked */
    struct clock clock;
};

/* All is copied. */
struct http_request {
    enum http_method method;
    struct str url;  /* absolute, or relative to the request before; empty: the options' */
    struct str body; /* not with GET */
    struct str content_type;
    struct str idempotency_key; /* empty = none */
};
/* Borrowed from the client until its next request. */
struct http_answer {
    int status;
    struct str body;
    struct str content_type;
    struct str link; /* all Link header fields, with commas between */
};

/* ERR_INVALID for a URL that is none; ERR_NOT_FOUND without the library. */
MUST_CHECK bool http_client_open(struct http_client **ret,
                                 const struct http_client_options *options, struct arena *arena,
                                 struct err *err);
/* Takes a request; http_client_go_on() carries it out. A URL on another server than the options' is
 * refused: it would get our credentials, or not know us. */
MUST_CHECK bool http_client_begin(struct http_client *c, const struct http_request *request,
                                  struct err *err);
/* *ret_done false: the request still waits (for a retry, for the rate), and `wait_ns` have passed,
 * or a signal came. True: the answer is there, and fine (2xx).
 * Errors: ERR_INVALID (4xx: the text has the beginning of the answer), ERR_DENIED (401, 403, TLS),
 * ERR_NOT_FOUND (404, 410), ERR_BUSY (429), ERR_OFFLINE (5xx, no connection), ERR_TIMEOUT, ERR_FULL
 * (the answer is too large), ERR_CANCELLED. */
MUST_CHECK bool http_client_go_on(struct http_client *c, int64_t wait_ns, bool *ret_done,
                                  struct http_answer *ret, struct err *err);
/* The same until it is done. */
MUST_CHECK bool http_client_finish(struct http_client *c, struct http_answer *ret, struct err *err);
/* The options' URL with its `params`, as requests have it; until the client is closed. */
struct str http_client_url(const struct http_client *c);
/* The same without its query, for people. */
struct str http_client_name(const struct http_client *c);
void http_client_close(struct http_client *c); /* NULL is allowed */
