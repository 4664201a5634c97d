/* el_http_pager_test.c - agent/el/http_pager.h */
#include "agent/el/http_pager.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static const struct page_options page = PAGE_OPTION_DEFAULTS;

static bool take(struct pager *p, const char *body, const char *link, size_t records,
                 struct err *err)
{
    static uint64_t content = 1;
    bool has_more = false;
    *err = (struct err){0};
    const struct page_answer answer = {
        .body = str_from(body), .link = str_from(link), .records = records, .content = content++};
    bool ok = pager_take(p, &answer, &has_more, err);
    assert_int_equal(ok, err->code == ERR_NONE);
    return ok && has_more;
}

static void assert_param(const struct pager *p, size_t at, const char *name, const char *value)
{
    char numbers[PAGE_PARAMS_MAX][PAGE_NUMBER_BYTES];
    struct page_param params[PAGE_PARAMS_MAX];
    assert_true(pager_params(p, numbers, params) > at);
    assert_true(str_eq(params[at].name, str_from(name)));
    assert_true(str_eq(params[at].value, str_from(value)));
}

static void numbers_and_offsets(void **state)
{
    (void)state;
    struct page_options o = page;
    struct err err;
    o.style = PAGES_PAGE;
    struct pager p = pager_new(&o);
    assert_param(&p, 0, "page", "1");
    assert_true(take(&p, "[]", "", 5, &err));
    assert_param(&p, 0, "page", "2");
    assert_false(take(&p, "[]", "", 0, &err));
    assert_int_equal(err.code, ERR_NONE);
    o.style = PAGES_OFFSET;
    o.size_param = STR("limit");
    o.size = 50;
    o.start = 10;
    p = pager_new(&o);
    assert_param(&p, 0, "offset", "10");
    assert_param(&p, 1, "limit", "50");
    assert_true(take(&p, "[]", "", 7, &err));
    assert_param(&p, 0, "offset", "17");
}

static void a_page_that_repeats_itself(void **state)
{
    (void)state;
    struct page_options o = page;
    struct err err = {0};
    bool has_more = false;
    o.style = PAGES_PAGE;
    struct pager p = pager_new(&o);
    const struct page_answer answer = {.records = 2, .content = 7};
    assert_true(pager_take(&p, &answer, &has_more, &err) && has_more);
    assert_false(pager_take(&p, &answer, &has_more, &err));
    assert_non_null(strstr(err.msg, "page 2 is the same"));
}

static void cursors_of_each_kind(void **state)
{
    (void)state;
    struct page_options o = page;
    struct err err;
    o.style = PAGES_CURSOR;
    o.next = STR("n");
    o.param = STR("after");
    struct pager p = pager_new(&o);
    char numbers[PAGE_PARAMS_MAX][PAGE_NUMBER_BYTES];
    struct page_param params[PAGE_PARAMS_MAX];
    assert_int_equal(pager_params(&p, numbers, params), 0);
    assert_true(take(&p, "{\"n\": \"a\\u00e9\"}", "", 1, &err));
    assert_param(&p, 0, "after", "aé");
    assert_true(take(&p, "{\"n\": 12.50}", "", 0, &err)); /* a page may be empty */
    assert_param(&p, 0, "after", "12.50");
    assert_int_equal(pager_params(&p, numbers, params), 1);
    assert_true(params[0].is_number);
    static const char *const last[] = {"{}", "{\"n\": null}", "{\"n\": \"\"}", "{\"n\": false}",
                                       "[1]"};
    for (size_t i = 0; i < COUNT_OF(last); i++) {
        assert_false(take(&p, last[i], "", 1, &err));
        assert_int_equal(err.code, ERR_NONE);
    }
    assert_false(take(&p, "{\"n\": {\"a\": 1}}", "", 1, &err));
    assert_non_null(strstr(err.msg, "an object"));
    assert_false(take(&p, "{\"n\": \"x\"", "", 1, &err));
    assert_int_equal(err.code, ERR_INVALID);
    pager_release(&p);
}

/* Any circle, behind any way into it, is noticed, and no way without one. */
static void circles_of_any_length(void **state)
{
    (void)state;
    struct page_options o = page;
    o.style = PAGES_CURSOR;
    o.next = STR("n");
    o.param = STR("c");
    for (int lead = 0; lead < 20; lead++) {
        for (int length = 1; length < 20; length++) {
            struct err err = {0};
            struct pager p = pager_new(&o);
            int at = 0;
            int pages = 0;
            bool goes_on = true;
            while (goes_on) {
                char body[32];
                at = at + 1 < lead + length ? at + 1 : lead;
                (void)snprintf(body, sizeof(body), "{\"n\": \"%d\"}", at);
                goes_on = take(&p, body, "", 1, &err);
                pages++;
            }
            assert_int_equal(err.code, ERR_INVALID);
            assert_true(pages > lead && pages <= 4 * (lead + length) + 4);
            pager_release(&p);
        }
    }
    struct err err;
    struct pager p = pager_new(&o);
    for (int i = 0; i < 5000; i++) {
        char body[32];
        (void)snprintf(body, sizeof(body), "{\"n\": %d}", i);
        assert_true(take(&p, body, "", 1, &err));
    }
    pager_release(&p);
}

static void the_answer_says_that_there_is_no_more(void **state)
{
    (void)state;
    struct page_options o = page;
    struct err err;
    o.style = PAGES_CURSOR;
    o.next = STR("items[-1].id");
    o.more = STR("more");
    struct pager p = pager_new(&o);
    assert_true(take(&p, "{\"items\": [{\"id\": 1}, {\"id\": 2}], \"more\": true}", "", 2, &err));
    assert_true(str_eq(pager_url(&p), STR("2")));
    assert_false(take(&p, "{\"items\": [{\"id\": 3}], \"more\": false}", "", 1, &err));
    assert_int_equal(err.code, ERR_NONE);
    assert_false(take(&p, "{\"items\": [], \"more\": \"no\"}", "", 0, &err));
    assert_non_null(strstr(err.msg, "no boolean"));
    pager_release(&p);
}

static void at_most_so_many(void **state)
{
    (void)state;
    struct page_options o = page;
    struct err err;
    o.style = PAGES_PAGE;
    o.max = 2;
    struct pager p = pager_new(&o);
    assert_true(take(&p, "", "", 1, &err));
    assert_false(take(&p, "", "", 1, &err));
    assert_int_equal(err.code, ERR_FULL);
    p = pager_new(&o);
    assert_true(take(&p, "", "", 1, &err));
    assert_false(take(&p, "", "", 0, &err)); /* just enough */
    assert_int_equal(err.code, ERR_NONE);
}

static void links(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        const char *url; /* NULL = none */
    } cases[] = {
        {"<https://a/x?page=2>; rel=\"next\"", "https://a/x?page=2"},
        {"<a>; rel=prev, <b>; rel=next", "b"},
        {"<a>; rel=\"prev\",<b?x=1,2;3>;rel=\"last NEXT\";title=x", "b?x=1,2;3"},
        {"<a>; title=\"<no>; rel=next, \\\"\"; rel=next", "a"},
        {"<a>; rel=prev; rel=next", NULL}, /* the first rel counts */
        {"<a>; anchor=\"#x\"; rel=next", NULL},
        {"<a>; rel=nextest, <b>; rel=\"\"", NULL},
        {"<>; rel=next", NULL},
        {"<a; rel=next", NULL},
        {"rel=next", NULL},
        {"", NULL},
        {"<a> ; REL = Next ;", "a"},
        {"<a>; rel=\"next", "a"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str url = STR_NONE;
        bool is_found = link_find(str_from(cases[i].header), STR("next"), &url);
        assert_int_equal(is_found, cases[i].url != NULL);
        assert_true(!is_found || str_eq(url, str_from(cases[i].url)));
    }
}

static void parameters_of_a_url(void **state)
{
    (void)state;
    AUTO(buf) url = buf_growing(1000);
    buf_add_text(&url, "http://h/p");
    url_set_param(&url, STR("a b"), STR("ü&=/"));
    assert_string_equal(buf_cstr(&url), "http://h/p?a%20b=%C3%BC%26%3D%2F");
    url_set_param(&url, STR("n"), STR("1"));
    url_set_param(&url, STR("a b"), STR(""));
    assert_string_equal(buf_cstr(&url), "http://h/p?n=1&a%20b=");
    struct buf narrow = buf_growing(12);
    buf_add_text(&narrow, "http://h/p");
    url_set_param(&narrow, STR("long"), STR("long"));
    assert_true(narrow.overflow);
    buf_release(&narrow);
}

static void assert_path(const char *url, const char *path, const char *want)
{
    AUTO(buf) out = buf_growing(1000);
    url_add_path(&out, str_from(url), str_from(path));
    assert_string_equal(buf_cstr(&out), want);
}

static void paths_behind_urls(void **state)
{
    (void)state;
    assert_path("http://h", "", "http://h");
    assert_path("http://h/a/", "", "http://h/a/");
    assert_path("http://h", "b", "http://h/b");
    assert_path("http://h/a/", "/b/", "http://h/a/b/");
    assert_path("http://h/a?k=1", "b", "http://h/a/b?k=1");
    assert_path("http://h/a?k=1", "b?x=2", "http://h/a/b?x=2&k=1");
}

static void assert_refused(const struct http_tap_options *o, const char *message)
{
    struct err err = {0};
    assert_false(http_tap_check(o, MODE_APPEND, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_true(str_starts(str_from(err.msg), str_from(message)));
}

static void options_that_do_not_fit(void **state)
{
    (void)state;
    struct err err = {0};
    struct http_tap_options o = {.pages = page};
    assert_true(http_tap_check(&o, MODE_APPEND, &err));
    o.pages.style = PAGES_CURSOR;
    assert_refused(&o, "\"pagination\": \"next\" is missing");
    o.pages.next = STR("a[x]");
    assert_refused(&o, "\"pagination\": \"next\": a path");
    o.pages.next = STR("a[1]");
    o.pages.size_param = STR("s");
    assert_refused(&o, "\"pagination\": \"size\" is missing");
    o.pages.size = 5;
    o.since.param = STR("from");
    assert_refused(&o, "\"since\" needs");
    o.replication_key = STR("at");
    o.http.auth.kind = AUTH_BEARER;
    assert_refused(&o, "\"auth\": \"token\" is missing");
    o.http.auth.token = STR("a\nb");
    assert_refused(&o, "\"auth\": token has a line end");
    o.http.auth.token = STR("ab");
    o.http.path = STR("a\x7f");
    assert_refused(&o, "\"path\" has a line end");
}

static void names_of_streams(void **state)
{
    (void)state;
    struct http_tap_options o = {.http = {.url = STR("https://h/v1/orders.json/?x=/y#z")}};
    assert_true(str_eq(http_tap_stream(&o), STR("orders")));
    o.http.path = STR("people");
    assert_true(str_eq(http_tap_stream(&o), STR("people")));
    o.stream = STR("s");
    assert_true(str_eq(http_tap_stream(&o), STR("s")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_offsets),
        cmocka_unit_test(a_page_that_repeats_itself),
        cmocka_unit_test(cursors_of_each_kind),
        cmocka_unit_test(circles_of_any_length),
        cmocka_unit_test(the_answer_says_that_there_is_no_more),
        cmocka_unit_test(at_most_so_many),
        cmocka_unit_test(links),
        cmocka_unit_test(parameters_of_a_url),
        cmocka_unit_test(paths_behind_urls),
        cmocka_unit_test(options_that_do_not_fit),
        cmocka_unit_test(names_of_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
