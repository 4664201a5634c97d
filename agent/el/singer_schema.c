#include "agent/el/singer.h"

#include "common/base/limits.h"

static bool find_member(struct str object, const char *name, struct json_raw *ret, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    *ret = (struct json_raw){0};
    if (!json_scan_object(&scan, object, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, name)) {
            *ret = value;
        }
    }
    return json_scan_end(&scan, err);
}

/* What the types of a property come to: two different ones are any value as text. */
struct found_kind {
    uint8_t json_types; /* as in struct column */
    enum column_kind kind;
    bool is_found;
    bool is_mixed;
    bool has_object; /* "object" is one of its own types, */
    bool has_array;  /* "array" is */
};

static void widen(struct found_kind *found, enum column_kind seen)
{
    if (!found->is_found) {
        found->kind = seen;
    } else if ((found->kind == COLUMN_INTEGER && seen == COLUMN_REAL) ||
               (found->kind == COLUMN_REAL && seen == COLUMN_INTEGER)) {
        found->kind = COLUMN_REAL;
    } else if (found->kind != seen) {
        found->kind = COLUMN_TEXT;
        found->is_mixed = true;
    }
    found->is_found = true;
}

static void widen_by_name(struct found_kind *found, struct json_raw name)
{
    static const struct {
        const char *name;
        enum column_kind kind;
        uint8_t json_types;
    } kinds[] = {
        {"integer", COLUMN_INTEGER, 1U << JSON_INT},
        {"number", COLUMN_REAL, 1U << JSON_INT | 1U << JSON_REAL},
        {"string", COLUMN_TEXT, 1U << JSON_STRING},
        {"boolean", COLUMN_BOOLEAN, 1U << JSON_BOOL},
        {"object", COLUMN_JSON, 1U << JSON_OBJECT},
        {"array", COLUMN_JSON, 1U << JSON_ARRAY},
    };
    found->json_types |= json_raw_is(name, "null") ? 1U << JSON_NULL : 0;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (json_raw_is(name, kinds[i].name)) {
            found->json_types |= kinds[i].json_types;
            widen(found, kinds[i].kind);
        }
    }
}

static void note_nesting(struct found_kind *found, struct json_raw name)
{
    found->has_object = found->has_object || json_raw_is(name, "object");
    found->has_array = found->has_array || json_raw_is(name, "array");
}

/* "type": a name or a list of names; "null" and unknown names say nothing. */
static bool read_type_names(struct json_raw type, struct found_kind *found, struct err *err)
{
    if (type.type == JSON_STRING) {
        widen_by_name(found, type);
        note_nesting(found, type);
        return true;
    }
    if (type.text.ptr == NULL || type.type != JSON_ARRAY) {
        return true;
    }
    struct json_scan scan;
    struct json_raw name;
    if (!json_scan_array(&scan, type.text, err)) {
        return false;
    }
    while (json_scan_element(&scan, &name)) {
        widen_by_name(found, name);
        note_nesting(found, name);
    }
    return json_scan_end(&scan, err);
}

/* "anyOf", "oneOf": [{"type": ...}, ...], one level deep. */
static bool read_any_of(struct json_raw list, struct found_kind *found, struct err *err)
{
    if (list.text.ptr == NULL || list.type != JSON_ARRAY) {
        return true;
    }
    struct json_scan scan;
    struct json_raw member;
    if (!json_scan_array(&scan, list.text, err)) {
        return false;
    }
    while (json_scan_element(&scan, &member)) {
        struct json_raw type;
        if (member.type == JSON_OBJECT &&
            (!find_member(member.text, "type", &type, err) || !read_type_names(type, found, err))) {
            return false;
        }
    }
    return json_scan_end(&scan, err);
}

/* The source's own SQL type is taken where it means the same to us: a "timestamp" would make
 * numbers of texts in SQLite. With it a column of several types is one that takes any value
 * (row_json_write_schema). */
static void take_sql_type(struct json_raw declared, const struct found_kind *found,
                          struct column *ret)
{
    if (declared.text.ptr == NULL || declared.type != JSON_STRING || declared.has_escape) {
        return;
    }
    enum column_kind kind = column_kind_from_sql(declared.text);
    if (kind == COLUMN_ANY && (found->is_mixed || !found->is_found)) {
        ret->kind = COLUMN_ANY;
    }
    if (kind == ret->kind) {
        ret->type = declared.text;
    }
}

/* What a property's schema says, as far as we look. */
struct property {
    struct json_raw type;
    struct json_raw any_of;
    struct json_raw one_of;
    struct json_raw properties;
    struct json_raw encoding;
    struct json_raw sql_type;
    struct json_raw format;
    struct json_raw minimum;
    struct json_raw maximum;
};

static bool read_property(struct str object, struct property *ret, struct err *err)
{
    *ret = (struct property){0};
    const struct {
        const char *name;
        struct json_raw *value;
    } members[] = {
        {"type", &ret->type},
        {"anyOf", &ret->any_of},
        {"oneOf", &ret->one_of},
        {"properties", &ret->properties},
        {"contentEncoding", &ret->encoding},
        {"x-sql-datatype", &ret->sql_type},
        {"format", &ret->format},
        {"minimum", &ret->minimum},
        {"maximum", &ret->maximum},
    };
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, object, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        for (size_t i = 0; i < COUNT_OF(members); i++) {
            if (json_raw_is(key, members[i].name)) {
                *members[i].value = value;
            }
        }
    }
    return json_scan_end(&scan, err);
}

static bool is_beyond_i64(struct json_raw limit)
{
    int64_t ignored = 0;
    return limit.text.ptr != NULL && limit.type == JSON_INT && !json_raw_i64(limit, &ignored);
}

static enum text_format read_format(struct json_raw format)
{
    static const struct {
        const char *name;
        enum text_format format;
    } formats[] = {{"date-time", FORMAT_DATE_TIME}, {"date", FORMAT_DATE}, {"time", FORMAT_TIME}};
    for (size_t i = 0; format.text.ptr != NULL && i < COUNT_OF(formats); i++) {
        if (json_raw_is(format, formats[i].name)) {
            return formats[i].format;
        }
    }
    return FORMAT_ANY;
}

static void choose_type(const struct property *p, const struct found_kind *found,
                        struct column *ret)
{
    ret->kind = found->kind;
    ret->json_types = found->json_types;
    ret->format = read_format(p->format);
    ret->is_exact = column_kind_is_number(found->kind) && found->kind != COLUMN_BOOLEAN;
    if (found->kind == COLUMN_TEXT && p->encoding.text.ptr != NULL &&
        json_raw_is(p->encoding, "base16")) {
        ret->kind = COLUMN_BLOB;
    }
    if (found->kind == COLUMN_INTEGER && (is_beyond_i64(p->minimum) || is_beyond_i64(p->maximum))) {
        ret->type = STR("numeric");
    }
    take_sql_type(p->sql_type, found, ret);
}

/* --- properties, and those of nested objects ------------------------------------------------- */

struct layout_reader {
    const struct flatten *flatten; /* NULL: nested objects stay what they are */
    struct schema *columns;
    struct str parts[FLATTEN_PARTS_MAX]; /* names from the outermost object to the present */
    struct buf names;                    /* what they borrow; reserved once, it never moves */
    struct buf name;                     /* of the present column */
};

/* *ret_inner: the properties to go into, where the property is an object that is flattened. */
static bool take_property(struct layout_reader *r, size_t depth, struct json_raw property,
                          struct str *ret_inner, struct err *err)
{
    struct column column = {.name = r->parts[depth], .kind = COLUMN_TEXT};
    struct property p = {0};
    struct found_kind found = {.kind = COLUMN_TEXT};
    *ret_inner = STR_NONE;
    /* true, false: JSON Schema's "anything", "nothing". */
    if (property.type == JSON_OBJECT &&
        (!read_property(property.text, &p, err) || !read_type_names(p.type, &found, err))) {
        return false;
    }
    bool has_object = found.has_object;
    bool is_nested = found.has_object || found.has_array;
    if (!read_any_of(p.any_of, &found, err) || !read_any_of(p.one_of, &found, err)) {
        return false;
    }
    if (r->flatten != NULL) {
        bool has_properties = p.properties.text.ptr != NULL && p.properties.type == JSON_OBJECT;
        if (has_object && has_properties && (int64_t)depth < r->flatten->max_depth &&
            depth + 1 < FLATTEN_PARTS_MAX) {
            *ret_inner = p.properties.text;
            return true;
        }
        if (is_nested) {
            found.kind = COLUMN_TEXT; /* the SDK's columns for what stays nested are of text */
        }
        flatten_name(r->flatten, r->parts, depth + 1, &r->name);
        column.name = buf_str(&r->name);
    }
    choose_type(&p, &found, &column);
    return schema_add(r->columns, &column, err);
}

static bool take_properties(struct layout_reader *r, struct str properties, struct err *err)
{
    struct json_scan levels[FLATTEN_PARTS_MAX];
    struct json_raw key;
    struct json_raw property;
    size_t depth = 0;
    if (!json_scan_object(&levels[0], properties, err)) {
        return false;
    }
    for (;;) {
        struct str inner;
        if (!json_scan_member(&levels[depth], &key, &property)) {
            if (!json_scan_end(&levels[depth], err)) {
                return false;
            }
            if (depth == 0) {
                return true;
            }
            depth--;
            continue;
        }
        if (!json_unescape(key, true, &r->names, &r->parts[depth])) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a name");
        }
        if (!take_property(r, depth, property, &inner, err) ||
            (inner.ptr != NULL && !json_scan_object(&levels[++depth], inner, err))) {
            return false;
        }
    }
}

static bool read_properties(struct json_raw properties, const struct flatten *flatten,
                            struct schema *into, struct err *err)
{
    struct layout_reader r = {.flatten = flatten_is_on(flatten) ? flatten : NULL,
                              .columns = into,
                              .names = buf_growing(LIMIT_SINGER_LINE_BYTES),
                              .name = buf_growing(LIMIT_JSON_BYTES)};
    bool ok = buf_reserve(&r.names, properties.text.len) != NULL ||
              err_set(err, ERR_NO_MEMORY, "no memory for the schema's names");
    ok = ok && take_properties(&r, properties.text, err);
    buf_release(&r.names);
    buf_release(&r.name);
    return ok;
}

/* --- lists of names -------------------------------------------------------------------------- */

enum names_of { NAMES_REQUIRED, NAMES_KEY, NAMES_BOOKMARK };

static bool take_name(struct str name, enum names_of what, struct singer_layout *into,
                      struct err *err)
{
    size_t column = 0;
    if (!schema_find(&into->columns, name, &column)) {
        /* What else is required is never stored. */
        return what != NAMES_KEY ||
               err_set(err, ERR_INVALID,
                       "key property \"" STR_FMT "\" is not in the schema's properties",
                       STR_ARG(name));
    }
    struct column *c = &into->columns.columns[column];
    c->is_required = c->is_required || what != NAMES_BOOKMARK;
    if (what == NAMES_KEY && into->key.count < into->columns.count) {
        into->key.items[into->key.count++] = c->name;
    }
    if (what == NAMES_BOOKMARK && into->replication_key.len == 0) {
        into->replication_key = c->name;
    }
    return true;
}

static bool read_names(struct json_raw list, enum names_of what, struct singer_layout *into,
                       struct err *err)
{
    static const char *const members[] = {[NAMES_REQUIRED] = "required",
                                          [NAMES_KEY] = "key_properties",
                                          [NAMES_BOOKMARK] = "bookmark_properties"};
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    struct json_scan scan;
    struct json_raw raw;
    if (list.text.ptr == NULL || list.type == JSON_NULL) {
        return true;
    }
    if (!json_scan_array(&scan, list.text, err)) {
        return err_wrap(err, "\"%s\"", members[what]);
    }
    while (json_scan_element(&scan, &raw)) {
        struct str name;
        buf_reset(&text);
        if (raw.type != JSON_STRING || !json_unescape(raw, true, &text, &name)) {
            return err_set(err, ERR_INVALID, "\"%s\" holds %s", members[what],
                           json_type_name(raw.type));
        }
        if (!take_name(name, what, into, err)) {
            return false;
        }
    }
    return json_scan_end(&scan, err);
}

static bool read_schema(const struct singer_message *m, const struct flatten *flatten,
                        struct singer_layout *into, struct err *err)
{
    struct str schema = m->schema.text;
    struct json_raw properties;
    struct json_raw required;
    struct json_raw inner_keys;
    if (!find_member(schema, "properties", &properties, err) ||
        !find_member(schema, "required", &required, err) ||
        !find_member(schema, "key_properties", &inner_keys, err)) {
        return false;
    }
    if (properties.text.ptr == NULL || properties.type != JSON_OBJECT) {
        err_set(err, ERR_INVALID, "the schema has no \"properties\"");
        return err_hint(err, "the tap must describe its columns");
    }
    if (!read_properties(properties, flatten, &into->columns, err)) {
        return false;
    }
    into->key.items =
        arena_array(into->columns.arena, into->columns.count + 1, sizeof(*into->key.items));
    if (into->key.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for key properties");
    }
    struct json_raw bookmarks = m->bookmark_properties;
    struct json_raw keys = m->key_properties.text.ptr != NULL ? m->key_properties : inner_keys;
    return read_names(required, NAMES_REQUIRED, into, err) &&
           read_names(keys, NAMES_KEY, into, err) &&
           (bookmarks.type != JSON_ARRAY || read_names(bookmarks, NAMES_BOOKMARK, into, err));
}

bool singer_read_schema(const struct singer_message *message, const struct flatten *flatten,
                        struct singer_layout *ret, struct err *err)
{
    ret->key = (struct str_list){0};
    ret->replication_key = STR("");
    return read_schema(message, flatten, ret, err) ||
           err_wrap(err, "stream \"" STR_FMT "\"", STR_ARG(message->stream));
}
