/* yaml_samples.c - reads each named file as the product reads YAML; prints what is wrong and
 * exits 1. */
#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/yaml/yaml.h"
#include <stdio.h>

static bool check(const char *path, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_DEFINITIONS_BYTES);
    AUTO(arena) arena = arena_new(LIMIT_DEFINITIONS_ARENA);
    struct json *root = NULL;
    return files_read(path, &text, err) &&
           yaml_parse(buf_str(&text), str_from(path), &arena, &root, err);
}

int main(int argc, char **argv)
{
    int result = 0;
    for (int i = 1; i < argc; i++) {
        struct err err = {0};
        if (!check(argv[i], &err)) {
            (void)printf("%s\n", err.msg);
            result = 1;
        }
    }
    return result;
}
