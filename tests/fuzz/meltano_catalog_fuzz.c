/* A catalog and rules, {"catalog", "rules": {...}}: refused, or changed into one that can be written,
 * read again, and gives the same when it is written once more. */
#include "agent/meltano/catalog.h"
#include "common/json/json_verbatim.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1 << 16, MEMORY_MAX = 16 << 20 };

static void check_written(const struct json *catalog)
{
    AUTO(arena) again = arena_new(MEMORY_MAX);
    AUTO(buf) first = buf_growing(MEMORY_MAX);
    AUTO(buf) second = buf_growing(MEMORY_MAX);
    struct json *read = NULL;
    struct err err = {0};
    if (json_verbatim_write(&first, catalog, &err)) {
        bool ok = json_verbatim_read(buf_str(&first), MEMORY_MAX, &again, &read, &err);
        assert(ok || err.code == ERR_FULL);
        assert(!ok || json_verbatim_write(&second, read, &err));
        assert(!ok || str_eq(buf_str(&first), buf_str(&second)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) arena = arena_new(MEMORY_MAX);
    struct json *root = NULL;
    struct err err = {0};
    struct catalog_streams streams;
    if (!json_verbatim_read((struct str){(const char *)data, size}, TEXT_MAX, &arena, &root,
                            &err) ||
        root->type != JSON_OBJECT || root->child == NULL) {
        return 0;
    }
    struct json *catalog = root->child;
    const struct json *texts = catalog->next;
    const struct catalog_rules rules = {.select = json_get(texts, "select"),
                                        .select_filter = json_get(texts, "select_filter"),
                                        .metadata = json_get(texts, "metadata"),
                                        .schema = json_get(texts, "schema"),
                                        .is_handwritten = json_get(texts, "own") != NULL};
    bool ok = catalog_apply(catalog, &rules, &arena, &err);
    assert(ok || err.msg[0] != '\0');
    if (ok && catalog_selected(catalog, &arena, &streams, &err)) {
        struct str first[] = {streams.count > 0 ? streams.items[0].name : STR("")};
        check_written(catalog);
        ok = catalog_narrow(catalog, &(struct str_list){.items = first, .count = 1}, &arena, &err);
        assert(ok || err.code == ERR_FULL);
    }
    return 0;
}
