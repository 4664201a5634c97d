/* DESIGN: Meltano walks the catalog twice, once for schema rules and once for the others, and knows
 * where it is by the text of the path ("….streams[0].schema.properties.id"): what looks like a stream,
 * a property or a metadata entry there is one, wherever it stands. So do we, since what it sets decides
 * which rows arrive. A KeyError of the handling of a node is passed over there and leaves the rest
 * of the node's handling out; other errors end the run. */
#include "agent/meltano/catalog_rules.h"
#include "agent/meltano/glob.h"
#include "agent/meltano/tree.h"
#include "common/json/json_verbatim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES_MAX = 64 << 10 };
enum pass { PASS_SCHEMA, PASS_METADATA };

struct walk {
    enum pass pass;
    const struct catalog_rule_list *rules;
    struct json *stream; /* the last one seen */
    struct buf path;
    struct arena *arena;
    struct err *err;
    size_t depth;
};

/* What handling a node came to. */
enum outcome { DONE, KEY_MISSING, FAILED };

PRINTF_LIKE(2, 3) static enum outcome fail(struct walk *w, const char *fmt, ...)
{
    char what[160];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    struct str path = buf_str(&w->path);
    err_set(w->err, ERR_INVALID, "catalog: %s: %s", path.len > 0 ? buf_cstr(&w->path) : "it", what);
    err_hint(w->err, "look at what the tap says with --discover");
    return FAILED;
}

/* --- where we are ------------------------------------------------------------------------------ */

/* "…name[12]" */
static bool is_element_of(struct str path, struct str name)
{
    if (!str_ends(path, STR("]"))) {
        return false;
    }
    size_t at = path.len - 1;
    while (at > 0 && path.ptr[at - 1] >= '0' && path.ptr[at - 1] <= '9') {
        at--;
    }
    return at < path.len - 1 && at > 0 && path.ptr[at - 1] == '[' &&
           str_ends(str_slice(path, 0, at - 1), name);
}

/* Letters, digits and '_' of any script; of what is not ASCII the common signs are none. */
static bool is_word(struct str text)
{
    static const uint32_t signs[][2] = {
        {0x80, 0xA9},     {0xAB, 0xB1},       {0xB4, 0xB4},      {0xB6, 0xB8},     {0xBB, 0xBB},
        {0xBF, 0xBF},     {0xD7, 0xD7},       {0xF7, 0xF7},      {0x2000, 0x206F}, {0x20A0, 0x20CF},
        {0x2190, 0x245F}, {0x2500, 0x2775},   {0x2794, 0x2BFF},  {0x3000, 0x3004}, {0x3008, 0x3020},
        {0xFF00, 0xFF0F}, {0x1F000, 0x1F0FF}, {0x1F300, 0x1FAFF}};
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_ascii_word =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (c < 0x80 && !is_ascii_word) {
            return false;
        }
        uint32_t code = tree_code_point(text, &i);
        for (size_t s = 0; s < COUNT_OF(signs); s++) {
            if (code >= signs[s][0] && code <= signs[s][1]) {
                return false;
            }
        }
    }
    return true;
}

/* "…schema.properties.a.properties.b" */
static bool is_property(struct str path)
{
    struct str before = STR_NONE;
    struct str name = STR_NONE;
    while (str_cut_last(path, '.', &before, &name) && is_word(name) &&
           str_cut_last(before, '.', &path, &name) && str_eq(name, STR("properties"))) {
        if (str_ends(path, STR("schema"))) {
            return true;
        }
    }
    return false;
}

enum place { PLACE_NONE, PLACE_STREAM, PLACE_PROPERTY, PLACE_METADATA };

static enum place place_of(const struct walk *w, const struct json *node)
{
    struct str path = buf_str(&w->path);
    path.len -= str_ends(path, STR("\n"));
    if (is_element_of(path, STR("metadata")) && json_get(node, "breadcrumb") != NULL) {
        return PLACE_METADATA;
    }
    if (is_property(path)) {
        return PLACE_PROPERTY;
    }
    return is_element_of(path, STR("streams")) ? PLACE_STREAM : PLACE_NONE;
}

/* The path from its first "properties" on. */
static struct str property_of(const struct walk *w)
{
    struct str path = buf_str(&w->path);
    static const char word[] = "properties";
    const char *found = memmem(path.ptr, path.len, word, sizeof(word) - 1);
    return str_slice(path, (size_t)(found - path.ptr), path.len);
}

/* --- which rules count ------------------------------------------------------------------------- */

/* A breadcrumb as Python's ".".join() writes it. */
static bool join_breadcrumb(const struct json *crumbs, struct buf *out)
{
    if (crumbs->type == JSON_STRING) { /* letter by letter */
        struct str text = crumbs->as.string;
        for (size_t i = 0; i < text.len; i++) {
            bool is_first_byte = ((unsigned char)text.ptr[i] & 0xC0u) != 0x80u;
            buf_add(out, i > 0 && is_first_byte ? STR(".") : STR(""));
            buf_add_char(out, text.ptr[i]);
        }
        return true;
    }
    if (crumbs->type != JSON_ARRAY && crumbs->type != JSON_OBJECT) {
        return false;
    }
    for (const struct json *c = crumbs->child; c != NULL; c = c->next) {
        if (crumbs->type == JSON_ARRAY && c->type != JSON_STRING) {
            return false;
        }
        buf_add(out, c == crumbs->child ? STR("") : STR("."));
        buf_add(out, crumbs->type == JSON_ARRAY ? c->as.string : c->key);
    }
    return true;
}

/* The stream alone. FAILED: its id is no text. */
static enum outcome match_stream(struct walk *w, const struct catalog_rule *rule, bool *ret)
{
    const struct json *id = json_get(w->stream, "tap_stream_id");
    bool is_matched = false;
    if ((rule->has_stream || rule->stream_count > 0) && id->type != JSON_STRING) {
        return fail(w, "tap_stream_id is %s", json_type_name(id->type));
    }
    if (rule->has_stream) {
        is_matched = glob_matches(id->as.string, rule->stream);
    }
    for (size_t i = 0; i < rule->stream_count && !is_matched; i++) {
        is_matched = glob_matches(id->as.string, rule->streams[i]);
    }
    *ret = is_matched != rule->is_negated;
    return DONE;
}

/* --- metadata ---------------------------------------------------------------------------------- */

static bool is_breadcrumb(const struct json *crumbs, struct str path)
{
    if (crumbs->type != JSON_ARRAY) {
        return false;
    }
    struct str rest = path;
    bool has_more = path.len > 0;
    for (const struct json *c = crumbs->child; c != NULL; c = c->next) {
        struct str part = rest;
        if (!has_more || c->type != JSON_STRING) {
            return false;
        }
        has_more = str_cut(rest, '.', &part, &rest);
        if (!str_eq(c->as.string, part)) {
            return false;
        }
    }
    return !has_more;
}

static struct json *new_entry(struct walk *w, struct str path)
{
    struct json *entry = tree_new(w->arena, JSON_OBJECT);
    struct json *crumbs = tree_new(w->arena, JSON_ARRAY);
    struct json *metadata = tree_new(w->arena, JSON_OBJECT);
    struct str rest = arena_copy(w->arena, path);
    bool has_more = path.len > 0;
    size_t count = 0;
    for (; has_more; count++) {
        struct str part = rest;
        has_more = str_cut(rest, '.', &part, &rest);
        tree_append(crumbs, tree_str(w->arena, part));
    }
    tree_set(metadata, STR("inclusion"),
             tree_str(w->arena, count <= 2 ? STR("automatic") : STR("available")));
    tree_set(entry, STR("breadcrumb"), crumbs);
    tree_set(entry, STR("metadata"), metadata);
    return entry;
}

/* The stream has an entry for the property, or for itself when the path is empty. */
static enum outcome ensure_metadata(struct walk *w, struct str path)
{
    struct json *list = tree_member(w->stream, STR("metadata"));
    if (list == NULL) {
        return KEY_MISSING;
    }
    if (list->type != JSON_ARRAY) {
        return fail(w, "metadata is %s, not a list", json_type_name(list->type));
    }
    for (const struct json *entry = list->child; entry != NULL; entry = entry->next) {
        if (entry->type != JSON_OBJECT) {
            return fail(w, "an entry of metadata is %s", json_type_name(entry->type));
        }
        const struct json *crumbs = json_get(entry, "breadcrumb");
        if (crumbs == NULL) {
            return KEY_MISSING;
        }
        if (is_breadcrumb(crumbs, path)) {
            return DONE;
        }
    }
    tree_append(list, new_entry(w, path));
    return DONE;
}

/* What is not supported cannot be selected. */
static void set_metadata(struct walk *w, struct json *object, struct str key,
                         const struct json *value)
{
    const struct json *inclusion = json_get(object, "inclusion");
    bool is_selection =
        str_eq(key, STR("selected")) && value->type == JSON_BOOL && value->as.boolean;
    if (is_selection && inclusion != NULL && inclusion->type == JSON_STRING &&
        str_eq(inclusion->as.string, STR("unsupported"))) {
        return;
    }
    tree_set(object, key, tree_copy(w->arena, value));
}

static struct str underscored(struct arena *arena, struct str key)
{
    char *text = arena_alloc(arena, key.len + 1);
    for (size_t i = 0; text != NULL && i < key.len; i++) {
        text[i] = key.ptr[i];
        if (text[i] == '-') {
            text[i] = '_';
        }
    }
    return text == NULL ? key : (struct str){text, key.len};
}

static enum outcome on_stream(struct walk *w, struct json *node)
{
    w->stream = node;
    if (json_get(node, "tap_stream_id") == NULL) {
        return KEY_MISSING;
    }
    if (json_get(node, "metadata") == NULL) {
        tree_set(node, STR("metadata"), tree_new(w->arena, JSON_ARRAY));
    }
    enum outcome outcome = ensure_metadata(w, STR(""));
    for (size_t i = 0; outcome == DONE && i < w->rules->count; i++) {
        const struct catalog_rule *rule = &w->rules->items[i];
        bool is_matched = false;
        outcome = match_stream(w, rule, &is_matched);
        if (outcome == DONE && is_matched && glob_matches(STR(""), rule->path)) {
            set_metadata(w, node, underscored(w->arena, rule->key), rule->value);
        }
    }
    return outcome;
}

static enum outcome on_metadata(struct walk *w, struct json *node)
{
    AUTO(buf) joined = buf_growing(PATH_BYTES_MAX);
    struct json *metadata = tree_member(node, STR("metadata"));
    if (w->stream == NULL) {
        return fail(w, "metadata stands outside of a stream");
    }
    if (json_get(w->stream, "tap_stream_id") == NULL) {
        return KEY_MISSING;
    }
    const struct json *crumbs = json_get(node, "breadcrumb");
    bool is_any = crumbs->type == JSON_NULL; /* then the stream decides alone */
    bool is_joined = is_any || (join_breadcrumb(crumbs, &joined) && !joined.overflow);
    for (size_t i = 0; i < w->rules->count; i++) {
        const struct catalog_rule *rule = &w->rules->items[i];
        bool is_matched = false;
        if (match_stream(w, rule, &is_matched) == FAILED) {
            return FAILED;
        }
        if (is_matched && !is_joined) {
            return fail(w, "its breadcrumb is no list of texts");
        }
        if (!is_matched || (!is_any && !glob_matches(buf_str(&joined), rule->path))) {
            continue;
        }
        if (metadata == NULL) {
            return KEY_MISSING;
        }
        if (metadata->type != JSON_OBJECT) {
            return fail(w, "metadata is %s, not an object", json_type_name(metadata->type));
        }
        set_metadata(w, metadata, rule->key, rule->value);
    }
    return DONE;
}

/* --- schema ------------------------------------------------------------------------------------ */

/* A name that begins with a wildcard makes nothing. One like it in the catalog sends Meltano in
 * a circle. */
static enum outcome check_wildcard(struct walk *w, const struct json *properties, struct str key)
{
    for (const struct json *p = properties->child; p != NULL; p = p->next) {
        if (p->key.len > 0 && strchr("*?[]", p->key.ptr[0]) != NULL && glob_matches(p->key, key)) {
            return fail(w, "the property \"" STR_FMT "\" has the name of a pattern",
                        STR_ARG(str_clip(p->key, 80)));
        }
    }
    return DONE;
}

static enum outcome ensure_property(struct walk *w, const struct catalog_rule *rule)
{
    struct json *schema = tree_member(w->stream, STR("schema"));
    if (schema->type != JSON_OBJECT) {
        return fail(w, "schema is %s, not an object", json_type_name(schema->type));
    }
    if (json_get(schema, "properties") == NULL) {
        tree_set(schema, STR("properties"), tree_new(w->arena, JSON_OBJECT));
    }
    struct json *properties = tree_member(schema, STR("properties"));
    if (properties == NULL) {
        return DONE; /* the arena remembers */
    }
    bool is_pattern = rule->key.len > 0 && strchr("*?[]", rule->key.ptr[0]) != NULL;
    if (properties->type != JSON_OBJECT) {
        return fail(w, "properties is %s, not an object", json_type_name(properties->type));
    }
    if (is_pattern) {
        return check_wildcard(w, properties, rule->key);
    }
    if (tree_get(properties, rule->key) == NULL) {
        tree_set(properties, rule->key, tree_new(w->arena, JSON_OBJECT));
    }
    return DONE;
}

static enum outcome on_stream_schema(struct walk *w, struct json *node)
{
    enum outcome outcome = DONE;
    w->stream = node;
    if (json_get(node, "tap_stream_id") == NULL) {
        return KEY_MISSING;
    }
    if (json_get(node, "schema") == NULL) {
        struct json *schema = tree_new(w->arena, JSON_OBJECT);
        tree_set(schema, STR("type"), tree_str(w->arena, STR("object")));
        tree_set(node, STR("schema"), schema);
    }
    for (size_t i = 0; outcome == DONE && i < w->rules->count && !w->arena->exhausted; i++) {
        bool is_matched = false;
        outcome = match_stream(w, &w->rules->items[i], &is_matched);
        if (outcome == DONE && is_matched) {
            outcome = ensure_property(w, &w->rules->items[i]);
        }
    }
    return outcome;
}

/* The whole schema of the property is replaced. */
static enum outcome set_schema(struct walk *w, struct json *node, const struct json *value)
{
    bool is_empty = (value->type == JSON_STRING && value->as.string.len == 0) ||
                    (value->type == JSON_ARRAY && value->child == NULL);
    if (value->type != JSON_OBJECT && !is_empty) {
        return fail(w, "the schema given for it is %s, not an object", json_type_name(value->type));
    }
    const struct json *copy = tree_copy(w->arena, value);
    if (copy != NULL) {
        node->child = copy->child;
        node->count = copy->count;
    }
    return DONE;
}

static enum outcome on_property_schema(struct walk *w, struct json *node)
{
    if (w->stream == NULL) {
        return fail(w, "a property stands outside of a stream");
    }
    if (json_get(w->stream, "tap_stream_id") == NULL) {
        return KEY_MISSING;
    }
    struct str path = property_of(w);
    enum outcome outcome = DONE;
    for (size_t i = 0; outcome == DONE && i < w->rules->count; i++) {
        const struct catalog_rule *rule = &w->rules->items[i];
        bool is_matched = false;
        outcome = match_stream(w, rule, &is_matched);
        if (outcome == DONE && is_matched && glob_matches(path, rule->path)) {
            outcome = set_schema(w, node, rule->value);
        }
    }
    return outcome;
}

/* --- the walk ---------------------------------------------------------------------------------- */

static enum outcome handle_schema(struct walk *w, enum place place, struct json *node)
{
    if (place == PLACE_STREAM) {
        return on_stream_schema(w, node);
    }
    if (place == PLACE_PROPERTY) {
        return on_property_schema(w, node);
    }
    enum json_type type = json_get(node, "breadcrumb")->type;
    bool has_length = type == JSON_STRING || type == JSON_ARRAY || type == JSON_OBJECT;
    return has_length ? DONE : fail(w, "its breadcrumb is %s", json_type_name(type));
}

static enum outcome handle(struct walk *w, enum place place, struct json *node)
{
    if (w->pass == PASS_SCHEMA) {
        return handle_schema(w, place, node);
    }
    if (place == PLACE_STREAM) {
        return on_stream(w, node);
    }
    if (place == PLACE_METADATA) {
        return on_metadata(w, node);
    }
    if (w->stream == NULL) {
        return fail(w, "a property stands outside of a stream");
    }
    return ensure_metadata(w, property_of(w));
}

/* What a node was given is walked through as well. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than JSON_VERBATIM_DEPTH */
static bool walk(struct walk *w, struct json *node)
{
    if (node->type != JSON_OBJECT && node->type != JSON_ARRAY) {
        return true;
    }
    if (++w->depth > JSON_VERBATIM_DEPTH) {
        return fail(w, "nested deeper than %d levels", JSON_VERBATIM_DEPTH) == DONE;
    }
    enum place place = node->type == JSON_OBJECT ? place_of(w, node) : PLACE_NONE;
    if (place != PLACE_NONE && handle(w, place, node) == FAILED) {
        return false;
    }
    size_t before = w->path.len;
    size_t index = 0;
    for (struct json *child = node->child; child != NULL; child = child->next, index++) {
        bool is_skipped = place == PLACE_PROPERTY &&
                          (str_eq(child->key, STR("anyOf")) || str_eq(child->key, STR("type")));
        if (node->type == JSON_ARRAY) {
            buf_addf(&w->path, "[%zu]", index);
        } else {
            buf_add_char(&w->path, '.');
            buf_add(&w->path, child->key);
        }
        if (w->path.overflow) {
            return err_set(w->err, ERR_FULL, "catalog: a path is longer than %d bytes",
                           PATH_BYTES_MAX);
        }
        if (!is_skipped && (!walk(w, child) || w->arena->exhausted)) {
            return false;
        }
        w->path.len = before;
    }
    w->depth--;
    return true;
}

static bool walk_all(struct json *catalog, enum pass pass, const struct catalog_rule_list *rules,
                     struct arena *arena, struct err *err)
{
    struct walk w = {.pass = pass, .rules = rules, .arena = arena, .err = err};
    w.path = buf_growing(PATH_BYTES_MAX);
    bool ok = rules->count == 0 || walk(&w, catalog);
    buf_release(&w.path);
    return ok;
}

bool catalog_apply(struct json *catalog, const struct catalog_rules *rules, struct arena *arena,
                   struct err *err)
{
    struct catalog_rule_list schema = {.arena = arena};
    struct catalog_rule_list metadata = {.arena = arena};
    const struct json *streams = json_get(catalog, "streams");
    if (streams == NULL || streams->type != JSON_ARRAY) {
        err_set(err, ERR_INVALID, "catalog: there is no list \"streams\"");
        return err_hint(err, "look at what the tap says with --discover");
    }
    bool ok = rules->is_handwritten || (catalog_schema_rules(rules->schema, &schema, err) &&
                                        catalog_deselect_all(&metadata, err) &&
                                        catalog_select_rules(rules->select, &metadata, err) &&
                                        catalog_metadata_rules(rules->metadata, &metadata, err));
    ok = ok && catalog_filter_rules(rules->select_filter, &metadata, err) &&
         walk_all(catalog, PASS_SCHEMA, &schema, arena, err) &&
         walk_all(catalog, PASS_METADATA, &metadata, arena, err);
    return arena->exhausted
               ? err_set(err, ERR_FULL, "catalog: it needs more memory than is set aside")
               : ok;
}
