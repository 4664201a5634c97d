/* client.h - asks the API of a hub: over its socket when it runs on this machine, over HTTPS when it is
 * elsewhere, and in this process when none is running here, so that a hub that is stopped or restored
 * can be looked at. One thread; blocks.
 * Design: docs/decisions/0022-command-line-over-api.md. */
#pragma once
#include "common/base/buf.h"
#include "common/json/json.h"
#include "hub/config/config.h"
#include "hub/http/message.h"

enum {
    CLIENT_ANSWER_BYTES_MAX = 64 << 20,
    CLIENT_TARGET_BYTES_MAX = HTTP_TARGET_BYTES_MAX,
    CLIENT_PAGE = 1000, /* items that are asked for at once */
    CLIENT_TOKEN_BYTES_MAX = 512,
};

struct hub_client;
struct hub_client_options {
    const struct hub_config *config; /* of the hub on this machine; stays. NULL: with a URL */
    const char *url;                 /* "https://hub:8880"; NULL: this machine */
    struct str token;                /* for a URL; empty: none */
    const char *ca_file;             /* by which its certificate is checked; NULL: the system's */
};
/* Says nothing to the hub yet. ERR_NOT_FOUND: no hub was set up here. ERR_DENIED: this user may not
 * read it. */
MUST_CHECK bool hub_client_open(struct hub_client **ret, const struct hub_client_options *options,
                                struct err *err);
void hub_client_close(struct hub_client *client); /* NULL is allowed */

struct hub_client_question {
    enum http_method method;
    struct str target; /* see target.h */
    struct str body;   /* JSON; empty: none */
    bool is_bytes;     /* the body is no JSON */
};
/* The answer in *ret, until the next question. A problem that is told becomes the error, with its class
 * and hint. ERR_OFFLINE, ERR_TIMEOUT: it cannot be reached. */
MUST_CHECK bool hub_client_ask(struct hub_client *client,
                               const struct hub_client_question *question, struct str *ret,
                               struct err *err);
MUST_CHECK bool hub_client_get(struct hub_client *client, struct str target, struct str *ret,
                               struct err *err);
/* The items of a list, of as many pages as it takes; `limit` 0: all. Each as it came. False of
 * `on_item` ends it, with its error. */
typedef bool hub_client_item(void *ctx, struct str item, struct err *err);
MUST_CHECK bool hub_client_each(struct hub_client *client, struct str target, int64_t limit,
                                hub_client_item *on_item, void *ctx, struct err *err);
