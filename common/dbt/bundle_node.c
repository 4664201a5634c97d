#include "common/dbt/bundle_node.h"

#include "common/base/sha1.h"
#include "common/dbt/manifest.h"

#include <string.h>

/* What is read of a node, by us and by no one else. */
static const char *const kept[] = {
    "access",
    "alias",
    "arguments",
    "attached_node",
    "checksum",
    "column_name",
    "columns",
    "compiled_code",
    "config",
    "constraints",
    "contract",
    "database",
    "defaults",
    "deprecation_date",
    "depends_on",
    "description",
    "dimensions",
    "entities",
    "external",
    "exports",
    "extra_ctes",
    "extra_ctes_injected",
    "fqn",
    "freshness",
    "group",
    "identifier",
    "index",
    "label",
    "language",
    "latest_version",
    "loaded_at_field",
    "loaded_at_query",
    "loader",
    "macros_sha1",
    "maturity",
    "measures",
    "meta",
    "model",
    "name",
    "original_file_path",
    "overloads",
    "owner",
    "package_name",
    "patch_path",
    "primary_entity",
    "query_params",
    "quoting",
    "raw_code_sha1",
    "relation_name",
    "resource_type",
    "returns",
    "root_path",
    "schema",
    "source_name",
    "tags",
    "test_metadata",
    "type",
    "unique_id",
    "unrendered_config",
    "url",
    "version",
};

static bool is_one_of(struct str key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(key, str_from(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_unset(const struct json *value)
{
    return value->type == JSON_NULL ||
           ((value->type == JSON_ARRAY || value->type == JSON_OBJECT) && value->child == NULL) ||
           (value->type == JSON_STRING && value->as.string.len == 0 &&
            str_eq(value->key, STR("description")));
}

/* As json_get(), to change it. */
static struct json *member(const struct json *object, const char *key)
{
    struct json *value = object == NULL ? NULL : object->child;
    while (value != NULL && !str_eq(value->key, str_from(key))) {
        value = value->next;
    }
    return value;
}

/* Drops the members for which `is_dropped` says so. */
static void drop_if(struct json *object, bool (*is_dropped)(const struct json *value))
{
    if (object == NULL || object->type != JSON_OBJECT) {
        return;
    }
    struct json **at = &object->child;
    while (*at != NULL) {
        if (is_dropped(*at)) {
            *at = (*at)->next;
            object->count--;
        } else {
            at = &(*at)->next;
        }
    }
}

static void drop(struct json *object, const char *key)
{
    for (struct json **at = &object->child; *at != NULL; at = &(*at)->next) {
        if (str_eq((*at)->key, str_from(key))) {
            *at = (*at)->next;
            object->count--;
            return;
        }
    }
}

static bool is_not_kept(const struct json *value)
{
    return is_unset(value) || !is_one_of(value->key, kept, COUNT_OF(kept));
}

static bool is_no_nodes(const struct json *value)
{
    return is_unset(value) || !str_eq(value->key, STR("nodes"));
}

static bool is_model(const struct json *value)
{
    return str_eq(value->key, STR("model"));
}

static bool is_true(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, key);
    return value != NULL && value->type == JSON_BOOL && value->as.boolean;
}

/* --- columns --------------------------------------------------------------------------------- */

static bool is_no_column_part(const struct json *value)
{
    static const char *const parts[] = {"name", "data_type", "description", "constraints", "quote"};
    return is_unset(value) || !is_one_of(value->key, parts, COUNT_OF(parts));
}

static bool is_column_of_name_only(const struct json *value)
{
    return value->type != JSON_OBJECT || value->count <= 1;
}

/* Types are kept for the asset's column schema, descriptions for persist_docs, constraints for a
 * contract. */
static void trim_columns(struct json *tree)
{
    const struct json *config = json_get(tree, "config");
    struct json *columns = member(tree, "columns");
    bool has_contract = is_true(json_get(config, "contract"), "enforced");
    bool has_docs = is_true(json_get(config, "persist_docs"), "columns");
    if (columns == NULL || columns->type != JSON_OBJECT) {
        return;
    }
    for (struct json *column = columns->child; column != NULL; column = column->next) {
        drop_if(column, is_no_column_part);
        if (!has_docs && column->type == JSON_OBJECT) {
            drop(column, "description");
        }
        if (!has_contract && column->type == JSON_OBJECT) {
            drop(column, "constraints");
        }
    }
    if (!has_contract && !has_docs) {
        drop_if(columns, is_column_of_name_only);
    }
}

/* --- the rest -------------------------------------------------------------------------------- */

/* Are all tags also tags of config? */
static bool has_all(const struct json *list, const struct json *wanted)
{
    for (const struct json *w = wanted->child; w != NULL; w = w->next) {
        const struct json *in = list == NULL ? NULL : list->child;
        while (in != NULL && !(in->type == JSON_STRING && w->type == JSON_STRING &&
                               str_eq(in->as.string, w->as.string))) {
            in = in->next;
        }
        if (in == NULL) {
            return false;
        }
    }
    return true;
}

static void drop_repeated(const struct dbt_node *node, struct json *tree)
{
    const struct json *config = json_get(tree, "config");
    const struct json *tags = json_get(tree, "tags");
    if (node->type != DBT_SAVED_QUERY && tags != NULL && tags->type == JSON_ARRAY &&
        has_all(json_get(config, "tags"), tags)) {
        drop(tree, "tags");
    }
    if (json_get(config, "meta") != NULL) {
        drop(tree, "meta");
    }
    if (node->type != DBT_SEED && node->type != DBT_UNIT_TEST) {
        drop(tree, "checksum");
    }
    if (!is_true(json_get(tree, "contract"), "enforced")) {
        drop(tree, "contract");
    }
    if (node->type == DBT_TEST && node->relation_name.len == 0) {
        drop(tree, "alias"); /* of a table that is not made */
    }
    if (json_get(tree, "extra_ctes") == NULL || is_true(tree, "extra_ctes_injected")) {
        drop(tree, "extra_ctes");
        drop(tree, "extra_ctes_injected");
    }
}

static struct json *add(struct json *object, struct arena *arena, enum json_type type,
                        const char *key)
{
    struct json *value = arena_alloc(arena, sizeof(*value));
    if (value == NULL) {
        return NULL;
    }
    *value = (struct json){.type = type, .key = str_from(key)};
    struct json **at = &object->child;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = value;
    object->count++;
    return value;
}

static bool add_text(struct json *object, struct arena *arena, const char *key, struct str text)
{
    struct json *value = add(object, arena, JSON_STRING, key);
    if (value != NULL) {
        value->as.string = text;
    }
    return value != NULL;
}

static bool add_uses(const struct dbt_node *node, struct json *tree, struct arena *arena)
{
    struct json *list = node->uses == 0 ? NULL : add(tree, arena, JSON_ARRAY, "uses");
    for (uint8_t bit = 1; list != NULL && bit <= DBT_USES_ENVIRONMENT; bit = (uint8_t)(bit << 1)) {
        if ((node->uses & bit) != 0 && !add_text(list, arena, "", dbt_uses_name(bit))) {
            return false;
        }
    }
    return node->uses == 0 || list != NULL;
}

static bool add_code_hash(struct json *tree, struct arena *arena, struct str raw_code)
{
    uint8_t hash[SHA1_BYTES];
    char text[2 * SHA1_BYTES];
    sha1(raw_code, hash);
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        text[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    struct str copy = arena_copy(arena, (struct str){text, sizeof(text)});
    return copy.ptr != NULL && add_text(tree, arena, "raw_code_sha1", copy);
}

static struct str text_of(const struct json *value)
{
    return value->type == JSON_STRING ? value->as.string : STR_NONE;
}

/* dbt writes them in another order each time that it compiles. */
static void sort_texts(struct json *list)
{
    struct json *sorted = NULL;
    while (list != NULL && list->type == JSON_ARRAY && list->child != NULL) {
        struct json *taken = list->child;
        struct json **at = &sorted;
        list->child = taken->next;
        while (*at != NULL && str_cmp(text_of(*at), text_of(taken)) < 0) {
            at = &(*at)->next;
        }
        taken->next = *at;
        *at = taken;
    }
    if (list != NULL && list->type == JSON_ARRAY) {
        list->child = sorted;
    }
}

static bool is_not_compared(const struct json *value)
{
    static const char *const dropped[] = {"attached_node",
                                          "compiled_code",
                                          "compiled_code_incremental",
                                          "extra_ctes",
                                          "extra_ctes_injected",
                                          "index",
                                          "is_paired",
                                          "language",
                                          "loader",
                                          "loaded_at_query",
                                          "meta",
                                          "original_file_path",
                                          "patch_path",
                                          "relation_name",
                                          "root_path",
                                          "seed_text",
                                          "uses"};
    return is_one_of(value->key, dropped, COUNT_OF(dropped));
}

bool bundle_trim_compared(const struct dbt_node *node, struct json *tree, struct str macros,
                          struct arena *arena, struct err *err)
{
    const struct bundle_more more = {.macros = macros};
    if (!bundle_trim(node, tree, &more, arena, err)) {
        return false;
    }
    drop_if(tree, is_not_compared);
    if (node->type != DBT_EXPOSURE) {
        drop(tree, "depends_on");
    }
    return true;
}

bool bundle_trim(const struct dbt_node *node, struct json *tree, const struct bundle_more *more,
                 struct arena *arena, struct err *err)
{
    const struct json *raw_code = json_get(tree, "raw_code");
    bool has_code =
        raw_code != NULL && raw_code->type == JSON_STRING && raw_code->as.string.len > 0;
    sort_texts(member(member(tree, "depends_on"), "nodes"));
    drop_if(member(tree, "config"), is_unset);
    drop_if(tree, is_not_kept);
    drop_if(member(tree, "depends_on"), is_no_nodes);
    drop_if(member(member(tree, "test_metadata"), "kwargs"), is_model);
    drop_repeated(node, tree);
    trim_columns(tree);
    drop_if(tree, is_unset); /* what became empty */
    struct json *paired = node->is_paired ? add(tree, arena, JSON_BOOL, "is_paired") : NULL;
    if (paired != NULL) {
        paired->as.boolean = true;
    }
    bool ok = !node->is_paired || paired != NULL;
    ok = ok && (!has_code || add_code_hash(tree, arena, raw_code->as.string)) &&
         (more->incremental.ptr == NULL ||
          add_text(tree, arena, "compiled_code_incremental", more->incremental)) &&
         (more->seed_text.ptr == NULL || add_text(tree, arena, "seed_text", more->seed_text)) &&
         (more->macros.len == 0 || add_text(tree, arena, "macros_sha1", more->macros)) &&
         add_uses(node, tree, arena);
    return ok || err_set(err, ERR_NO_MEMORY, "no memory for a node");
}
