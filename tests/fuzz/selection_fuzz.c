/* A selection: whatever is accepted evaluates over a small graph, and what is not is wrong at a
 * place of the text or as a whole. */
#include "common/model/selection.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(const void *ctx, uint32_t node, enum selection_attribute attribute, struct str name,
                struct str value)
{
    (void)ctx;
    return (node + (uint32_t)attribute + name.len + value.len) % 3 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str deps[] = {STR_INIT("a"), STR_INIT("a/b")};
    const struct graph_input input[] = {
        {STR("a"), NULL, 0}, {STR("a/b"), deps, 1}, {STR("c"), deps, 2}};
    AUTO(arena) arena = arena_new(4 << 20);
    struct graph g;
    struct err err = {0};
    bool ok = graph_build(&arena, input, COUNT_OF(input), NULL, &g, &err);
    assert(ok);
    struct selection *s = NULL;
    const struct str text = {(const char *)data, size};
    size_t at = 0;
    bool has_fault = selection_fault(text, &arena, &at);
    assert(!has_fault || at <= size);
    if (!selection_parse(text, &arena, &s, &err)) {
        assert(err.code == ERR_INVALID && err.msg[0] != '\0');
        return 0;
    }
    assert(!has_fault);
    const struct selection_attributes attributes = {.has = has};
    bool *set = NULL;
    ok = selection_evaluate(s, &g, &attributes, &arena, &set, &err);
    assert(ok && set != NULL);
    return 0;
}
