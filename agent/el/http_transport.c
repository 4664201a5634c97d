#include "agent/el/http_transport.h"

#include "agent/el/cancel.h"
#include "agent/el/schema.h"

enum { HEADER_BYTES_MAX = 64 << 10, URL_BYTES_MAX = 128 << 10 };

struct http_transport {
    const struct curl_library *lib;
    CURL *easy;
    struct http_transport_options options;
    struct curl_slist *headers;
    struct http_incoming in;
    bool is_too_large;
    bool is_silent;
    curl_off_t moved; /* bytes in both directions, at the last look */
    struct mono_time moved_at;
    char problem[CURL_ERROR_SIZE];
};

/* --- what libcurl calls ---------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_transport *t = ctx;
    buf_add(&t->in.body, (struct str){bytes, size * count});
    t->is_too_large = t->in.body.overflow;
    return t->is_too_large ? 0 : size * count;
}

static void set_text(struct buf *buf, struct str text)
{
    buf_reset(buf);
    buf_add(buf, text);
}

static void take_field(struct http_incoming *in, struct str name, struct str value)
{
    if (names_equal_nocase(name, STR("link"))) {
        buf_add_text(&in->link, in->link.len > 0 ? ", " : "");
        buf_add(&in->link, value);
    } else if (names_equal_nocase(name, STR("content-type"))) {
        set_text(&in->content_type, value);
    } else if (names_equal_nocase(name, STR("retry-after"))) {
        set_text(&in->retry_after, value);
    } else if (names_equal_nocase(name, STR("date"))) {
        set_text(&in->date, value);
    }
}

static void forget_fields(struct http_incoming *in)
{
    buf_reset(&in->link);
    buf_reset(&in->content_type);
    buf_reset(&in->retry_after);
    buf_reset(&in->date);
}

static size_t take_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_transport *t = ctx;
    struct str line = str_trim((struct str){bytes, size * count});
    struct str name;
    struct str value;
    if (str_starts(line, STR("HTTP/"))) {
        forget_fields(&t->in); /* those were of an interim answer */
    } else if (str_cut(line, ':', &name, &value)) {
        take_field(&t->in, name, str_trim(value));
    }
    return size * count;
}

/* Called some times a second, whether something moves or not. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct http_transport *t = ctx;
    struct mono_time now = clock_mono(&t->options.clock);
    (void)down_total;
    (void)up_total;
    if (down + up != t->moved) {
        t->moved = down + up;
        t->moved_at = now;
    }
    t->is_silent = now.ns - t->moved_at.ns > t->options.timeout;
    return t->is_silent || cancel_requested();
}

/* --- one request ----------------------------------------------------------------------------- */

bool http_transport_open(struct http_transport **ret, const struct http_transport_options *options,
                         struct arena *arena, struct err *err)
{
    struct http_transport *t = arena_alloc(arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    if (!curl_library_load(&t->lib, err)) {
        return false;
    }
    t->options = *options;
    t->easy = t->lib->curl_easy_init();
    t->in.body = buf_growing((size_t)options->answer_bytes_max);
    t->in.link = buf_growing(HEADER_BYTES_MAX);
    t->in.content_type = buf_growing(HEADER_BYTES_MAX);
    t->in.retry_after = buf_growing(HEADER_BYTES_MAX);
    t->in.date = buf_growing(HEADER_BYTES_MAX);
    if (t->easy == NULL) {
        http_transport_close(t);
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    *ret = t;
    return true;
}

void http_transport_close(struct http_transport *t)
{
    if (t == NULL) {
        return;
    }
    t->lib->curl_easy_cleanup(t->easy);
    t->lib->curl_slist_free_all(t->headers);
    buf_release(&t->in.body);
    buf_release(&t->in.link);
    buf_release(&t->in.content_type);
    buf_release(&t->in.retry_after);
    buf_release(&t->in.date);
}

static bool add_line(struct http_transport *t, const char *text, struct err *err)
{
    struct curl_slist *longer = text == NULL ? NULL : t->lib->curl_slist_append(t->headers, text);
    if (longer == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a header field");
    }
    t->headers = longer;
    return true;
}

bool http_transport_header(struct http_transport *t, struct str name, struct str value,
                           struct err *err)
{
    AUTO(buf) line = buf_growing((size_t)HEADER_BYTES_MAX * 2);
    buf_add(&line, name);
    /* "name;" is libcurl's way to say a field without a value. */
    buf_add_text(&line, value.len > 0 ? ": " : ";");
    buf_add(&line, value);
    bool ok = add_line(t, buf_cstr(&line), err);
    buf_wipe(&line);
    return ok;
}

static CURLcode set_method(struct http_transport *t, const struct http_outgoing *r)
{
    CURL *e = t->easy;
    if (r->method == HTTP_GET) {
        return t->lib->curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code =
        t->lib->curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
    if (code == CURLE_OK) {
        const char *body = r->body.len > 0 ? r->body.ptr : "";
        code = t->lib->curl_easy_setopt(e, CURLOPT_POSTFIELDS, body);
    }
    return code == CURLE_OK
               ? t->lib->curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, http_method_names[r->method])
               : code;
}

static CURLcode set_callbacks(struct http_transport *t)
{
    const struct curl_library *lib = t->lib;
    CURL *e = t->easy;
    CURLcode codes[] = {
        lib->curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body),
        lib->curl_easy_setopt(e, CURLOPT_WRITEDATA, t),
        lib->curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header),
        lib->curl_easy_setopt(e, CURLOPT_HEADERDATA, t),
        lib->curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress),
        lib->curl_easy_setopt(e, CURLOPT_XFERINFODATA, t),
        lib->curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L),
        lib->curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->problem),
    };
    CURLcode first = CURLE_OK;
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        first = first == CURLE_OK ? codes[i] : first;
    }
    return first;
}

static CURLcode set_safety(struct http_transport *t)
{
    const struct curl_library *lib = t->lib;
    CURL *e = t->easy;
    const struct http_transport_options *o = &t->options;
    CURLcode codes[] = {
        lib->curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https"),
        lib->curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L),
        lib->curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L),
        lib->curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip"),
        lib->curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(o->timeout / NS_PER_MS)),
        lib->curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, o->tls_verify ? 1L : 0L),
        lib->curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, o->tls_verify ? 2L : 0L),
        o->ca_file == NULL ? CURLE_OK : lib->curl_easy_setopt(e, CURLOPT_CAINFO, o->ca_file),
    };
    CURLcode first = CURLE_OK;
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        first = first == CURLE_OK ? codes[i] : first;
    }
    return first;
}

static CURLcode set_up(struct http_transport *t, const struct http_outgoing *r)
{
    const struct curl_library *lib = t->lib;
    CURL *e = t->easy;
    lib->curl_easy_reset(e); /* the connection stays */
    CURLcode code = set_callbacks(t);
    code = code == CURLE_OK ? set_safety(t) : code;
    code = code == CURLE_OK ? set_method(t, r) : code;
    code = code == CURLE_OK ? lib->curl_easy_setopt(e, CURLOPT_URL, r->url) : code;
    return code == CURLE_OK ? lib->curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers) : code;
}

static bool tell_tls(const struct http_transport *t, const char *why, struct err *err)
{
    err_set(err, ERR_DENIED, "TLS: %s", why);
    return err_hint(err, "check the device's clock and %s",
                    t->options.ca_file == NULL ? "name the server's authority with \"ca_file\""
                                               : "that \"ca_file\" holds the server's authority");
}

/* Always false. */
static bool explain(struct http_transport *t, CURLcode code, bool *ret_may_pass, struct err *err)
{
    const char *why = t->problem[0] != '\0' ? t->problem : t->lib->curl_easy_strerror(code);
    *ret_may_pass = false;
    if (cancel_requested()) {
        return cancel_error(err);
    }
    if (t->is_too_large) {
        err_set(err, ERR_FULL, "the answer has more than %lld bytes",
                (long long)t->options.answer_bytes_max);
        return err_hint(err, "ask for smaller pages, or raise the limit");
    }
    switch ((int)code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        return tell_tls(t, why, err);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return err_set(err, ERR_INVALID, "%s", why);
    case CURLE_OUT_OF_MEMORY:
        return err_set(err, ERR_NO_MEMORY, "%s", why);
    default:
        break;
    }
    *ret_may_pass = true;
    if (t->is_silent || code == CURLE_OPERATION_TIMEDOUT) {
        err_set(err, ERR_TIMEOUT, "%s for %lld ms",
                t->moved > 0 || t->is_silent ? "the server was silent" : "no connection",
                (long long)(t->options.timeout / NS_PER_MS));
        return err_hint(err, "check the server, or raise \"timeout\"");
    }
    err_set(err, ERR_OFFLINE, "%s", why);
    return err_hint(err, "check \"url\" and the network");
}

bool http_transport_send(struct http_transport *t, const struct http_outgoing *request,
                         const struct http_incoming **ret, bool *ret_may_pass, struct err *err)
{
    long status = 0;
    char *redirect = NULL;
    t->problem[0] = '\0';
    t->is_too_large = false;
    t->is_silent = false;
    t->moved = 0;
    t->moved_at = clock_mono(&t->options.clock);
    buf_reset(&t->in.body);
    forget_fields(&t->in);
    *ret_may_pass = false;
    if (!add_line(t, "Expect:", err)) { /* no field at all: we do not wait for a "100 Continue" */
        return false;
    }
    CURLcode code = set_up(t, request);
    code = code == CURLE_OK ? t->lib->curl_easy_perform(t->easy) : code;
    if (code == CURLE_OK) {
        code = t->lib->curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    }
    if (code == CURLE_OK) {
        code = t->lib->curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &redirect);
    }
    t->lib->curl_slist_free_all(t->headers);
    t->headers = NULL;
    t->in.status = (int)status;
    t->in.redirect = redirect;
    *ret = &t->in;
    return code == CURLE_OK || explain(t, code, ret_may_pass, err);
}

/* --- URLs ------------------------------------------------------------------------------------ */

/* Appends a part, which libcurl allocates; nothing when it is not there. */
static bool add_part(const struct curl_library *lib, CURLU *url, CURLUPart part, struct buf *into)
{
    char *text = NULL;
    CURLUcode code = lib->curl_url_get(url, part, &text, CURLU_DEFAULT_PORT);
    if (code == CURLUE_OK) {
        buf_add_text(into, text);
    }
    lib->curl_free(text);
    return code == CURLUE_OK;
}

static bool read_url(const struct curl_library *lib, CURLU *url, struct buf *ret_url,
                     struct buf *ret_origin, struct err *err)
{
    AUTO(buf) user = buf_growing(URL_BYTES_MAX);
    char *whole = NULL;
    if (add_part(lib, url, CURLUPART_USER, &user)) {
        err_set(err, ERR_INVALID, "the URL has a user in it");
        return err_hint(err, "write user and password under \"auth\"");
    }
    buf_reset(ret_origin);
    buf_reset(ret_url);
    bool ok = add_part(lib, url, CURLUPART_SCHEME, ret_origin);
    bool is_http =
        str_eq(buf_str(ret_origin), STR("http")) || str_eq(buf_str(ret_origin), STR("https"));
    buf_add_text(ret_origin, "://");
    ok = ok && is_http && add_part(lib, url, CURLUPART_HOST, ret_origin);
    buf_add_char(ret_origin, ':');
    ok = ok && add_part(lib, url, CURLUPART_PORT, ret_origin) &&
         lib->curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
         lib->curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK;
    if (ok) {
        buf_add_text(ret_url, whole);
    }
    lib->curl_free(whole);
    if (!ok || ret_url->overflow || ret_origin->overflow) {
        err_set(err, ERR_INVALID, "this is no URL of an HTTP server");
        return err_hint(err, "write it like https://api.example/v1/orders");
    }
    return true;
}

bool http_url_resolve(struct http_transport *t, struct str base, struct str reference,
                      struct buf *ret_url, struct buf *ret_origin, struct err *err)
{
    const struct curl_library *lib = t->lib;
    AUTO(buf) text = buf_growing(URL_BYTES_MAX);
    CURLU *url = lib->curl_url();
    if (url == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a URL");
    }
    const struct str parts[] = {base, reference};
    bool ok = true;
    for (size_t i = 0; ok && i < COUNT_OF(parts); i++) {
        buf_reset(&text);
        buf_add(&text, parts[i]);
        const char *part = buf_cstr(&text);
        ok = parts[i].len == 0 || (part != NULL && lib->curl_url_set(url, CURLUPART_URL, part,
                                                                     CURLU_URLENCODE) == CURLUE_OK);
    }
    if (!ok) {
        err_set(err, ERR_INVALID, "this is no URL");
        err_hint(err, "write it like https://api.example/v1/orders");
    }
    ok = ok && read_url(lib, url, ret_url, ret_origin, err);
    lib->curl_url_cleanup(url);
    return ok;
}
