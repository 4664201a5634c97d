/* http_query.h - what a request of the tap http asks for beside its page: from when on, and a body
 * with parameters in it. Pure. */
#pragma once
#include "agent/el/http_pager.h"
#include "agent/el/schema.h"
#include "common/json/json.h"

/* Appends the value as the server wants it. ERR_INVALID when it is no time and the format needs
 * one. */
MUST_CHECK bool since_write(const struct since_options *o, const struct value *value,
                            struct buf *out, bool *ret_is_number, struct err *err);

/* Sets the member at the parameter's path, which is made where it is not there. ERR_INVALID where
 * something else than an object is in the way. */
MUST_CHECK bool body_set(struct json *body, const struct page_param *param, struct arena *arena,
                         struct err *err);
