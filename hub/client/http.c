/* http.c - over a connection: the hub's socket on this machine, or a URL. */
#include "hub/client/client_internal.h"

#include "common/curl/curl_library.h"
#include "hub/client/target.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_S = 20, ANSWER_S = 300, URL_BYTES_MAX = CLIENT_TARGET_BYTES_MAX + 2048 };

struct client_http {
    const struct curl_library *lib;
    CURL *easy;
    struct client_http_options options;
    struct buf base; /* the URL, without '/' at its end */
    struct buf authorization;
    struct buf url;
    char problem[CURL_ERROR_SIZE];
};

/* --- the address ------------------------------------------------------------------------------ */

static bool check_url(struct str url, bool has_token, struct err *err)
{
    bool is_plain = str_starts(url, STR("http://"));
    if (!is_plain && !str_starts(url, STR("https://"))) {
        (void)err_set(err, ERR_INVALID, "--url " STR_FMT ": it begins with https://",
                      STR_ARG(str_clip(url, 200)));
        return err_hint(err, "like https://hub.example.org:8880");
    }
    if (is_plain && has_token && !target_stays_here(url)) {
        (void)err_set(err, ERR_DENIED,
                      "the token is not sent to " STR_FMT ": everybody on the way could read it",
                      STR_ARG(str_clip(url, 200)));
        return err_hint(err, "ask over https://; the hub's `http: {tls: on}` answers it");
    }
    return true;
}

static bool check_token(struct str token, struct err *err)
{
    bool is_good = token.len <= CLIENT_TOKEN_BYTES_MAX;
    for (size_t i = 0; i < token.len; i++) {
        is_good = is_good && token.ptr[i] > ' ' && token.ptr[i] <= '~';
    }
    if (is_good) {
        return true;
    }
    (void)err_set(err, ERR_INVALID, "the token is none: it is one word");
    return err_hint(err, "an admin makes one: selvedge-hub api-token create");
}

/* --- life ------------------------------------------------------------------------------------- */

bool client_http_open(struct client_http **ret, const struct client_http_options *options,
                      struct err *err)
{
    struct str url = str_trim_end(str_from(options->url), '/');
    const struct curl_library *lib = NULL;
    if (options->socket == NULL && (!check_url(url, !str_is_empty(options->token), err) ||
                                    !check_token(options->token, err))) {
        return false;
    }
    if (!curl_library_load(&lib, err)) {
        return false;
    }
    struct client_http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        return err_set(err, ERR_NO_MEMORY, "ask the hub: out of memory");
    }
    http->lib = lib;
    http->options = *options;
    http->base = buf_growing(URL_BYTES_MAX);
    http->url = buf_growing(URL_BYTES_MAX);
    http->authorization = buf_growing(CLIENT_TOKEN_BYTES_MAX + 64);
    http->easy = lib->curl_easy_init();
    buf_add(&http->base, options->socket != NULL ? STR("http://localhost") : url);
    if (!str_is_empty(options->token)) {
        buf_addf(&http->authorization, "Authorization: Bearer " STR_FMT, STR_ARG(options->token));
    }
    if (http->easy == NULL || http->base.overflow) {
        client_http_close(http);
        return err_set(err, ERR_INVALID, "the hub's URL is too long");
    }
    *ret = http;
    return true;
}

void client_http_close(struct client_http *http)
{
    if (http == NULL) {
        return;
    }
    if (http->easy != NULL) {
        http->lib->curl_easy_cleanup(http->easy);
    }
    buf_wipe(&http->authorization);
    buf_release(&http->base);
    buf_release(&http->url);
    free(http);
}

/* --- what went wrong -------------------------------------------------------------------------- */

static bool not_proven(const struct client_http *http, const char *why, struct err *err)
{
    (void)err_set(err, ERR_DENIED, "%s is not proven to be the hub: %s", http->options.url, why);
    if (http->options.ca_file != NULL) {
        return err_hint(err,
                        "%s must be the CA of that hub (ca/ca.pem in its state folder), and "
                        "the URL's name one of its certificate",
                        http->options.ca_file);
    }
    return err_hint(err, "bring ca/ca.pem of the hub's state folder to this machine, and name it: "
                         "--ca-file ca.pem");
}

static bool fail(const struct client_http *http, CURLcode code, bool is_too_large, struct err *err)
{
    const char *why =
        http->problem[0] != '\0' ? http->problem : http->lib->curl_easy_strerror(code);
    const char *where = http->options.socket != NULL ? http->options.socket : http->options.url;
    if (is_too_large) {
        (void)err_set(err, ERR_FULL, "%s answered more than %d MiB", where,
                      CLIENT_ANSWER_BYTES_MAX >> 20);
        return err_hint(err, "ask for less: --limit");
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        return not_proven(http, why, err);
    }
    if (code == CURLE_SSL_CACERT_BADFILE) {
        (void)err_set(err, ERR_INVALID, "--ca-file %s: %s", http->options.ca_file, why);
        return err_hint(err, "it is a PEM file: ca/ca.pem of the hub's state folder");
    }
    if (code == CURLE_URL_MALFORMAT) {
        return err_set(err, ERR_INVALID, "--url %s: %s", where, why);
    }
    bool is_late = code == CURLE_OPERATION_TIMEDOUT;
    (void)err_set(err, is_late ? ERR_TIMEOUT : ERR_OFFLINE, "ask %s: %s", where, why);
    return err_hint(err, code == CURLE_SSL_CONNECT_ERROR
                             ? "does it speak HTTPS? `http:` of its hub.yaml says"
                             : "is the hub running there, and is it the right address and port?");
}

/* --- asking ----------------------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct buf *body = ctx;
    buf_add(body, (struct str){bytes, size * count});
    return body->overflow ? 0 : size * count;
}

static struct curl_slist *headers_of(struct client_http *http,
                                     const struct hub_client_question *question)
{
    struct curl_slist *list = http->lib->curl_slist_append(NULL, "Accept: application/json");
    list = http->lib->curl_slist_append(list, "Expect:");
    if (!str_is_empty(question->body)) {
        list = http->lib->curl_slist_append(list, question->is_bytes
                                                      ? "Content-Type: " HTTP_BYTES
                                                      : "Content-Type: application/json");
    }
    if (http->authorization.len > 0) {
        list = http->lib->curl_slist_append(list, buf_cstr(&http->authorization));
    }
    return list;
}

/* To whom, and how that is checked. */
static void set_peer(struct client_http *http)
{
    const struct curl_library *lib = http->lib;
    (void)lib->curl_easy_setopt(http->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (http->options.socket != NULL) {
        (void)lib->curl_easy_setopt(http->easy, CURLOPT_UNIX_SOCKET_PATH, http->options.socket);
        (void)lib->curl_easy_setopt(http->easy, CURLOPT_NOPROXY, "*");
        return;
    }
    (void)lib->curl_easy_setopt(http->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (target_stays_here(buf_str(&http->base))) {
        (void)lib->curl_easy_setopt(http->easy, CURLOPT_NOPROXY,
                                    "*"); /* nor a proxy reads a token */
    }
    if (http->options.ca_file != NULL) {
        (void)lib->curl_easy_setopt(http->easy, CURLOPT_CAINFO, http->options.ca_file);
        (void)lib->curl_easy_setopt(http->easy, CURLOPT_CAPATH, NULL);
    }
}

static void set_request(struct client_http *http, const struct hub_client_question *question,
                        struct client_answer *answer, const struct curl_slist *headers)
{
    const struct curl_library *lib = http->lib;
    CURL *easy = http->easy;
    lib->curl_easy_reset(easy); /* the connection stays */
    set_peer(http);
    (void)lib->curl_easy_setopt(easy, CURLOPT_URL, buf_cstr(&http->url));
    (void)lib->curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)lib->curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    (void)lib->curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)ANSWER_S);
    (void)lib->curl_easy_setopt(easy, CURLOPT_USERAGENT, "selvedge-hub");
    (void)lib->curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->problem);
    (void)lib->curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void)lib->curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    (void)lib->curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer->body);
    if (question->method == HTTP_POST || !str_is_empty(question->body)) {
        (void)lib->curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                    (curl_off_t)question->body.len);
        (void)lib->curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                                    question->body.len > 0 ? question->body.ptr : "");
    }
    (void)lib->curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_name(question->method));
}

bool client_http_ask(struct client_http *http, const struct hub_client_question *question,
                     struct client_answer *ret, struct err *err)
{
    long status = 0;
    buf_reset(&http->url);
    buf_add(&http->url, buf_str(&http->base));
    buf_add(&http->url, question->target);
    if (buf_cstr(&http->url) == NULL) {
        return err_set(err, ERR_FULL, "what is asked for is longer than %d bytes",
                       CLIENT_TARGET_BYTES_MAX);
    }
    struct curl_slist *headers = headers_of(http, question);
    http->problem[0] = '\0';
    set_request(http, question, ret, headers);
    CURLcode code = http->lib->curl_easy_perform(http->easy);
    (void)http->lib->curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    http->lib->curl_slist_free_all(headers);
    ret->status = (int)status;
    return code == CURLE_OK || fail(http, code, ret->body.overflow, err);
}
