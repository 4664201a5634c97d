/* catalog_rules.c - select, select_filter, metadata and schema as single rules, in the order in which
 * they are applied. */
#include "agent/meltano/catalog_rules.h"

#include "agent/meltano/tree.h"

static const struct json selected = {.type = JSON_BOOL, .as.boolean = true};
static const struct json deselected = {.type = JSON_BOOL, .as.boolean = false};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_FULL, "the rules need more memory than is set aside");
}

static bool add(struct catalog_rule_list *list, struct catalog_rule rule, struct err *err)
{
    if (list->count == CATALOG_RULES_MAX) {
        return err_set(err, ERR_FULL, "there are more than %d rules", CATALOG_RULES_MAX);
    }
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 16 : 2 * list->cap;
        struct catalog_rule *items = arena_array(list->arena, cap, sizeof(*items));
        if (items == NULL) {
            return no_memory(err);
        }
        for (size_t i = 0; i < list->count; i++) {
            items[i] = list->items[i];
        }
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count++] = rule;
    return true;
}

/* "a.b" as "properties.a.properties.b"; the first `parts` of it. */
static struct str property_path(struct str dotted, size_t parts, struct arena *arena)
{
    AUTO(buf) out = buf_growing(dotted.len * 16 + 64);
    struct str rest = dotted;
    struct str part = STR_NONE;
    bool has_more = true;
    for (size_t i = 0; i < parts && has_more; i++) {
        struct str from = rest;
        has_more = str_cut(from, '.', &part, &rest);
        part = has_more ? part : from;
        buf_add(&out, i == 0 ? STR("properties.") : STR(".properties."));
        buf_add(&out, part);
    }
    return arena_copy(arena, buf_str(&out));
}

static size_t count_parts(struct str dotted)
{
    size_t count = 1;
    for (size_t i = 0; i < dotted.len; i++) {
        count += dotted.ptr[i] == '.';
    }
    return count;
}

/* --- select --- */

struct pattern {
    struct str stream;
    struct str property;
    bool has_property;
    bool is_negated;
};

static struct str unescaped(struct str text, struct arena *arena)
{
    AUTO(buf) out = buf_growing(text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        bool is_escape = text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == '.';
        if (!is_escape) {
            buf_add_char(&out, text.ptr[i]);
        }
    }
    return out.len == text.len ? text : arena_copy(arena, buf_str(&out));
}

/* The stream ends at the first dot that has no backslash before it. */
static struct pattern parse(struct str text, struct arena *arena)
{
    struct pattern p = {.is_negated = str_starts(text, STR("!"))};
    text = str_slice(text, p.is_negated, text.len);
    size_t dot = 0;
    while (dot < text.len && (text.ptr[dot] != '.' || (dot > 0 && text.ptr[dot - 1] == '\\'))) {
        dot++;
    }
    p.stream = unescaped(str_slice(text, 0, dot), arena);
    p.has_property = dot < text.len;
    p.property = p.has_property ? str_slice(text, dot + 1, text.len) : STR("");
    return p;
}

static bool add_select(struct catalog_rule_list *list, const struct pattern *p, struct str path,
                       struct err *err)
{
    const struct catalog_rule rule = {.stream = p->stream,
                                      .has_stream = p->stream.len > 0,
                                      .path = path,
                                      .key = STR("selected"),
                                      .value = p->is_negated ? &deselected : &selected};
    return path.ptr == NULL ? no_memory(err) : add(list, rule, err);
}

static bool add_pattern(struct catalog_rule_list *list, const struct pattern *p, struct err *err)
{
    if (p->property.len == 0) { /* the stream, and all that it has */
        return add_select(list, p, STR(""), err) && add_select(list, p, STR("properties.*"), err);
    }
    bool is_of_stream = !p->is_negated || str_eq(p->property, STR("*"));
    size_t parts = count_parts(p->property);
    if ((is_of_stream && !add_select(list, p, STR(""), err)) ||
        !add_select(list, p, property_path(p->property, parts, list->arena), err)) {
        return false;
    }
    for (size_t i = 1; i < parts && !p->is_negated; i++) { /* what it is a part of, too */
        if (!add_select(list, p, property_path(p->property, i, list->arena), err)) {
            return false;
        }
    }
    return true;
}

static bool is_texts(const struct json *list, const char *what, struct err *err)
{
    if (list->type != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "%s is %s, not a list", what, json_type_name(list->type));
    }
    for (const struct json *item = list->child; item != NULL; item = item->next) {
        if (item->type != JSON_STRING) {
            return err_set(err, ERR_INVALID, "a rule of %s is %s, not a text", what,
                           json_type_name(item->type));
        }
    }
    return true;
}

bool catalog_select_rules(const struct json *select, struct catalog_rule_list *into,
                          struct err *err)
{
    if (select == NULL) {
        return true;
    }
    if (!is_texts(select, "select", err)) {
        return false;
    }
    for (int negated = 0; negated <= 1; negated++) { /* exclusions win whatever their place */
        for (const struct json *item = select->child; item != NULL; item = item->next) {
            struct pattern p = parse(item->as.string, into->arena);
            if (p.is_negated == (negated == 1) && !add_pattern(into, &p, err)) {
                return false;
            }
        }
    }
    return true;
}

bool catalog_deselect_all(struct catalog_rule_list *into, struct err *err)
{
    const struct pattern all = {
        .stream = STR("*"), .property = STR("*"), .has_property = true, .is_negated = true};
    return add_pattern(into, &all, err);
}

/* One rule deselects the streams that no name matches, one those that a `!name` does. */
bool catalog_filter_rules(const struct json *filter, struct catalog_rule_list *into,
                          struct err *err)
{
    if (filter == NULL) {
        return true;
    }
    if (!is_texts(filter, "select_filter", err)) {
        return false;
    }
    for (int negated = 0; negated <= 1; negated++) {
        size_t count = 0;
        struct str *streams = arena_array(into->arena, filter->count, sizeof(*streams));
        const struct json *item = streams == NULL ? NULL : filter->child;
        for (; item != NULL; item = item->next) {
            struct pattern p = parse(item->as.string, into->arena);
            if (p.is_negated == (negated == 1)) {
                streams[count++] = p.stream;
            }
        }
        const struct catalog_rule rule = {.streams = streams,
                                          .stream_count = count,
                                          .is_negated = negated == 0,
                                          .path = STR(""),
                                          .key = STR("selected"),
                                          .value = &deselected};
        if (into->arena->exhausted) {
            return no_memory(err);
        }
        if (count > 0 && !add(into, rule, err)) {
            return false;
        }
    }
    return true;
}

/* --- metadata and schema --- */

/* "stream.key", "stream.property.key", "stream.property.nested.key": every dot counts. */
static bool add_metadata(struct catalog_rule_list *list, struct str dotted,
                         const struct json *value, struct err *err)
{
    struct str before = STR_NONE;
    struct str key = STR_NONE;
    struct str stream = STR_NONE;
    struct str properties = STR_NONE;
    if (!str_cut_last(dotted, '.', &before, &key)) {
        err_set(err, ERR_INVALID, "metadata \"" STR_FMT "\" names no stream",
                STR_ARG(str_clip(dotted, 80)));
        return err_hint(err, "write metadata: {stream: {key: value}}");
    }
    bool has_properties = str_cut(before, '.', &stream, &properties);
    struct str path = STR("");
    if (has_properties) {
        path = property_path(properties, count_parts(properties), list->arena);
    } else {
        stream = before;
    }
    if (path.ptr == NULL) {
        return no_memory(err);
    }
    const struct catalog_rule rule = {
        .stream = stream, .has_stream = true, .path = path, .key = key, .value = value};
    return add(list, rule, err);
}

bool catalog_metadata_rules(const struct json *metadata, struct catalog_rule_list *into,
                            struct err *err)
{
    struct flat flat = {.arena = into->arena};
    if (metadata == NULL) {
        return true;
    }
    if (metadata->type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "metadata is %s, not an object",
                       json_type_name(metadata->type));
    }
    tree_flatten(metadata, STR(""), &flat);
    for (size_t i = 0; i < flat.count; i++) {
        if (!add_metadata(into, flat.keys[i], flat.values[i], err)) {
            return false;
        }
    }
    return !into->arena->exhausted || no_memory(err);
}

bool catalog_schema_rules(const struct json *schema, struct catalog_rule_list *into,
                          struct err *err)
{
    if (schema == NULL) {
        return true;
    }
    if (schema->type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "schema is %s, not an object",
                       json_type_name(schema->type));
    }
    for (const struct json *stream = schema->child; stream != NULL; stream = stream->next) {
        if (stream->type != JSON_OBJECT) {
            err_set(err, ERR_INVALID, "schema of stream \"" STR_FMT "\" is %s, not an object",
                    STR_ARG(str_clip(stream->key, 80)), json_type_name(stream->type));
            return err_hint(err, "write schema: {stream: {property: {type: ...}}}");
        }
        for (const struct json *p = stream->child; p != NULL; p = p->next) {
            struct str path = arena_printf(into->arena, "properties." STR_FMT, STR_ARG(p->key));
            const struct catalog_rule rule = {
                .stream = stream->key, .has_stream = true, .path = path, .key = p->key, .value = p};
            if (path.ptr == NULL ? !no_memory(err) : !add(into, rule, err)) {
                return false;
            }
        }
    }
    return true;
}
