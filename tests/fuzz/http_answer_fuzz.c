/* http_answer_fuzz.c - what a server answers, and what it says of the next page: records lie within the body and are the same at every
 * look, pages end, and what goes into a URL or a body stays one parameter there. The input is a path, a Link header and a body, with line
 * ends between the three; the path's first byte chooses the style. */
#include "agent/el/hash.h"
#include "agent/el/http_pager.h"
#include "agent/el/http_query.h"
#include "agent/el/http_records.h"
#include "agent/el/http_retry.h"
#include "common/json/json_path.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGES = 8, BYTES_MAX = 1 << 20 };

static bool lies_in(struct str part, struct str whole)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

/* The number of records; SIZE_MAX when the body has none that can be read. */
static size_t read_records(struct str body, struct str path, bool is_lines, uint64_t *ret_hash)
{
    struct http_records r;
    struct err err = {0};
    bool is_found = true;
    struct hash64 h = hash64_new();
    if (!http_records_open(&r, body, path, is_lines, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
        return SIZE_MAX;
    }
    for (size_t count = 0;; count++) {
        struct str record;
        if (!http_records_next(&r, &record, &is_found, &err)) {
            assert(err.code != ERR_NONE && r.given == count);
            return SIZE_MAX;
        }
        if (!is_found) {
            *ret_hash = hash64_value(&h);
            assert(r.given == count);
            return count;
        }
        assert(lies_in(record, body) && record.len > 0);
        hash64_add(&h, record);
    }
}

static void check_param(struct str value)
{
    AUTO(buf) url = buf_growing(BYTES_MAX);
    AUTO(arena) arena = arena_new(BYTES_MAX);
    struct str path;
    struct str query;
    struct err err = {0};
    buf_add_text(&url, "http://h/p?a=1");
    url_set_param(&url, STR("c"), value);
    url_set_param(&url, STR("c"), value);
    assert(!url.overflow && str_starts(buf_str(&url), STR("http://h/p?a=1&c=")));
    assert(str_cut(buf_str(&url), '?', &path, &query));
    struct str tail = str_slice(query, 4, query.len);
    assert(!str_contains(tail, STR("&")) && !str_contains(tail, STR("#")));
    struct json *body = arena_alloc(&arena, sizeof(*body));
    const struct page_param param = {.name = STR("x.y"), .value = value};
    body->type = JSON_OBJECT;
    if (body_set(body, &param, &arena, &err) && str_is_utf8(value) &&
        memchr(value.ptr, '\0', value.len) == NULL) {
        AUTO(buf) out = buf_growing(BYTES_MAX);
        struct json *back = NULL;
        json_write(&out, body);
        assert(json_parse(buf_str(&out), BYTES_MAX, &arena, &back, &err));
        assert(str_eq(json_get(json_get(back, "x"), "y")->as.string, value));
    }
}

static void turn_pages(const struct page_options *o, struct str body, struct str link, size_t count)
{
    struct pager p = pager_new(o);
    bool has_more = true;
    size_t pages = 0;
    while (has_more) {
        struct err err = {0};
        const struct page_answer answer = {
            .body = body, .link = link, .records = count, .content = pages};
        pages++;
        if (!pager_take(&p, &answer, &has_more, &err)) {
            assert(err.code != ERR_NONE);
            break;
        }
        if (has_more) {
            char numbers[PAGE_PARAMS_MAX][PAGE_NUMBER_BYTES];
            struct page_param params[PAGE_PARAMS_MAX];
            size_t given = pager_params(&p, numbers, params);
            assert(given <= PAGE_PARAMS_MAX && (given > 0 || pager_url(&p).len > 0));
            check_param(given > 0 ? params[0].value : pager_url(&p));
        }
    }
    /* The same answer names the same page: that ends with the second one. */
    assert(pages <= PAGES && (o->style == PAGES_PAGE || o->style == PAGES_OFFSET || pages <= 2));
    pager_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str path;
    struct str link;
    struct str body = {(const char *)data, size};
    struct err err = {0};
    uint64_t first = 0;
    uint64_t second = 0;
    if (size < 1) {
        return 0;
    }
    struct page_options o = PAGE_OPTION_DEFAULTS;
    o.style = data[0] % 5;
    o.max = PAGES;
    body = str_slice(body, 1, body.len);
    if (!str_cut(body, '\n', &path, &body) || !str_cut(body, '\n', &link, &body) ||
        !json_path_check(path, &err)) {
        return 0;
    }
    size_t count = read_records(body, path, false, &first);
    assert(count == read_records(body, path, false, &second) && first == second);
    (void)read_records(body, path, true, &first);
    o.next = path;
    o.param = data[0] & 16 ? STR("c") : STR("");
    turn_pages(&o, body, link, count == SIZE_MAX ? 0 : count);
    int64_t ns = 0;
    const struct retry_answer answer = {.status = 503, .retry_after = link, .date = path};
    assert(!retry_after_parse(&answer, &ns) || ns >= 0);
    return 0;
}
