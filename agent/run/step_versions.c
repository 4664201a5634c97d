#include "agent/run/step_versions.h"

#include "common/json/json_writer.h"
#include "common/tls/identity.h"

enum { READING_ARENA_BYTES = 8 << 20 };

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "read the versions of what is upstream: out of memory");
}

static bool read_inputs(const struct step_versions_of *of, struct arena *reading,
                        struct arena *arena, struct asset_input *inputs, struct err *err)
{
    const struct graph_node *node = &of->defs->graph.nodes[of->asset];
    for (size_t i = 0; i < node->dep_count; i++) {
        const struct asset *dep = &of->defs->assets[node->deps[i]];
        struct stored_asset stored = {0};
        bool found = false;
        if (!store_find_asset(of->store, dep->key, reading, &stored, &found, err)) {
            return false;
        }
        struct stale_asset known = {.is_external = dep->work == ASSET_EXTERNAL};
        known.made = stored_asset_version(&stored, known.is_external);
        inputs[i] = (struct asset_input){
            .key = dep->key, .data_version = arena_copy(arena, asset_version_of(&known))};
    }
    return true;
}

bool step_versions_read(const struct step_versions_of *of, struct arena *arena,
                        struct step_versions *ret, struct err *err)
{
    AUTO(arena) reading = arena_new(READING_ARENA_BYTES);
    size_t count = of->defs->graph.nodes[of->asset].dep_count;
    struct asset_input *inputs = arena_array(arena, count, sizeof(*inputs));
    *ret = (struct step_versions){0};
    if (inputs == NULL) {
        return out_of_memory(err);
    }
    if (!read_inputs(of, &reading, arena, inputs, err)) {
        return err->code == ERR_NO_MEMORY && reading.exhausted; /* too long together */
    }
    struct str own = of->defs->assets[of->asset].code_version;
    *ret =
        (struct step_versions){.code_version = arena_copy(arena, str_is_empty(own) ? of->run : own),
                               .inputs = inputs,
                               .input_count = count};
    return !arena->exhausted || out_of_memory(err);
}

static void write_inputs(const struct step_versions *versions, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    for (size_t i = 0; i < versions->input_count; i++) {
        jw_key(&w, versions->inputs[i].key);
        jw_str(&w, versions->inputs[i].data_version);
    }
    jw_end_object(&w);
}

void step_versions_tell(const struct step_versions *versions, struct str given, struct arena *arena,
                        struct record *materialized)
{
    static const struct digest digest = {digest_sha256};
    AUTO(arena) scratch = arena_new(READING_ARENA_BYTES);
    AUTO(buf) json = buf_growing(STEP_INPUTS_BYTES);
    char version[DATA_VERSION_TEXT_SIZE];
    struct err ignored = {0};
    const struct provenance from = {.code_version = versions->code_version,
                                    .inputs = versions->inputs,
                                    .input_count = versions->input_count};
    materialized->data_version = given;
    materialized->is_version_given = !str_is_empty(given);
    write_inputs(versions, &json);
    if (str_is_empty(versions->code_version) || json.overflow ||
        !data_version_compute(&from, &digest, &scratch, version, &ignored)) {
        return;
    }
    materialized->code_version = versions->code_version;
    materialized->inputs = arena_copy(arena, buf_str(&json));
    if (!materialized->is_version_given) {
        materialized->data_version = arena_copy(arena, str_from(version));
    }
}
