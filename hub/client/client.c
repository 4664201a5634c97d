/* client.c - see client.h. Here: who answers, and lists in pages. */
#include "hub/client/client_internal.h"

#include "common/base/limits.h"
#include "common/json/json_scan.h"
#include "hub/client/target.h"
#include "hub/http/cursor.h"
#include "hub/web/web.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct hub_client {
    struct client_http *http; /* or: */
    struct client_inside *inside;
    struct client_answer answer;
    const char *who; /* answers, for messages */
    bool has_token;
    char socket[LIMIT_PATH_BYTES + 1];
};

/* --- who answers ------------------------------------------------------------------------------ */

/* 0: somebody listens there; else why not. */
static int try_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof(address.sun_path)) {
        return ENOENT;
    }
    memcpy(address.sun_path, path, len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int reason =
        fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ? errno : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return reason;
}

static bool open_here(struct hub_client *client, const struct hub_config *config, struct err *err)
{
    client->who = "the hub on this machine";
    if (!hub_path(config, WEB_SOCKET, client->socket, err)) {
        return false;
    }
    int reason = try_socket(client->socket);
    if (reason == EACCES || reason == EPERM) {
        (void)err_errno(err, reason, "ask the hub at %s", client->socket);
        return err_hint(err, "as root or as the hub's user (sudo); others with a token: --url, "
                             "--token-file");
    }
    const struct client_http_options options = {.socket = client->socket};
    struct err no_library = {0};
    /* Without libcurl nothing is lost: who may use the socket may read the database. */
    return (reason == 0 && client_http_open(&client->http, &options, &no_library)) ||
           client_inside_open(&client->inside, config, err);
}

bool hub_client_open(struct hub_client **ret, const struct hub_client_options *options,
                     struct err *err)
{
    struct hub_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return err_set(err, ERR_NO_MEMORY, "ask the hub: out of memory");
    }
    client->answer.body = buf_growing(CLIENT_ANSWER_BYTES_MAX);
    client->who = options->url;
    client->has_token = !str_is_empty(options->token);
    const struct client_http_options there = {
        .url = options->url, .token = options->token, .ca_file = options->ca_file};
    bool ok = options->url != NULL ? client_http_open(&client->http, &there, err)
                                   : open_here(client, options->config, err);
    if (!ok) {
        hub_client_close(client);
        return false;
    }
    *ret = client;
    return true;
}

void hub_client_close(struct hub_client *client)
{
    if (client == NULL) {
        return;
    }
    client_http_close(client->http);
    client_inside_close(client->inside);
    buf_wipe(&client->answer.body); /* it may hold the secret of a token */
    free(client);
}

/* --- asking ----------------------------------------------------------------------------------- */

bool hub_client_ask(struct hub_client *client, const struct hub_client_question *question,
                    struct str *ret, struct err *err)
{
    buf_reset(&client->answer.body);
    bool ok = client->http != NULL
                  ? client_http_ask(client->http, question, &client->answer, err)
                  : client_inside_ask(client->inside, question, &client->answer, err);
    *ret = buf_str(&client->answer.body);
    return ok && problem_check(&client->answer, client->who,
                               client->has_token || client->inside != NULL, err);
}

bool hub_client_get(struct hub_client *client, struct str target, struct str *ret, struct err *err)
{
    const struct hub_client_question question = {.method = HTTP_GET, .target = target};
    return hub_client_ask(client, &question, ret, err);
}

/* --- pages ------------------------------------------------------------------------------------ */

struct pages {
    hub_client_item *on_item;
    void *ctx;
    int64_t left; /* INT64_MAX: all */
    struct buf cursor;
};

static bool no_list(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "the answer is no list: is it a hub that answers?");
}

static bool give_items(struct pages *pages, struct str items, struct err *err)
{
    struct json_scan scan;
    struct json_raw item;
    if (!json_scan_array(&scan, items, err)) {
        return false;
    }
    while (pages->left > 0 && json_scan_element(&scan, &item)) {
        pages->left--;
        if (!pages->on_item(pages->ctx, item.text, err)) {
            return false;
        }
    }
    return true;
}

/* {"items":[...],"next":CURSOR|null}; the cursor is kept. */
static bool take_page(struct pages *pages, struct str page, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    bool has_items = false;
    buf_reset(&pages->cursor);
    if (!json_scan_object(&scan, page, err)) {
        return no_list(err);
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "items") && value.type == JSON_ARRAY) {
            has_items = true;
            if (!give_items(pages, value.text, err)) {
                return false;
            }
        } else if (json_raw_is(key, "next") && value.type == JSON_STRING) {
            buf_add(&pages->cursor, value.text);
        }
    }
    return (json_scan_end(&scan, err) && has_items) || no_list(err);
}

static bool ask_page(struct hub_client *client, struct str target, struct pages *pages,
                     struct err *err)
{
    AUTO(buf) page = buf_growing(CLIENT_TARGET_BYTES_MAX + HTTP_CURSOR_BYTES_MAX);
    struct str answer = STR_NONE;
    buf_add(&page, target);
    target_query_i64(&page, "limit", pages->left < CLIENT_PAGE ? pages->left : CLIENT_PAGE);
    target_query(&page, "cursor", buf_str(&pages->cursor));
    if (page.overflow) {
        return err_set(err, ERR_FULL, "what is asked for is longer than %d bytes",
                       CLIENT_TARGET_BYTES_MAX);
    }
    return hub_client_get(client, buf_str(&page), &answer, err) && take_page(pages, answer, err);
}

bool hub_client_each(struct hub_client *client, struct str target, int64_t limit,
                     hub_client_item *on_item, void *ctx, struct err *err)
{
    struct pages pages = {.on_item = on_item,
                          .ctx = ctx,
                          .left = limit > 0 ? limit : INT64_MAX,
                          .cursor = buf_growing(HTTP_CURSOR_BYTES_MAX)};
    bool ok = true;
    do {
        ok = ask_page(client, target, &pages, err);
    } while (ok && pages.left > 0 && pages.cursor.len > 0);
    buf_release(&pages.cursor);
    return ok;
}
