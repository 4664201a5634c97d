#include "agent/connectors/http_tap_options.h"

#include "common/base/limits.h"
#include "common/json/json_path.h"

#define ANSWER_BYTES_DEFAULT (INT64_C(64) << 20)
#define ANSWER_BYTES_MAX     (INT64_C(1) << 30)

static const char *const style_names[] = {"none", "page", "offset", "cursor", "link", NULL};
static const char *const place_names[] = {"query", "body", NULL};

#define PAGE_AT(member_) .offset = offsetof(struct page_options, member_)
static const struct field page_fields[] = {
    {.key = "style",
     .type = FIELD_ENUM,
     PAGE_AT(style),
     .required = true,
     .names = style_names,
     .help = "How the server parts what it gives."},
    {.key = "in",
     .type = FIELD_ENUM,
     PAGE_AT(place),
     .names = place_names,
     .fallback = "query",
     .help = "Where the parameters go."},
    {.key = "param",
     .type = FIELD_STR,
     PAGE_AT(param),
     .help = "The parameter that chooses a page: `page`, `offset` when not given; `cursor`: of the "
             "cursor; when not given, what `next` finds is the URL of the next page."},
    {.key = "size_param",
     .type = FIELD_STR,
     PAGE_AT(size_param),
     .help = "The parameter of how many records a page has."},
    {.key = "size",
     .type = FIELD_I64,
     PAGE_AT(size),
     .min = 1,
     .max = INT32_MAX,
     .help = "Its value."},
    {.key = "start",
     .type = FIELD_I64,
     PAGE_AT(start),
     .min = 0,
     .max = INT32_MAX,
     .help = "Of the first page: 1 for `page`, 0 for `offset` when not given."},
    {.key = "next",
     .type = FIELD_STR,
     PAGE_AT(next),
     .help = "`cursor`: the path of the next cursor, or URL, in the answer."},
    {.key = "more",
     .type = FIELD_STR,
     PAGE_AT(more),
     .help = "The path of a boolean in the answer that is false on the last page."},
    {.key = "max_pages",
     .type = FIELD_I64,
     PAGE_AT(max),
     .min = 1,
     .max = INT32_MAX,
     .fallback = "10000",
     .help = "A run that would need more fails."},
};
static const struct page_options page_defaults = PAGE_OPTION_DEFAULTS;
static const struct field_table page_table = {
    .name = "pagination",
    .size = sizeof(struct page_options),
    .fields = page_fields,
    .count = COUNT_OF(page_fields),
    .defaults = &page_defaults,
};

static bool check_paths(const struct page_options *o, struct err *err)
{
    bool is_in_body = o->place == PLACE_BODY;
    return (json_path_check(o->next, err) || err_wrap(err, "\"next\"")) &&
           (json_path_check(o->more, err) || err_wrap(err, "\"more\"")) &&
           (!is_in_body || json_path_check(o->param, err) || err_wrap(err, "\"param\"")) &&
           (!is_in_body || json_path_check(o->size_param, err) || err_wrap(err, "\"size_param\""));
}

static bool check_pages(const struct page_options *o, struct err *err)
{
    if (o->style == PAGES_CURSOR && o->next.len == 0) {
        err_set(err, ERR_INVALID, "\"pagination\": \"next\" is missing");
        return err_hint(err, "write the path of the next cursor in the answer, like meta.next");
    }
    if ((o->size_param.len > 0) != (o->size > 0)) {
        err_set(err, ERR_INVALID, "\"pagination\": \"%s\" is missing",
                o->size > 0 ? "size_param" : "size");
        return err_hint(err, "write both: the parameter's name and how many records a page has");
    }
    return check_paths(o, err) || err_wrap(err, "\"pagination\"");
}

static const char *const since_names[] = {"as_is", "date", "unix", "unix_ms", NULL};

#define SINCE_AT(member_) .offset = offsetof(struct since_options, member_)
static const struct field since_fields[] = {
    {.key = "param",
     .type = FIELD_STR,
     SINCE_AT(param),
     .required = true,
     .help = "The parameter that says from when on."},
    {.key = "in",
     .type = FIELD_ENUM,
     SINCE_AT(place),
     .names = place_names,
     .fallback = "query",
     .help = "Where it goes."},
    {.key = "format",
     .type = FIELD_ENUM,
     SINCE_AT(format),
     .names = since_names,
     .fallback = "as_is",
     .help = "How it is written: as the key is, or as a date, seconds or milliseconds since 1970."},
    {.key = "start",
     .type = FIELD_STR,
     SINCE_AT(start),
     .help = "Its value in the first run; without it the first run asks for everything."},
};
static const struct field_table since_table = {
    .name = "since",
    .size = sizeof(struct since_options),
    .fields = since_fields,
    .count = COUNT_OF(since_fields),
};

static bool check_since(const struct since_options *o, struct err *err)
{
    return o->place != PLACE_BODY || json_path_check(o->param, err) ||
           err_wrap(err, "\"since\": \"param\"");
}

static const char *const method_names[] = {"GET", "POST", NULL};
static const char *const answer_names[] = {"auto", "json", "jsonl", NULL};
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
static const struct field tap_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(type), .required = true},
    HTTP_OPTION_FIELDS(http_tap_options, http),
    {.key = "method", .type = FIELD_ENUM, AT(method), .names = method_names, .fallback = "GET"},
    {.key = "body",
     .type = FIELD_JSON,
     AT(body),
     .marks = OPTION_SECRET,
     .help = "Of a POST: JSON, or text that is sent as it is."},
    {.key = "records",
     .type = FIELD_STR,
     AT(records),
     .help = "The path of the records' list in the answer, like `data.orders`; when not given the "
             "answer is the list, or the only record."},
    {.key = "format",
     .type = FIELD_ENUM,
     AT(format),
     .names = answer_names,
     .fallback = "auto",
     .help =
         "What an answer is: JSON, or one JSON object a line; `auto` goes by its Content-Type."},
    {.key = "pagination",
     .type = FIELD_OBJECT,
     AT(pages),
     .object = &page_table,
     .help = "How the server parts what it gives; one answer is all when not given."},
    {.key = "replication_key",
     .type = FIELD_STR,
     AT(replication_key),
     .help = "A member that only grows, such as a time of change: records from its last value on "
             "are loaded."},
    {.key = "since",
     .type = FIELD_OBJECT,
     AT(since),
     .object = &since_table,
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
     .marks = OPTION_HIDDEN,
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
     .marks = OPTION_HIDDEN,
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
const struct field_table tap_http_options = {
    .name = "tap",
    .size = sizeof(struct http_tap_options),
    .fields = tap_fields,
    .count = COUNT_OF(tap_fields),
    .defaults = &defaults,
};

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

bool http_tap_check_connection(const void *options, struct err *err)
{
    const struct http_tap_options *o = options;
    return http_options_check_connection(&o->http, err);
}

bool http_tap_check(const void *options, enum load_mode mode, struct err *err)
{
    const struct http_tap_options *o = options;
    (void)mode;
    if (o->since.param.len > 0 && o->replication_key.len == 0) {
        err_set(err, ERR_INVALID, "\"since\" needs the \"replication_key\" whose value it sends");
        return err_hint(err, "name the member of a record that tells when it changed");
    }
    if (o->is_sorted && o->replication_key.len == 0) {
        return err_set(err, ERR_INVALID, "\"sorted\" needs a \"replication_key\"");
    }
    return http_options_check(&o->http, err) && check_pages(&o->pages, err) &&
           check_since(&o->since, err) && check_body(o, err) &&
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
    (void)str_cut(o->http.path.len > 0 ? o->http.path : o->http.url, '?', &path, &rest);
    (void)str_cut(path, '#', &path, &rest);
    path = str_trim_end(path, '/');
    (void)str_cut_last(path, '/', &rest, &name);
    (void)str_cut(name, '.', &path, &rest);
    return path.len > 0 ? path : STR("http");
}
