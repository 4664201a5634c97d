#include "agent/el/singer.h"

#include "common/base/limits.h"

/* Members we know, in the order of `raw` below. */
enum member {
    MEMBER_TYPE,
    MEMBER_STREAM,
    MEMBER_RECORD,
    MEMBER_SCHEMA,
    MEMBER_KEYS,
    MEMBER_VALUE,
    MEMBER_COUNT
};
static const char *const member_names[MEMBER_COUNT] = {"type",   "stream",         "record",
                                                       "schema", "key_properties", "value"};
static const struct {
    const char *name;
    enum singer_type type;
} types[] = {
    {"RECORD", SINGER_RECORD}, {"STATE", SINGER_STATE},
    {"SCHEMA", SINGER_SCHEMA}, {"ACTIVATE_VERSION", SINGER_ACTIVATE_VERSION},
    {"BATCH", SINGER_BATCH},
};

static bool scan_members(struct str line, struct json_raw raw[MEMBER_COUNT], struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, line, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        for (int i = 0; i < MEMBER_COUNT; i++) {
            if (!json_raw_is(key, member_names[i])) {
                continue;
            }
            if (raw[i].text.ptr != NULL) {
                return err_set(err, ERR_INVALID, "\"%s\" occurs twice", member_names[i]);
            }
            raw[i] = value;
        }
    }
    return json_scan_end(&scan, err);
}

static bool read_type(struct json_raw raw, enum singer_type *ret, struct err *err)
{
    if (raw.text.ptr == NULL || raw.type != JSON_STRING) {
        err_set(err, ERR_INVALID, "no \"type\"");
        return err_hint(
            err,
            "a Singer message is an object with \"type\": \"SCHEMA\", \"RECORD\" or \"STATE\"");
    }
    *ret = SINGER_OTHER;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (names_equal_nocase(raw.text, str_from(types[i].name))) {
            *ret = types[i].type;
        }
    }
    return true;
}

static bool need_object(struct json_raw raw, const char *name, struct err *err)
{
    if (raw.text.ptr == NULL || raw.type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "\"%s\" is %s", name,
                       raw.text.ptr == NULL ? "missing" : json_type_name(raw.type));
    }
    return true;
}

static bool need_stream(struct json_raw raw, struct buf *names, struct str *ret, struct err *err)
{
    if (raw.text.ptr == NULL || raw.type != JSON_STRING || raw.text.len == 0) {
        return err_set(err, ERR_INVALID, "\"stream\" is missing");
    }
    return json_unescape(raw, true, names, ret) ||
           err_set(err, ERR_NO_MEMORY, "no memory for a name");
}

bool singer_parse(struct str line, struct buf *names, struct singer_message *ret, struct err *err)
{
    struct json_raw raw[MEMBER_COUNT] = {0};
    struct singer_message m = {.type = SINGER_OTHER};
    buf_reset(names);
    *ret = m;
    if (!scan_members(line, raw, err) || !read_type(raw[MEMBER_TYPE], &m.type, err)) {
        return false;
    }
    m.record = raw[MEMBER_RECORD];
    m.schema = raw[MEMBER_SCHEMA];
    m.key_properties = raw[MEMBER_KEYS];
    m.value = raw[MEMBER_VALUE];
    bool ok = true;
    switch (m.type) {
    case SINGER_SCHEMA:
        ok = need_object(m.schema, "schema", err) &&
             need_stream(raw[MEMBER_STREAM], names, &m.stream, err);
        break;
    case SINGER_RECORD:
        ok = need_object(m.record, "record", err) &&
             need_stream(raw[MEMBER_STREAM], names, &m.stream, err);
        break;
    case SINGER_STATE:
        ok = m.value.text.ptr != NULL || err_set(err, ERR_INVALID, "\"value\" is missing");
        break;
    case SINGER_ACTIVATE_VERSION:
    case SINGER_BATCH:
        ok = need_stream(raw[MEMBER_STREAM], names, &m.stream, err);
        break;
    case SINGER_OTHER:
    default:
        break;
    }
    ret->type = m.type;
    if (ok) {
        *ret = m;
    }
    return ok;
}

/* --- JSON Schema ----------------------------------------------------------------------------- */

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

/* "type": a name or a list of names; "null" and unknown names say nothing. */
static bool read_type_names(struct json_raw type, struct found_kind *found, struct err *err)
{
    if (type.type == JSON_STRING) {
        widen_by_name(found, type);
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
    }
    return json_scan_end(&scan, err);
}

/* "anyOf": [{"type": ...}, ...], one level deep. */
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

static bool property_column(struct json_raw property, struct column *ret, struct err *err)
{
    ret->kind = COLUMN_TEXT;
    if (property.type != JSON_OBJECT) {
        return true; /* true, false: JSON Schema's "anything", "nothing" */
    }
    struct json_raw type;
    struct json_raw any_of;
    struct json_raw encoding;
    struct json_raw sql_type;
    struct json_raw format;
    struct found_kind found = {.kind = COLUMN_TEXT};
    if (!find_member(property.text, "type", &type, err) ||
        !find_member(property.text, "anyOf", &any_of, err) ||
        !find_member(property.text, "contentEncoding", &encoding, err) ||
        !find_member(property.text, "format", &format, err) ||
        !find_member(property.text, "x-sql-datatype", &sql_type, err) ||
        !read_type_names(type, &found, err) || !read_any_of(any_of, &found, err)) {
        return false;
    }
    ret->kind = found.kind;
    ret->json_types = found.json_types;
    ret->format = read_format(format);
    if (found.kind == COLUMN_TEXT && encoding.text.ptr != NULL && json_raw_is(encoding, "base16")) {
        ret->kind = COLUMN_BLOB;
    }
    take_sql_type(sql_type, &found, ret);
    return true;
}

static bool read_properties(struct json_raw properties, struct schema *into, struct buf *names,
                            struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw property;
    if (!json_scan_object(&scan, properties.text, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &property)) {
        struct column column = {0};
        buf_reset(names);
        if (!json_unescape(key, true, names, &column.name)) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a name");
        }
        if (!property_column(property, &column, err) || !schema_add(into, &column, err)) {
            return false;
        }
    }
    return json_scan_end(&scan, err);
}

/* Calls for every string of the list: marks the column required, and with `key` adds it there. */
static bool read_names(struct json_raw list, const char *what, struct schema *schema,
                       struct str_list *key, struct buf *names, struct err *err)
{
    if (list.text.ptr == NULL || list.type == JSON_NULL) {
        return true;
    }
    struct json_scan scan;
    struct json_raw raw;
    if (!json_scan_array(&scan, list.text, err)) {
        return err_wrap(err, "\"%s\"", what);
    }
    while (json_scan_element(&scan, &raw)) {
        struct str name;
        size_t column = 0;
        buf_reset(names);
        if (raw.type != JSON_STRING || !json_unescape(raw, true, names, &name)) {
            return err_set(err, ERR_INVALID, "\"%s\" holds %s", what, json_type_name(raw.type));
        }
        bool found = schema_find(schema, name, &column);
        if (!found && key != NULL) {
            return err_set(err, ERR_INVALID,
                           "key property \"" STR_FMT "\" is not in the schema's properties",
                           STR_ARG(name));
        }
        if (!found) {
            continue; /* required, but never stored */
        }
        schema->columns[column].is_required = true;
        if (key != NULL && key->count < schema->count) {
            key->items[key->count++] = schema->columns[column].name;
        }
    }
    return json_scan_end(&scan, err);
}

static bool read_schema(const struct singer_message *m, struct schema *into, struct str_list *key,
                        struct buf *names, struct err *err)
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
    if (!read_properties(properties, into, names, err)) {
        return false;
    }
    key->items = arena_array(into->arena, into->count + 1, sizeof(*key->items));
    key->count = 0;
    if (key->items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for key properties");
    }
    struct json_raw keys = m->key_properties.text.ptr != NULL ? m->key_properties : inner_keys;
    return read_names(required, "required", into, NULL, names, err) &&
           read_names(keys, "key_properties", into, key, names, err);
}

bool singer_read_schema(const struct singer_message *message, struct schema *into,
                        struct str_list *ret_key, struct err *err)
{
    AUTO(buf) names = buf_growing(LIMIT_JSON_BYTES);
    struct str_list key = {0};
    if (!read_schema(message, into, &key, &names, err)) {
        return err_wrap(err, "stream \"" STR_FMT "\"", STR_ARG(message->stream));
    }
    *ret_key = key;
    return true;
}
