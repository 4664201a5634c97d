/* http_auth.h - who we are to a server: what is added to requests, and what must not be seen in
 * errors and logs. Pure. */
#pragma once
#include "agent/connectors/http_options.h"
#include "common/base/arena.h"
#include "common/base/err.h"

enum { SECRETS_MAX = 2 * HTTP_HEADERS_MAX + 16 };

/* Texts that no error may show, as they are and percent-encoded. */
struct secrets {
    struct str items[SECRETS_MAX];
    size_t count;
};
/* Short ones are not secrets: hiding "1" would hide nothing. Borrowed. */
void secrets_add(struct secrets *s, struct str text);
/* All of the options'. */
void secrets_collect(struct secrets *s, const struct http_options *o);
/* Appends `text` with "***" in place of each secret. */
void secrets_mask(const struct secrets *s, struct str text, struct buf *out);

/* The value of the field Authorization; nothing where the options want none. `token`: of OAuth2. */
void auth_header(const struct auth_options *a, struct str token, struct buf *out);
/* The body of an OAuth2 request for a token; its Authorization is that of auth_client(). */
void auth_token_request(const struct auth_options *a, struct buf *out);
void auth_client(const struct auth_options *a, struct buf *out);
/* *ret_lasts_s: -1 = the answer does not say. */
MUST_CHECK bool auth_token_read(struct str answer, struct buf *ret_token, int64_t *ret_lasts_s,
                                struct err *err);
