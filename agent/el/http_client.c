#include "agent/el/http_client.h"

#include "agent/el/cancel.h"
#include "agent/el/http_auth.h"
#include "agent/el/http_pager.h"
#include "agent/el/http_retry.h"
#include "agent/el/http_transport.h"
#include "agent/el/schema.h"
#include "common/log/log.h"
#include "common/platform/rng.h"

#include <string.h>
#include <time.h>

enum {
    URL_BYTES_MAX = 128 << 10,
    BODY_BYTES_MAX = 256 << 20,
    HEADER_BYTES_MAX = 64 << 10,
    REDIRECTS_MAX = 5,
    EXCERPT_SOURCE_BYTES = 2048,
    EXCERPT_BYTES = 160,
    TOKEN_EARLY_S = 30, /* a token is fetched anew before it ends */
};

struct http_client {
    struct http_transport *transport;
    const struct http_options *options;
    struct clock clock;
    struct rng rng;
    struct retry_policy policy;
    struct secrets secrets;
    struct buf base;   /* the options' URL, with `params` */
    struct buf name;   /* the same without a query, for people */
    struct buf origin; /* of it: who may know our secrets */
    struct buf authorization;
    struct buf token; /* of OAuth2; empty = none yet */
    struct mono_time token_end;
    bool is_token_fresh;   /* no request was made with it yet */
    struct mono_time slot; /* before it the rate allows no request */
    /* The request under way. */
    enum http_method method;
    struct buf url;
    struct buf url_origin;
    struct buf body;
    struct buf content_type;
    struct buf idempotency_key;
    int64_t tried;
    int redirects;
    struct mono_time not_before;
};

struct str http_client_url(const struct http_client *c)
{
    return buf_str(&c->base);
}

struct str http_client_name(const struct http_client *c)
{
    return buf_str(&c->name);
}

/* --- errors ---------------------------------------------------------------------------------- */

/* The beginning of what the server says, on one line and without secrets. */
static void add_excerpt(const struct http_client *c, struct str body, struct buf *out)
{
    AUTO(buf) masked = buf_growing((size_t)EXCERPT_SOURCE_BYTES * 4);
    AUTO(buf) line = buf_growing((size_t)EXCERPT_SOURCE_BYTES * 4);
    struct secrets secrets = c->secrets;
    struct str proof = STR_NONE;
    (void)str_cut(buf_str(&c->authorization), ' ', &proof, &proof);
    secrets_add(&secrets, proof);
    secrets_mask(&secrets, str_slice(body, 0, EXCERPT_SOURCE_BYTES), &masked);
    struct str text = str_trim(buf_str(&masked));
    for (size_t i = 0; i < text.len; i++) {
        bool is_space = (unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f;
        bool was_space = line.len > 0 && line.ptr[line.len - 1] == ' ';
        if (!is_space || !was_space) {
            buf_add(&line, is_space ? STR(" ") : str_slice(text, i, i + 1));
        }
    }
    struct str clipped = str_clip(buf_str(&line), EXCERPT_BYTES);
    if (clipped.len == 0) {
        return;
    }
    buf_add_text(out, ": ");
    if (!str_is_utf8(clipped)) {
        buf_add_text(out, "(no text)");
        return;
    }
    buf_add(out, clipped);
    buf_add_text(out, clipped.len < line.len ? "…" : "");
}

static enum err_code code_of(int status)
{
    switch (status) {
    case 401:
    case 403:
    case 407:
        return ERR_DENIED;
    case 404:
    case 410:
        return ERR_NOT_FOUND;
    case 408:
        return ERR_TIMEOUT;
    case 429:
        return ERR_BUSY;
    default:
        return status >= 500 ? ERR_OFFLINE : ERR_INVALID;
    }
}

static bool hint_for(enum err_code code, struct err *err)
{
    switch ((int)code) {
    case ERR_DENIED:
        return err_hint(err, "check \"auth\": the server does not let us in");
    case ERR_NOT_FOUND:
        return err_hint(err, "check \"url\"");
    case ERR_BUSY:
        return err_hint(err, "lower \"requests_per_second\", or raise \"retries\"");
    case ERR_OFFLINE:
    case ERR_TIMEOUT:
        return err_hint(err, "the server has a problem; the next run starts again");
    default:
        return err_hint(err, "the server takes the request for wrong; see its documentation");
    }
}

static bool refused(const struct http_client *c, const struct http_incoming *in,
                    const struct retry_decision *d, struct err *err)
{
    AUTO(buf) text = buf_growing((size_t)EXCERPT_SOURCE_BYTES * 4);
    if (d->verdict == RETRY_TOO_LATE) {
        buf_add_text(&text, " and asks to wait for ");
        buf_add_duration(&text, d->wait_ns);
    }
    if (c->tried > 0 && d->verdict == RETRY_USED_UP) {
        buf_addf(&text, " after %lld retries", (long long)c->tried);
    }
    add_excerpt(c, buf_str(&in->body), &text);
    enum err_code code = code_of(in->status);
    err_set(err, code, "%s " STR_FMT ": the server answered %d" STR_FMT,
            http_method_names[c->method], STR_ARG(buf_str(&c->name)), in->status,
            STR_ARG(buf_str(&text)));
    return hint_for(code, err);
}

static bool in_request(const struct http_client *c, struct err *err)
{
    return err_wrap(err, "%s " STR_FMT, http_method_names[c->method], STR_ARG(buf_str(&c->name)));
}

/* --- opening --------------------------------------------------------------------------------- */

static bool resolve_base(struct http_client *c, struct err *err)
{
    const struct http_options *o = c->options;
    struct str path;
    struct str query;
    AUTO(buf) url = buf_growing(URL_BYTES_MAX);
    url_add_path(&url, o->url, o->path);
    if (!http_url_resolve(c->transport, STR(""), buf_str(&url), &c->base, &c->origin, err)) {
        return err_wrap(err, "\"url\"");
    }
    (void)str_cut(buf_str(&c->base), '?', &path, &query);
    buf_add(&c->name, path);
    for (size_t i = 0; i < o->params.count; i++) {
        url_set_param(&c->base, o->params.keys[i], o->params.values[i]);
    }
    return !c->base.overflow || err_set(err, ERR_FULL, "\"url\" is too long");
}

static void set_authorization(struct http_client *c)
{
    buf_reset(&c->authorization);
    auth_header(&c->options->auth, buf_str(&c->token), &c->authorization);
}

static void init_buffers(struct http_client *c)
{
    c->base = buf_growing(URL_BYTES_MAX);
    c->name = buf_growing(URL_BYTES_MAX);
    c->origin = buf_growing(URL_BYTES_MAX);
    c->authorization = buf_growing((size_t)HEADER_BYTES_MAX * 4);
    c->token = buf_growing(HEADER_BYTES_MAX);
    c->url = buf_growing(URL_BYTES_MAX);
    c->url_origin = buf_growing(URL_BYTES_MAX);
    c->body = buf_growing(BODY_BYTES_MAX);
    c->content_type = buf_growing(HEADER_BYTES_MAX);
    c->idempotency_key = buf_growing(HEADER_BYTES_MAX);
}

bool http_client_open(struct http_client **ret, const struct http_client_options *options,
                      struct arena *arena, struct err *err)
{
    const struct http_options *o = options->options;
    struct http_client *c = arena_alloc(arena, sizeof(*c));
    const char *ca_file = o->ca_file.len == 0 ? NULL : arena_cstr(arena, o->ca_file);
    if (c == NULL || (o->ca_file.len > 0 && ca_file == NULL)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    c->options = o;
    c->clock = options->clock;
    c->rng = rng_system();
    c->policy = (struct retry_policy){
        .retries = o->retries, .wait_ns = o->retry_wait, .longest_ns = o->retry_wait_max};
    secrets_collect(&c->secrets, o);
    init_buffers(c);
    const struct http_transport_options transport = {.timeout = o->timeout,
                                                     .answer_bytes_max = options->answer_bytes_max,
                                                     .ca_file = ca_file,
                                                     .tls_verify = o->tls_verify,
                                                     .clock = options->clock};
    if (!http_transport_open(&c->transport, &transport, arena, err) || !resolve_base(c, err)) {
        http_client_close(c);
        return false;
    }
    set_authorization(c);
    *ret = c;
    return true;
}

void http_client_close(struct http_client *c)
{
    if (c == NULL) {
        return;
    }
    http_transport_close(c->transport);
    buf_wipe(&c->base);
    buf_release(&c->name);
    buf_release(&c->origin);
    buf_wipe(&c->authorization);
    buf_wipe(&c->token);
    buf_wipe(&c->url);
    buf_release(&c->url_origin);
    buf_release(&c->body);
    buf_release(&c->content_type);
    buf_release(&c->idempotency_key);
}

/* --- a request ------------------------------------------------------------------------------- */

static bool is_ours(const struct http_client *c)
{
    return str_eq(buf_str(&c->url_origin), buf_str(&c->origin));
}

static void set_buf(struct buf *buf, struct str text)
{
    buf_reset(buf);
    buf_add(buf, text);
}

bool http_client_begin(struct http_client *c, const struct http_request *request, struct err *err)
{
    const struct auth_options *a = &c->options->auth;
    c->method = request->method;
    c->tried = 0;
    c->redirects = 0;
    c->not_before = (struct mono_time){0};
    bool is_relative_to_last = request->url.len > 0 && c->url.len > 0 && is_ours(c);
    struct str base = buf_str(is_relative_to_last ? &c->url : &c->base);
    if (!http_url_resolve(c->transport, base, request->url, &c->url, &c->url_origin, err)) {
        return in_request(c, err);
    }
    if (!is_ours(c)) {
        err_set(err, ERR_DENIED, "the next page is on another server, " STR_FMT,
                STR_ARG(buf_str(&c->url_origin)));
        err_hint(err, "what we send to \"url\" is not for others; is \"url\" as the server names "
                      "itself?");
        return in_request(c, err);
    }
    if (a->kind == AUTH_API_KEY && a->place == AUTH_IN_QUERY) {
        url_set_param(&c->url, a->name, a->token);
    }
    set_buf(&c->body, request->body);
    set_buf(&c->content_type, request->content_type);
    set_buf(&c->idempotency_key, request->idempotency_key);
    bool is_whole = !c->url.overflow && !c->body.overflow && !c->idempotency_key.overflow;
    return is_whole || err_set(err, ERR_FULL, "a request is too large");
}

static bool add_header(struct http_client *c, const char *name, struct str value, struct err *err)
{
    return value.len == 0 || http_transport_header(c->transport, str_from(name), value, err);
}

static bool has_header(const struct http_options *o, const char *name)
{
    bool is_there = false;
    for (size_t i = 0; i < o->headers.count; i++) {
        is_there = is_there || names_equal_nocase(o->headers.keys[i], str_from(name));
    }
    return is_there;
}

/* What is ours only goes to our server: the options' fields may be secrets as well. */
static bool add_own_headers(struct http_client *c, struct err *err)
{
    const struct http_options *o = c->options;
    const struct auth_options *a = &o->auth;
    for (size_t i = 0; i < o->headers.count; i++) {
        if (!http_transport_header(c->transport, o->headers.keys[i], o->headers.values[i], err)) {
            return false;
        }
    }
    if (a->kind == AUTH_API_KEY && a->place == AUTH_IN_HEADER &&
        !http_transport_header(c->transport, a->name, a->token, err)) {
        return false;
    }
    return add_header(c, "Authorization", buf_str(&c->authorization), err) &&
           add_header(c, "Idempotency-Key", buf_str(&c->idempotency_key), err);
}

static bool add_headers(struct http_client *c, struct err *err)
{
    const struct http_options *o = c->options;
    bool is_own = is_ours(c);
    if (is_own && !add_own_headers(c, err)) {
        return false;
    }
    struct str type = is_own && has_header(o, "Content-Type") ? STR("") : buf_str(&c->content_type);
    struct str accept = is_own && has_header(o, "Accept") ? STR("") : STR("application/json");
    struct str agent = is_own && has_header(o, "User-Agent") ? STR("") : STR("selvedge-el");
    return add_header(c, "Content-Type", type, err) && add_header(c, "Accept", accept, err) &&
           add_header(c, "User-Agent", agent, err);
}

static void wait_at_least(struct http_client *c, int64_t wait_ns)
{
    c->not_before.ns = clock_mono(&c->clock).ns + wait_ns;
}

/* The rate counts from one request's start to that of the next. */
static void take_slot(struct http_client *c)
{
    double rate = c->options->requests_per_second;
    if (rate > 0) {
        double wait = (double)NS_PER_SEC / rate;
        int64_t ns = wait < (double)HTTP_WAIT_MAX ? (int64_t)wait : HTTP_WAIT_MAX;
        c->slot.ns = clock_mono(&c->clock).ns + ns;
    }
}

static struct retry_decision decide(const struct http_client *c, const struct http_incoming *in)
{
    const struct retry_answer answer = {.status = in == NULL ? 0 : in->status,
                                        .retry_after =
                                            in == NULL ? STR("") : buf_str(&in->retry_after),
                                        .date = in == NULL ? STR("") : buf_str(&in->date),
                                        .now = clock_wall(&c->clock),
                                        .chance = rng_u64(&c->rng)};
    return retry_decide(&c->policy, c->tried, &answer);
}

static void retry_later(struct http_client *c, int status, const struct retry_decision *d,
                        const struct err *err)
{
    c->tried++;
    wait_at_least(c, d->wait_ns);
    LOG(WARN, "el.http_retry", F_S("url", buf_str(&c->name)), F_I("status", status),
        F_T("error", err->msg), F_I("retry", c->tried), F_I("wait_ms", d->wait_ns / NS_PER_MS));
}

/* --- redirects ------------------------------------------------------------------------------- */

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool no_redirect(const struct http_client *c, int status, const char *why, struct err *err)
{
    err_set(err, ERR_INVALID, "%s " STR_FMT ": redirected (%d) to " STR_FMT ", %s",
            http_method_names[c->method], STR_ARG(buf_str(&c->name)), status,
            STR_ARG(buf_str(&c->url_origin)), why);
    return err_hint(err, "write the server's present address as \"url\"");
}

/* Our secrets stay behind when it leads to another server. */
static bool follow(struct http_client *c, const struct http_incoming *in, struct err *err)
{
    bool was_tls = str_starts(buf_str(&c->url_origin), STR("https:"));
    bool keeps_method = in->status == 307 || in->status == 308;
    struct str to = str_from(in->redirect);
    if (!http_url_resolve(c->transport, STR(""), to, &c->url, &c->url_origin, err)) {
        err_wrap(err, "redirected (%d)", in->status);
        return in_request(c, err);
    }
    if (++c->redirects > REDIRECTS_MAX) {
        return no_redirect(c, in->status, "and that was one time too many", err);
    }
    if (was_tls && !str_starts(buf_str(&c->url_origin), STR("https:"))) {
        return no_redirect(c, in->status, "where nothing is encrypted", err);
    }
    if (c->method != HTTP_GET && (!keeps_method || !is_ours(c))) {
        return no_redirect(c, in->status, "which only a GET may follow", err);
    }
    wait_at_least(c, 0);
    return true;
}

/* --- tokens ---------------------------------------------------------------------------------- */

static bool needs_token(const struct http_client *c)
{
    return c->options->auth.kind == AUTH_OAUTH2 &&
           (c->token.len == 0 || clock_mono(&c->clock).ns >= c->token_end.ns);
}

static bool send_token_request(struct http_client *c, const char *url,
                               const struct http_incoming **ret, bool *ret_may_pass,
                               struct err *err)
{
    AUTO(buf) body = buf_growing((size_t)HEADER_BYTES_MAX * 4);
    AUTO(buf) client = buf_growing((size_t)HEADER_BYTES_MAX * 4);
    auth_token_request(&c->options->auth, &body);
    auth_client(&c->options->auth, &client);
    const struct http_outgoing out = {.method = HTTP_POST, .url = url, .body = buf_str(&body)};
    *ret_may_pass = false;
    bool ok = add_header(c, "Authorization", buf_str(&client), err) &&
              add_header(c, "Content-Type", STR("application/x-www-form-urlencoded"), err) &&
              add_header(c, "Accept", STR("application/json"), err) &&
              http_transport_send(c->transport, &out, ret, ret_may_pass, err);
    buf_wipe(&client);
    return ok;
}

static bool keep_token(struct http_client *c, struct str answer, struct err *err)
{
    int64_t lasts_s = 0;
    if (!auth_token_read(answer, &c->token, &lasts_s, err)) {
        return false;
    }
    int64_t use_s = lasts_s > INT64_C(2) * TOKEN_EARLY_S ? lasts_s - TOKEN_EARLY_S : lasts_s;
    c->token_end.ns = lasts_s < 0 ? INT64_MAX : clock_mono(&c->clock).ns + use_s * NS_PER_SEC;
    c->is_token_fresh = true;
    set_authorization(c);
    return true;
}

/* One attempt; when it fails for a reason that may pass, another follows at not_before. */
static bool fetch_token(struct http_client *c, struct err *err)
{
    AUTO(buf) url = buf_growing(URL_BYTES_MAX);
    AUTO(buf) origin = buf_growing(URL_BYTES_MAX);
    const struct http_incoming *in = NULL;
    bool may_pass = false;
    if (!http_url_resolve(c->transport, STR(""), c->options->auth.token_url, &url, &origin, err)) {
        return err_wrap(err, "auth: \"token_url\"");
    }
    const char *text = buf_cstr(&url);
    bool ok = text != NULL && send_token_request(c, text, &in, &may_pass, err);
    if (!ok && !may_pass) {
        return err_wrap(err, "auth: token");
    }
    struct retry_decision d = decide(c, ok ? in : NULL);
    if (ok && d.verdict == RETRY_NOT_NEEDED) {
        return keep_token(c, buf_str(&in->body), err) || err_wrap(err, "auth: token");
    }
    if (d.verdict == RETRY_LATER) {
        const struct err none = {0};
        retry_later(c, ok ? in->status : 0, &d, ok ? &none : err);
        return true;
    }
    return (ok ? refused(c, in, &d, err) : false) || err_wrap(err, "auth: token");
}

/* Was it taken back before its time? */
static bool renews_token(struct http_client *c, const struct http_incoming *in)
{
    bool is_worn = in->status == 401 && c->options->auth.kind == AUTH_OAUTH2 && !c->is_token_fresh;
    if (is_worn) {
        buf_reset(&c->token);
    }
    return is_worn;
}

/* --- attempts -------------------------------------------------------------------------------- */

static bool take_failure(struct http_client *c, bool may_pass, struct err *err)
{
    struct retry_decision d = decide(c, NULL);
    if (may_pass && d.verdict == RETRY_LATER) {
        retry_later(c, 0, &d, err);
        return true;
    }
    if (may_pass && c->tried > 0) {
        err_wrap(err, "after %lld retries", (long long)c->tried);
    }
    return in_request(c, err);
}

static bool take_answer(struct http_client *c, const struct http_incoming *in, bool *ret_done,
                        struct err *err)
{
    if (is_redirect(in->status) && in->redirect != NULL) {
        return follow(c, in, err);
    }
    if (renews_token(c, in)) {
        return true;
    }
    struct retry_decision d = decide(c, in);
    if (d.verdict == RETRY_LATER) {
        const struct err none = {0};
        retry_later(c, in->status, &d, &none);
        return true;
    }
    *ret_done = d.verdict == RETRY_NOT_NEEDED;
    return *ret_done || refused(c, in, &d, err);
}

static bool attempt(struct http_client *c, bool *ret_done, struct http_answer *ret, struct err *err)
{
    const struct http_incoming *in = NULL;
    bool may_pass = false;
    const struct http_outgoing out = {
        .method = c->method, .url = buf_cstr(&c->url), .body = buf_str(&c->body)};
    if (out.url == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a URL");
    }
    take_slot(c);
    if (!add_headers(c, err)) {
        return false;
    }
    if (!http_transport_send(c->transport, &out, &in, &may_pass, err)) {
        return take_failure(c, may_pass, err);
    }
    if (!take_answer(c, in, ret_done, err)) {
        return false;
    }
    c->is_token_fresh = false;
    if (*ret_done) {
        *ret = (struct http_answer){.status = in->status,
                                    .body = buf_str(&in->body),
                                    .content_type = buf_str(&in->content_type),
                                    .link = buf_str(&in->link)};
    }
    return true;
}

/* True when it is time. */
static bool wait_for_turn(const struct http_client *c, int64_t wait_ns)
{
    int64_t from = c->not_before.ns > c->slot.ns ? c->not_before.ns : c->slot.ns;
    int64_t left = from - clock_mono(&c->clock).ns;
    if (left > 0) {
        int64_t wait = left < wait_ns ? left : wait_ns;
        const struct timespec time = {.tv_sec = wait / NS_PER_SEC, .tv_nsec = wait % NS_PER_SEC};
        (void)nanosleep(&time, NULL);
        left = from - clock_mono(&c->clock).ns;
    }
    return left <= 0;
}

bool http_client_go_on(struct http_client *c, int64_t wait_ns, bool *ret_done,
                       struct http_answer *ret, struct err *err)
{
    *ret_done = false;
    if (cancel_requested()) {
        return cancel_error(err);
    }
    if (!wait_for_turn(c, wait_ns)) {
        return true;
    }
    return needs_token(c) ? fetch_token(c, err) : attempt(c, ret_done, ret, err);
}

bool http_client_finish(struct http_client *c, struct http_answer *ret, struct err *err)
{
    bool is_done = false;
    while (!is_done) {
        if (!http_client_go_on(c, NS_PER_SEC, &is_done, ret, err)) {
            return false;
        }
    }
    return true;
}
