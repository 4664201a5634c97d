/* DESIGN: three passes, each simple. (1) json_lex_value() checks the grammar, UTF-8 and depth over
 * the bytes. (2) A walk over the tokens refuses what cJSON would cut or round, and counts the
 * values, so that a tree that cannot fit is refused before cJSON builds its own. (3) cJSON parses;
 * its tree is copied into the arena, with the numbers taken from the bytes again, since cJSON keeps
 * doubles only. cJSON's process-wide allocator hooks stay as they are. */
#include "common/json/json.h"

#include "common/base/limits.h"
#include "common/json/json_lex.h"
#include "common/json/json_scan.h"
#include "common/json/json_tree.h"
#include "common/json/json_writer.h"
#include <assert.h>
#include <cjson/cJSON.h>
#include <string.h>

static struct json_scan scan_of(struct str text)
{
    const char *end = text.len == 0 ? text.ptr : text.ptr + text.len;
    return (struct json_scan){.start = text.ptr, .pos = text.ptr, .end = end};
}

/* "line 2, column 7: problem" */
static bool fail_at(const struct json_scan *s, const char *at, const char *problem, struct err *err)
{
    size_t line = 1;
    const char *line_start = s->start;
    for (const char *p = s->start; p < at; p++) {
        if (*p == '\n') {
            line++;
            line_start = p + 1;
        }
    }
    return err_set(err, ERR_INVALID, "line %zu, column %td: %s%s", line, at - line_start + 1,
                   problem, at == s->end ? ", but the text ends" : "");
}

static bool check_grammar(struct str text, struct err *err)
{
    struct json_scan s = scan_of(text);
    struct json_raw all;
    json_lex_space(&s);
    if (json_lex_value(&s, 0, &all)) {
        json_lex_space(&s);
        if (s.pos == s.end) {
            return true;
        }
        s.problem = "text after the end";
    }
    return fail_at(&s, s.pos, s.problem, err);
}

/* What cJSON would cut or round in a token, as text; NULL when nothing. */
static const char *token_problem(struct json_raw token, struct buf *scratch)
{
    int64_t integer = 0;
    double real = 0;
    struct str text;
    switch (token.type) {
    case JSON_INT:
        return json_raw_i64(token, &integer) ? NULL : "integer beyond 64 bits";
    case JSON_REAL:
        return json_raw_double(token, &real) ? NULL : "number too large or too long";
    case JSON_STRING:
        buf_reset(scratch);
        if (!json_unescape(token, false, scratch, &text)) {
            return scratch->overflow ? NULL : "unpaired surrogate escape in a string";
        }
        return memchr(text.ptr, '\0', text.len) == NULL ? NULL : "\\u0000 in a string";
    case JSON_NULL:
    case JSON_BOOL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return NULL;
}

static bool no_memory(const struct arena *arena, struct err *err)
{
    return err_set(err, ERR_FULL, "JSON needs more than the %zu bytes of memory set aside for it",
                   arena->max - arena->used);
}

static bool check_content(struct str text, const struct arena *arena, struct err *err)
{
    AUTO(buf) scratch = buf_growing(text.len);
    struct json_scan s = scan_of(text);
    struct json_raw token;
    size_t nodes = 0;
    while (json_lex_token(&s, &token)) {
        const char *problem = token_problem(token, &scratch);
        if (problem != NULL) {
            return fail_at(&s, token.text.ptr, problem, err);
        }
        if (scratch.overflow) {
            return err_set(err, ERR_NO_MEMORY, "read JSON: out of memory");
        }
        json_lex_space(&s);
        nodes += json_lex_peek(&s) == ':' ? 0 : 1; /* a key is no node */
    }
    size_t room = (arena->max - arena->used) / sizeof(struct json);
    return nodes <= room || no_memory(arena, err);
}

/* Sets type and value of `node` from cJSON's item; a number is the next one in `text`. False when
 * the arena is exhausted. */
static bool take_value(struct json *node, const cJSON *item, struct json_scan *text,
                       struct arena *arena)
{
    struct json_raw token;
    switch (item->type & 0xff) {
    case cJSON_False:
    case cJSON_True:
        node->type = JSON_BOOL;
        node->as.boolean = cJSON_IsTrue(item) != 0;
        return true;
    case cJSON_Array:
        node->type = JSON_ARRAY;
        return true;
    case cJSON_Object:
        node->type = JSON_OBJECT;
        return true;
    case cJSON_String:
        node->type = JSON_STRING;
        node->as.string = arena_copy(arena, str_from(item->valuestring));
        return node->as.string.ptr != NULL;
    case cJSON_Number:
        do {
            if (!json_lex_token(text, &token)) {
                return false;
            }
        } while (token.type != JSON_INT && token.type != JSON_REAL);
        node->type = token.type;
        node->written = arena_copy(arena, token.text);
        return node->written.ptr != NULL &&
               (token.type == JSON_INT ? json_raw_i64(token, &node->as.integer)
                                       : json_raw_double(token, &node->as.real));
    default:
        node->type = JSON_NULL;
        return true;
    }
}

static struct json *take_node(const cJSON *item, struct json_scan *text, struct arena *arena)
{
    struct json *node = arena_alloc(arena, sizeof(*node));
    if (node == NULL) {
        return NULL;
    }
    if (item->string != NULL) {
        node->key = arena_copy(arena, str_from(item->string));
        if (node->key.ptr == NULL) {
            return NULL;
        }
    }
    return take_value(node, item, text, arena) ? node : NULL;
}

static bool check_object(struct json *object, struct arena *arena, struct err *err)
{
    const struct json *duplicate = NULL;
    if (object->type != JSON_OBJECT) {
        return true;
    }
    switch (json_close_object(object, object->count, arena, &duplicate)) {
    case JSON_CLOSE_DUPLICATE:
        return err_set(err, ERR_INVALID, "duplicate key \"" STR_FMT "\"", STR_ARG(duplicate->key));
    case JSON_CLOSE_NO_MEMORY:
        return no_memory(arena, err);
    case JSON_CLOSE_OK:
        break;
    }
    return true;
}

static bool take_tree(const cJSON *item, struct str text, struct arena *arena, struct json **ret,
                      struct err *err)
{
    struct json_open open[LIMIT_JSON_DEPTH];
    const cJSON *resume[LIMIT_JSON_DEPTH]; /* what follows the container */
    struct json_scan numbers = scan_of(text);
    struct json *root = NULL;
    size_t depth = 0;
    while (item != NULL) {
        struct json *node = take_node(item, &numbers, arena);
        if (node == NULL) {
            return no_memory(arena, err);
        }
        if (depth > 0) {
            json_append(&open[depth - 1], node);
        } else {
            root = node;
        }
        if (item->child != NULL) {
            assert(depth < LIMIT_JSON_DEPTH);
            open[depth] = (struct json_open){.node = node};
            resume[depth] = item->next;
            depth++;
            item = item->child;
            continue;
        }
        item = item->next;
        while (item == NULL && depth > 0) {
            depth--;
            if (!check_object(open[depth].node, arena, err)) {
                return false;
            }
            item = resume[depth];
        }
    }
    *ret = root;
    return true;
}

bool json_parse(struct str text, size_t max_bytes, struct arena *arena, struct json **ret,
                struct err *err)
{
    if (text.len > max_bytes) {
        return err_set(err, ERR_FULL, "JSON of %zu bytes is over the limit of %zu", text.len,
                       max_bytes);
    }
    if (!check_grammar(text, err) || !check_content(text, arena, err)) {
        return false;
    }
    cJSON *tree = cJSON_ParseWithLengthOpts(text.ptr, text.len, NULL, false);
    if (tree == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read JSON: out of memory");
    }
    bool ok = take_tree(tree, text, arena, ret, err);
    cJSON_Delete(tree);
    return ok;
}

const struct json *json_get(const struct json *object, const char *key)
{
    if (object == NULL || object->type != JSON_OBJECT) {
        return NULL;
    }
    struct str wanted = str_from(key);
    for (const struct json *node = object->child; node != NULL; node = node->next) {
        if (str_eq(node->key, wanted)) {
            return node;
        }
    }
    return NULL;
}

const char *json_type_name(enum json_type type)
{
    switch (type) {
    case JSON_NULL:
        return "nothing";
    case JSON_BOOL:
        return "true or false";
    case JSON_INT:
        return "an integer";
    case JSON_REAL:
        return "a number";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "a list";
    case JSON_OBJECT:
        return "an object";
    }
    return "unknown";
}

/* A value but for the inside of a container. */
static void write_value(struct json_writer *w, const struct json *node)
{
    switch (node->type) {
    case JSON_NULL:
        jw_null(w);
        break;
    case JSON_BOOL:
        jw_bool(w, node->as.boolean);
        break;
    case JSON_INT:
        jw_i64(w, node->as.integer);
        break;
    case JSON_REAL:
        jw_double(w, node->as.real);
        break;
    case JSON_STRING:
        jw_str(w, node->as.string);
        break;
    case JSON_ARRAY:
        jw_begin_array(w);
        break;
    case JSON_OBJECT:
        jw_begin_object(w);
        break;
    }
}

static void write_end(struct json_writer *w, const struct json *container)
{
    if (container->type == JSON_OBJECT) {
        jw_end_object(w);
    } else {
        jw_end_array(w);
    }
}

void json_write(struct buf *out, const struct json *node)
{
    const struct json
        *open[LIMIT_YAML_DEPTH > LIMIT_JSON_DEPTH ? LIMIT_YAML_DEPTH : LIMIT_JSON_DEPTH];
    size_t depth = 0;
    struct json_writer w = json_writer(out);
    while (node != NULL) {
        bool is_container = node->type == JSON_ARRAY || node->type == JSON_OBJECT;
        if (depth > 0 && open[depth - 1]->type == JSON_OBJECT) {
            jw_key(&w, node->key);
        }
        write_value(&w, node);
        if (is_container && node->child != NULL) {
            assert(depth < COUNT_OF(open)); /* no parser gives a deeper tree */
            open[depth++] = node;
            node = node->child;
            continue;
        }
        if (is_container) {
            write_end(&w, node);
        }
        while (depth > 0 && node->next == NULL) {
            node = open[--depth];
            write_end(&w, node);
        }
        node = depth > 0 ? node->next : NULL;
    }
}
