/* json.h - JSON for configuration and messages: bytes -> checked tree -> typed struct. cJSON
 * parses, this edge refuses what cJSON gets wrong (architecture section 7): invalid UTF-8, \u0000,
 * nesting > LIMIT_JSON_DEPTH, duplicate keys, trailing text, numbers that are not finite, integers
 * beyond int64. Integers beyond 2^53 are kept exactly. YAML (common/yaml) gives the same tree, with
 * lines and columns. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include <stdint.h>

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Nodes and their text live in the arena of the parse. */
struct json {
    enum json_type type;
    uint32_t line;   /* 1-based; 0 when unknown (a message) */
    uint32_t column; /* 1-based */
    uint32_t key_line;
    uint32_t key_column;
    uint32_t file;      /* 0, unless a reader of several files numbers them */
    struct str key;     /* of a member of an object */
    struct str written; /* a number as it stood ("1.10"); in YAML every plain scalar; else empty */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct str string;
    } as;
    struct json *child; /* first element or member */
    struct json *next;  /* next sibling */
    size_t count;       /* of children */
};

/* Largest input: `text.len` is checked against `max_bytes`. The tree borrows nothing from `text`.
 * Errors:  ERR_INVALID "line 2, column 7: ..."; ERR_FULL over `max_bytes` or the arena's maximum;
 * ERR_NO_MEMORY. Memory:  cJSON's own tree is on the heap during the call, never larger than the
 * arena's free part plus the text. */
MUST_CHECK bool json_parse(struct str text, size_t max_bytes, struct arena *arena,
                           struct json **ret, struct err *err);

/* Member by exact key, or NULL; also NULL when `object` is NULL or no object. */
const struct json *json_get(const struct json *object, const char *key);
const char *json_type_name(enum json_type type); /* "a string", "an object": for messages */

/* Writes the tree as compact JSON. */
void json_write(struct buf *out, const struct json *node);
