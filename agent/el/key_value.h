/* key_value.h - one value of a replication key, kept beyond its row, and in the state as JSON.
 * Ordered as SQLite orders with COLLATE BINARY: numbers by value, then text by bytes. */
#pragma once
#include "agent/el/schema.h"
#include "common/base/buf.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"

enum { KEY_VALUE_BYTES_MAX = 1024 };

struct key_value {
    enum value_type type; /* VALUE_NULL = none yet */
    int64_t integer;
    double real;
    size_t len;
    char text[KEY_VALUE_BYTES_MAX];
};

/* ERR_INVALID for a blob and for text that is too long. */
MUST_CHECK bool key_value_set(struct key_value *k, const struct value *v, struct err *err);
bool key_value_equals(const struct key_value *k, const struct value *v);
/* Below, at or above 0 as k comes before v, equals it, or comes after it. NULL comes first. */
int key_value_compare(const struct key_value *k, const struct value *v);
struct value key_value_get(const struct key_value *k); /* borrows k's text */
/* False (err) when JSON could not give the text back as it is: not UTF-8, or a NUL in it. */
MUST_CHECK bool key_value_check(const struct key_value *k, struct err *err);
void key_value_write(const struct key_value *k, struct json_writer *w);
MUST_CHECK bool key_value_read(struct key_value *k, const struct json *node, struct err *err);
void key_value_print(const struct key_value *k,
                     struct buf *out); /* for people; nothing when none */

/* The lowest and the highest value seen; NULL, blobs and text that is too long are passed over. */
struct key_range {
    struct key_value min;
    struct key_value max;
};
void key_range_add(struct key_range *r, const struct value *v);
