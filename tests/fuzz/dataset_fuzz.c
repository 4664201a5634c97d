/* An address of data, as a device wrote it: one that is understood is written so that it is understood
 * again as the same one, and never with a user's name. */
#include "hub/lineage/dataset.h"
#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEY_BYTES_MAX = 2 * DATASET_BYTES_MAX };

static void look_again(struct str key, enum dataset_scope scope)
{
    char memory[KEY_BYTES_MAX];
    struct buf out = buf_fixed(memory, sizeof(memory));
    struct dataset again;
    if (key.len > DATASET_BYTES_MAX) {
        return; /* the usual port was too much */
    }
    bool ok = dataset_parse(key, &again);
    assert(ok && again.scope == scope);
    dataset_add(&out, &again, STR_NONE);
    assert(!out.overflow && str_eq(buf_str(&out), key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str address = {(const char *)data, size};
    char memory[KEY_BYTES_MAX];
    struct buf key = buf_fixed(memory, sizeof(memory));
    struct dataset d;
    if (!dataset_parse(address, &d)) {
        return 0;
    }
    assert(size <= DATASET_BYTES_MAX && d.scheme.len > 0 && d.name.len > 0);
    assert(!str_contains(d.host, STR("@")));
    dataset_add(&key, &d, STR_NONE);
    assert(!key.overflow);
    look_again(buf_str(&key), d.scope);
    buf_reset(&key);
    dataset_add(&key, &d, STR("Berlin"));
    assert(str_contains(buf_str(&key), STR("://berlin")));
    return 0;
}
