#include "agent/dbt/names.h"

#include "common/base/limits.h"
#include "common/model/asset_key.h"

enum { NODE_ARENA_BYTES = 64 << 20 };

/* --- what a node's object says --- */

struct str dbt_text(const struct json *node, const char *key)
{
    const struct json *member = json_get(node, key);
    return member != NULL && member->type == JSON_STRING ? member->as.string : STR("");
}

struct str dbt_config_text(const struct json *node, const char *key)
{
    return dbt_text(json_get(node, "config"), key);
}

const struct json *dbt_meta(const struct json *node, const char *key)
{
    static const char *const whose[] = {"selvedge", "dagster"};
    const struct json *meta = json_get(json_get(node, "config"), "meta");
    if (meta == NULL || meta->count == 0) {
        meta = json_get(node, "meta");
    }
    for (size_t i = 0; i < COUNT_OF(whose); i++) {
        const struct json *said = json_get(json_get(meta, whose[i]), key);
        if (said != NULL && said->type != JSON_NULL) {
            return said;
        }
    }
    return NULL;
}

/* --- keys --- */

bool dbt_is_asset(const struct dbt_node *node)
{
    return (node->type == DBT_MODEL && !str_eq(node->materialized, STR("ephemeral"))) ||
           node->type == DBT_SEED || node->type == DBT_SNAPSHOT;
}

static bool add_said_parts(const struct json *said, struct buf *key)
{
    if (said == NULL || (said->type != JSON_ARRAY && said->type != JSON_STRING)) {
        return false;
    }
    if (said->type == JSON_STRING) {
        buf_add(key, said->as.string); /* "shop/orders", as a person writes it */
        return said->as.string.len > 0;
    }
    for (const struct json *part = said->child; part != NULL; part = part->next) {
        if (part->type == JSON_STRING) {
            asset_key_add_part(key, part->as.string);
        }
    }
    return key->len > 0;
}

static void add_parts(const struct dbt_node *n, const struct json *node, struct buf *key)
{
    struct str schema = dbt_config_text(node, "schema");
    if (n->type == DBT_SOURCE) {
        asset_key_add_part(key, n->source_name);
        asset_key_add_part(key, n->name);
    } else if (n->type == DBT_EXPOSURE || n->type == DBT_METRIC) {
        asset_key_add_part(key, str_from(dbt_type_name(n->type)));
        asset_key_add_part(key, n->name);
    } else if (n->version.len > 0) {
        asset_key_add_part(key, n->alias);
    } else {
        if (schema.len > 0) {
            asset_key_add_part(key, schema);
        }
        asset_key_add_part(key, n->name);
    }
}

bool dbt_asset_key(const struct dbt_project *project, uint32_t index, const struct json *node,
                   struct arena *arena, struct str *ret, struct err *err)
{
    const struct dbt_node *n = &project->nodes[index];
    AUTO(buf) key = buf_growing(LIMIT_ASSET_KEY_BYTES + 1);
    if (!add_said_parts(dbt_meta(node, "asset_key"), &key)) {
        add_parts(n, node, &key);
    }
    if (key.overflow) {
        return err_set(err, ERR_INVALID, STR_FMT ": its key is longer than %d bytes",
                       STR_ARG(str_clip(n->unique_id, 120)), LIMIT_ASSET_KEY_BYTES);
    }
    if (!asset_key_check(buf_str(&key), err)) {
        return err_wrap(err, STR_FMT, STR_ARG(str_clip(n->unique_id, 120)));
    }
    *ret = arena_copy(arena, buf_str(&key));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for the keys of a project");
}

bool dbt_read_asset_key(const struct dbt_project *project, uint32_t index, struct arena *arena,
                        struct str *ret, struct err *err)
{
    AUTO(arena) scratch = arena_new(NODE_ARENA_BYTES);
    struct json *node = NULL;
    return dbt_project_read(project, index, DBT_FULL, &scratch, &node, err) &&
           dbt_asset_key(project, index, node, arena, ret, err);
}
