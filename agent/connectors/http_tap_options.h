/* http_tap_options.h - what is asked of an API, how its answers come, and what of them is new. Pure. */
#pragma once
#include "agent/connectors/http_options.h"
#include "agent/connectors/options.h"

enum page_style { PAGES_NONE, PAGES_PAGE, PAGES_OFFSET, PAGES_CURSOR, PAGES_LINK };
enum param_place { PLACE_QUERY, PLACE_BODY };

struct page_options {
    int style;             /* enum page_style */
    int place;             /* enum param_place: of the parameters */
    struct str param;      /* of the page's number, the offset, the cursor; empty with CURSOR: what
                              is found is the next page's URL */
    struct str size_param; /* of how many records a page has; empty = not sent */
    int64_t size;
    int64_t start;   /* the first page's number or offset; -1 = 1 or 0 */
    struct str next; /* CURSOR: path of the next cursor or URL in the answer */
    struct str more; /* path of a boolean: false = this was the last page; empty = none */
    int64_t max;     /* pages of a run */
};
enum { PAGES_MAX_DEFAULT = 10000 };
#define PAGE_OPTION_DEFAULTS                                                                       \
    {                                                                                              \
        .start = -1, .max = PAGES_MAX_DEFAULT                                                      \
    }

/* How a replication key's value is written for the server. */
enum since_format { SINCE_AS_IS, SINCE_DATE, SINCE_UNIX, SINCE_UNIX_MS };
struct since_options {
    struct str param; /* empty = the server is not told */
    int place;        /* enum param_place */
    int format;       /* enum since_format */
    struct str start; /* its value while there is no state; empty = not sent */
};

enum answer_format { ANSWER_AUTO, ANSWER_JSON, ANSWER_LINES };

enum http_column_type { HTTP_TEXT, HTTP_INTEGER, HTTP_NUMBER, HTTP_BOOLEAN, HTTP_JSON };
struct http_column {
    struct str name;
    int type; /* enum http_column_type */
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

MUST_CHECK bool http_tap_check_connection(const void *options, struct err *err);
/* ERR_INVALID for options that do not fit together. */
MUST_CHECK bool http_tap_check(const void *options, enum load_mode mode, struct err *err);
extern const struct field_table tap_http_options; /* of struct http_tap_options */
/* The stream's name. Borrowed from the options. */
struct str http_tap_stream(const struct http_tap_options *o);
