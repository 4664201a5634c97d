#include "common/json/fields.h"

#include "common/base/limits.h"
#include "common/json/fields_read.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct location location_of(const struct json *node)
{
    return (struct location){node->line, node->column, node->file};
}

static void add_path(struct buf *out, const struct fields_place *place)
{
    const struct fields_place *up[2 * LIMIT_YAML_DEPTH];
    size_t count = 0;
    for (; place != NULL && count < COUNT_OF(up); place = place->up) {
        up[count++] = place;
    }
    while (count > 0) {
        place = up[--count];
        if (place->name.ptr == NULL) {
            buf_addf(out, "[%zu]", place->index);
        } else if (place->name.len > 0) {
            buf_addf(out, "%s" STR_FMT, out->len == 0 ? "" : ".", STR_ARG(place->name));
        }
    }
}

void fields_problem(struct fields_reader *r, const struct fields_place *place, struct location at,
                    struct str hint, const char *fmt, ...)
{
    char path_memory[200];
    struct buf path = buf_fixed(path_memory, sizeof(path_memory));
    add_path(&path, place);
    char text[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    problems_add(r->problems, at, hint, STR_FMT "%s%s", STR_ARG(buf_str(&path)),
                 path.len == 0 ? "" : ": ", text);
}

void fields_wrong_type(struct fields_reader *r, const struct fields_place *place,
                       const struct json *node, const char *expected)
{
    fields_problem(r, place, location_of(node), STR_NONE, "expected %s, got %s", expected,
                   json_type_name(node->type));
}

void fields_nearest_offer(struct fields_nearest *n, struct str candidate)
{
    size_t distance = str_distance(n->wanted, candidate);
    bool is_near = distance <= 2 && 2 * distance <= n->wanted.len;
    if (is_near && (str_is_empty(n->best) || distance < n->distance)) {
        n->best = candidate;
        n->distance = distance;
    }
}

/* A list's or map's count against the field's limits. */
static void check_count(struct fields_reader *r, const struct fields_place *place,
                        const struct json *node, const struct field *field)
{
    size_t count = node->type == JSON_STRING ? 1 : node->count; /* a lone string is a list of one */
    if (field->min > 0 && count < (uint64_t)field->min) {
        fields_problem(r, place, location_of(node), STR_NONE, "expected at least %lld, got %zu",
                       (long long)field->min, count);
    } else if (field->max > 0 && field->max >= field->min && count > (uint64_t)field->max) {
        fields_problem(r, place, location_of(node), STR_NONE, "expected at most %lld, got %zu",
                       (long long)field->max, count);
    }
}

/* What is over the maximum was reported, and is not handed out: whoever goes on has the count that
 * it may have. */
static void clip_count(const struct field *field, void *slot)
{
    size_t *count = NULL;
    switch (field->type) {
    case FIELD_STR_LIST:
        count = &((struct str_list *)slot)->count;
        break;
    case FIELD_STR_MAP:
        count = &((struct str_map *)slot)->count;
        break;
    case FIELD_OBJECT_LIST:
    case FIELD_OBJECT_MAP:
        count = &((struct object_list *)slot)->count;
        break;
    case FIELD_STR:
    case FIELD_BOOL:
    case FIELD_I64:
    case FIELD_REAL:
    case FIELD_DURATION:
    case FIELD_BYTES:
    case FIELD_ENUM:
    case FIELD_OBJECT:
    case FIELD_JSON:
    case FIELD_JSON_OBJECT:
    case FIELD_JSON_TEXT:
        return;
    }
    if (field->max > 0 && *count > (uint64_t)field->max) {
        *count = (size_t)field->max;
    }
}

/* Room for the children; NULL (with a problem) when there is none. */
static void *new_items(struct fields_reader *r, const struct fields_place *place,
                       const struct json *node, size_t size)
{
    void *items = arena_array(r->arena, node->count == 0 ? 1 : node->count, size);
    if (items == NULL) {
        fields_problem(r, place, location_of(node), STR_NONE, "no memory left for %zu entries",
                       node->count);
    }
    return items;
}

static bool read_str_list(struct fields_reader *r, const struct fields_place *place,
                          const struct json *node, const struct field *field, struct str_list *slot)
{
    if (node->type != JSON_ARRAY && node->type != JSON_STRING) {
        fields_wrong_type(r, place, node, "a list of strings");
        return false;
    }
    bool is_lone = node->type == JSON_STRING;
    struct str *items = new_items(r, place, node, sizeof(*items));
    if (items == NULL) {
        return false;
    }
    size_t count = 0;
    for (const struct json *item = is_lone ? node : node->child; item != NULL;
         item = is_lone ? NULL : item->next) {
        struct fields_place here = {.up = place, .index = count};
        const struct fields_place *at = is_lone ? place : &here;
        if (fields_read_str(r, at, item, &items[count]) && field->names != NULL) {
            (void)fields_read_name(r, at, item, field, items[count]);
        }
        count++;
    }
    *slot = (struct str_list){.items = items, .count = count};
    return true;
}

static bool read_str_map(struct fields_reader *r, const struct fields_place *place,
                         const struct json *node, struct str_map *slot)
{
    if (node->type != JSON_OBJECT) {
        fields_wrong_type(r, place, node, "an object");
        return false;
    }
    struct str *keys = new_items(r, place, node, sizeof(*keys));
    struct str *values = keys == NULL ? NULL : new_items(r, place, node, sizeof(*values));
    if (values == NULL) {
        return false;
    }
    size_t count = 0;
    for (const struct json *item = node->child; item != NULL; item = item->next) {
        struct fields_place here = {.up = place, .name = item->key};
        keys[count] = item->key;
        (void)fields_read_text(r, &here, item, &values[count]);
        count++;
    }
    *slot = (struct str_map){.keys = keys, .values = values, .count = count};
    return true;
}

static void read_json_text(struct fields_reader *r, const struct fields_place *place,
                           const struct json *node, struct str *slot)
{
    if (node->type == JSON_STRING) {
        *slot = node->as.string;
        return;
    }
    if (node->type != JSON_OBJECT) {
        fields_wrong_type(r, place, node, "an object");
        return;
    }
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    json_write(&text, node);
    *slot = arena_copy(r->arena, buf_str(&text));
    if (text.overflow || slot->ptr == NULL) {
        fields_problem(r, place, location_of(node), STR_NONE, "no memory left for it");
    }
    buf_wipe(&text);
}

static void read_object(struct fields_reader *r, const struct fields_place *place,
                        const struct json *node, const struct field_table *table, char *out);

/* A list of objects, or a map of them by name. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which the parsers limit */
static bool read_objects(struct fields_reader *r, const struct fields_place *place,
                         const struct json *node, const struct field *field,
                         struct object_list *slot)
{
    const struct field_table *table = field->object;
    bool is_map = field->type == FIELD_OBJECT_MAP;
    if (node->type != (is_map ? JSON_OBJECT : JSON_ARRAY)) {
        fields_wrong_type(r, place, node, is_map ? "an object" : "a list");
        return false;
    }
    char *items = new_items(r, place, node, table->size);
    if (items == NULL) {
        return false;
    }
    size_t count = 0;
    for (const struct json *item = node->child; item != NULL; item = item->next) {
        struct fields_place here = {.up = place, .name = item->key, .index = count};
        char *element = items + count * table->size;
        read_object(r, &here, item, table, element);
        if (is_map) {
            memcpy(element + table->name_offset, &item->key, sizeof(item->key));
        }
        count++;
    }
    *slot = (struct object_list){.items = items, .count = count};
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which the parsers limit */
static void read_value(struct fields_reader *r, const struct fields_place *place,
                       const struct json *node, const struct field *field, void *slot)
{
    bool is_list = false;
    switch (field->type) {
    case FIELD_STR:
    case FIELD_BOOL:
    case FIELD_I64:
    case FIELD_REAL:
    case FIELD_DURATION:
    case FIELD_BYTES:
    case FIELD_ENUM:
        fields_read_scalar(r, place, node, field, slot);
        return;
    case FIELD_OBJECT:
        read_object(r, place, node, field->object, slot);
        return;
    case FIELD_JSON_OBJECT:
        if (node->type != JSON_OBJECT) {
            fields_wrong_type(r, place, node, "an object");
            return;
        }
        *(const struct json **)slot = node;
        return;
    case FIELD_JSON:
        *(const struct json **)slot = node;
        return;
    case FIELD_JSON_TEXT:
        read_json_text(r, place, node, slot);
        return;
    case FIELD_STR_LIST:
        is_list = read_str_list(r, place, node, field, slot);
        break;
    case FIELD_STR_MAP:
        is_list = read_str_map(r, place, node, slot);
        break;
    case FIELD_OBJECT_LIST:
    case FIELD_OBJECT_MAP:
        is_list = read_objects(r, place, node, field, slot);
        break;
    }
    if (is_list) {
        check_count(r, place, node, field);
        clip_count(field, slot);
    }
}

static void add_keys(struct buf *out, const struct field_table *table)
{
    const char *separator = "";
    for (size_t i = 0; i < table->count; i++) {
        if (!table->fields[i].is_unsupported) {
            buf_addf(out, "%s%s", separator, table->fields[i].key);
            separator = ", ";
        }
    }
}

static void unknown_key(struct fields_reader *r, const struct fields_place *place,
                        const struct json *member, const struct field_table *table)
{
    struct fields_nearest nearest = {.wanted = member->key};
    char memory[1000];
    struct buf hint = buf_fixed(memory, sizeof(memory));
    buf_add_text(&hint, "valid keys: ");
    add_keys(&hint, table);
    for (size_t i = 0; i < table->count; i++) {
        if (!table->fields[i].is_unsupported) {
            fields_nearest_offer(&nearest, str_from(table->fields[i].key));
        }
    }
    if (!str_is_empty(nearest.best)) {
        buf_reset(&hint);
        buf_addf(&hint, "did you mean \"" STR_FMT "\"?", STR_ARG(nearest.best));
    }
    struct location at = {member->key_line, member->key_column, member->file};
    fields_problem(r, place, at, buf_str(&hint), "unknown key \"" STR_FMT "\"",
                   STR_ARG(member->key));
}

static size_t find_field(const struct field_table *table, struct str key)
{
    size_t i = 0;
    while (i < table->count && !str_eq(str_from(table->fields[i].key), key)) {
        i++;
    }
    return i;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which the parsers limit */
static bool read_member(struct fields_reader *r, const struct fields_place *place,
                        const struct json *member, const struct field *field, char *out)
{
    if (field->is_unsupported) {
        struct location at = {member->key_line, member->key_column, member->file};
        fields_problem(r, place, at, str_from(field->help), "key \"%s\" is not supported %s",
                       field->key, field->help == NULL ? "by this version" : "here");
        return false;
    }
    struct fields_place here = {.up = place, .name = member->key};
    if (field->present_offset != 0) {
        *(bool *)(out + field->present_offset) = true;
    }
    read_value(r, &here, member, field, out + field->offset);
    return true;
}

static void check_choice(struct fields_reader *r, const struct fields_place *place,
                         const struct json *node, const struct field_table *table)
{
    if (table->is_choice && node->count != 1) {
        char memory[300];
        struct buf keys = buf_fixed(memory, sizeof(memory));
        add_keys(&keys, table);
        fields_problem(r, place, location_of(node), STR_NONE,
                       "expected one key of " STR_FMT ", got %zu", STR_ARG(buf_str(&keys)),
                       node->count);
    }
}

static void check_required(struct fields_reader *r, const struct fields_place *place,
                           const struct json *node, const struct field_table *table, uint64_t seen)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->fields[i].required && (seen >> i & 1) == 0) {
            fields_problem(r, place, location_of(node), STR_NONE, "required key \"%s\" is missing",
                           table->fields[i].key);
        }
    }
}

/* What stands where an object is expected. */
/* NOLINTNEXTLINE(misc-no-recursion): a scalar ends it */
static void read_shorthand(struct fields_reader *r, const struct fields_place *place,
                           const struct json *node, const struct field_table *table, char *out)
{
    const struct field *field = table->shorthand;
    if (field == NULL) {
        fields_wrong_type(r, place, node, "an object");
        return;
    }
    if (node->type == JSON_ARRAY || node->type == JSON_NULL) {
        fields_wrong_type(r, place, node,
                          field->type == FIELD_I64 ? "an integer or an object"
                                                   : "a word or an object");
        return;
    }
    /* A name may be any word. */
    bool is_word = node->type == JSON_STRING && field->type != FIELD_STR;
    if (is_word && find_field(table, node->as.string) < table->count) {
        struct str key = node->as.string;
        char hint[64];
        (void)snprintf(hint, sizeof(hint), "write {" STR_FMT ": ...}", STR_ARG(key));
        fields_problem(r, place, location_of(node), str_from(hint),
                       "\"" STR_FMT "\" does not stand alone", STR_ARG(key));
        return;
    }
    if (field->present_offset != 0) {
        *(bool *)(out + field->present_offset) = true;
    }
    read_value(r, place, node, field, out + field->offset);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree, which the parsers limit */
static void read_object(struct fields_reader *r, const struct fields_place *place,
                        const struct json *node, const struct field_table *table, char *out)
{
    assert(table->count <= 64); /* one bit each in `seen` */
    if (table->defaults != NULL) {
        memcpy(out, table->defaults, table->size);
    } else {
        memset(out, 0, table->size);
    }
    if (table->location_offset != 0) {
        struct location at = location_of(node);
        memcpy(out + table->location_offset, &at, sizeof(at));
    }
    if (node->type != JSON_OBJECT) {
        read_shorthand(r, place, node, table, out);
        return;
    }
    if (table->variant != NULL) {
        memcpy(out + table->node_offset, &node, sizeof(struct json *));
        return;
    }
    check_choice(r, place, node, table);
    uint64_t seen = 0;
    for (const struct json *member = node->child; member != NULL; member = member->next) {
        size_t i = find_field(table, member->key);
        if (i == table->count) {
            if (!table->ignore_unknown) {
                unknown_key(r, place, member, table);
            }
            continue;
        }
        const struct field *field = &table->fields[i];
        bool is_absent =
            table->ignore_unknown && member->type == JSON_NULL && field->type != FIELD_JSON;
        if (!is_absent && read_member(r, place, member, field, out)) {
            seen |= UINT64_C(1) << i;
        }
    }
    check_required(r, place, node, table, seen);
}

bool fields_read(const struct json *node, const struct field_table *table, struct str path,
                 struct arena *arena, struct problems *problems, void *out)
{
    struct fields_reader r = {.arena = arena, .problems = problems};
    struct fields_place root = {.name = {path.ptr == NULL ? "" : path.ptr, path.len}};
    size_t before = problems->total;
    read_object(&r, &root, node, table, out);
    return problems->total == before;
}
