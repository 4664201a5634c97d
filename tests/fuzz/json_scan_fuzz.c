/* json_scan_fuzz.c - json_scan and json_parse() take the same objects, with the same members. They
 * differ on purpose in duplicate keys, \u0000, unpaired surrogates and the size of numbers: those
 * json_parse() alone refuses, and a scan must then still agree that the syntax is fine. */
#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/json/json_scan.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_member(struct json_raw key, struct json_raw value, const struct json *node)
{
    AUTO(buf) into = buf_growing(16 << 20);
    struct str text;
    bool ok = json_unescape(key, false, &into, &text);
    assert(ok && str_eq(text, node->key));
    assert(value.type == node->type);
    int64_t integer = 0;
    double real = 0;
    if (node->type == JSON_INT) {
        ok = json_raw_i64(value, &integer);
        assert(ok && integer == node->as.integer);
    } else if (node->type == JSON_REAL) {
        ok = json_raw_double(value, &real);
        assert(ok && real == node->as.real);
    } else if (node->type == JSON_STRING) {
        buf_reset(&into);
        ok = json_unescape(value, false, &into, &text);
        assert(ok && str_eq(text, node->as.string));
    }
}

/* Lists are scanned too; a list within one must be a list for itself. */
static void check_list(struct json_raw value)
{
    struct json_scan s;
    struct err err = {0};
    bool ok = json_scan_array(&s, value.text, &err);
    assert(ok);
    struct json_raw element;
    while (json_scan_element(&s, &element)) {
    }
    ok = json_scan_end(&s, &err);
    assert(ok);
}

/* Whether the scan takes all of `text`. With `object`, the members are compared. */
static bool scan_all(struct str text, const struct json *object, struct err *err)
{
    struct json_scan s;
    if (!json_scan_object(&s, text, err)) {
        return false;
    }
    const struct json *node = object == NULL ? NULL : object->child;
    struct json_raw key;
    struct json_raw value;
    AUTO(buf) into = buf_growing(16 << 20);
    while (json_scan_member(&s, &key, &value)) {
        struct str unescaped;
        bool ok = json_unescape(value, true, &into, &unescaped);
        assert(ok || value.type != JSON_STRING);
        if (value.type == JSON_ARRAY) {
            check_list(value);
        }
        if (node != NULL) {
            check_member(key, value, node);
            node = node->next;
        }
    }
    assert(node == NULL || s.problem != NULL);
    return json_scan_end(&s, err);
}

/* What json_parse() refuses beyond the syntax. */
static bool is_beyond_syntax(const struct err *err)
{
    static const char *const texts[] = {"duplicate key", "\\u0000", "unpaired surrogate",
                                        "integer beyond", "number too large"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (strstr(err->msg, texts[i]) != NULL) {
            return true;
        }
    }
    return err->code == ERR_FULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    AUTO(arena) arena = arena_new(64 << 20);
    struct err parse_err = {0};
    struct err scan_err = {0};
    struct json *root = NULL;
    bool is_parsed = json_parse(text, LIMIT_JSON_BYTES, &arena, &root, &parse_err);
    bool is_object = is_parsed && root->type == JSON_OBJECT;
    bool is_scanned = scan_all(text, is_object ? root : NULL, &scan_err);
    if (is_object) {
        assert(is_scanned);
    } else if (is_scanned) {
        assert(!is_parsed && is_beyond_syntax(&parse_err));
    }
    return 0;
}
