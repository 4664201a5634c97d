/* http_question.h - the options of the tap http, and the request that they make of a page. Pure. */
#pragma once
#include "agent/el/http_client.h"
#include "agent/el/http_query.h"

enum answer_format { ANSWER_AUTO, ANSWER_JSON, ANSWER_LINES };

struct http_column {
    struct str name;
    int type; /* see http_column_kind() */
};
struct http_tap_options {
    struct str type;
    struct http_options http;
    int method;              /* HTTP_GET, HTTP_POST */
    const struct json *body; /* text, or JSON; NULL = none */
    struct str records;      /* path; empty = the whole answer */
    int format;              /* enum answer_format */
    struct page_options pages;
    struct str replication_key;
    struct since_options since;
    bool is_sorted; /* by the replication key, upwards, over all pages */
    struct str_list primary_key;
    struct object_list columns; /* of struct http_column; none = as found */
    struct str stream;          /* empty = the last part of the URL's path */
    int64_t answer_bytes_max;
};
extern const struct field_table http_tap_options_table;
enum column_kind http_column_kind(const struct http_column *column);
/* ERR_INVALID for options that do not fit together. */
MUST_CHECK bool http_tap_options_check(const struct http_tap_options *o, struct err *err);
/* The stream's name. Borrowed from the options. */
struct str http_tap_stream(const struct http_tap_options *o);

/* A request without its body's or URL's owner: they are in `url` and `body`, which are replaced.
 * `base` is the options' URL as the client has it; `from` the replication key's value at the last
 * run's end, VALUE_NULL = none. */
struct http_question {
    struct buf url; /* empty: the client's own; else absolute, or relative to it */
    struct buf body;
    struct arena arena; /* of a body's tree */
};
void http_question_init(struct http_question *q);
MUST_CHECK bool http_question_write(struct http_question *q, const struct http_tap_options *o,
                                    const struct pager *pager, const struct value *from,
                                    struct str base, struct err *err);
void http_question_release(struct http_question *q);
