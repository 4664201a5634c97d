#include "agent/el/http_pager.h"

#include "agent/el/schema.h"
#include "common/base/limits.h"
#include "common/json/json_path.h"

#include <stdio.h>
#include <string.h>

struct pager pager_new(const struct page_options *options)
{
    int64_t first = options->style == PAGES_PAGE ? 1 : 0;
    return (struct pager){
        .options = options,
        .number = options->start >= 0 ? options->start : first,
        .cursor = buf_growing(CURSOR_BYTES_MAX),
        .milestone = buf_growing(CURSOR_BYTES_MAX),
        .milestone_page = 1,
    };
}

void pager_release(struct pager *p)
{
    buf_release(&p->cursor);
    buf_release(&p->milestone);
}

/* --- the next page --------------------------------------------------------------------------- */

static bool take_cursor(struct pager *p, struct str cursor, struct err *err)
{
    if (str_eq(cursor, buf_str(&p->cursor)) || str_eq(cursor, buf_str(&p->milestone))) {
        err_set(err, ERR_INVALID, "page %lld names a next page that was there already",
                (long long)p->pages);
        return err_hint(err, "the pages go round in a circle; check \"next\" and \"param\"");
    }
    buf_reset(&p->cursor);
    buf_add(&p->cursor, cursor);
    if (p->pages == p->milestone_page) {
        buf_reset(&p->milestone);
        buf_add(&p->milestone, cursor);
        p->milestone_page *= 2;
    }
    return !p->cursor.overflow ||
           err_set(err, ERR_FULL, "a cursor of more than %d bytes", CURSOR_BYTES_MAX);
}

/* *ret_more: the answer names a next page. */
static bool next_cursor(struct pager *p, struct str body, bool *ret_more, struct err *err)
{
    struct json_raw found;
    AUTO(buf) text = buf_growing(CURSOR_BYTES_MAX);
    struct str cursor = STR("");
    if (body.len == 0) {
        *ret_more = false;
        return true;
    }
    if (!json_path_find(p->options->next, body, ret_more, &found, err)) {
        return false;
    }
    if (!*ret_more || found.type == JSON_NULL || json_raw_is(found, "") ||
        (found.type == JSON_BOOL && found.text.ptr[0] == 'f')) {
        *ret_more = false;
        return true;
    }
    p->is_cursor_number = found.type == JSON_INT || found.type == JSON_REAL;
    if (found.type == JSON_STRING && !json_unescape(found, true, &text, &cursor)) {
        return err_set(err, ERR_FULL, "a cursor of more than %d bytes", CURSOR_BYTES_MAX);
    }
    cursor = p->is_cursor_number ? found.text : cursor;
    if (cursor.len == 0) {
        err_set(err, ERR_INVALID, "\"" STR_FMT "\" in the answer is %s", STR_ARG(p->options->next),
                json_type_name(found.type));
        return err_hint(err, "\"next\" has to name the next cursor or URL: text or a number");
    }
    return take_cursor(p, cursor, err);
}

static bool next_number(struct pager *p, const struct page_answer *a, bool *ret_more,
                        struct err *err)
{
    *ret_more = a->records > 0;
    if (*ret_more && p->pages > 1 && a->content == p->last_content) {
        err_set(err, ERR_INVALID, "page %lld is the same as the one before", (long long)p->pages);
        return err_hint(err, "the server may not heed the parameter; check \"pagination\"");
    }
    p->last_content = a->content;
    int64_t step = p->options->style == PAGES_PAGE ? 1 : (int64_t)a->records;
    p->number += step;
    return true;
}

/* Says the answer itself that it is the last one? */
static bool ask_more(const struct pager *p, struct str body, bool *ret_more, struct err *err)
{
    struct json_raw found;
    bool is_found = false;
    *ret_more = true;
    if (p->options->more.len == 0 || body.len == 0) {
        return true;
    }
    if (!json_path_find(p->options->more, body, &is_found, &found, err)) {
        return false;
    }
    *ret_more = is_found && found.type == JSON_BOOL && found.text.ptr[0] == 't';
    if (is_found && found.type != JSON_BOOL && found.type != JSON_NULL) {
        err_set(err, ERR_INVALID, "\"" STR_FMT "\" in the answer is no boolean",
                STR_ARG(p->options->more));
        return err_hint(err, "\"more\" has to name what is true while there are more pages");
    }
    return true;
}

static bool turn(struct pager *p, const struct page_answer *a, bool *ret_more, struct err *err)
{
    struct str url;
    switch (p->options->style) {
    case PAGES_PAGE:
    case PAGES_OFFSET:
        return next_number(p, a, ret_more, err);
    case PAGES_CURSOR:
        return next_cursor(p, a->body, ret_more, err);
    case PAGES_LINK:
        *ret_more = link_find(a->link, STR("next"), &url);
        return !*ret_more || take_cursor(p, url, err);
    case PAGES_NONE:
    default:
        *ret_more = false;
        return true;
    }
}

bool pager_take(struct pager *p, const struct page_answer *answer, bool *ret_more, struct err *err)
{
    bool may_go_on = true;
    p->pages++;
    if (!ask_more(p, answer->body, &may_go_on, err)) {
        return false;
    }
    *ret_more = false;
    if (may_go_on && !turn(p, answer, ret_more, err)) {
        return false;
    }
    if (*ret_more && p->pages >= p->options->max) {
        err_set(err, ERR_FULL, "there are more than %lld pages", (long long)p->options->max);
        return err_hint(err, "raise \"max_pages\", or ask for larger pages");
    }
    return true;
}

static bool is_url_style(const struct page_options *o)
{
    return o->style == PAGES_LINK || (o->style == PAGES_CURSOR && o->param.len == 0);
}

struct str pager_url(const struct pager *p)
{
    return is_url_style(p->options) ? buf_str(&p->cursor) : STR("");
}

static struct str print_number(int64_t value, char text[PAGE_NUMBER_BYTES])
{
    (void)snprintf(text, PAGE_NUMBER_BYTES, "%lld", (long long)value);
    return str_from(text);
}

size_t pager_params(const struct pager *p, char numbers[PAGE_PARAMS_MAX][PAGE_NUMBER_BYTES],
                    struct page_param params[PAGE_PARAMS_MAX])
{
    const struct page_options *o = p->options;
    size_t count = 0;
    if (pager_url(p).len > 0) {
        return 0; /* it has them */
    }
    if (o->style == PAGES_PAGE || o->style == PAGES_OFFSET) {
        struct str name = o->style == PAGES_PAGE ? STR("page") : STR("offset");
        params[count++] = (struct page_param){.name = o->param.len > 0 ? o->param : name,
                                              .value = print_number(p->number, numbers[0]),
                                              .is_number = true};
    } else if (o->style == PAGES_CURSOR && p->cursor.len > 0) {
        params[count++] = (struct page_param){
            .name = o->param, .value = buf_str(&p->cursor), .is_number = p->is_cursor_number};
    }
    if (o->size_param.len > 0) {
        params[count++] = (struct page_param){
            .name = o->size_param, .value = print_number(o->size, numbers[1]), .is_number = true};
    }
    return count;
}

/* --- Link headers ---------------------------------------------------------------------------- */

static void skip_space(struct str *s)
{
    size_t i = 0;
    while (i < s->len && (s->ptr[i] == ' ' || s->ptr[i] == '\t')) {
        i++;
    }
    *s = str_slice(*s, i, s->len);
}

/* Up to a character of `ends`, in front of which *rest then stands. */
static struct str take_until(struct str *rest, const char *ends)
{
    size_t i = 0;
    while (i < rest->len && strchr(ends, rest->ptr[i]) == NULL) {
        i++;
    }
    struct str taken = str_slice(*rest, 0, i);
    *rest = str_slice(*rest, i, rest->len);
    return str_trim(taken);
}

/* A quoted string; its escapes stay, which no relation has. */
static struct str take_quoted(struct str *rest)
{
    size_t i = 1;
    while (i < rest->len && rest->ptr[i] != '"') {
        i += rest->ptr[i] == '\\' ? 2 : 1;
    }
    struct str taken = str_slice(*rest, 1, i);
    *rest = str_slice(*rest, i + 1, rest->len);
    return taken;
}

static bool has_relation(struct str list, struct str relation)
{
    struct str word;
    bool is_found = false;
    while (!is_found && list.len > 0) {
        (void)str_cut(str_trim(list), ' ', &word, &list);
        is_found = names_equal_nocase(word, relation);
    }
    return is_found;
}

/* The parameters of one link; true when it has the relation. */
static bool link_params(struct str *rest, struct str relation)
{
    bool is_wanted = false;
    bool has_rel = false;
    bool has_anchor = false;
    skip_space(rest);
    while (rest->len > 0 && rest->ptr[0] == ';') {
        *rest = str_slice(*rest, 1, rest->len);
        struct str name = take_until(rest, "=;,");
        struct str value = STR("");
        if (rest->len > 0 && rest->ptr[0] == '=') {
            *rest = str_slice(*rest, 1, rest->len);
            skip_space(rest);
            bool is_quoted = rest->len > 0 && rest->ptr[0] == '"';
            value = is_quoted ? take_quoted(rest) : take_until(rest, ";,");
        }
        if (names_equal_nocase(name, STR("rel")) && !has_rel) {
            has_rel = true; /* the first one counts (section 3.3) */
            is_wanted = has_relation(value, relation);
        }
        has_anchor = has_anchor || names_equal_nocase(name, STR("anchor"));
        skip_space(rest);
    }
    return is_wanted && !has_anchor; /* an anchor's link is not one of this answer */
}

bool link_find(struct str header, struct str relation, struct str *ret_url)
{
    struct str rest = header;
    while (rest.len > 0) {
        struct str before;
        struct str url;
        if (!str_cut(rest, '<', &before, &rest) || !str_cut(rest, '>', &url, &rest)) {
            return false;
        }
        if (link_params(&rest, relation) && url.len > 0) {
            *ret_url = url;
            return true;
        }
        (void)take_until(&rest, ",");
    }
    return false;
}

/* --- URLs ------------------------------------------------------------------------------------ */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void url_encode(struct buf *out, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (is_plain((char)c)) {
            buf_add_char(out, (char)c);
        } else {
            const char encoded[] = {'%', digits[c >> 4], digits[c & 15]};
            buf_add(out, (struct str){encoded, sizeof(encoded)});
        }
    }
}

void url_add_path(struct buf *out, struct str url, struct str path)
{
    struct str head;
    struct str query;
    bool has_query = str_cut(url, '?', &head, &query);
    head = path.len > 0 ? str_trim_end(head, '/') : head;
    buf_add(out, head);
    if (path.len > 0 && path.ptr[0] != '/') {
        buf_add_char(out, '/');
    }
    buf_add(out, path);
    if (has_query) {
        buf_add_char(out, str_contains(path, STR("?")) ? '&' : '?');
        buf_add(out, query);
    }
}

/* Is the pair "name=value" of a query one with that name? */
static bool is_param(struct str pair, struct str encoded, struct str name)
{
    struct str key;
    struct str value;
    (void)str_cut(pair, '=', &key, &value);
    return str_eq(key, encoded) || str_eq(key, name);
}

void url_set_param(struct buf *url, struct str name, struct str value)
{
    AUTO(buf) encoded = buf_growing(url->max);
    AUTO(buf) out = buf_growing(url->max);
    struct str path;
    struct str query;
    struct str pair;
    url_encode(&encoded, name);
    (void)str_cut(buf_str(url), '?', &path, &query);
    buf_add(&out, path);
    char separator = '?';
    while (query.len > 0) {
        (void)str_cut(query, '&', &pair, &query);
        if (pair.len > 0 && !is_param(pair, buf_str(&encoded), name)) {
            buf_add_char(&out, separator);
            buf_add(&out, pair);
            separator = '&';
        }
    }
    buf_add_char(&out, separator);
    buf_add(&out, buf_str(&encoded));
    buf_add_char(&out, '=');
    url_encode(&out, value);
    bool overflow = out.overflow || encoded.overflow;
    buf_reset(url);
    buf_add(url, buf_str(&out));
    url->overflow = url->overflow || overflow;
}
