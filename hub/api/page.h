/* page.h - a list in pages: {"items":[...],"next":CURSOR|null}. ?limit= and ?cursor= are read here. */
#pragma once
#include "common/base/arena.h"
#include "common/db/db.h"
#include "common/json/json_writer.h"
#include "hub/http/cursor.h"
#include "hub/http/message.h"
#include "hub/store/queries.h"

enum { PAGE_LIMIT = 100, PAGE_LIMIT_MAX = 1000 };

struct page {
    struct json_writer w;
    struct buf *out;
    struct arena *arena; /* the request's */
    int64_t limit, count;
    bool has_more;
    bool is_behind;                          /* page_takes(): the cursor's item was passed */
    size_t parts;                            /* of a cursor of this list */
    struct str after[HTTP_CURSOR_PARTS_MAX]; /* of the request; empty at the beginning */
    struct buf next;                         /* cursor */
};
/* ERR_INVALID: limit or cursor are wrong. The list is begun. */
MUST_CHECK bool page_begin(struct page *page, struct http_request *rq, struct http_response *rs,
                           size_t parts, struct err *err);
/* Ask for one more than the page takes: it tells whether there is more. */
int64_t page_wants(const struct page *page);
/* Before each row: false when the page is full, and the row is to be passed over. */
bool page_has_room(struct page *page);
/* The same for lists that are short enough to be read whole: false as well up to the item that the cursor
 * names. Its name is noted. */
bool page_takes(struct page *page, struct str name);
/* Where the next page begins: behind a row with these values. Call it for each row that was written. */
void page_is_at(struct page *page, const struct str *parts);
/* The same of lists whose cursors are numbers. */
void page_is_at_numbers(struct page *page, const int64_t *parts);
/* The cursor's numbers, `fallback` at the beginning. ERR_INVALID: the cursor is none of this list, which is ended. */
MUST_CHECK bool page_after_numbers(struct page *page, int64_t fallback, int64_t *ret,
                                   struct err *err);
/* A question's rows as items: `add` writes one, and says where it stands. The list is ended. */
MUST_CHECK bool page_rows(struct page *page, struct db_query *q,
                          void (*add)(struct page *page, const struct db_query *q),
                          struct err *err);
void page_end(struct page *page);
