/* DESIGN: libyaml's events drive a stack of open containers (`frames`); no recursion. An alias is
 * replaced by a copy of what its anchor names, node by node, so that the node limit holds for what
 * is built and not only for what is written. A merge ("<<") waits until its mapping ends, since the
 * mapping's own keys win wherever they stand. */
#include "common/yaml/yaml.h"

#include "common/base/limits.h"
#include "common/json/json_tree.h"
#include "common/yaml/yaml_error.h"
#include "common/yaml/yaml_scalar.h"
#include <string.h>
#include <yaml.h>

struct frame {
    struct json_open open;
    struct str key; /* waiting for its value */
    uint32_t key_line;
    uint32_t key_column;
    bool has_key;
    bool is_merge_key;
    struct json *merge; /* value of "<<", or NULL */
};

struct anchor {
    struct str name;
    const struct json *node;
};

struct yaml_reader {
    yaml_parser_t parser;
    struct str text;
    struct str name;
    struct arena *arena;
    struct err *err;
    struct frame frames[LIMIT_YAML_DEPTH];
    size_t depth;
    struct anchor anchors[LIMIT_YAML_ANCHORS];
    size_t anchors_count;
    size_t nodes;
    struct json *root;
};

static void yaml_reader_release(struct yaml_reader *r)
{
    yaml_parser_delete(&r->parser);
}

static bool no_memory(struct yaml_reader *r)
{
    return err_set(r->err, ERR_FULL, STR_FMT ": needs more than the %zu bytes of memory set aside",
                   STR_ARG(r->name), r->arena->max);
}

static struct json *new_node(struct yaml_reader *r, yaml_mark_t mark)
{
    if (r->nodes == LIMIT_YAML_NODES) {
        (void)yaml_fail_at(r->err, r->name, mark, "more than %d values, aliases expanded",
                           LIMIT_YAML_NODES);
        r->err->code = ERR_FULL;
        return NULL;
    }
    struct json *node = arena_alloc(r->arena, sizeof(*node));
    if (node == NULL) {
        (void)no_memory(r);
        return NULL;
    }
    r->nodes++;
    node->line = (uint32_t)mark.line + 1;
    node->column = (uint32_t)mark.column + 1;
    return node;
}

static struct frame *top_frame(struct yaml_reader *r)
{
    return r->depth == 0 ? NULL : &r->frames[r->depth - 1];
}

/* Whether the next event is a key. */
static bool expects_key(struct yaml_reader *r)
{
    const struct frame *top = top_frame(r);
    return top != NULL && top->open.node->type == JSON_OBJECT && !top->has_key;
}

static bool refuse_key(struct yaml_reader *r, yaml_mark_t mark)
{
    return yaml_fail_at(r->err, r->name, mark, "a key must be text, not a list, mapping or alias");
}

/* Puts a value where it belongs: under the pending key, at the list's end, or at the root. */
static bool place(struct yaml_reader *r, struct json *node, yaml_mark_t mark)
{
    struct frame *top = top_frame(r);
    if (top == NULL) {
        r->root = node;
        return true;
    }
    if (top->open.node->type == JSON_ARRAY) {
        json_append(&top->open, node);
        return true;
    }
    top->has_key = false;
    if (top->is_merge_key) {
        if (top->merge != NULL) {
            return yaml_fail_at(r->err, r->name, mark, "duplicate key \"<<\"");
        }
        top->merge = node;
        return true;
    }
    node->key = top->key;
    node->key_line = top->key_line;
    node->key_column = top->key_column;
    json_append(&top->open, node);
    return true;
}

static bool refuse_tag(struct yaml_reader *r, const yaml_char_t *tag, yaml_mark_t mark)
{
    if (tag == NULL) {
        return true;
    }
    return yaml_fail_at(r->err, r->name, mark, "tags like %s are not supported", (const char *)tag);
}

static struct anchor *find_anchor(struct yaml_reader *r, struct str name)
{
    for (size_t i = 0; i < r->anchors_count; i++) {
        if (str_eq(r->anchors[i].name, name)) {
            return &r->anchors[i];
        }
    }
    return NULL;
}

/* A later anchor of the same name takes over, as YAML wants it. */
static bool set_anchor(struct yaml_reader *r, const yaml_char_t *name, const struct json *node,
                       yaml_mark_t mark)
{
    if (name == NULL) {
        return true;
    }
    struct str text = str_from((const char *)name);
    struct anchor *anchor = find_anchor(r, text);
    if (anchor != NULL) {
        anchor->node = node;
        return true;
    }
    if (r->anchors_count == LIMIT_YAML_ANCHORS) {
        return yaml_fail_at(r->err, r->name, mark, "more than %d anchors", LIMIT_YAML_ANCHORS);
    }
    text = arena_copy(r->arena, text);
    if (text.ptr == NULL) {
        return no_memory(r);
    }
    r->anchors[r->anchors_count++] = (struct anchor){.name = text, .node = node};
    return true;
}

static bool too_deep(struct yaml_reader *r, yaml_mark_t mark)
{
    return yaml_fail_at(r->err, r->name, mark, "nested deeper than %d levels", LIMIT_YAML_DEPTH);
}

/* A copy of `from` without its key and siblings. */
static struct json *copy_node(struct yaml_reader *r, const struct json *from, yaml_mark_t mark)
{
    struct json *node = new_node(r, mark);
    if (node != NULL) {
        *node = *from;
        node->next = NULL;
        node->child = NULL;
        node->count = 0;
    }
    return node;
}

/* The tree under `from`, copied; errors are placed at `mark`, the alias. */
static struct json *copy_tree(struct yaml_reader *r, const struct json *from, yaml_mark_t mark)
{
    struct json_open open[LIMIT_YAML_DEPTH];
    const struct json *origin[LIMIT_YAML_DEPTH];
    size_t depth = 0;
    struct json *root = NULL;
    while (from != NULL) {
        struct json *node = copy_node(r, from, mark);
        if (node == NULL) {
            return NULL;
        }
        if (depth > 0) {
            json_append(&open[depth - 1], node);
        } else {
            root = node;
        }
        bool is_container = from->type == JSON_ARRAY || from->type == JSON_OBJECT;
        if (is_container && r->depth + depth >= LIMIT_YAML_DEPTH) {
            (void)too_deep(r, mark);
            return NULL;
        }
        if (from->child != NULL) {
            open[depth] = (struct json_open){.node = node};
            origin[depth] = from;
            depth++;
            from = from->child;
            continue;
        }
        while (depth > 0 && from->next == NULL) {
            from = origin[--depth];
        }
        from = depth > 0 ? from->next : NULL;
    }
    return root;
}

static bool on_alias(struct yaml_reader *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    if (expects_key(r)) {
        return refuse_key(r, event->start_mark);
    }
    const struct anchor *anchor = find_anchor(r, str_from(name));
    if (anchor == NULL) {
        return yaml_fail_at(r->err, r->name, event->start_mark, "no anchor &%s stands above", name);
    }
    for (size_t i = 0; i < r->depth; i++) {
        if (r->frames[i].open.node == anchor->node) {
            return yaml_fail_at(r->err, r->name, event->start_mark,
                                "alias *%s stands inside of what it names", name);
        }
    }
    struct json *node = copy_tree(r, anchor->node, event->start_mark);
    if (node == NULL) {
        return false;
    }
    node->key = STR_NONE;
    return place(r, node, event->start_mark);
}

/* The scalar's text, copied. */
static bool take_text(struct yaml_reader *r, const yaml_event_t *event, struct str *ret)
{
    struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
        return yaml_fail_at(r->err, r->name, event->start_mark, "a NUL character in text");
    }
    text = arena_copy(r->arena, text);
    if (text.ptr == NULL) {
        return no_memory(r);
    }
    *ret = text;
    return true;
}

static bool on_key(struct yaml_reader *r, const yaml_event_t *event)
{
    struct frame *top = top_frame(r);
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (!take_text(r, event, &top->key)) {
        return false;
    }
    if (is_plain && top->key.len == 0) {
        return yaml_fail_at(r->err, r->name, event->start_mark, "a key is missing");
    }
    top->has_key = true;
    top->is_merge_key = is_plain && str_eq(top->key, STR("<<"));
    top->key_line = (uint32_t)event->start_mark.line + 1;
    top->key_column = (uint32_t)event->start_mark.column + 1;
    return true;
}

static bool on_scalar(struct yaml_reader *r, const yaml_event_t *event)
{
    if (!refuse_tag(r, event->data.scalar.tag, event->start_mark)) {
        return false;
    }
    if (expects_key(r)) {
        return on_key(r, event);
    }
    struct json *node = new_node(r, event->start_mark);
    struct str text = STR_NONE;
    if (node == NULL || !take_text(r, event, &text)) {
        return false;
    }
    node->type = JSON_STRING;
    node->as.string = text;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        const char *problem = yaml_set_plain(node, text);
        if (problem != NULL) {
            (void)yaml_fail_at(r->err, r->name, event->start_mark, "%s", problem);
            return err_hint(r->err, "put it in quotes if it is text");
        }
    }
    return set_anchor(r, event->data.scalar.anchor, node, event->start_mark) &&
           place(r, node, event->start_mark);
}

static bool on_start(struct yaml_reader *r, const yaml_event_t *event)
{
    bool is_map = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *tag =
        is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    const yaml_char_t *anchor =
        is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    if (!refuse_tag(r, tag, event->start_mark)) {
        return false;
    }
    if (expects_key(r)) {
        return refuse_key(r, event->start_mark);
    }
    if (r->depth == LIMIT_YAML_DEPTH) {
        return too_deep(r, event->start_mark);
    }
    struct json *node = new_node(r, event->start_mark);
    if (node == NULL || !set_anchor(r, anchor, node, event->start_mark)) {
        return false;
    }
    node->type = is_map ? JSON_OBJECT : JSON_ARRAY;
    if (!place(r, node, event->start_mark)) {
        return false;
    }
    r->frames[r->depth++] = (struct frame){.open = {.node = node}};
    return true;
}

/* Adds the members of one merged mapping. They are copied, since an anchor may name the mapping. */
static bool merge_one(struct yaml_reader *r, struct frame *frame, const struct json *from)
{
    yaml_mark_t mark = {.line = from->line - 1, .column = from->column - 1};
    if (from->type != JSON_OBJECT) {
        return yaml_fail_at(r->err, r->name, mark, "\"<<\" takes a mapping or a list of mappings");
    }
    for (const struct json *member = from->child; member != NULL; member = member->next) {
        struct json *node = copy_node(r, member, mark);
        if (node == NULL) {
            return false;
        }
        node->child = member->child;
        node->count = member->count;
        json_append(&frame->open, node);
    }
    return true;
}

static bool merge_all(struct yaml_reader *r, struct frame *frame)
{
    if (frame->merge == NULL) {
        return true;
    }
    if (frame->merge->type != JSON_ARRAY) {
        return merge_one(r, frame, frame->merge);
    }
    for (const struct json *item = frame->merge->child; item != NULL; item = item->next) {
        if (!merge_one(r, frame, item)) {
            return false;
        }
    }
    return true;
}

static bool on_end(struct yaml_reader *r)
{
    struct frame *frame = top_frame(r);
    r->depth--;
    struct json *node = frame->open.node;
    if (node->type != JSON_OBJECT) {
        return true;
    }
    size_t own = node->count;
    if (!merge_all(r, frame)) {
        return false;
    }
    const struct json *duplicate = NULL;
    switch (json_close_object(node, own, r->arena, &duplicate)) {
    case JSON_CLOSE_NO_MEMORY:
        return no_memory(r);
    case JSON_CLOSE_DUPLICATE:
        break;
    case JSON_CLOSE_OK:
        return true;
    }
    yaml_mark_t mark = {.line = duplicate->key_line - 1, .column = duplicate->key_column - 1};
    return yaml_fail_at(r->err, r->name, mark, "duplicate key \"" STR_FMT "\"",
                        STR_ARG(duplicate->key));
}

static bool on_event(struct yaml_reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return r->root == NULL || yaml_fail_at(r->err, r->name, event->start_mark,
                                               "a second document; one is allowed in a file");
    case YAML_ALIAS_EVENT:
        return on_alias(r, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return on_start(r, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(r);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return true;
}

static bool read_events(struct yaml_reader *r)
{
    yaml_event_type_t type = YAML_NO_EVENT;
    while (type != YAML_STREAM_END_EVENT) {
        yaml_event_t event;
        if (yaml_parser_parse(&r->parser, &event) == 0) {
            return yaml_fail_parser(r->err, r->name, r->text, &r->parser);
        }
        type = event.type;
        bool ok = on_event(r, &event);
        yaml_event_delete(&event);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* Nothing at all, only comments, or only "---". */
static bool is_nothing(const struct json *root)
{
    return root == NULL || (root->type == JSON_NULL && root->written.len == 0);
}

bool yaml_parse(struct str text, struct str name, struct arena *arena, struct json **ret,
                struct err *err)
{
    if (text.len > LIMIT_DEFINITIONS_BYTES) {
        return err_set(err, ERR_FULL, STR_FMT ": %zu bytes are over the limit of %d", STR_ARG(name),
                       text.len, LIMIT_DEFINITIONS_BYTES);
    }
    AUTO(yaml_reader) r = {.text = text, .name = name, .arena = arena, .err = err};
    if (yaml_parser_initialize(&r.parser) == 0) {
        return err_set(err, ERR_NO_MEMORY, STR_FMT ": out of memory", STR_ARG(name));
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    const char *bytes = text.ptr == NULL ? "" : text.ptr;
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, text.len);
    if (!read_events(&r)) {
        return false;
    }
    if (is_nothing(r.root)) {
        r.root = new_node(&r, (yaml_mark_t){0});
        if (r.root == NULL) {
            return false;
        }
        r.root->type = JSON_OBJECT;
    }
    *ret = r.root;
    return true;
}
