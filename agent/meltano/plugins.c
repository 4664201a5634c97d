/* plugins.c - the entries of `plugins:`: which definition each has, and from whom it inherits. */
#include "agent/meltano/reading.h"

#include <string.h>

static const struct {
    const char *name;
    const char *one;
} types[MELTANO_TYPES] = {
    [MELTANO_EXTRACTORS] = {"extractors", "extractor"},
    [MELTANO_LOADERS] = {"loaders", "loader"},
    [MELTANO_TRANSFORMS] = {"transforms", "transform"},
    [MELTANO_ORCHESTRATORS] = {"orchestrators", "orchestrator"},
    [MELTANO_TRANSFORMERS] = {"transformers", "transformer"},
    [MELTANO_FILE_BUNDLES] = {"files", "file bundle"},
    [MELTANO_UTILITIES] = {"utilities", "utility"},
    [MELTANO_MAPPERS] = {"mappers", "mapper"},
};

const char *meltano_type_name(enum meltano_type type)
{
    return types[type].name;
}

const char *meltano_type_one(enum meltano_type type)
{
    return types[type].one;
}

const char *meltano_origin_name(enum meltano_origin origin)
{
    static const char *const names[] = {[MELTANO_CUSTOM] = "custom",
                                        [MELTANO_LOCKED] = "locked",
                                        [MELTANO_INHERITED] = "inherited",
                                        [MELTANO_UNDEFINED] = "undefined"};
    return names[origin];
}

/* Fields of an entry; everything else beside `name` is an extra. */
static const char *const plugin_fields[] = {
    "name",       "inherit_from",     "namespace",
    "variant",    "pip_url",          "python",
    "executable", "capabilities",     "settings_group_validation",
    "settings",   "commands",         "requires",
    "config",     "requires_meltano", "default_variant",
    "env",        "hidden",           "label",
    "logo_url",   "description",      "annotations",
};
/* Meltano keeps these as extras; nobody reads them, and they are no mistake. */
static const char *const told_fields[] = {
    "docs",     "repo",   "ext_repo",   "plugin_type",
    "keywords", "domain", "deprecated", "supported_python_versions"};
static const char *const custom_fields[] = {
    "docs", "repo", "original", "deprecated", "supported_python_versions", "is_default_variant"};
static const char *const extras_of[MELTANO_TYPES][10] = {
    [MELTANO_EXTRACTORS] = {"catalog", "state", "select", "select_filter", "metadata", "schema",
                            "load_schema", "use_cached_catalog", "log_parser"},
    [MELTANO_LOADERS] = {"dialect", "log_parser"},
    [MELTANO_TRANSFORMS] = {"vars", "package_name"},
    [MELTANO_FILE_BUNDLES] = {"update"},
    [MELTANO_UTILITIES] = {"config_path"},
    [MELTANO_MAPPERS] = {"mappings", "log_parser"},
};

static bool is_one_of(struct str key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && names[i] != NULL; i++) {
        if (str_eq(key, str_from(names[i]))) {
            return true;
        }
    }
    return false;
}

static void nearest(struct str wanted, const char *const *names, size_t count, struct str *best,
                    size_t *best_distance)
{
    for (size_t i = 0; i < count && names[i] != NULL; i++) {
        size_t distance = str_distance(wanted, str_from(names[i]));
        if (distance <= 2 && 2 * distance <= wanted.len &&
            (best->len == 0 || distance < *best_distance)) {
            *best = str_from(names[i]);
            *best_distance = distance;
        }
    }
}

static void warn_member(struct reading *r, const struct json *member, const char *what,
                        struct str best)
{
    char hint[96];
    struct buf out = buf_fixed(hint, sizeof(hint));
    if (best.len > 0) {
        buf_addf(&out, "did you mean " STR_FMT "?", STR_ARG(best));
    }
    problems_add(&r->report->warnings, at_key(member), buf_str(&out),
                 "%s: nobody reads the key " STR_FMT, what, STR_ARG(str_clip(member->key, 80)));
}

void warn_unknown(struct reading *r, const struct json *object, const char *what,
                  const char *const *known, size_t count)
{
    for (const struct json *m = object->child; m != NULL; m = m->next) {
        if (!is_one_of(m->key, known, count)) {
            struct str best = STR_NONE;
            size_t distance = 0;
            nearest(m->key, known, count, &best, &distance);
            warn_member(r, m, what, best);
        }
    }
}

const struct json *list_of_objects(struct reading *r, const struct json *object, const char *key)
{
    const struct json *list = json_get(object, key);
    if (list == NULL || list->type == JSON_NULL) {
        return NULL;
    }
    if (list->type != JSON_ARRAY) {
        problems_add(&r->report->errors, at_node(list), STR_NONE, "%s: expected a list, got %s",
                     key, json_type_name(list->type));
        return NULL;
    }
    for (const struct json *item = list->child; item != NULL; item = item->next) {
        if (item->type != JSON_OBJECT) {
            problems_add(&r->report->errors, at_node(item), STR("begin it with \"- name: ...\""),
                         "%s: expected an object with a name, got %s", key,
                         json_type_name(item->type));
            return NULL;
        }
    }
    return list->child;
}

struct str name_of(struct reading *r, const struct json *entry, const char *what)
{
    struct str name = tree_get_str(entry, "name");
    if (name.len == 0) {
        problems_add(&r->report->errors, at_node(entry), STR("give it a name"), "a %s has no name",
                     what);
    } else if (str_contains(name, STR(":"))) {
        problems_add(&r->report->errors, at_member(entry, "name"),
                     STR("take another name: ':' separates the parts of a state id"),
                     "%s " STR_FMT ": a name has no ':'", what, STR_ARG(str_clip(name, 80)));
        return STR_NONE;
    }
    return name;
}

/* --- extras --- */

static bool is_extra(const struct meltano_plugin *plugin, struct str key)
{
    if (is_one_of(key, plugin_fields, COUNT_OF(plugin_fields))) {
        return false;
    }
    return plugin->origin != MELTANO_CUSTOM ||
           !is_one_of(key, custom_fields, COUNT_OF(custom_fields));
}

static void take_extras(struct reading *r, struct meltano_plugin *plugin)
{
    struct json *extras = tree_new(r->arena, JSON_OBJECT);
    const char *const *known = extras_of[plugin->type];
    for (const struct json *m = plugin->entry->child; m != NULL; m = m->next) {
        if (!is_extra(plugin, m->key)) {
            continue;
        }
        tree_set(extras, m->key, tree_copy(r->arena, m));
        struct str first = STR_NONE; /* of "metadata.orders.replication-key" */
        struct str rest = STR_NONE;
        (void)str_cut(m->key, '.', &first, &rest);
        if (plugin->mapping.len == 0 && !is_one_of(first, known, COUNT_OF(extras_of[0])) &&
            !is_one_of(first, told_fields, COUNT_OF(told_fields))) {
            struct str best = STR_NONE;
            size_t distance = 0;
            nearest(m->key, plugin_fields, COUNT_OF(plugin_fields), &best, &distance);
            nearest(m->key, known, COUNT_OF(extras_of[0]), &best, &distance);
            warn_member(r, m, types[plugin->type].one, best);
        }
    }
    plugin->extras = extras;
}

/* --- lock files --- */

/* The only variant that there is a lock file of, when the entry names none. */
static struct str only_lock(struct reading *r, enum meltano_type type, struct str name)
{
    AUTO(buf) names = buf_growing(FOLDER_BYTES_MAX);
    struct err err = {0};
    struct str dir =
        arena_printf(r->arena, STR_FMT "/plugins/%s", STR_ARG(r->project->dir), types[type].name);
    struct str prefix = arena_printf(r->arena, "f" STR_FMT "--", STR_ARG(name));
    struct str found = STR_NONE;
    if (dir.ptr == NULL || prefix.ptr == NULL ||
        !r->files->list_folder(r->files->ctx, dir.ptr, &names, &err)) {
        return STR_NONE;
    }
    struct str rest = buf_str(&names);
    struct str entry = STR_NONE;
    while (str_cut(rest, '\0', &entry, &rest)) {
        if (str_starts(entry, prefix) && str_ends(entry, STR(".lock"))) {
            if (found.len > 0) {
                return STR_NONE; /* which one? */
            }
            found = arena_printf(r->arena, STR_FMT "/" STR_FMT, STR_ARG(dir),
                                 STR_ARG(str_slice(entry, 1, entry.len)));
        }
    }
    return found;
}

/* False: there is no such file, or it was reported. */
static bool try_lock(struct reading *r, struct meltano_plugin *plugin, struct str path)
{
    AUTO(buf) text = buf_growing(LOCK_BYTES_MAX);
    struct json *root = NULL;
    struct err err = {0};
    if (path.ptr == NULL || !r->files->read_file(r->files->ctx, path.ptr, &text, &err)) {
        if (path.ptr != NULL && err.code != ERR_NOT_FOUND) {
            problems_add(&r->report->errors, plugin->at, str_from(err.hint), "%s", err.msg);
        }
        return false;
    }
    if (!json_parse(buf_str(&text), LOCK_BYTES_MAX, r->arena, &root, &err)) {
        problems_add(&r->report->errors, plugin->at, STR("write it anew: meltano lock --update"),
                     STR_FMT ": %s", STR_ARG(path), err.msg);
        return false;
    }
    if (root->type != JSON_OBJECT) {
        problems_add(&r->report->errors, plugin->at, STR("write it anew: meltano lock --update"),
                     STR_FMT ": expected an object", STR_ARG(path));
        return false;
    }
    plugin->definition = root;
    plugin->lock = path;
    return true;
}

static bool find_lock(struct reading *r, struct meltano_plugin *plugin)
{
    struct str name = plugin->inherit_from.len > 0 ? plugin->inherit_from : plugin->name;
    struct str variant = tree_get_str(plugin->entry, "variant");
    if (str_contains(name, STR("/")) || str_contains(variant, STR("/"))) {
        return false;
    }
    const char *type = types[plugin->type].name;
    if (variant.len > 0) {
        return try_lock(r, plugin,
                        arena_printf(r->arena, STR_FMT "/plugins/%s/" STR_FMT "--" STR_FMT ".lock",
                                     STR_ARG(r->project->dir), type, STR_ARG(name),
                                     STR_ARG(variant)));
    }
    return try_lock(r, plugin,
                    arena_printf(r->arena, STR_FMT "/plugins/%s/" STR_FMT "--default.lock",
                                 STR_ARG(r->project->dir), type, STR_ARG(name))) ||
           try_lock(r, plugin,
                    arena_printf(r->arena, STR_FMT "/plugins/%s/" STR_FMT ".lock",
                                 STR_ARG(r->project->dir), type, STR_ARG(name))) ||
           try_lock(r, plugin, only_lock(r, plugin->type, name));
}

/* --- definitions --- */

static struct meltano_plugin *find_of(struct meltano_project *p, enum meltano_type type,
                                      struct str name)
{
    for (size_t i = 0; i < p->plugin_count; i++) {
        if (p->plugins[i].type == type && str_eq(p->plugins[i].name, name)) {
            return &p->plugins[i];
        }
    }
    return NULL;
}

/* From whom it has what it does not say. */
static void find_origin(struct reading *r, struct meltano_plugin *plugin)
{
    struct str parent_name = tree_get_str(plugin->entry, "inherit_from");
    bool has_parent = parent_name.len > 0 && !str_eq(parent_name, plugin->name);
    bool has_variant = tree_get_str(plugin->entry, "variant").len > 0;
    plugin->inherit_from = has_parent ? parent_name : STR_NONE;
    if (!has_parent && tree_get_str(plugin->entry, "namespace").len > 0) {
        plugin->origin = MELTANO_CUSTOM;
        return;
    }
    const struct meltano_plugin *parent =
        has_parent && !has_variant ? find_of(r->project, plugin->type, parent_name) : NULL;
    if (parent != NULL) {
        plugin->origin = MELTANO_INHERITED;
        plugin->parent = parent;
        return;
    }
    size_t before = r->report->errors.total;
    plugin->origin = find_lock(r, plugin) ? MELTANO_LOCKED : MELTANO_UNDEFINED;
    if (plugin->origin == MELTANO_UNDEFINED && r->report->errors.total == before &&
        plugin->mapping.len == 0) {
        struct str variant = tree_get_str(plugin->entry, "variant");
        struct str name = has_parent ? parent_name : plugin->name;
        problems_add(&r->report->warnings, plugin->at,
                     STR("write it where Meltano is installed: meltano lock --all"),
                     "%s " STR_FMT ": there is no lock file plugins/%s/" STR_FMT "%s" STR_FMT
                     ".lock; its settings are those of its config",
                     types[plugin->type].one, STR_ARG(plugin->name), types[plugin->type].name,
                     STR_ARG(name), variant.len > 0 ? "--" : "", STR_ARG(variant));
    }
}

/* Whoever inherits from itself has no end. */
static bool is_endless(const struct meltano_plugin *plugin)
{
    size_t steps = 0;
    const struct meltano_plugin *at = plugin->parent;
    while (at != NULL && at != plugin && steps < PLUGINS_MAX) {
        at = at->parent;
        steps++;
    }
    return at != NULL;
}

/* Its own text, else its parent's, else the definition's. */
static struct str inherited(const struct meltano_plugin *plugin, const char *key)
{
    for (; plugin != NULL; plugin = plugin->parent) {
        struct str text = tree_get_str(plugin->entry, key);
        if (text.len == 0) {
            text = tree_get_str(plugin->definition, key);
        }
        if (text.len > 0) {
            return text;
        }
    }
    return STR_NONE;
}

static struct str underscored(struct reading *r, struct str name)
{
    AUTO(buf) out = buf_growing(name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        bool is_dash = name.ptr[i] == '-';
        buf_add(&out, is_dash ? STR("_") : str_slice(name, i, i + 1));
    }
    return arena_copy(r->arena, buf_str(&out));
}

static struct str namespace_of(struct reading *r, const struct meltano_plugin *plugin)
{
    struct str own = tree_get_str(plugin->entry, "namespace");
    if (own.len == 0 && plugin->inherit_from.len == 0) {
        own = tree_get_str(plugin->definition, "namespace");
    }
    return own.len > 0 ? own : underscored(r, plugin->name);
}

/* Of the definition at the end of the parents: a program is called like it when nobody says. */
static struct str definition_name(const struct meltano_plugin *plugin)
{
    while (plugin->parent != NULL) {
        plugin = plugin->parent;
    }
    struct str name = tree_get_str(plugin->definition, "name");
    if (name.len == 0 && plugin->inherit_from.len > 0) {
        return plugin->inherit_from;
    }
    return name.len > 0 ? name : plugin->name;
}

/* A child shares its parent's environment unless it installs something else. */
static struct str folder_of(const struct meltano_plugin *plugin)
{
    while (plugin->inherit_from.len > 0) {
        struct str own = tree_get_str(plugin->entry, "pip_url");
        struct str parents = plugin->parent != NULL ? inherited(plugin->parent, "pip_url")
                                                    : tree_get_str(plugin->definition, "pip_url");
        if (own.len > 0 && !str_eq(own, parents)) {
            return plugin->name;
        }
        if (plugin->parent == NULL) {
            return definition_name(plugin);
        }
        plugin = plugin->parent;
    }
    return plugin->name;
}

static void complete(struct reading *r, struct meltano_plugin *plugin)
{
    plugin->namespace = namespace_of(r, plugin);
    plugin->variant = inherited(plugin, "variant");
    plugin->pip_url = inherited(plugin, "pip_url");
    plugin->executable = inherited(plugin, "executable");
    if (plugin->executable.len == 0) {
        plugin->executable = definition_name(plugin);
    }
    plugin->folder = folder_of(plugin);
}

/* --- reading --- */

static void check_shape(struct reading *r, const struct meltano_plugin *plugin)
{
    static const struct {
        const char *key;
        enum json_type type;
    } shapes[] = {{"config", JSON_OBJECT},   {"env", JSON_OBJECT},       {"settings", JSON_ARRAY},
                  {"commands", JSON_OBJECT}, {"mappings", JSON_ARRAY},   {"pip_url", JSON_STRING},
                  {"variant", JSON_STRING},  {"executable", JSON_STRING}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const struct json *member = json_get(plugin->entry, shapes[i].key);
        if (member != NULL && member->type != shapes[i].type && member->type != JSON_NULL) {
            problems_add(&r->report->errors, at_node(member), STR_NONE,
                         "%s " STR_FMT ": %s: expected %s, got %s", types[plugin->type].one,
                         STR_ARG(plugin->name), shapes[i].key, json_type_name(shapes[i].type),
                         json_type_name(member->type));
        }
    }
}

static struct meltano_plugin *add_plugin(struct reading *r, enum meltano_type type,
                                         const struct json *entry)
{
    struct meltano_project *p = r->project;
    struct str name = name_of(r, entry, types[type].one);
    if (name.len == 0) {
        return NULL;
    }
    if (p->plugin_count == PLUGINS_MAX) {
        problems_add(&r->report->errors, at_node(entry), STR_NONE, "there are more than %d plugins",
                     PLUGINS_MAX);
        return NULL;
    }
    const struct meltano_plugin *first = find_of(p, type, name);
    if (first != NULL) {
        problems_add(&r->report->warnings, at_node(entry), STR("take one of the two away"),
                     "%s " STR_FMT " is defined twice; the one in line %u counts", types[type].one,
                     STR_ARG(name), first->at.line);
        return NULL;
    }
    struct meltano_plugin *plugin = &p->plugins[p->plugin_count++];
    *plugin =
        (struct meltano_plugin){.type = type, .name = name, .entry = entry, .at = at_node(entry)};
    check_shape(r, plugin);
    return plugin;
}

/* Meltano makes a plugin of each mapping: the mapper with the mapping's config as its own. */
static void add_mappings(struct reading *r, const struct json *entry)
{
    struct meltano_project *p = r->project;
    for (const struct json *m = list_of_objects(r, entry, "mappings"); m != NULL; m = m->next) {
        struct str name = name_of(r, m, "mapping");
        if (name.len == 0 || p->plugin_count == PLUGINS_MAX) {
            continue;
        }
        struct json *copy = tree_copy(r->arena, entry);
        const struct json *config = tree_get_typed(m, "config", JSON_OBJECT);
        struct json *is_mapping = tree_new(r->arena, JSON_BOOL);
        if (is_mapping == NULL || copy == NULL) {
            return; /* the arena remembers */
        }
        is_mapping->as.boolean = true;
        tree_set(copy, STR("config"),
                 config == NULL ? tree_new(r->arena, JSON_OBJECT) : tree_copy(r->arena, config));
        tree_set(copy, STR("mapping"), is_mapping);
        tree_set(copy, STR("mapping_name"), tree_str(r->arena, name));
        p->plugins[p->plugin_count++] = (struct meltano_plugin){.type = MELTANO_MAPPERS,
                                                                .name = tree_get_str(entry, "name"),
                                                                .mapping = name,
                                                                .entry = copy,
                                                                .at = at_node(m)};
    }
}

static void read_type(struct reading *r, const struct json *plugins, enum meltano_type type)
{
    const struct json *entry = list_of_objects(r, plugins, types[type].name);
    for (; entry != NULL && !r->arena->exhausted; entry = entry->next) {
        struct meltano_plugin *plugin = add_plugin(r, type, entry);
        if (plugin != NULL && type == MELTANO_MAPPERS) {
            add_mappings(r, entry);
        }
    }
}

bool read_plugins(struct reading *r)
{
    struct meltano_project *p = r->project;
    const struct json *plugins = json_get(p->tree, "plugins");
    p->plugins = arena_array(r->arena, PLUGINS_MAX, sizeof(*p->plugins));
    if (p->plugins == NULL) {
        return false;
    }
    if (plugins != NULL && plugins->type != JSON_OBJECT && plugins->type != JSON_NULL) {
        problems_add(&r->report->errors, at_node(plugins), STR("write extractors:, loaders:, ..."),
                     "plugins: expected lists by type, got %s", json_type_name(plugins->type));
        return false;
    }
    for (int type = 0; type < MELTANO_TYPES; type++) {
        read_type(r, plugins, (enum meltano_type)type);
    }
    const char *known[MELTANO_TYPES];
    for (int type = 0; type < MELTANO_TYPES; type++) {
        known[type] = types[type].name;
    }
    if (plugins != NULL && plugins->type == JSON_OBJECT) {
        warn_unknown(r, plugins, "plugins", known, COUNT_OF(known));
    }
    for (size_t i = 0; i < p->plugin_count; i++) {
        find_origin(r, &p->plugins[i]);
    }
    for (size_t i = 0; i < p->plugin_count; i++) {
        struct meltano_plugin *plugin = &p->plugins[i];
        if (is_endless(plugin)) {
            problems_add(&r->report->errors, plugin->at, STR("end the circle of inherit_from"),
                         "%s " STR_FMT " inherits from itself", types[plugin->type].one,
                         STR_ARG(plugin->name));
            return false;
        }
    }
    for (size_t i = 0; i < p->plugin_count; i++) {
        complete(r, &p->plugins[i]);
        take_extras(r, &p->plugins[i]);
    }
    return !r->arena->exhausted;
}
