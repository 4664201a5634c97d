/* sources.json, as dbt or we wrote it: what is understood is written so that it is understood again as
 * the same, and nothing is fresher than itself. */
#include "agent/dbt/loaded.h"
#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) arena = arena_new(64 << 20);
    AUTO(buf) out = buf_growing(16 << 20);
    struct dbt_loaded loaded;
    struct dbt_loaded again;
    struct err err = {0};
    if (!dbt_loaded_parse((struct str){(const char *)data, size}, &arena, &loaded, &err)) {
        assert(err.msg[0] != '\0');
        return 0;
    }
    dbt_loaded_write(&loaded, &out);
    assert(!out.overflow);
    bool ok = dbt_loaded_parse(buf_str(&out), &arena, &again, &err);
    assert(ok && again.count == loaded.count);
    for (size_t i = 0; i < loaded.count; i++) {
        const struct dbt_loaded_source *a = &loaded.items[i];
        const struct dbt_loaded_source *b = &again.items[i];
        assert(str_eq(a->unique_id, b->unique_id) && a->status == b->status);
        /* Microseconds are kept. */
        assert(a->status == DBT_RUNTIME_ERROR || a->at.ns == b->at.ns ||
               (a->at.ns > b->at.ns && a->at.ns - b->at.ns < NS_PER_US));
        assert(!dbt_loaded_is_fresher(&loaded, &loaded, a->unique_id) ||
               dbt_loaded_find(&loaded, a->unique_id)->status == DBT_RUNTIME_ERROR);
    }
    return 0;
}
