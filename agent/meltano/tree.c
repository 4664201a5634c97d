#include "agent/meltano/tree.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include <math.h>
#include <string.h>

_Static_assert((int)TREE_DEPTH_MAX <= (int)LIMIT_YAML_DEPTH, "json_write() takes no deeper trees");

struct json *tree_new(struct arena *a, enum json_type type)
{
    struct json *node = arena_alloc(a, sizeof(*node));
    if (node != NULL) {
        node->type = type;
    }
    return node;
}

struct json *tree_str(struct arena *a, struct str text)
{
    struct json *node = tree_new(a, JSON_STRING);
    if (node != NULL) {
        node->as.string = text;
    }
    return node;
}

struct json *tree_int(struct arena *a, int64_t value)
{
    struct json *node = tree_new(a, JSON_INT);
    if (node != NULL) {
        node->as.integer = value;
    }
    return node;
}

struct json *tree_shallow(struct arena *a, const struct json *node)
{
    struct json *copy = node == NULL ? NULL : arena_alloc(a, sizeof(*copy));
    if (copy != NULL) {
        *copy = *node;
        copy->next = NULL;
    }
    return copy;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which its readers and tree_nest() limit */
struct json *tree_copy(struct arena *a, const struct json *node)
{
    struct json *copy = tree_shallow(a, node);
    if (copy == NULL) {
        return NULL;
    }
    struct json_open open = {.node = copy};
    copy->child = NULL;
    copy->count = 0;
    for (const struct json *child = node->child; child != NULL; child = child->next) {
        struct json *added = tree_copy(a, child);
        if (added == NULL) {
            return NULL;
        }
        json_append(&open, added);
    }
    return copy;
}

const struct json *tree_get(const struct json *object, struct str key)
{
    if (object == NULL || object->type != JSON_OBJECT) {
        return NULL;
    }
    for (const struct json *node = object->child; node != NULL; node = node->next) {
        if (str_eq(node->key, key)) {
            return node;
        }
    }
    return NULL;
}

const struct json *tree_get_typed(const struct json *object, const char *key, enum json_type type)
{
    const struct json *node = json_get(object, key);
    return node != NULL && node->type == type ? node : NULL;
}

struct str tree_get_str(const struct json *object, const char *key)
{
    const struct json *node = tree_get_typed(object, key, JSON_STRING);
    return node == NULL ? STR_NONE : node->as.string;
}

void tree_append(struct json *list, struct json *child)
{
    if (list == NULL || child == NULL) {
        return;
    }
    struct json_open open = {.node = list, .last = list->child};
    while (open.last != NULL && open.last->next != NULL) {
        open.last = open.last->next;
    }
    child->next = NULL;
    json_append(&open, child);
}

void tree_set(struct json *object, struct str key, struct json *child)
{
    if (object == NULL || child == NULL) {
        return;
    }
    child->key = key;
    for (struct json **at = &object->child; *at != NULL; at = &(*at)->next) {
        if (str_eq((*at)->key, key)) {
            child->next = (*at)->next;
            *at = child;
            return;
        }
    }
    tree_append(object, child);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the trees */
bool tree_equal(const struct json *a, const struct json *b)
{
    if (a == NULL || b == NULL || a->type != b->type || a->count != b->count) {
        return a == b;
    }
    switch (a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->as.boolean == b->as.boolean;
    case JSON_INT:
        return a->as.integer == b->as.integer;
    case JSON_REAL:
        return a->as.real >= b->as.real && a->as.real <= b->as.real;
    case JSON_STRING:
        return str_eq(a->as.string, b->as.string);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    const struct json *y = b->child;
    for (const struct json *x = a->child; x != NULL; x = x->next) {
        const struct json *other = a->type == JSON_OBJECT ? tree_get(b, x->key) : y;
        if (!tree_equal(x, other)) {
            return false;
        }
        y = y->next;
    }
    return true;
}

static struct json *concat(struct arena *a, const struct json *left, const struct json *right)
{
    struct json *list = tree_copy(a, left);
    struct json_open open = {.node = list, .last = list == NULL ? NULL : list->child};
    while (open.last != NULL && open.last->next != NULL) {
        open.last = open.last->next;
    }
    for (const struct json *more = right->child; more != NULL; more = more->next) {
        struct json *copy = tree_copy(a, more);
        if (list == NULL || copy == NULL) {
            return NULL;
        }
        json_append(&open, copy);
    }
    return list;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the shallower of the two trees */
const struct json *tree_merge(struct arena *a, const struct json *left, const struct json *right)
{
    if (left == NULL || right == NULL || left->type != right->type) {
        return right == NULL ? left : right;
    }
    if (left->type == JSON_ARRAY) {
        return concat(a, left, right);
    }
    if (left->type != JSON_OBJECT) {
        return right;
    }
    struct json *merged = tree_copy(a, left);
    for (const struct json *member = right->child; member != NULL; member = member->next) {
        const struct json *value = tree_merge(a, tree_get(left, member->key), member);
        tree_set(merged, member->key, tree_copy(a, value));
    }
    return merged;
}

/* --- dotted keys --- */

static bool flat_grow(struct flat *f)
{
    size_t cap = f->cap == 0 ? 16 : 2 * f->cap;
    struct str *keys = arena_array(f->arena, cap, sizeof(*keys));
    const struct json **values = arena_array(f->arena, cap, sizeof(struct json *));
    if (keys == NULL || values == NULL) {
        return false;
    }
    if (f->count > 0) {
        memcpy(keys, f->keys, f->count * sizeof(*keys));
        memcpy(values, f->values, f->count * sizeof(struct json *));
    }
    f->keys = keys;
    f->values = values;
    f->cap = cap;
    return true;
}

void flat_add(struct flat *f, struct str key, const struct json *value)
{
    if (f->count == f->cap && !flat_grow(f)) {
        return; /* the arena remembers */
    }
    f->keys[f->count] = key;
    f->values[f->count] = value;
    f->count++;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
void tree_flatten(const struct json *object, struct str prefix, struct flat *into)
{
    if (object == NULL || object->type != JSON_OBJECT) {
        return;
    }
    for (const struct json *node = object->child; node != NULL; node = node->next) {
        struct str key = node->key;
        if (prefix.len > 0) {
            key = arena_printf(into->arena, STR_FMT "." STR_FMT, STR_ARG(prefix), STR_ARG(key));
        }
        if (node->type == JSON_OBJECT && node->child != NULL) {
            tree_flatten(node, key, into);
        } else {
            flat_add(into, key, node);
        }
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
size_t tree_depth(const struct json *node)
{
    size_t deepest = 0;
    if (node == NULL || (node->type != JSON_ARRAY && node->type != JSON_OBJECT)) {
        return 0;
    }
    for (const struct json *child = node->child; child != NULL; child = child->next) {
        size_t depth = tree_depth(child);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

/* The part of a path before the next dot that has no backslash before it, its own escapes gone. */
static struct str next_part(struct arena *a, struct str *path, bool *ret_is_last)
{
    AUTO(buf) part = buf_growing(path->len + 1);
    size_t i = 0;
    for (; i < path->len && path->ptr[i] != '.'; i++) {
        if (path->ptr[i] == '\\' && i + 1 < path->len && path->ptr[i + 1] == '.') {
            i++;
        }
        buf_add_char(&part, path->ptr[i]);
    }
    *ret_is_last = i == path->len;
    *path = str_slice(*path, i + 1, path->len);
    return arena_copy(a, buf_str(&part));
}

struct json *tree_member(struct json *object, struct str key)
{
    bool is_object = object != NULL && object->type == JSON_OBJECT;
    for (struct json *node = is_object ? object->child : NULL; node != NULL; node = node->next) {
        if (str_eq(node->key, key)) {
            return node;
        }
    }
    return NULL;
}

bool tree_nest(struct arena *a, struct json *object, struct str path, const struct json *value)
{
    bool is_last = false;
    size_t depth = 1 + tree_depth(value);
    struct json *at = object;
    while (at != NULL) {
        struct str part = next_part(a, &path, &is_last);
        if (part.ptr == NULL) {
            return true; /* the arena remembers */
        }
        if (depth++ > TREE_DEPTH_MAX || at->type != JSON_OBJECT) {
            return false;
        }
        struct json *member = tree_member(at, part);
        if (member == NULL) {
            member = is_last ? tree_copy(a, value) : tree_new(a, JSON_OBJECT);
            tree_set(at, part, member);
        }
        if (is_last) {
            return true;
        }
        at = member;
    }
    return true; /* the arena remembers */
}

/* --- as Python writes --- */

enum style { STYLE_REPR, STYLE_DUMPS };

static void write_real(struct buf *out, double value)
{
    size_t start = out->len;
    struct json_writer w = json_writer(out);
    jw_double(&w, value);
    struct str text = {out->ptr + start, out->len - start};
    bool is_integer = true;
    for (size_t i = 0; i < text.len; i++) {
        is_integer = is_integer && strchr("-0123456789", text.ptr[i]) != NULL;
    }
    if (is_integer && !out->overflow) {
        buf_add(out, STR(".0"));
    }
}

/* As repr() quotes: with ' unless the text has one and no ". */
static void write_repr(struct buf *out, struct str text)
{
    char quote = str_contains(text, STR("'")) && !str_contains(text, STR("\"")) ? '"' : '\'';
    buf_add_char(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == (unsigned char)quote || c == '\\') {
            buf_add_char(out, '\\');
            buf_add_char(out, (char)c);
        } else if (c == '\n') {
            buf_add(out, STR("\\n"));
        } else if (c == '\t') {
            buf_add(out, STR("\\t"));
        } else if (c == '\r') {
            buf_add(out, STR("\\r"));
        } else if (c < ' ' || c == 0x7f) {
            buf_addf(out, "\\x%02x", c);
        } else {
            buf_add_char(out, (char)c);
        }
    }
    buf_add_char(out, quote);
}

uint32_t tree_code_point(struct str s, size_t *at)
{
    unsigned char first = (unsigned char)s.ptr[(*at)++];
    size_t more = first < 0xC0 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    uint32_t code = more == 0 ? first : first & (0x3Fu >> more);
    for (; more > 0 && *at < s.len; more--) {
        code = (code << 6) | ((unsigned char)s.ptr[(*at)++] & 0x3Fu);
    }
    return code;
}

static void write_dumped(struct buf *out, struct str text)
{
    size_t start = out->len;
    struct json_writer w = json_writer(out);
    jw_str(&w, text);
    struct str written = {out->ptr + start, out->overflow ? 0 : out->len - start};
    AUTO(buf) ascii = buf_growing(6 * written.len + 1);
    for (size_t i = 0; i < written.len;) {
        uint32_t code = tree_code_point(written, &i);
        if (code < 0x80) {
            buf_add_char(&ascii, (char)code);
        } else if (code < 0x10000) {
            buf_addf(&ascii, "\\u%04x", code);
        } else {
            buf_addf(&ascii, "\\u%04x\\u%04x", 0xD800 + ((code - 0x10000) >> 10),
                     0xDC00 + ((code - 0x10000) & 0x3FF));
        }
    }
    if (!out->overflow) {
        out->len = start;
        buf_add(out, buf_str(&ascii));
    }
}

static void write_text(struct buf *out, struct str text, enum style style)
{
    if (style == STYLE_REPR) {
        write_repr(out, text);
    } else {
        write_dumped(out, text);
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
static void write_node(struct buf *out, const struct json *node, enum style style)
{
    bool is_repr = style == STYLE_REPR;
    switch (node->type) {
    case JSON_NULL:
        buf_add(out, is_repr ? STR("None") : STR("null"));
        return;
    case JSON_BOOL:
        buf_add_text(out, is_repr ? (node->as.boolean ? "True" : "False")
                                  : (node->as.boolean ? "true" : "false"));
        return;
    case JSON_INT:
        buf_add_i64(out, node->as.integer);
        return;
    case JSON_REAL:
        write_real(out, node->as.real);
        return;
    case JSON_STRING:
        write_text(out, node->as.string, style);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    bool is_object = node->type == JSON_OBJECT;
    buf_add_char(out, is_object ? '{' : '[');
    for (const struct json *child = node->child; child != NULL; child = child->next) {
        if (child != node->child) {
            buf_add(out, STR(", "));
        }
        if (is_object) {
            write_text(out, child->key, style);
            buf_add(out, STR(": "));
        }
        write_node(out, child, style);
    }
    buf_add_char(out, is_object ? '}' : ']');
}

void tree_write_python(struct buf *out, const struct json *node)
{
    if (node->type == JSON_STRING) {
        buf_add(out, node->as.string);
    } else {
        write_node(out, node, STYLE_REPR);
    }
}

void tree_write_dumps(struct buf *out, const struct json *node)
{
    write_node(out, node, STYLE_DUMPS);
}
