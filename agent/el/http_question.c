#include "agent/el/http_question.h"

#include "agent/el/json_path.h"
#include "common/base/limits.h"

enum { URL_BYTES_MAX = 128 << 10, SINCE_BYTES_MAX = 8 << 10, PARAMS_MAX = PAGE_PARAMS_MAX + 1 };
#define ANSWER_BYTES_DEFAULT (INT64_C(64) << 20)
#define ANSWER_BYTES_MAX     (INT64_C(1) << 30)

static const char *const method_names[] = {"GET", "POST", NULL};
static const char *const format_names[] = {"auto", "json", "jsonl", NULL};
static const char *const type_names[] = {"text", "integer", "number", "boolean", "json", NULL};

#define COLUMN_AT(member_) .offset = offsetof(struct http_column, member_)
static const struct field column_fields[] = {
    {.key = "name", .type = FIELD_STR, COLUMN_AT(name), .required = true},
    {.key = "type", .type = FIELD_ENUM, COLUMN_AT(type), .required = true, .names = type_names},
};
static const struct field_table column_table = {
    .name = "column",
    .size = sizeof(struct http_column),
    .fields = column_fields,
    .count = COUNT_OF(column_fields),
};

#define AT(member_) .offset = offsetof(struct http_tap_options, member_)
static const struct field fields[] = {
    {.key = "type", .type = FIELD_STR, AT(type), .required = true},
    HTTP_OPTION_FIELDS(http_tap_options, http),
    {.key = "method", .type = FIELD_ENUM, AT(method), .names = method_names, .fallback = "GET"},
    {.key = "body",
     .type = FIELD_JSON,
     AT(body),
     .help = "Of a POST: JSON, or text that is sent as it is."},
    {.key = "records",
     .type = FIELD_STR,
     AT(records),
     .help = "The path of the records' list in the answer, like `data.orders`; when not given the "
             "answer is the list, or the only record."},
    {.key = "format",
     .type = FIELD_ENUM,
     AT(format),
     .names = format_names,
     .fallback = "auto",
     .help =
         "What an answer is: JSON, or one JSON object a line; `auto` goes by its Content-Type."},
    {.key = "pagination",
     .type = FIELD_OBJECT,
     AT(pages),
     .object = &page_options_table,
     .help = "How the server parts what it gives; one answer is all when not given."},
    {.key = "replication_key",
     .type = FIELD_STR,
     AT(replication_key),
     .help = "A member that only grows, such as a time of change: records from its last value on "
             "are loaded."},
    {.key = "since",
     .type = FIELD_OBJECT,
     AT(since),
     .object = &since_options_table,
     .help = "How the server is told from when on."},
    {.key = "sorted",
     .type = FIELD_BOOL,
     AT(is_sorted),
     .fallback = "false",
     .help = "Whether records come ordered by the replication key: then a run that broke off goes "
             "on where it was."},
    {.key = "primary_key",
     .type = FIELD_STR_LIST,
     AT(primary_key),
     .max = LIMIT_COLUMNS,
     .help = "The members that identify a record."},
    {.key = "columns",
     .type = FIELD_OBJECT_LIST,
     AT(columns),
     .max = LIMIT_COLUMNS,
     .object = &column_table,
     .help = "Which members are loaded and what they are; all, as found, when not given."},
    {.key = "stream",
     .type = FIELD_STR,
     AT(stream),
     .help = "The stream's name; the last part of the URL's path when not given."},
    {.key = "answer_bytes_max",
     .type = FIELD_BYTES,
     AT(answer_bytes_max),
     .min = 1024,
     .max = ANSWER_BYTES_MAX,
     .fallback = "64MiB",
     .help = "A larger answer, unpacked, fails the step; one answer at a time is in memory."},
};
static const struct http_tap_options defaults = {
    .http = HTTP_OPTION_DEFAULTS,
    .pages = PAGE_OPTION_DEFAULTS,
    .answer_bytes_max = ANSWER_BYTES_DEFAULT,
};
const struct field_table http_tap_options_table = {
    .name = "tap",
    .size = sizeof(struct http_tap_options),
    .fields = fields,
    .count = COUNT_OF(fields),
    .defaults = &defaults,
};

enum column_kind http_column_kind(const struct http_column *column)
{
    static const enum column_kind kinds[] = {COLUMN_TEXT, COLUMN_INTEGER, COLUMN_REAL,
                                             COLUMN_BOOLEAN, COLUMN_JSON};
    return kinds[column->type];
}

static bool check_body(const struct http_tap_options *o, struct err *err)
{
    bool has_params = (o->pages.style != PAGES_NONE && o->pages.place == PLACE_BODY) ||
                      (o->since.param.len > 0 && o->since.place == PLACE_BODY);
    if (o->body != NULL && o->method == HTTP_GET) {
        err_set(err, ERR_INVALID, "\"body\" is not sent with GET");
        return err_hint(err, "add \"method\": \"POST\"");
    }
    if (has_params && (o->body == NULL || o->body->type != JSON_OBJECT)) {
        err_set(err, ERR_INVALID, "\"in\": \"body\" needs a \"body\" that is a JSON object");
        return err_hint(err, "write it as an object, {} at least");
    }
    return true;
}

bool http_tap_options_check(const struct http_tap_options *o, struct err *err)
{
    if (o->since.param.len > 0 && o->replication_key.len == 0) {
        err_set(err, ERR_INVALID, "\"since\" needs the \"replication_key\" whose value it sends");
        return err_hint(err, "name the member of a record that tells when it changed");
    }
    if (o->is_sorted && o->replication_key.len == 0) {
        return err_set(err, ERR_INVALID, "\"sorted\" needs a \"replication_key\"");
    }
    return http_options_check(&o->http, err) && page_options_check(&o->pages, err) &&
           since_options_check(&o->since, err) && check_body(o, err) &&
           (json_path_check(o->records, err) || err_wrap(err, "\"records\""));
}

struct str http_tap_stream(const struct http_tap_options *o)
{
    struct str path;
    struct str rest;
    struct str name;
    if (o->stream.len > 0) {
        return o->stream;
    }
    (void)str_cut(o->http.url, '?', &path, &rest);
    (void)str_cut(path, '#', &path, &rest);
    path = str_trim_end(path, '/');
    (void)str_cut_last(path, '/', &rest, &name);
    (void)str_cut(name, '.', &path, &rest);
    return path.len > 0 ? path : STR("http");
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
