#include "agent/meltano/settings.h"

#include <assert.h>
#include <string.h>

/* Extras that every plugin of a type has, in the grammar of lock files
 * (meltano 4.2.2, core/plugin/singer, dbt/base.py, file.py, superset.py). */
static const char *const extras_of_type[MELTANO_TYPES] = {
    [MELTANO_EXTRACTORS] =
        "[{\"name\":\"_log_parser\",\"value\":\"singer-sdk\"},{\"name\":\"_catalog\"},"
        "{\"name\":\"_state\"},"
        "{\"name\":\"_load_schema\",\"value\":\"$MELTANO_EXTRACTOR_NAMESPACE\"},"
        "{\"name\":\"_select\",\"kind\":\"array\",\"value\":[\"*.*\"]},"
        "{\"name\":\"_metadata\",\"aliases\":[\"metadata\"],\"kind\":\"object\",\"value\":{},"
        "\"value_processor\":\"nest_object\"},"
        "{\"name\":\"_schema\",\"kind\":\"object\",\"value\":{},"
        "\"value_processor\":\"nest_object\"},"
        "{\"name\":\"_select_filter\",\"kind\":\"array\",\"value\":[]},"
        "{\"name\":\"_use_cached_catalog\",\"kind\":\"boolean\",\"value\":true}]",
    [MELTANO_LOADERS] = "[{\"name\":\"_log_parser\",\"value\":\"singer-sdk\"},"
                        "{\"name\":\"_dialect\",\"value\":\"$MELTANO_LOADER_NAMESPACE\"}]",
    [MELTANO_TRANSFORMS] =
        "[{\"name\":\"_package_name\",\"value\":\"$MELTANO_TRANSFORM_NAMESPACE\"},"
        "{\"name\":\"_vars\",\"kind\":\"object\",\"value\":{}}]",
    [MELTANO_FILE_BUNDLES] =
        "[{\"name\":\"_update\",\"kind\":\"object\",\"aliases\":[\"update\"],\"value\":{}}]",
    [MELTANO_MAPPERS] =
        "[{\"name\":\"_mappings\",\"kind\":\"array\",\"aliases\":[\"mappings\"],\"value\":{}},"
        "{\"name\":\"_mapping_name\",\"kind\":\"string\",\"aliases\":[\"mapping_name\"]}]",
};
static const char superset_extras[] = "[{\"name\":\"_config_path\"}]";

/* meltano 4.2.2, bundle/settings.yml. */
static const char project_settings[] =
    "[{\"name\":\"default_environment\"},"
    "{\"name\":\"send_anonymous_usage_stats\",\"kind\":\"boolean\",\"value\":true},"
    "{\"name\":\"disable_tracking\",\"kind\":\"boolean\"},{\"name\":\"project_id\"},"
    "{\"name\":\"database_uri\",\"value\":\"sqlite:///$MELTANO_SYS_DIR_ROOT/meltano.db\"},"
    "{\"name\":\"database_max_retries\",\"kind\":\"integer\",\"value\":3},"
    "{\"name\":\"database_retry_timeout\",\"kind\":\"integer\",\"value\":5},"
    "{\"name\":\"project_readonly\",\"kind\":\"boolean\",\"value\":false},"
    "{\"name\":\"hub_api_root\"},"
    "{\"name\":\"hub_url\",\"value\":\"https://hub.meltano.com\"},{\"name\":\"hub_url_auth\"},"
    "{\"name\":\"elt.buffer_size\",\"kind\":\"integer\",\"value\":104857600},"
    "{\"name\":\"python\"},{\"name\":\"auto_install\",\"kind\":\"boolean\",\"value\":true},"
    "{\"name\":\"state_backend.uri\",\"value\":\"systemdb\"},"
    "{\"name\":\"state_backend.lock_timeout_seconds\",\"kind\":\"integer\",\"value\":10},"
    "{\"name\":\"state_backend.lock_retry_seconds\",\"kind\":\"integer\",\"value\":1},"
    "{\"name\":\"cli.log_level\",\"kind\":\"string\",\"value\":\"info\"},"
    "{\"name\":\"cli.log_config\",\"value\":\"logging.yaml\"},"
    "{\"name\":\"cli.log_format\",\"kind\":\"string\",\"value\":\"colored\"},"
    "{\"name\":\"cli.disable_version_check\",\"kind\":\"boolean\",\"value\":false},"
    "{\"name\":\"snowplow.collector_endpoints\",\"kind\":\"array\","
    "\"value\":[\"https://sp.meltano.com\"]},"
    "{\"name\":\"venv.backend\",\"value\":\"uv\",\"kind\":\"string\"},"
    "{\"name\":\"experimental\",\"kind\":\"boolean\",\"value\":false},"
    "{\"name\":\"ff.strict_env_var_mode\",\"kind\":\"boolean\",\"value\":false},"
    "{\"name\":\"ff.plugin_locks_required\",\"kind\":\"boolean\",\"value\":false}]";

/* Of a lock file: what is no extra (meltano 4.2.2, StandalonePlugin, PluginDefinition, Variant). */
static const char *const definition_fields[] = {
    "plugin_type",
    "name",
    "namespace",
    "variant",
    "label",
    "docs",
    "repo",
    "pip_url",
    "python",
    "executable",
    "description",
    "logo_url",
    "capabilities",
    "settings",
    "commands",
    "requires",
    "env",
    "requires_meltano",
    "settings_group_validation",
    "supported_python_versions",
    "hidden",
    "original",
    "deprecated",
    "is_default_variant",
};

bool setting_is_extra(const struct setting *setting)
{
    return str_starts(setting->name, STR("_"));
}

struct str setting_alias(const struct setting *setting, size_t index)
{
    const struct json *aliases = tree_get_typed(setting->entry, "aliases", JSON_ARRAY);
    const struct json *alias = aliases == NULL ? NULL : aliases->child;
    for (; alias != NULL && index > 0; index--) {
        alias = alias->next;
    }
    return alias != NULL && alias->type == JSON_STRING ? alias->as.string : STR_NONE;
}

static bool grow(struct settings *s)
{
    size_t cap = s->cap == 0 ? 64 : 2 * s->cap;
    struct setting *items = cap > SETTINGS_MAX ? NULL : arena_array(s->arena, cap, sizeof(*items));
    if (items == NULL) {
        s->arena->exhausted = true;
        return false;
    }
    if (s->count > 0) {
        memcpy(items, s->items, s->count * sizeof(*items));
    }
    s->items = items;
    s->cap = cap;
    return true;
}

static void add(struct settings *s, const struct setting *setting)
{
    if ((s->count == s->cap && !grow(s)) ||
        !strmap_put(&s->index, setting->name, (uint32_t)s->count)) {
        return; /* the arena remembers */
    }
    s->items[s->count++] = *setting;
}

static bool has(const struct settings *s, struct str name)
{
    uint32_t at = 0;
    return strmap_get(&s->index, name, &at);
}

static const struct json *not_null(const struct json *node)
{
    return node == NULL || node->type == JSON_NULL ? NULL : node;
}

static bool is_true(const struct json *node)
{
    return node != NULL && node->type == JSON_BOOL && node->as.boolean;
}

static struct setting setting_from_entry(const struct json *entry)
{
    static const struct {
        const char *word;
        enum setting_kind kind;
    } kinds[] = {
        {"integer", KIND_INTEGER}, {"boolean", KIND_BOOLEAN},   {"decimal", KIND_DECIMAL},
        {"array", KIND_ARRAY},     {"date_iso8601", KIND_DATE}, {"object", KIND_OBJECT},
        {"options", KIND_OPTIONS},
    };
    struct str word = tree_get_str(entry, "kind");
    struct setting setting = {.name = tree_get_str(entry, "name"),
                              .entry = entry,
                              .value = not_null(json_get(entry, "value")),
                              .is_sensitive = is_true(json_get(entry, "sensitive")) ||
                                              str_eq(word, STR("password")) ||
                                              str_eq(word, STR("oauth"))};
    setting.kind = word.len == 0 ? KIND_NONE : KIND_STRING;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (str_eq(word, str_from(kinds[i].word))) {
            setting.kind = kinds[i].kind;
        }
    }
    return setting;
}

static enum setting_kind kind_of_value(const struct json *value)
{
    switch (value->type) {
    case JSON_BOOL:
        return KIND_BOOLEAN;
    case JSON_INT:
        return KIND_INTEGER;
    case JSON_REAL:
        return KIND_DECIMAL;
    case JSON_ARRAY:
        return KIND_ARRAY;
    case JSON_OBJECT:
        return KIND_OBJECT;
    case JSON_NULL:
    case JSON_STRING:
        break;
    }
    return KIND_NONE;
}

enum missing { MISSING_CUSTOM, MISSING_DEFAULT };

/* A setting for each key of a config that has none. */
static void add_missing(struct settings *s, const struct flat *config, enum missing what)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct json *value = config->values[i];
        if (!has(s, config->keys[i])) {
            add(s, &(struct setting){.name = config->keys[i],
                                     .kind = kind_of_value(value),
                                     .value = what == MISSING_DEFAULT ? not_null(value) : NULL,
                                     .key = what == MISSING_DEFAULT ? NULL : value,
                                     .is_custom = what == MISSING_CUSTOM});
        }
    }
}

static void add_entries(struct settings *s, const struct json *list)
{
    for (const struct json *e = list == NULL ? NULL : list->child; e != NULL; e = e->next) {
        struct setting setting = setting_from_entry(e);
        if (setting.name.len > 0) {
            add(s, &setting);
        }
    }
}

static bool is_named(const struct json *list, struct str name)
{
    for (const struct json *e = list->child; e != NULL; e = e->next) {
        if (str_eq(tree_get_str(e, "name"), name)) {
            return true;
        }
    }
    return false;
}

/* Own settings replace inherited ones of their names. */
static void override(struct settings *s, const struct json *own)
{
    if (own == NULL) {
        return;
    }
    size_t kept = 0;
    struct strmap index = strmap_new(s->arena);
    for (size_t i = 0; i < s->count; i++) {
        if (!is_named(own, s->items[i].name)) {
            s->items[kept] = s->items[i];
            if (!strmap_put(&index, s->items[kept].name, (uint32_t)kept)) {
                return; /* the arena remembers */
            }
            kept++;
        }
    }
    s->count = kept;
    s->index = index;
    add_entries(s, own);
}

static void flatten_config(const struct json *entry, struct flat *into)
{
    tree_flatten(tree_get_typed(entry, "config", JSON_OBJECT), STR(""), into);
}

/* The chain of parents from its end, so that no recursion is needed. */
static size_t ancestors(const struct meltano_plugin *plugin, struct arena *arena,
                        const struct meltano_plugin ***ret)
{
    size_t count = 0;
    for (const struct meltano_plugin *p = plugin; p != NULL; p = p->parent) {
        count++;
    }
    const struct meltano_plugin **chain =
        arena_array(arena, count, sizeof(struct meltano_plugin *));
    size_t at = count;
    for (const struct meltano_plugin *p = plugin; chain != NULL && p != NULL; p = p->parent) {
        chain[--at] = p;
    }
    *ret = chain;
    return chain == NULL ? 0 : count;
}

static void add_own(struct settings *s, const struct meltano_plugin *plugin)
{
    if (plugin->parent == NULL) {
        add_entries(s, tree_get_typed(plugin->definition, "settings", JSON_ARRAY));
    }
    override(s, tree_get_typed(plugin->entry, "settings", JSON_ARRAY));
    struct flat config = {.arena = s->arena};
    flatten_config(plugin->entry, &config);
    add_missing(s, &config, MISSING_CUSTOM);
}

/* --- extras --- */

static void prefixed(const struct json *extras, struct flat *into)
{
    for (const struct json *m = extras == NULL ? NULL : extras->child; m != NULL; m = m->next) {
        struct str key = arena_printf(into->arena, "_" STR_FMT, STR_ARG(m->key));
        if (m->type == JSON_OBJECT && m->child != NULL) {
            tree_flatten(m, key, into);
        } else {
            flat_add(into, key, m);
        }
    }
}

static void add_constant(struct settings *s, const char *text)
{
    struct json *list = NULL;
    struct err err = {0};
    if (text != NULL) {
        bool ok = json_parse(str_from(text), strlen(text), s->arena, &list, &err);
        assert(ok || err.code != ERR_INVALID);
        if (ok) {
            add_entries(s, list);
        }
        s->arena->exhausted = s->arena->exhausted || !ok;
    }
}

static bool is_field(struct str key)
{
    for (size_t i = 0; i < COUNT_OF(definition_fields); i++) {
        if (str_eq(key, str_from(definition_fields[i]))) {
            return true;
        }
    }
    return false;
}

/* Extras of a lock file are defaults: of the type's own, or of settings of their own. */
static void add_definition_extras(struct settings *s, const struct meltano_plugin *plugin)
{
    struct json *extras = tree_new(s->arena, JSON_OBJECT);
    const struct json *m = plugin->definition == NULL ? NULL : plugin->definition->child;
    for (; m != NULL; m = m->next) {
        if (is_field(m->key)) {
            continue;
        }
        struct str name = arena_printf(s->arena, "_" STR_FMT, STR_ARG(m->key));
        uint32_t at = 0;
        if (strmap_get(&s->index, name, &at) && s->items != NULL && m->type != JSON_NULL) {
            s->items[at].value = m;
        }
        tree_set(extras, m->key, tree_copy(s->arena, m));
    }
    struct flat flat = {.arena = s->arena};
    prefixed(extras, &flat);
    add_missing(s, &flat, MISSING_DEFAULT);
}

static struct settings extras_of(const struct meltano_plugin *const *chain, size_t count,
                                 struct arena *arena)
{
    struct settings s = {.arena = arena, .index = strmap_new(arena)};
    const struct meltano_plugin *first = chain[0];
    bool is_superset =
        first->type == MELTANO_UTILITIES &&
        str_eq(first->inherit_from.len > 0 ? first->inherit_from : first->name, STR("superset"));
    add_constant(&s, is_superset ? superset_extras : extras_of_type[first->type]);
    add_definition_extras(&s, first);
    for (size_t i = 0; i < count; i++) {
        struct flat flat = {.arena = arena};
        prefixed(chain[i]->extras, &flat);
        add_missing(&s, &flat, MISSING_CUSTOM);
    }
    return s;
}

struct settings settings_of_plugin(const struct meltano_plugin *plugin,
                                   const struct json *in_environment, struct arena *arena)
{
    const struct meltano_plugin **chain = NULL;
    size_t count = ancestors(plugin, arena, &chain);
    struct settings s = {.arena = arena, .index = strmap_new(arena)};
    if (count == 0) {
        return s; /* the arena remembers */
    }
    for (size_t i = 0; i < count; i++) {
        add_own(&s, chain[i]);
    }
    struct settings extras = extras_of(chain, count, arena);
    for (size_t i = 0; i < extras.count; i++) {
        add(&s, &extras.items[i]);
    }
    struct flat config = config_of_environment(in_environment, arena);
    add_missing(&s, &config, MISSING_CUSTOM);
    return s;
}

struct settings settings_of_project(struct arena *arena)
{
    struct settings s = {.arena = arena, .index = strmap_new(arena)};
    add_constant(&s, project_settings);
    return s;
}

struct flat config_of_plugin(const struct meltano_plugin *plugin, struct arena *arena)
{
    struct flat flat = {.arena = arena};
    flatten_config(plugin->entry, &flat);
    prefixed(plugin->extras, &flat);
    return flat;
}

struct flat config_of_environment(const struct json *in_environment, struct arena *arena)
{
    static const char *const fields[] = {"name", "config", "env", "annotations"};
    struct flat flat = {.arena = arena};
    struct json *extras = tree_new(arena, JSON_OBJECT);
    const struct json *m = in_environment == NULL ? NULL : in_environment->child;
    for (; m != NULL; m = m->next) {
        bool is_extra = true;
        for (size_t i = 0; i < COUNT_OF(fields); i++) {
            is_extra = is_extra && !str_eq(m->key, str_from(fields[i]));
        }
        if (is_extra) {
            tree_set(extras, m->key, tree_copy(arena, m));
        }
    }
    flatten_config(in_environment, &flat);
    prefixed(extras, &flat);
    return flat;
}
