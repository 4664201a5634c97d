/* spec_json.h - members of a node's JSON as dbt means them: null is as good as missing, one text is
 * a list of one. ERR_INVALID "config.<key> is a number, not a list". Internal to common/dbt. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/json/fields.h"
#include "common/json/json.h"

/* NULL when missing or null. */
const struct json *spec_member(const struct json *object, const char *key);
/* Numbers as they are written. Missing: *ret is left alone. */
MUST_CHECK bool spec_text(const struct json *object, const char *key, struct str *ret,
                          struct err *err);
MUST_CHECK bool spec_bool(const struct json *object, const char *key, bool *ret, struct err *err);
MUST_CHECK bool spec_texts(const struct json *object, const char *key, struct arena *arena,
                           struct str_list *ret, struct err *err);
MUST_CHECK bool spec_object(const struct json *object, const char *key, const struct json **ret,
                            struct err *err);
bool spec_no_memory(struct err *err);             /* false */
bool spec_eq_nocase(struct str a, const char *b); /* ASCII */
