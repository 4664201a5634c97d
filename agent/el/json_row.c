#include "agent/el/json_row.h"

#include "agent/el/number.h"
#include "common/base/limits.h"
#include "common/base/time.h"

#include <math.h>

#define EXACT_IN_DOUBLE (INT64_C(1) << 53)

bool json_row_init(struct json_row *r, const struct schema *schema, struct arena *arena,
                   struct err *err)
{
    struct buf scratch = r->scratch.max > 0 ? r->scratch : buf_growing(LIMIT_SINGER_LINE_BYTES);
    struct buf name = r->name.max > 0 ? r->name : buf_growing(LIMIT_JSON_BYTES);
    *r = (struct json_row){
        .schema = schema,
        .row = arena_array(arena, schema->count + 1, sizeof(*r->row)),
        .seen = arena_array(arena, schema->count + 1, sizeof(*r->seen)),
        .scratch = scratch,
        .validates = r->validates,
        .ignored = r->ignored,
        .flatten = flatten_is_on(r->flatten) ? r->flatten : NULL,
        .name = name,
    };
    if (r->row == NULL || r->seen == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a row of %zu columns", schema->count);
    }
    return true;
}

void json_row_release(struct json_row *r)
{
    buf_release(&r->scratch);
    buf_release(&r->name);
}

/* The value as it stands in the object, with the quotes of a string. */
static struct str whole_text(struct json_raw raw)
{
    return raw.type == JSON_STRING ? (struct str){raw.text.ptr - 1, raw.text.len + 2} : raw.text;
}

static bool to_text(struct json_row *r, struct json_raw raw, struct value *ret)
{
    ret->type = VALUE_TEXT;
    if (raw.type != JSON_STRING) {
        ret->as.text = raw.text;
        return true;
    }
    return json_unescape(raw, true, &r->scratch, &ret->as.text);
}

static bool to_integer(struct json_raw raw, struct value *ret)
{
    ret->type = VALUE_INTEGER;
    double real = 0;
    if (json_raw_i64(raw, &ret->as.integer)) {
        return true;
    }
    /* 5.0 and 1e3 are integers to JSON Schema. */
    if (raw.type != JSON_REAL || !json_raw_double(raw, &real) ||
        fabs(real) > (double)EXACT_IN_DOUBLE || real != floor(real)) {
        return false;
    }
    ret->as.integer = (int64_t)real;
    return true;
}

/* An integer that a double would round stays one. */
static bool to_real(struct json_raw raw, struct value *ret)
{
    if (raw.type == JSON_INT && to_integer(raw, ret) &&
        (ret->as.integer > EXACT_IN_DOUBLE || ret->as.integer < -EXACT_IN_DOUBLE)) {
        return true;
    }
    ret->type = VALUE_REAL;
    return json_raw_double(raw, &ret->as.real);
}

static bool to_boolean(struct json_raw raw, struct value *ret)
{
    *ret = (struct value){.type = VALUE_INTEGER, .as.integer = raw.text.ptr[0] == 't'};
    return raw.type == JSON_BOOL;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two hexadecimal digits a byte (RFC 4648 section 8). */
static bool to_blob(struct json_row *r, struct json_raw raw, struct value *ret)
{
    struct str text = raw.text;
    char *bytes = buf_reserve(&r->scratch, text.len / 2);
    if (raw.type != JSON_STRING || text.len % 2 != 0 || bytes == NULL) {
        return false;
    }
    for (size_t i = 0; i < text.len; i += 2) {
        int high = digit_of(text.ptr[i]);
        int low = digit_of(text.ptr[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i / 2] = (char)(high * 16 + low);
    }
    r->scratch.len += text.len / 2;
    *ret = (struct value){.type = VALUE_BLOB, .as.text = {bytes, text.len / 2}};
    return true;
}

static bool to_natural(struct json_row *r, struct json_raw raw, struct value *ret)
{
    if (raw.type == JSON_INT && to_integer(raw, ret)) {
        return true;
    }
    if (raw.type == JSON_REAL || raw.type == JSON_INT) {
        return to_real(raw, ret);
    }
    return raw.type == JSON_BOOL ? to_boolean(raw, ret) : to_text(r, raw, ret);
}

/* A number that its column cannot hold comes as its digits: the target may hold it. */
static bool to_exact(struct json_raw raw, enum column_kind kind, struct value *ret)
{
    bool is_held = kind == COLUMN_INTEGER
                       ? to_integer(raw, ret)
                       : to_real(raw, ret) &&
                             (ret->type != VALUE_REAL || number_is_exact(raw.text, ret->as.real));
    if (!is_held && (raw.type == JSON_INT || (raw.type == JSON_REAL && kind == COLUMN_REAL))) {
        *ret = (struct value){.type = VALUE_TEXT, .as.text = raw.text};
        return true;
    }
    return is_held;
}

static bool convert(struct json_row *r, const struct column *column, struct json_raw raw,
                    struct value *ret)
{
    if (raw.type == JSON_NULL) {
        *ret = (struct value){.type = VALUE_NULL};
        return true;
    }
    if (column->is_exact) {
        return to_exact(raw, column->kind, ret);
    }
    switch (column->kind) {
    case COLUMN_INTEGER:
        return to_integer(raw, ret);
    case COLUMN_REAL:
        return to_real(raw, ret);
    case COLUMN_BOOLEAN:
        return to_boolean(raw, ret);
    case COLUMN_TEXT:
        return to_text(r, raw, ret);
    case COLUMN_BLOB:
        return to_blob(r, raw, ret);
    case COLUMN_JSON:
        *ret = (struct value){.type = VALUE_TEXT, .as.text = whole_text(raw)};
        return true;
    case COLUMN_ANY:
    default:
        return to_natural(r, raw, ret);
    }
}

static const char *kind_name(enum column_kind kind)
{
    static const char *const names[] = {
        [COLUMN_ANY] = "any value",           [COLUMN_INTEGER] = "a 64-bit integer",
        [COLUMN_REAL] = "a number",           [COLUMN_BOOLEAN] = "a boolean",
        [COLUMN_TEXT] = "a string",           [COLUMN_JSON] = "any value",
        [COLUMN_BLOB] = "hexadecimal digits",
    };
    return names[kind];
}

static bool wrong_value(const struct column *c, struct json_raw raw, struct err *err)
{
    struct str shown = str_slice(whole_text(raw), 0, 60);
    err_set(err, ERR_INVALID, "column \"" STR_FMT "\": expected %s, got " STR_FMT "%s",
            STR_ARG(c->name), kind_name(c->kind), STR_ARG(shown),
            shown.len < whole_text(raw).len ? "..." : "");
    return err_hint(err, "correct the value at its source, or the schema that states its type");
}

static bool has_format(enum text_format format, struct str text)
{
    AUTO(buf) whole = buf_growing(64);
    struct wall_time ignored;
    switch (format) {
    case FORMAT_DATE:
        return text.len == 10 && wall_parse(text, &ignored);
    case FORMAT_DATE_TIME:
        return text.len > 10 && wall_parse(text, &ignored);
    case FORMAT_TIME:
        buf_add(&whole, STR("2000-01-01T"));
        buf_add(&whole, text);
        return text.len > 0 && !whole.overflow && wall_parse(buf_str(&whole), &ignored);
    case FORMAT_ANY:
    default:
        return true;
    }
}

/* 5.0 and 1e3 are integers to JSON Schema, which to_integer() knows; NULL in a column that a schema
 * says no type of is anything. */
static bool is_valid(const struct column *c, struct json_raw raw, struct err *err)
{
    static const char *const formats[] = {[FORMAT_ANY] = "",
                                          [FORMAT_DATE_TIME] = "date-time",
                                          [FORMAT_DATE] = "date",
                                          [FORMAT_TIME] = "time"};
    unsigned type = raw.type == JSON_REAL && c->kind == COLUMN_INTEGER ? JSON_INT : raw.type;
    if (c->json_types != 0 && (c->json_types & (1U << type)) == 0) {
        err_set(err, ERR_INVALID, "column \"" STR_FMT "\": its schema does not allow %s",
                STR_ARG(c->name), json_type_name(raw.type));
        return err_hint(err, "correct the record or the schema, or leave out validate_records");
    }
    if (raw.type == JSON_STRING && !has_format(c->format, raw.text)) {
        struct str shown = str_clip(raw.text, 60);
        err_set(err, ERR_INVALID, "column \"" STR_FMT "\": \"" STR_FMT "\" is no %s",
                STR_ARG(c->name), STR_ARG(shown), formats[c->format]);
        return err_hint(err, "correct the record or the schema, or leave out validate_records");
    }
    return true;
}

static bool take_value(struct json_row *r, size_t i, struct json_raw value, struct err *err)
{
    const struct column *c = &r->schema->columns[i];
    if (r->seen[i] == r->object) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" occurs twice", STR_ARG(c->name));
    }
    r->seen[i] = r->object;
    if (r->validates && !is_valid(c, value, err)) {
        return false;
    }
    return convert(r, c, value, &r->row[i]) || wrong_value(c, value, err);
}

static bool read_name(struct json_row *r, struct json_raw key, struct str *ret, struct err *err)
{
    *ret = key.text;
    return !key.has_escape || json_unescape(key, true, &r->scratch, ret) ||
           err_set(err, ERR_NO_MEMORY, "no memory for a name");
}

static bool read_member(struct json_row *r, size_t *guess, struct json_raw key,
                        struct json_raw value, struct err *err)
{
    struct str name;
    if (!read_name(r, key, &name, err)) {
        return false;
    }
    /* Members usually come in the order of the columns. */
    size_t i = *guess;
    if ((i >= r->schema->count || !str_eq(r->schema->columns[i].name, name)) &&
        !schema_find(r->schema, name, &i)) {
        r->ignored++;
        return true;
    }
    *guess = i + 1;
    return take_value(r, i, value, err);
}

static bool read_members(struct json_row *r, struct json_scan *scan, struct err *err)
{
    size_t guess = 0;
    struct json_raw key;
    struct json_raw value;
    while (json_scan_member(scan, &key, &value)) {
        if (!read_member(r, &guess, key, value, err)) {
            return false;
        }
    }
    return json_scan_end(scan, err);
}

/* An object that no column takes is gone into: its members may have columns. */
static bool read_flattened(struct json_row *r, const struct json_scan *first, struct err *err)
{
    struct json_scan levels[FLATTEN_PARTS_MAX] = {*first};
    struct str parts[FLATTEN_PARTS_MAX];
    size_t depth = 0;
    for (;;) {
        struct json_raw key;
        struct json_raw value;
        size_t column = 0;
        if (!json_scan_member(&levels[depth], &key, &value)) {
            if (!json_scan_end(&levels[depth], err)) {
                return false;
            }
            if (depth == 0) {
                return true;
            }
            depth--;
            continue;
        }
        if (!read_name(r, key, &parts[depth], err)) {
            return false;
        }
        flatten_name(r->flatten, parts, depth + 1, &r->name);
        bool ok = true;
        if (schema_find(r->schema, buf_str(&r->name), &column)) {
            ok = take_value(r, column, value, err);
        } else if (value.type == JSON_OBJECT && (int64_t)depth < r->flatten->max_depth &&
                   depth + 1 < FLATTEN_PARTS_MAX) {
            ok = json_scan_object(&levels[++depth], value.text, err);
        } else {
            r->ignored++;
        }
        if (!ok) {
            return false;
        }
    }
}

static bool fill_missing(struct json_row *r, struct err *err)
{
    for (size_t i = 0; i < r->schema->count; i++) {
        if (r->seen[i] == r->object) {
            continue;
        }
        const struct column *c = &r->schema->columns[i];
        if (c->is_required) {
            err_set(err, ERR_INVALID, "required \"" STR_FMT "\" is missing", STR_ARG(c->name));
            return err_hint(err, "correct the record at its source, or the schema's \"required\"");
        }
        r->row[i].type = VALUE_NULL;
    }
    return true;
}

static bool read_collected(struct json_row *r, const struct json_members *members, struct err *err)
{
    size_t guess = 0;
    for (size_t i = 0; i < members->count; i++) {
        if (!read_member(r, &guess, members->items[i].key, members->items[i].value, err)) {
            return false;
        }
    }
    return true;
}

/* For one more object of so many bytes. */
static bool begin(struct json_row *r, size_t bytes, struct err *err)
{
    r->object++;
    if (r->object == 0) { /* wrapped around after 2^32 objects */
        for (size_t i = 0; i < r->schema->count; i++) {
            r->seen[i] = 0;
        }
        r->object = 1;
    }
    /* All texts together are no longer than the object: reserved once, they never move. */
    buf_reset(&r->scratch);
    return buf_reserve(&r->scratch, bytes) != NULL ||
           err_set(err, ERR_NO_MEMORY, "no memory for an object of %zu bytes", bytes);
}

bool json_row_take(struct json_row *r, struct str object, const struct json_members *members,
                   struct err *err)
{
    if (r->flatten != NULL || members->count > members->room) {
        return json_row_read(r, object, err);
    }
    return begin(r, object.len, err) && read_collected(r, members, err) && fill_missing(r, err);
}

bool json_row_read(struct json_row *r, struct str object, struct err *err)
{
    struct json_scan scan;
    if (!json_scan_object(&scan, object, err) || !begin(r, object.len, err)) {
        return false;
    }
    bool ok = r->flatten != NULL ? read_flattened(r, &scan, err) : read_members(r, &scan, err);
    return ok && fill_missing(r, err);
}
