#include "common/json/json_verbatim.h"

#include "common/json/json_lex.h"
#include "common/json/json_tree.h"
#include "common/json/json_writer.h"

struct reader {
    struct json_scan scan;
    struct arena *arena;
    struct buf scratch;
    struct json_open open[JSON_VERBATIM_DEPTH];
    size_t depth;
};

static bool take_text(struct reader *r, struct json_raw raw, struct str *ret)
{
    struct str text;
    buf_reset(&r->scratch);
    if (!json_unescape(raw, true, &r->scratch, &text)) {
        return false;
    }
    *ret = arena_copy(r->arena, text);
    return ret->ptr != NULL;
}

static bool take_number(struct reader *r, struct json_raw raw, struct json *node)
{
    node->written = arena_copy(r->arena, raw.text);
    if (raw.type == JSON_INT && !json_raw_i64(raw, &node->as.integer)) {
        node->type = JSON_REAL;
        raw.type = JSON_REAL;
    }
    if (raw.type == JSON_REAL && !json_raw_double(raw, &node->as.real)) {
        node->as.real = 0;
    }
    return node->written.ptr != NULL;
}

/* The node of the value at `pos`, without the inside of a container. */
static bool take_value(struct reader *r, struct json **ret)
{
    struct json_raw raw;
    char c = json_lex_peek(&r->scan);
    struct json *node = arena_alloc(r->arena, sizeof(*node));
    if (node == NULL) {
        return false;
    }
    *ret = node;
    if (c == '{' || c == '[') {
        node->type = c == '{' ? JSON_OBJECT : JSON_ARRAY;
        r->scan.pos++;
        return true;
    }
    if (!json_lex_value(&r->scan, 0, &raw)) {
        return false;
    }
    node->type = raw.type;
    if (raw.type == JSON_STRING) {
        return take_text(r, raw, &node->as.string);
    }
    if (raw.type == JSON_INT || raw.type == JSON_REAL) {
        return take_number(r, raw, node);
    }
    node->as.boolean = raw.type == JSON_BOOL && raw.text.ptr[0] == 't';
    return true;
}

/* False: a key is there twice (`problem`), or there is no memory. */
static bool check_keys(struct reader *r, struct json *object)
{
    const struct json *duplicate = NULL;
    switch (json_close_object(object, object->count, r->arena, &duplicate)) {
    case JSON_CLOSE_DUPLICATE:
        return json_lex_fail(&r->scan, r->scan.pos, "the object that ends here has a key twice");
    case JSON_CLOSE_NO_MEMORY:
        return false;
    case JSON_CLOSE_OK:
        break;
    }
    return true;
}

/* Behind a value: closes what ends there, up to the next value. */
static bool close_containers(struct reader *r, struct str *key)
{
    while (r->depth > 0) {
        struct json *container = r->open[r->depth - 1].node;
        bool is_object = container->type == JSON_OBJECT;
        json_lex_space(&r->scan);
        char c = json_lex_peek(&r->scan);
        bool is_end = c == (is_object ? '}' : ']');
        if (!is_end && c != ',' && container->count > 0) {
            return json_lex_fail(&r->scan, r->scan.pos,
                                 is_object ? "expected ',' or '}'" : "expected ',' or ']'");
        }
        if (!is_end) {
            struct json_raw raw;
            r->scan.pos += container->count > 0;
            json_lex_space(&r->scan);
            return !is_object || (json_lex_key(&r->scan, &raw) && take_text(r, raw, key));
        }
        r->scan.pos++;
        r->depth--;
        if (is_object && !check_keys(r, container)) {
            return false;
        }
    }
    return true;
}

static bool read_tree(struct reader *r, struct json **ret)
{
    struct str key = STR_NONE;
    json_lex_space(&r->scan);
    do {
        struct json *node = NULL;
        if (!take_value(r, &node)) {
            return false;
        }
        node->key = key;
        key = STR_NONE;
        if (r->depth > 0) {
            json_append(&r->open[r->depth - 1], node);
        } else {
            *ret = node;
        }
        if (node->type == JSON_OBJECT || node->type == JSON_ARRAY) {
            if (r->depth == JSON_VERBATIM_DEPTH) {
                return json_lex_fail(&r->scan, r->scan.pos, "nested too deep");
            }
            r->open[r->depth++] = (struct json_open){.node = node};
        }
        if (!close_containers(r, &key)) {
            return false;
        }
    } while (r->depth > 0);
    json_lex_space(&r->scan);
    return r->scan.pos == r->scan.end || json_lex_fail(&r->scan, r->scan.pos, "text after the end");
}

bool json_verbatim_read(struct str text, size_t max_bytes, struct arena *arena, struct json **ret,
                        struct err *err)
{
    if (text.len > max_bytes) {
        return err_set(err, ERR_FULL, "JSON of %zu bytes is over the limit of %zu", text.len,
                       max_bytes);
    }
    const char *end = text.len == 0 ? text.ptr : text.ptr + text.len;
    struct reader r = {.scan = {.start = text.ptr, .pos = text.ptr, .end = end},
                       .arena = arena,
                       .scratch = buf_growing(text.len + 1)};
    struct json *root = NULL;
    bool ok = read_tree(&r, &root);
    buf_release(&r.scratch);
    if (ok) {
        *ret = root;
        return true;
    }
    if (r.scan.problem == NULL) {
        return err_set(err, ERR_FULL, "JSON needs more than the %zu MiB of memory set aside for it",
                       arena->max >> 20);
    }
    return err_set(err, ERR_INVALID, "byte %td: %s", r.scan.pos - r.scan.start + 1, r.scan.problem);
}

/* --- writing --- */

static void write_scalar(struct json_writer *w, const struct json *node)
{
    switch (node->type) {
    case JSON_NULL:
        jw_null(w);
        break;
    case JSON_BOOL:
        jw_bool(w, node->as.boolean);
        break;
    case JSON_INT:
    case JSON_REAL:
        if (node->written.len > 0) {
            jw_raw(w, node->written);
        } else if (node->type == JSON_INT) {
            jw_i64(w, node->as.integer);
        } else {
            jw_double(w, node->as.real);
        }
        break;
    case JSON_STRING:
        jw_str(w, node->as.string);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
}

static void write_bracket(struct json_writer *w, const struct json *node, bool is_end)
{
    if (node->type == JSON_OBJECT) {
        (is_end ? jw_end_object : jw_begin_object)(w);
    } else if (node->type == JSON_ARRAY) {
        (is_end ? jw_end_array : jw_begin_array)(w);
    }
}

bool json_verbatim_write(struct buf *out, const struct json *root, struct err *err)
{
    const struct json *open[JSON_VERBATIM_DEPTH];
    const struct json *node = root;
    size_t depth = 0;
    struct json_writer w = json_writer(out);
    while (node != NULL) {
        if (depth > 0 && open[depth - 1]->type == JSON_OBJECT) {
            jw_key(&w, node->key);
        }
        write_scalar(&w, node);
        write_bracket(&w, node, false);
        if (node->child != NULL) {
            if (depth == JSON_VERBATIM_DEPTH) {
                return err_set(err, ERR_INVALID, "nested deeper than %d levels",
                               JSON_VERBATIM_DEPTH);
            }
            open[depth++] = node;
            node = node->child;
            continue;
        }
        write_bracket(&w, node, true);
        while (depth > 0 && node->next == NULL) {
            node = open[--depth];
            write_bracket(&w, node, true);
        }
        node = depth == 0 ? NULL : node->next;
    }
    return !out->overflow || err_set(err, ERR_FULL, "JSON is larger than %zu bytes", out->cap);
}
