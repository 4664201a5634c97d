/* tree.h - trees of common/json as Meltano's Python handles its dictionaries: merged, flattened to
 * dotted keys, nested again, written as Python writes them. Nodes come from an arena, whose
 * `exhausted` tells at the end what went wrong on the way: NULL is passed through. Internal to
 * agent/meltano. */
#pragma once
#include "common/json/json.h"
#include "common/json/json_tree.h"

/* Nesting of every tree that is built, as the readers limit theirs. */
enum { TREE_DEPTH_MAX = 32 };

struct json *tree_new(struct arena *a, enum json_type type);
struct json *tree_str(struct arena *a, struct str text);
struct json *tree_int(struct arena *a, int64_t value);
/* A copy that shares its children with the original: key, place and value are its own. */
struct json *tree_shallow(struct arena *a, const struct json *node);
struct json *tree_copy(struct arena *a, const struct json *node);

const struct json *tree_get(const struct json *object, struct str key);
struct json *tree_member(struct json *object, struct str key); /* of a tree that is one's own */
/* The text of a member that is a string, else STR_NONE. */
struct str tree_get_str(const struct json *object, const char *key);
/* The member when it is of that type, else NULL. */
const struct json *tree_get_typed(const struct json *object, const char *key, enum json_type type);
/* Sets a member, in the place of one of the same key or at the end. `child` belongs to the object
 * from then on. */
void tree_set(struct json *object, struct str key, struct json *child);
void tree_append(struct json *list, struct json *child);
bool tree_equal(const struct json *a, const struct json *b);

/* `b` merged into a copy of `a`: objects key by key, lists one behind the other, all else replaced. */
const struct json *tree_merge(struct arena *a, const struct json *left, const struct json *right);

/* Dotted keys and what stands there; an empty object is a value. */
struct flat {
    struct arena *arena;
    struct str *keys;
    const struct json **values;
    size_t count;
    size_t cap;
};
void flat_add(struct flat *f, struct str key, const struct json *value);
void tree_flatten(const struct json *object, struct str prefix, struct flat *into);

/* Puts a copy of `value` at a dotted path (`\.` is a dot of a name) unless something is there, as
 * Meltano does. False: a part of the path is taken by what is no object, or it gets too deep. */
MUST_CHECK bool tree_nest(struct arena *a, struct json *object, struct str path,
                          const struct json *value);
size_t tree_depth(const struct json *node); /* of a scalar 0 */

/* The code point at `*at`, which is moved behind it; the text is valid UTF-8. */
uint32_t tree_code_point(struct str s, size_t *at);

/* str(value) of Python: "True", "None", "1.5", "['a', 1]". */
void tree_write_python(struct buf *out, const struct json *node);
/* json.dumps(value) of Python: a space behind ',' and ':', and nothing but ASCII. */
void tree_write_dumps(struct buf *out, const struct json *node);
