#include "agent/run/step_versions.h"

#include "common/json/json.h"
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

/* What is recorded of an asset with these inputs. Too long ones leave all empty. */
static bool keep(const struct step_versions_of *of, const struct asset_input *inputs,
                 struct arena *reading, struct arena *arena, struct step_versions *ret,
                 struct err *err)
{
    static const struct digest digest = {digest_sha256};
    AUTO(buf) json = buf_growing(STEP_INPUTS_BYTES);
    size_t count = of->defs->graph.nodes[of->asset].dep_count;
    char version[DATA_VERSION_TEXT_SIZE];
    if (!write_inputs(inputs, count, &json)) {
        return true;
    }
    struct str own = of->defs->assets[of->asset].code_version;
    struct str code_version = str_is_empty(own) ? of->run : own;
    const struct provenance from = {
        .code_version = code_version, .inputs = inputs, .input_count = count};
    if (!data_version_compute(&from, &digest, reading, version, err)) {
        return false;
    }
    *ret = (struct step_versions){.code_version = arena_copy(arena, code_version),
                                  .data_version = arena_copy(arena, str_from(version)),
                                  .inputs = arena_copy(arena, buf_str(&json))};
    return !arena->exhausted || out_of_memory(err);
}

bool step_versions_read(const struct step_versions_of *of, struct arena *arena,
                        struct step_versions *ret, struct err *err)
{
    AUTO(arena) reading = arena_new(READING_ARENA_BYTES);
    size_t count = of->defs->graph.nodes[of->asset].dep_count;
    struct asset_input *inputs = arena_array(&reading, count + 1, sizeof(*inputs));
    *ret = (struct step_versions){0};
    if (inputs == NULL) {
        return out_of_memory(err);
    }
    if (!read_inputs(of, &reading, inputs, err)) {
        return err->code == ERR_NO_MEMORY && reading.exhausted; /* too long together */
    }
    return keep(of, inputs, &reading, arena, ret, err);
}

static bool is_made_from(const struct graph_node *node, const struct str *made)
{
    for (size_t i = 0; i < node->dep_count; i++) {
        if (!str_is_empty(made[node->deps[i]])) {
            return true;
        }
    }
    return false;
}

/* The versions that were written, and those that deps got since. */
static bool renew_inputs(const struct step_versions_of *of, const struct str *made,
                         const struct json *written, struct asset_input *inputs)
{
    const struct graph_node *node = &of->defs->graph.nodes[of->asset];
    const struct json *entry = written->child;
    for (size_t i = 0; i < node->dep_count; i++) {
        if (entry == NULL || entry->type != JSON_STRING) {
            return false;
        }
        struct str now = made[node->deps[i]];
        inputs[i] = (struct asset_input){
            .key = entry->key, .data_version = str_is_empty(now) ? entry->as.string : now};
        entry = entry->next;
    }
    return true;
}

void step_versions_renew(const struct step_versions_of *of, const struct str *made,
                         struct arena *arena, struct step_versions *versions)
{
    AUTO(arena) reading = arena_new(READING_ARENA_BYTES);
    const struct graph_node *node = &of->defs->graph.nodes[of->asset];
    struct json *written = NULL;
    struct err err = {0};
    if (str_is_empty(versions->inputs) || !is_made_from(node, made)) {
        return;
    }
    struct asset_input *inputs = arena_array(&reading, node->dep_count, sizeof(*inputs));
    bool ok = inputs != NULL &&
              json_parse(versions->inputs, STEP_INPUTS_BYTES, &reading, &written, &err) &&
              renew_inputs(of, made, written, inputs);
    *versions = (struct step_versions){0};
    if (ok && !keep(of, inputs, &reading, arena, versions, &err)) {
        *versions = (struct step_versions){0};
    }
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
