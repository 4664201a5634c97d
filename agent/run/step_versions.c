#include "agent/run/step_versions.h"

#include "common/json/json_writer.h"
#include "common/tls/identity.h"

enum { READING_ARENA_BYTES = 8 << 20 };

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "read the versions of what is upstream: out of memory");
}

static bool read_inputs(const struct step_versions_of *of, struct arena *arena,
                        struct asset_input *inputs, struct err *err)
{
    const struct graph_node *node = &of->defs->graph.nodes[of->asset];
    for (size_t i = 0; i < node->dep_count; i++) {
        const struct asset *dep = &of->defs->assets[node->deps[i]];
        struct stored_asset stored = {0};
        bool found = false;
        if (!store_find_asset(of->store, dep->key, arena, &stored, &found, err)) {
            return false;
        }
        struct stale_asset known = {.is_external = dep->work == ASSET_EXTERNAL};
        known.made = stored_asset_version(&stored, known.is_external);
        inputs[i] = (struct asset_input){.key = dep->key, .data_version = asset_version_of(&known)};
    }
    return true;
}

/* False also when they are too long, which arena->exhausted tells. */
static bool write_inputs(const struct asset_input *inputs, size_t count, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    for (size_t i = 0; i < count; i++) {
        jw_key(&w, inputs[i].key);
        jw_str(&w, inputs[i].data_version);
    }
    jw_end_object(&w);
    return !out->overflow;
}

bool step_versions_read(const struct step_versions_of *of, struct arena *arena,
                        struct step_versions *ret, struct err *err)
{
    static const struct digest digest = {digest_sha256};
    AUTO(arena) reading = arena_new(READING_ARENA_BYTES);
    AUTO(buf) json = buf_growing(STEP_INPUTS_BYTES);
    size_t count = of->defs->graph.nodes[of->asset].dep_count;
    struct asset_input *inputs = arena_array(&reading, count + 1, sizeof(*inputs));
    char version[DATA_VERSION_TEXT_SIZE];
    *ret = (struct step_versions){0};
    if (inputs == NULL) {
        return out_of_memory(err);
    }
    if (!read_inputs(of, &reading, inputs, err)) {
        return err->code == ERR_NO_MEMORY && reading.exhausted; /* too long together */
    }
    if (!write_inputs(inputs, count, &json)) {
        return true;
    }
    struct str own = of->defs->assets[of->asset].code_version;
    struct str code_version = str_is_empty(own) ? of->run : own;
    const struct provenance from = {
        .code_version = code_version, .inputs = inputs, .input_count = count};
    if (!data_version_compute(&from, &digest, &reading, version, err)) {
        return false;
    }
    *ret = (struct step_versions){.code_version = arena_copy(arena, code_version),
                                  .data_version = arena_copy(arena, str_from(version)),
                                  .inputs = arena_copy(arena, buf_str(&json))};
    return !arena->exhausted || out_of_memory(err);
}

void step_versions_tell(const struct step_versions *versions, struct str given,
                        struct record *materialized)
{
    bool is_given = !str_is_empty(given);
    materialized->data_version = is_given ? given : versions->data_version;
    materialized->is_version_given = is_given;
    materialized->code_version = versions->code_version;
    materialized->inputs = versions->inputs;
}
