/* record_fuzz.c - a Singer record against cJSON: what our reader takes as a row, cJSON takes too, with the
 * same values. They differ on purpose: cJSON refuses lone surrogates (ours gives U+FFFD) and numbers of more
 * than 63 characters, and ends a text at \u0000. */
#include "agent/el/json_row.h"
#include "common/base/limits.h"
#include <assert.h>
#include <cjson/cJSON.h>
#include <ctype.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBER_BYTES_MAX = 63, ARENA_BYTES = 16 << 20 };

static bool has_escape(struct str text, const char *what)
{
    struct str escape = str_from(what);
    for (size_t i = 0; i + escape.len <= text.len; i++) {
        if (strncasecmp(text.ptr + i, escape.ptr, escape.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_number_char(char c)
{
    return isdigit((unsigned char)c) || strchr("+-.eE", c) != NULL;
}

static bool has_long_number(struct str text)
{
    size_t run = 0;
    for (size_t i = 0; i < text.len; i++) {
        run = text.ptr[i] != '\0' && is_number_char(text.ptr[i]) ? run + 1 : 0;
        if (run >= NUMBER_BYTES_MAX) {
            return true;
        }
    }
    return false;
}

/* A column for each name that a table could have. */
static void add_columns(struct schema *schema, const cJSON *object, enum column_kind kind)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, object)
    {
        const struct column column = {.name = str_from(item->string), .kind = kind};
        struct err err;
        if (!schema_add(schema, &column, &err)) {
            assert(err.code == ERR_INVALID || err.code == ERR_FULL);
        }
    }
}

static void expect_same_json(struct str text, const cJSON *item)
{
    cJSON *own = cJSON_ParseWithLength(text.ptr, text.len);
    cJSON *again = cJSON_ParseWithLength(text.ptr, text.len);
    bool is_comparable = cJSON_Compare(own, again, true); /* infinity, of 1e999, is not */
    assert(own != NULL && (!is_comparable || cJSON_Compare(own, item, true)));
    cJSON_Delete(again);
    cJSON_Delete(own);
}

static void expect_number(const struct value *v, const cJSON *item)
{
    double ours = v->type == VALUE_INTEGER ? (double)v->as.integer : v->as.real;
    assert(v->type == VALUE_INTEGER || v->type == VALUE_REAL);
    assert(ours == item->valuedouble);
}

static void expect_natural(const struct value *v, const cJSON *item)
{
    if (cJSON_IsNull(item)) {
        assert(v->type == VALUE_NULL);
    } else if (cJSON_IsNumber(item)) {
        expect_number(v, item);
    } else if (cJSON_IsBool(item)) {
        assert(v->type == VALUE_INTEGER && v->as.integer == cJSON_IsTrue(item));
    } else if (cJSON_IsString(item)) {
        assert(v->type == VALUE_TEXT && str_eq(v->as.text, str_from(item->valuestring)));
    } else {
        assert(v->type == VALUE_TEXT);
        expect_same_json(v->as.text, item);
    }
}

static void expect_value(enum column_kind kind, const struct value *v, const cJSON *item)
{
    if (kind == COLUMN_ANY || cJSON_IsNull(item) || (kind == COLUMN_TEXT && cJSON_IsString(item))) {
        expect_natural(v, item);
    } else {
        assert(v->type == VALUE_TEXT);
        expect_same_json(v->as.text, item);
    }
}

/* How often the object has the name, and its first value. */
static int find(const cJSON *object, struct str name, const cJSON **ret)
{
    int count = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, object)
    {
        if (str_eq(str_from(item->string), name)) {
            *ret = count == 0 ? item : *ret;
            count++;
        }
    }
    return count;
}

static void compare(struct str text, const cJSON *object, enum column_kind kind)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct schema schema = schema_new(&arena);
    struct json_row row = {0};
    struct err err = {0};
    add_columns(&schema, object, kind);
    bool is_ready = json_row_init(&row, &schema, &arena, &err);
    assert(is_ready);
    if (!json_row_read(&row, text, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
        schema.count = 0;
    } else if (object == NULL) {
        assert(has_escape(text, "\\ud") || has_long_number(text));
    }
    for (size_t i = 0; i < schema.count; i++) {
        const cJSON *item = NULL;
        int count = find(object, schema.columns[i].name, &item);
        assert(count == 1); /* a name that occurs twice is refused */
        expect_value(kind, &row.row[i], item);
    }
    json_row_release(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum column_kind kinds[] = {COLUMN_ANY, COLUMN_TEXT, COLUMN_JSON};
    struct str text = {(const char *)data, size};
    const char *end = NULL;
    if (size > LIMIT_JSON_BYTES || has_escape(text, "\\u0000")) {
        return 0;
    }
    cJSON *peer = cJSON_ParseWithLengthOpts(text.ptr, text.len, &end, false);
    const cJSON *object = cJSON_IsObject(peer) ? peer : NULL;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        compare(text, object, kinds[i]);
    }
    cJSON_Delete(peer);
    return 0;
}
