#include "hub/api/page.h"

enum { NUMBER_BYTES = 24 };

bool page_begin(struct page *page, struct http_request *rq, struct http_response *rs, size_t parts,
                struct err *err)
{
    struct str limit = http_target_get(&rq->target, "limit");
    struct str cursor = http_target_get(&rq->target, "cursor");
    *page =
        (struct page){.out = &rs->body, .arena = rq->arena, .limit = PAGE_LIMIT, .parts = parts};
    if (!str_is_empty(limit) && !str_to_i64(limit, 1, PAGE_LIMIT_MAX, &page->limit)) {
        return err_set(err, ERR_INVALID, "limit is a number from 1 to %d", PAGE_LIMIT_MAX);
    }
    if (!str_is_empty(cursor) && !http_cursor_read(cursor, rq->arena, page->after, parts, err)) {
        return false;
    }
    page->next = buf_growing(HTTP_CURSOR_BYTES_MAX);
    page->w = json_writer(&rs->body);
    jw_begin_object(&page->w);
    jw_key(&page->w, STR("items"));
    jw_begin_array(&page->w);
    return true;
}

int64_t page_wants(const struct page *page)
{
    return page->limit + 1;
}

bool page_has_room(struct page *page)
{
    if (page->count == page->limit) {
        page->has_more = true;
        return false;
    }
    page->count++;
    return true;
}

bool page_takes(struct page *page, struct str name)
{
    if (!page->is_behind && !str_is_empty(page->after[0])) {
        page->is_behind = str_eq(name, page->after[0]);
        return false;
    }
    if (!page_has_room(page)) {
        return false;
    }
    page_is_at(page, &name);
    return true;
}

void page_is_at(struct page *page, const struct str *parts)
{
    if (page->count == page->limit) {
        buf_reset(&page->next);
        http_cursor_write(&page->next, parts, page->parts);
    }
}

void page_is_at_numbers(struct page *page, const int64_t *parts)
{
    char memory[HTTP_CURSOR_PARTS_MAX][NUMBER_BYTES];
    struct str texts[HTTP_CURSOR_PARTS_MAX];
    if (page->count == page->limit) {
        for (size_t i = 0; i < page->parts; i++) {
            struct buf text = buf_fixed(memory[i], NUMBER_BYTES);
            buf_add_i64(&text, parts[i]);
            texts[i] = buf_str(&text);
        }
        page_is_at(page, texts);
    }
}

bool page_after_numbers(struct page *page, int64_t fallback, int64_t *ret, struct err *err)
{
    for (size_t i = 0; i < page->parts; i++) {
        ret[i] = fallback;
        if (!str_is_empty(page->after[0]) &&
            !str_to_i64(page->after[i], INT64_MIN, INT64_MAX, &ret[i])) {
            page_end(page);
            return err_set(err, ERR_INVALID, "the cursor is none of this list");
        }
    }
    return true;
}

bool page_rows(struct page *page, struct db_query *q,
               void (*add)(struct page *page, const struct db_query *q), struct err *err)
{
    bool ok = true;
    while (db_each(q, &ok, err)) {
        if (page_has_room(page)) {
            add(page, q);
        }
    }
    page_end(page);
    return ok;
}

void page_end(struct page *page)
{
    jw_end_array(&page->w);
    jw_key(&page->w, STR("next"));
    if (page->has_more) {
        jw_str(&page->w, buf_str(&page->next));
    } else {
        jw_null(&page->w);
    }
    jw_end_object(&page->w);
    buf_release(&page->next);
}
