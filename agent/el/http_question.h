/* http_question.h - the request that the options of the tap http make of a page. Pure. */
#pragma once
#include "agent/el/http_client.h"
#include "agent/el/http_query.h"

enum column_kind http_column_kind(const struct http_column *column);

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
