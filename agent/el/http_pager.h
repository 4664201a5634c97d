/* http_pager.h - the pages of an answer: what the next request asks for, and when there is none.
 * Pure. Sources: RFC 8288 (Link), RFC 3986 (percent-encoding). */
#pragma once
#include "agent/connectors/http_tap_options.h"
#include "common/base/buf.h"

enum { CURSOR_BYTES_MAX = 64 << 10 };

struct page_answer {
    struct str body;  /* JSON; empty = none */
    struct str link;  /* values of the Link headers, with commas between; may be empty */
    size_t records;   /* in it */
    uint64_t content; /* hash of them */
};
struct pager {
    const struct page_options *options;
    int64_t number;        /* PAGE: the page's; OFFSET: of the first record of it */
    struct buf cursor;     /* text; empty: of the first page */
    bool is_cursor_number; /* it stood in the answer as a number */
    int64_t pages;         /* answers taken */
    /* A cursor of an earlier page, replaced at every power of two (Brent): in a circle of any
     * length it is met again, whatever the memory. */
    struct buf milestone;
    int64_t milestone_page;
    uint64_t last_content;
};

struct pager pager_new(const struct page_options *options);
/* Where the pages end: *ret_more false. ERR_INVALID when they go round in a circle, the server does
 * not heed the parameter, or `next` is no text or number; ERR_FULL past `max` pages. */
MUST_CHECK bool pager_take(struct pager *p, const struct page_answer *answer, bool *ret_more,
                           struct err *err);
/* The URL of the next page, perhaps a relative one; empty: the first page's, with other
 * parameters. */
struct str pager_url(const struct pager *p);
void pager_release(struct pager *p); /* fits AUTO(pager) */

/* One parameter of a request. */
struct page_param {
    struct str name;  /* in a body: its path */
    struct str value; /* borrowed; empty name = no parameter */
    bool is_number;
};
enum { PAGE_PARAMS_MAX = 2, PAGE_NUMBER_BYTES = 24 };
/* The present page's. `numbers` gets the texts of those that are numbers. Returns how many. */
size_t pager_params(const struct pager *p, char numbers[PAGE_PARAMS_MAX][PAGE_NUMBER_BYTES],
                    struct page_param params[PAGE_PARAMS_MAX]);

/* The target of the first link with that relation (its type, without regard to case); false when
 * there is none. */
bool link_find(struct str header, struct str relation, struct str *ret_url);
/* Appends `url` with `path` behind its own path, in front of its query. */
void url_add_path(struct buf *out, struct str url, struct str path);
/* Sets the parameter in the query of `url`: in place of those that have its name already. */
void url_set_param(struct buf *url, struct str name, struct str value);
void url_encode(struct buf *out, struct str text);
