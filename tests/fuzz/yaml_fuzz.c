/* yaml_fuzz.c - any file gives a tree or an error with a text; every tree can be written as JSON.
 */
#include "common/yaml/yaml.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    AUTO(arena) arena = arena_new(8 << 20);
    struct err err = {0};
    struct json *root = NULL;
    if (!yaml_parse(text, STR("fuzz.yaml"), &arena, &root, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0' && err.code != ERR_NO_MEMORY);
        return 0;
    }
    AUTO(buf) out = buf_growing(64 << 20);
    json_write(&out, root);
    assert(!out.overflow);
    assert(str_is_utf8(buf_str(&out)));
    return 0;
}
