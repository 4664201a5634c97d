/* json_fuzz.c - what json_parse() takes is written and read again as the same text. */
#include "common/base/limits.h"
#include "common/json/json.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    AUTO(arena) arena = arena_new(64 << 20);
    struct err err = {0};
    struct json *root = NULL;
    if (!json_parse(text, LIMIT_JSON_BYTES, &arena, &root, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
        assert(err.code != ERR_NO_MEMORY); /* cJSON refused what our grammar took */
        return 0;
    }
    assert(str_is_utf8(text));
    AUTO(buf) once = buf_growing(16 << 20);
    AUTO(buf) twice = buf_growing(16 << 20);
    json_write(&once, root);
    assert(!once.overflow);
    struct json *again = NULL;
    bool ok = json_parse(buf_str(&once), once.max, &arena, &again, &err);
    assert(ok);
    json_write(&twice, again);
    assert(str_eq(buf_str(&once), buf_str(&twice)));
    return 0;
}
