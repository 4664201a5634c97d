#include "agent/el/http_question.h"

#include "common/base/limits.h"
#include "common/json/json_path.h"

enum { URL_BYTES_MAX = 128 << 10, SINCE_BYTES_MAX = 8 << 10, PARAMS_MAX = PAGE_PARAMS_MAX + 1 };

enum column_kind http_column_kind(const struct http_column *column)
{
    static const enum column_kind kinds[] = {[HTTP_TEXT] = COLUMN_TEXT,
                                             [HTTP_INTEGER] = COLUMN_INTEGER,
                                             [HTTP_NUMBER] = COLUMN_REAL,
                                             [HTTP_BOOLEAN] = COLUMN_BOOLEAN,
                                             [HTTP_JSON] = COLUMN_JSON};
    return kinds[column->type];
}

/* --- a request ------------------------------------------------------------------------------- */

void http_question_init(struct http_question *q)
{
    *q = (struct http_question){.url = buf_growing(URL_BYTES_MAX),
                                .body = buf_growing((size_t)LIMIT_JSON_BYTES * 2),
                                .arena = arena_new(LIMIT_DEFINITIONS_ARENA)};
}

void http_question_release(struct http_question *q)
{
    buf_wipe(&q->url);
    buf_release(&q->body);
    arena_release(&q->arena);
}

struct asked {
    struct page_param params[PARAMS_MAX];
    int places[PARAMS_MAX];
    size_t count;
};

static bool ask_since(const struct since_options *o, const struct value *from, struct buf *text,
                      struct asked *asked, struct err *err)
{
    struct page_param param = {.name = o->param};
    if (o->param.len == 0 || (from->type == VALUE_NULL && o->start.len == 0)) {
        return true;
    }
    if (from->type == VALUE_NULL) {
        param.value = o->start;
    } else if (!since_write(o, from, text, &param.is_number, err)) {
        return false;
    } else {
        param.value = buf_str(text);
    }
    asked->places[asked->count] = o->place;
    asked->params[asked->count++] = param;
    return true;
}

/* Once more as a tree of our own, for the parameters. */
static bool copy_body(struct http_question *q, const struct json *body, struct json **ret,
                      struct err *err)
{
    AUTO(buf) text = buf_growing((size_t)LIMIT_JSON_BYTES * 2);
    arena_reset(&q->arena);
    json_write(&text, body);
    return json_parse(buf_str(&text), (size_t)LIMIT_JSON_BYTES * 2, &q->arena, ret, err);
}

static bool write_body(struct http_question *q, const struct json *body, const struct asked *asked,
                       struct err *err)
{
    struct json *tree = NULL;
    if (body->type == JSON_STRING) {
        buf_add(&q->body, body->as.string);
        return true;
    }
    if (!copy_body(q, body, &tree, err)) {
        return err_wrap(err, "\"body\"");
    }
    for (size_t i = 0; i < asked->count; i++) {
        if (asked->places[i] == PLACE_BODY && !body_set(tree, &asked->params[i], &q->arena, err)) {
            return false;
        }
    }
    json_write(&q->body, tree);
    return true;
}

bool http_question_write(struct http_question *q, const struct http_tap_options *o,
                         const struct pager *pager, const struct value *from, struct str base,
                         struct err *err)
{
    char numbers[PAGE_PARAMS_MAX][PAGE_NUMBER_BYTES];
    AUTO(buf) since = buf_growing(SINCE_BYTES_MAX);
    struct asked asked = {0};
    struct str url = pager_url(pager);
    asked.count = pager_params(pager, numbers, asked.params);
    for (size_t i = 0; i < asked.count; i++) {
        asked.places[i] = o->pages.place;
    }
    if (url.len == 0 && !ask_since(&o->since, from, &since, &asked, err)) {
        return false;
    }
    buf_reset(&q->url);
    buf_reset(&q->body);
    buf_add(&q->url, url.len > 0 ? url : base);
    for (size_t i = 0; i < asked.count; i++) {
        if (asked.places[i] == PLACE_QUERY) {
            url_set_param(&q->url, asked.params[i].name, asked.params[i].value);
        }
    }
    if (o->body != NULL && !write_body(q, o->body, &asked, err)) {
        return false;
    }
    bool is_whole = !q->url.overflow && !q->body.overflow && !since.overflow;
    return is_whole || err_set(err, ERR_FULL, "a request is too large");
}
