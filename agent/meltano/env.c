#include "agent/meltano/env.h"

#include "agent/meltano/tree.h"
#include <string.h>

enum { EXPANDED_BYTES_MAX = 1 << 20 };

struct env env_new(struct arena *arena)
{
    return (struct env){.arena = arena, .index = strmap_new(arena)};
}

static bool grow(struct env *e)
{
    size_t cap = e->cap == 0 ? 32 : 2 * e->cap;
    struct str *names = arena_array(e->arena, cap, sizeof(*names));
    struct str *values = arena_array(e->arena, cap, sizeof(*values));
    if (names == NULL || values == NULL) {
        return false;
    }
    if (e->count > 0) {
        memcpy(names, e->names, e->count * sizeof(*names));
        memcpy(values, e->values, e->count * sizeof(*values));
    }
    e->names = names;
    e->values = values;
    e->cap = cap;
    return true;
}

void env_put(struct env *e, struct str name, struct str value)
{
    uint32_t at = 0;
    if (strmap_get(&e->index, name, &at)) {
        e->values[at] = value;
        return;
    }
    if ((e->count == e->cap && !grow(e)) || !strmap_put(&e->index, name, (uint32_t)e->count)) {
        return; /* the arena remembers */
    }
    e->names[e->count] = name;
    e->values[e->count] = value;
    e->count++;
}

void env_put_all(struct env *e, const struct env *from)
{
    for (size_t i = 0; from != NULL && i < from->count; i++) {
        env_put(e, from->names[i], from->values[i]);
    }
}

bool env_get(const struct env *e, struct str name, struct str *ret)
{
    uint32_t at = 0;
    if (e == NULL || !strmap_get(&e->index, name, &at)) {
        return false;
    }
    *ret = e->values[at];
    return true;
}

bool env_chain_get(const struct env_chain *chain, struct str name, struct str *ret)
{
    const struct meltano_terminal *t = chain->terminal;
    return env_get(chain->over, name, ret) || (t != NULL && t->get(t->ctx, name, ret)) ||
           env_get(chain->under, name, ret);
}

char ascii_upper(char c)
{
    if (c >= 'a' && c <= 'z') {
        c = (char)(c - 'a' + 'A');
    }
    return c;
}

char ascii_lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        c = (char)(c - 'A' + 'a');
    }
    return c;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* \w of Python, with every character beyond ASCII taken for a letter. */
static bool is_word_char(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* The name behind the `$` at `at`: NAME or {name}. False: it is a dollar sign like others. */
static bool take_name(struct str text, size_t at, struct str *ret_name, size_t *ret_end)
{
    size_t i = at + 1;
    if (i < text.len && text.ptr[i] == '{') {
        size_t start = ++i;
        while (i < text.len && is_word_char(text.ptr[i])) {
            i++;
        }
        *ret_name = str_slice(text, start, i);
        *ret_end = i + 1;
        return i > start && i < text.len && text.ptr[i] == '}';
    }
    size_t start = i;
    while (i < text.len && (is_upper(text.ptr[i]) ||
                            (i > start && (is_digit(text.ptr[i]) || text.ptr[i] == '_')))) {
        i++;
    }
    *ret_name = str_slice(text, start, i);
    *ret_end = i;
    return i > start;
}

struct str expand_text(struct expansion *x, struct str text)
{
    if (memchr(text.len == 0 ? "" : text.ptr, '$', text.len) == NULL) {
        return text;
    }
    AUTO(buf) out = buf_growing(EXPANDED_BYTES_MAX);
    for (size_t i = 0; i < text.len;) {
        struct str name = STR_NONE;
        size_t end = 0;
        bool is_escaped = text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == '$';
        size_t dollar = i + is_escaped;
        if (text.ptr[dollar] != '$' || !take_name(text, dollar, &name, &end)) {
            buf_add_char(&out, text.ptr[i++]);
            continue;
        }
        struct str value = STR("");
        if (is_escaped) {
            value = str_slice(text, dollar, end);
        } else if (!env_chain_get(x->chain, name, &value) && x->unset.len == 0) {
            x->unset = name;
        }
        buf_add(&out, value);
        i = end;
    }
    if (out.overflow) {
        x->arena->exhausted = true;
        return STR("");
    }
    return out.len == 0 ? STR("") : arena_copy(x->arena, buf_str(&out));
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
const struct json *expand_tree(struct expansion *x, const struct json *node)
{
    if (node == NULL || node->type < JSON_STRING) {
        return node;
    }
    struct json *copy = tree_shallow(x->arena, node);
    if (copy == NULL) {
        return NULL;
    }
    if (node->type == JSON_STRING) {
        copy->as.string = expand_text(x, node->as.string);
        return copy;
    }
    struct json_open open = {.node = copy};
    copy->child = NULL;
    copy->count = 0;
    for (const struct json *child = node->child; child != NULL; child = child->next) {
        struct json *added = tree_shallow(x->arena, expand_tree(x, child));
        if (added == NULL) {
            return NULL;
        }
        json_append(&open, added);
    }
    return copy;
}

static void add_part(struct buf *out, struct str part)
{
    if (out->len > 0 && part.len > 0) {
        buf_add_char(out, '_');
    }
    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];
        bool is_continuation = ((unsigned char)c & 0xC0u) == 0x80u; /* a character is one '_' */
        if (is_upper(ascii_upper(c)) || is_digit(c)) {
            buf_add_char(out, ascii_upper(c));
        } else if (!is_continuation) {
            buf_add_char(out, '_');
        }
    }
}

struct str env_name(struct arena *a, struct str prefix, struct str name)
{
    AUTO(buf) out = buf_growing(prefix.len + name.len + 2);
    add_part(&out, prefix);
    add_part(&out, name);
    return arena_copy(a, buf_str(&out));
}
