/* The settings of a node: the first byte is its type, the rest its JSON. What is accepted has a limit that
 * is none or at least 1, one character between the fields of a seed, hooks with a statement in each. */
#include "common/dbt/spec_parts.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES = 4 << 20 };

static void check(const struct dbt_spec *spec)
{
    assert(spec->limit >= 0);
    assert(spec->node->type != DBT_SEED || spec->delimiter.len == 1);
    assert(spec->warn_after_ns >= 0 && spec->error_after_ns >= 0);
    for (size_t i = 0; i < spec->pre_hook_count; i++) {
        assert(str_trim(spec->pre_hooks[i].sql).len > 0);
    }
    for (size_t i = 0; i < spec->post_hook_count; i++) {
        assert(str_trim(spec->post_hooks[i].sql).len > 0);
    }
    for (size_t i = 0; i < spec->index_count; i++) {
        assert(spec->indexes[i].columns.count > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dbt_type types[] = {DBT_MODEL, DBT_SEED, DBT_SNAPSHOT, DBT_TEST, DBT_SOURCE};
    if (size == 0) {
        return 0;
    }
    struct dbt_node node = {.type = types[data[0] % COUNT_OF(types)],
                            .unique_id = STR("model.p.n"),
                            .name = STR("n"),
                            .alias = STR("n"),
                            .schema = STR("main"),
                            .relation_name = STR("main.\"n\""),
                            .attached = DBT_NO_NODE};
    const uint32_t first_child[] = {0, 0};
    const struct dbt_project project = {
        .adapter_type = STR("sqlite"), .nodes = &node, .count = 1, .first_child = first_child};
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct json *json = NULL;
    struct dbt_spec spec;
    struct err err = {0};
    const struct str text = {(const char *)data + 1, size - 1};
    if (json_parse(text, ARENA_BYTES, &arena, &json, &err) &&
        spec_from_json(&project, 0, json, &arena, &spec, &err)) {
        check(&spec);
    } else {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
    }
    return 0;
}
