/* service.c - where a value comes from: the order of stores of meltano 4.2.2
 * (core/settings_store.py), and what a store may refer to (core/plugin/settings_service.py). */
#include "agent/meltano/service.h"

#include "agent/meltano/dotenv.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 4 << 20, NAMES_MAX = 64 };

void setting_problem(struct service *s, const struct setting *setting, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    const struct json *node = setting->key;
    uint32_t at = 0;
    if (node == NULL && strmap_get(&s->environment_config.index, setting->name, &at)) {
        node = s->environment_config.flat.values[at];
    } else if (node == NULL && strmap_get(&s->config.index, setting->name, &at)) {
        node = s->config.flat.values[at];
    }
    struct location place = node == NULL && s->plugin != NULL ? s->plugin->at : at_node(node);
    struct str who = s->plugin == NULL ? STR("meltano") : s->plugin->name;
    problems_add(s->problems, place, STR_NONE, STR_FMT ": " STR_FMT ": %s", STR_ARG(who),
                 STR_ARG(str_clip(setting->name, 120)), text);
}

/* --- names of variables --- */

struct names {
    struct str items[NAMES_MAX];
    size_t count;
};

static void offer(struct names *n, struct str name)
{
    for (size_t i = 0; i < n->count; i++) {
        if (str_eq(n->items[i], name)) {
            return;
        }
    }
    if (n->count < NAMES_MAX && name.len > 0) {
        n->items[n->count++] = name;
    }
}

static void offer_aliases(struct names *n, const struct setting *setting)
{
    const struct json *list = tree_get_typed(setting->entry, "env_aliases", JSON_ARRAY);
    for (const struct json *a = list == NULL ? NULL : list->child; a != NULL; a = a->next) {
        if (a->type == JSON_STRING && !str_starts(a->as.string, STR("!"))) {
            offer(n, a->as.string);
        }
    }
}

/* Variables that set a setting. The `env` of its definition does not: it is only written. */
static void names_to_read(struct service *s, const struct setting *setting, struct names *n)
{
    struct str prefixes[2] = {STR("meltano"), STR_NONE};
    if (s->plugin != NULL) {
        prefixes[0] = s->plugin->name;
        prefixes[1] = s->plugin->namespace;
    }
    struct str name = setting->name;
    for (size_t alias = 0; name.len > 0; alias++) {
        for (size_t i = 0; i < COUNT_OF(prefixes) && prefixes[i].len > 0; i++) {
            offer(n, env_name(s->arena, prefixes[i], name));
        }
        name = setting_alias(setting, alias);
    }
    if (s->plugin == NULL || s->plugin->inherit_from.len == 0) {
        offer_aliases(n, setting);
    }
}

static void names_to_write(struct service *s, const struct setting *setting, struct names *n)
{
    static const char *const verbs[MELTANO_TYPES] = {
        [MELTANO_EXTRACTORS] = "meltano_extract",
        [MELTANO_LOADERS] = "meltano_load",
        [MELTANO_TRANSFORMS] = "meltano_transform",
        [MELTANO_ORCHESTRATORS] = "meltano_orchestrat",
        [MELTANO_TRANSFORMERS] = "meltano_transform",
        [MELTANO_FILE_BUNDLES] = "meltano_fi",
        [MELTANO_UTILITIES] = "meltano_utilize",
        [MELTANO_MAPPERS] = "meltano_map",
    };
    offer(n, tree_get_str(setting->entry, "env"));
    const struct meltano_plugin *last = NULL;
    for (const struct meltano_plugin *p = s->plugin; p != NULL; p = p->parent) {
        offer(n, env_name(s->arena, p->name, setting->name));
        offer(n, env_name(s->arena, p->namespace, setting->name));
        last = p;
    }
    if (last != NULL) {
        struct str base = tree_get_str(last->definition, "name");
        struct str space = tree_get_str(last->definition, "namespace");
        if (base.len > 0) {
            offer(n, env_name(s->arena, base, setting->name));
        }
        if (space.len > 0) {
            offer(n, env_name(s->arena, space, setting->name));
        }
    }
    const char *verb = s->plugin == NULL ? "meltano" : verbs[s->plugin->type];
    offer(n, env_name(s->arena, str_from(verb), setting->name));
    offer_aliases(n, setting);
}

/* --- variables of entries --- */

static struct str python_text(struct arena *arena, const struct json *value)
{
    if (value->type == JSON_STRING) {
        return value->as.string;
    }
    AUTO(buf) out = buf_growing(VALUE_BYTES_MAX);
    tree_write_python(&out, value);
    return out.overflow ? STR_NONE : arena_copy(arena, buf_str(&out));
}

static const struct json *variables_of(const struct json *entry)
{
    const struct json *env = tree_get_typed(entry, "env", JSON_OBJECT);
    return env == NULL ? NULL : env->child;
}

void env_put_entry(struct env *into, const struct json *entry)
{
    for (const struct json *v = variables_of(entry); v != NULL; v = v->next) {
        if (v->type != JSON_NULL) {
            env_put(into, v->key, python_text(into->arena, v));
        }
    }
}

void env_put_expanded(struct env *into, const struct json *entry, const struct env_chain *chain)
{
    struct expansion x = {.chain = chain, .arena = into->arena};
    for (const struct json *v = variables_of(entry); v != NULL; v = v->next) {
        if (v->type != JSON_NULL) {
            env_put(into, v->key, expand_text(&x, python_text(into->arena, v)));
        }
    }
}

void service_write_info(const struct meltano_plugin *plugin, struct env *into)
{
    static const char *const words[MELTANO_TYPES] = {
        [MELTANO_EXTRACTORS] = "EXTRACTOR",     [MELTANO_LOADERS] = "LOADER",
        [MELTANO_TRANSFORMS] = "TRANSFORM",     [MELTANO_ORCHESTRATORS] = "ORCHESTRATOR",
        [MELTANO_TRANSFORMERS] = "TRANSFORMER", [MELTANO_FILE_BUNDLES] = "FILE",
        [MELTANO_UTILITIES] = "UTILITY",        [MELTANO_MAPPERS] = "MAPPER",
    };
    struct arena *a = into->arena;
    const char *word = words[plugin->type];
    env_put(into, arena_printf(a, "MELTANO_%s_NAME", word), plugin->name);
    env_put(into, arena_printf(a, "MELTANO_%s_NAMESPACE", word), plugin->namespace);
    env_put(into, arena_printf(a, "MELTANO_%s_VARIANT", word),
            plugin->variant.len > 0 ? plugin->variant : STR("default"));
}

/* --- stores --- */

static struct lookup lookup_of(struct flat flat, struct arena *arena)
{
    struct lookup l = {.flat = flat, .index = strmap_new(arena)};
    for (size_t i = 0; i < flat.count; i++) {
        if (!strmap_put(&l.index, flat.keys[i], (uint32_t)i)) {
            break; /* the arena remembers */
        }
    }
    return l;
}

static const struct json *value_at(const struct lookup *l, struct str key)
{
    uint32_t at = 0;
    const struct json *value = strmap_get(&l->index, key, &at) ? l->flat.values[at] : NULL;
    return value == NULL || value->type == JSON_NULL ? NULL : value;
}

enum where { IN_PROCESS, IN_DOTENV };

static bool look_up_variable(struct service *s, enum where where, struct str name, struct str *ret)
{
    const struct env_chain chain = {.over = &s->over, .terminal = s->context->terminal};
    return where == IN_PROCESS ? env_chain_get(&chain, name, ret) : env_get(s->dotenv, name, ret);
}

static bool from_variables(struct service *s, const struct setting *setting, enum where where,
                           struct found *ret)
{
    struct names names = {0};
    struct str value = STR_NONE;
    struct str first = STR_NONE;
    names_to_read(s, setting, &names);
    for (size_t i = 0; i < names.count; i++) {
        struct str found = STR_NONE;
        if (!look_up_variable(s, where, names.items[i], &found)) {
            continue;
        }
        if (first.len > 0) {
            setting_problem(s, setting, "it is set by two variables, " STR_FMT " and " STR_FMT,
                            STR_ARG(str_clip(first, 80)), STR_ARG(str_clip(names.items[i], 80)));
            break;
        }
        first = names.items[i];
        value = found;
    }
    if (first.len == 0) {
        return false;
    }
    *ret = (struct found){.value = tree_str(s->arena, value),
                          .source = where == IN_PROCESS ? MELTANO_FROM_ENV : MELTANO_FROM_DOTENV,
                          .env_var = first};
    return true;
}

static bool from_config(struct service *s, const struct setting *setting,
                        const struct lookup *config, enum meltano_source source, struct found *ret)
{
    const struct json *found = value_at(config, setting->name);
    struct str alias = setting_alias(setting, 0);
    for (size_t i = 0; alias.len > 0; alias = setting_alias(setting, ++i)) {
        const struct json *other = value_at(config, alias);
        if (found != NULL && other != NULL && !tree_equal(found, other)) {
            setting_problem(s, setting, "it has another value under the name " STR_FMT,
                            STR_ARG(str_clip(alias, 80)));
        }
        found = found == NULL ? other : found;
    }
    if (found != NULL) {
        *ret = (struct found){.value = found, .source = source, .is_expandable = true};
    }
    return found != NULL;
}

static struct found get(struct service *s, const struct setting *setting, bool does_expand);

/* NOLINTBEGIN(misc-no-recursion): parents have an end (plugins.c), and the names of nested settings
 * grow longer and longer */
static bool from_parent(struct service *s, const struct setting *setting, struct found *ret)
{
    uint32_t at = 0;
    if (s->parent == NULL || !strmap_get(&s->parent->settings.index, setting->name, &at)) {
        return false;
    }
    struct found found = get(s->parent, &s->parent->settings.items[at], false);
    if (found.value == NULL || found.source == MELTANO_FROM_DEFAULT) {
        return false;
    }
    found.source = MELTANO_FROM_PARENT;
    *ret = found;
    return true;
}

static struct found look_up(struct service *s, const struct setting *setting)
{
    struct found found = {.source = MELTANO_FROM_DEFAULT};
    if (from_variables(s, setting, IN_PROCESS, &found) ||
        from_variables(s, setting, IN_DOTENV, &found) ||
        from_config(s, setting, &s->environment_config, MELTANO_FROM_ENVIRONMENT, &found) ||
        from_config(s, setting, &s->config, MELTANO_FROM_PROJECT, &found) ||
        from_parent(s, setting, &found)) {
        return found;
    }
    found.value = setting->value;
    found.is_expandable = found.value != NULL;
    return found;
}

/* Extras may refer to settings. */
static const struct env *with_config(struct service *s)
{
    if (s->with_config == NULL) {
        s->with_config = arena_alloc(s->arena, sizeof(*s->with_config));
        if (s->with_config == NULL) {
            return &s->over;
        }
        *s->with_config = env_new(s->arena);
        env_put_all(s->with_config, &s->over);
        service_write_env(s, EXTRAS_NONE, s->with_config);
    }
    return s->with_config;
}

static void expand(struct service *s, const struct setting *setting, struct found *found)
{
    found->is_expandable = false;
    if (found->value->type < JSON_STRING) {
        return;
    }
    const struct env_chain chain = {.over = setting_is_extra(setting) ? with_config(s) : &s->over,
                                    .terminal = s->context->terminal,
                                    .under = s->dotenv};
    struct expansion x = {.chain = &chain, .arena = s->arena};
    const struct json *value = expand_tree(&x, found->value);
    if (x.unset.len > 0 && s->is_strict) {
        setting_problem(s, setting, "the variable " STR_FMT " is not set",
                        STR_ARG(str_clip(x.unset, 80)));
    }
    bool was_text = found->value->type == JSON_STRING && found->value->as.string.len > 0;
    if (value != NULL && was_text && value->as.string.len == 0) {
        value = NULL; /* nothing but variables that are not set */
    }
    found->value = value;
}

/* An object that nobody gave is made of the settings with its name before a dot. */
static void gather(struct service *s, struct str name, bool does_expand, struct json *object,
                   enum meltano_source *source)
{
    struct str prefix = arena_printf(s->arena, STR_FMT ".", STR_ARG(name));
    for (size_t i = 0; prefix.ptr != NULL && i < s->settings.count; i++) {
        const struct setting *nested = &s->settings.items[i];
        struct str key = str_slice(nested->name, prefix.len, nested->name.len);
        if (!str_starts(nested->name, prefix) || !service_is_last(s, i) ||
            tree_get(object, key) != NULL) {
            continue;
        }
        struct found found = get(s, nested, does_expand);
        tree_set(object, key,
                 found.value == NULL ? tree_new(s->arena, JSON_NULL)
                                     : tree_copy(s->arena, found.value));
        *source = found.source < *source ? found.source : *source;
    }
}

static void gather_all(struct service *s, const struct setting *setting, bool does_expand,
                       struct found *found)
{
    struct json *object = tree_new(s->arena, JSON_OBJECT);
    enum meltano_source source = found->source;
    struct str name = setting->name;
    for (size_t alias = 0; object != NULL && name.len > 0; alias++) {
        gather(s, name, does_expand, object, &source);
        name = setting_alias(setting, alias);
    }
    if (object == NULL || object->child == NULL) {
        return;
    }
    if (tree_depth(object) > TREE_DEPTH_MAX) {
        setting_problem(s, setting, "it is nested too deep");
        return;
    }
    found->value = object;
    found->source = source;
}

static struct found find(struct service *s, const struct setting *setting, bool does_expand)
{
    struct found found = look_up(s, setting);
    if (does_expand && found.is_expandable) {
        expand(s, setting, &found);
    }
    bool is_bare = found.source == MELTANO_FROM_DEFAULT || found.source == MELTANO_FROM_PARENT;
    if (setting->kind == KIND_OBJECT && is_bare) {
        gather_all(s, setting, does_expand, &found);
    }
    if (!found.is_expandable && found.value != NULL) {
        found.value = cast_value(s, setting, found.value);
    }
    return found;
}

static struct found get(struct service *s, const struct setting *setting, bool does_expand)
{
    struct memo **memo = &s->memo[does_expand];
    if (*memo == NULL) {
        *memo = arena_array(s->arena, s->settings.count, sizeof(**memo));
    }
    if (*memo == NULL) {
        return (struct found){.source = MELTANO_FROM_DEFAULT}; /* the arena remembers */
    }
    struct memo *entry = &(*memo)[setting - s->settings.items];
    if (!entry->is_known) {
        entry->found = find(s, setting, does_expand);
        entry->is_known = true;
    }
    return entry->found;
}

struct found service_look_up(struct service *s, const struct setting *setting)
{
    return look_up(s, setting);
}

struct found service_get(struct service *s, const struct setting *setting)
{
    return get(s, setting, true);
}

static bool is_wanted(const struct setting *setting, enum extras extras)
{
    return extras == EXTRAS_TOO || !setting_is_extra(setting);
}

void service_write_env(struct service *s, enum extras extras, struct env *into)
{
    for (size_t i = 0; i < s->settings.count; i++) {
        const struct setting *setting = &s->settings.items[i];
        if (!is_wanted(setting, extras) || !service_is_last(s, i)) {
            continue;
        }
        struct found found = get(s, setting, true);
        if (found.value == NULL) {
            continue;
        }
        AUTO(buf) text = buf_growing(VALUE_BYTES_MAX);
        bool is_plain = setting->kind == KIND_NONE || setting->kind == KIND_STRING ||
                        setting->kind == KIND_DECIMAL || found.value->type == JSON_STRING;
        if (is_plain) {
            tree_write_python(&text, found.value);
        } else {
            tree_write_dumps(&text, found.value);
        }
        struct str value = text.len == 0 ? STR("") : arena_copy(s->arena, buf_str(&text));
        struct names names = {0};
        names_to_write(s, setting, &names);
        for (size_t k = 0; k < names.count; k++) {
            env_put(into, names.items[k], value);
        }
    }
}
/* NOLINTEND(misc-no-recursion) */

bool service_is_last(const struct service *s, size_t index)
{
    uint32_t at = 0;
    return strmap_get(&s->settings.index, s->settings.items[index].name, &at) && at == index;
}

/* --- the project --- */

static struct service project_service(const struct meltano_context *context,
                                      const struct env *dotenv, struct arena *arena,
                                      struct problems *problems)
{
    const struct meltano_project *p = context->project;
    struct flat config = {.arena = arena};
    struct service s = {.context = context,
                        .settings = settings_of_project(arena),
                        .over = env_new(arena),
                        .dotenv = dotenv,
                        .arena = arena,
                        .problems = problems};
    tree_flatten(p->tree, STR(""), &config);
    s.config = lookup_of(config, arena);
    s.environment_config = lookup_of((struct flat){.arena = arena}, arena);
    struct str environment = context->environment == NULL ? STR("") : context->environment->name;
    env_put(&s.over, STR("MELTANO_PROJECT_ROOT"), p->root);
    env_put(&s.over, STR("MELTANO_ENVIRONMENT"), environment);
    env_put(&s.over, STR("MELTANO_SYS_DIR_ROOT"),
            arena_printf(arena, STR_FMT "/.meltano", STR_ARG(p->root)));
    env_put_entry(&s.over, p->tree);
    return s;
}

void project_env_init(struct project_env *ret, const struct meltano_context *context,
                      struct arena *arena, struct problems *problems)
{
    *ret = (struct project_env){.dotenv = env_new(arena), .config = env_new(arena)};
    dotenv_read(context->project->dotenv, context->terminal, &ret->dotenv);
    struct service s = project_service(context, &ret->dotenv, arena, problems);
    service_write_env(&s, EXTRAS_TOO, &ret->config);
    struct str strict = STR_NONE;
    ret->is_strict = env_get(&ret->config, STR("MELTANO_FF_STRICT_ENV_VAR_MODE"), &strict) &&
                     str_eq(strict, STR("true"));
    ret->over = s.over;
}

/* --- a schedule --- */

static bool get_scheduled(void *ctx, struct str name, struct str *ret_value)
{
    const struct scheduled *s = ctx;
    const struct meltano_terminal *t = s->below;
    return env_get(&s->env, name, ret_value) || (t != NULL && t->get(t->ctx, name, ret_value));
}

struct meltano_context scheduled_context(const struct meltano_context *context, struct arena *arena,
                                         struct scheduled *scheduled)
{
    struct meltano_context within = *context;
    *scheduled = (struct scheduled){.env = env_new(arena), .below = context->terminal};
    scheduled->terminal = (struct meltano_terminal){.get = get_scheduled, .ctx = scheduled};
    within.terminal = &scheduled->terminal;
    if (context->schedule != NULL) {
        env_put_entry(&scheduled->env, context->schedule->entry);
    }
    return within;
}

/* --- a plugin --- */

static const struct json *entry_in_environment(const struct meltano_context *context,
                                               const struct meltano_plugin *plugin)
{
    if (context->environment == NULL) {
        return NULL;
    }
    const struct json *config = tree_get_typed(context->environment->entry, "config", JSON_OBJECT);
    const struct json *plugins = tree_get_typed(config, "plugins", JSON_OBJECT);
    const struct json *list = tree_get_typed(plugins, meltano_type_name(plugin->type), JSON_ARRAY);
    for (const struct json *e = list == NULL ? NULL : list->child; e != NULL; e = e->next) {
        if (str_eq(tree_get_str(e, "name"), plugin->name)) {
            return e;
        }
    }
    return NULL;
}

static void compose_env(struct service *s, const struct project_env *project,
                        const struct env *before)
{
    env_put_all(&s->over, &project->over);
    env_put_all(&s->over, &project->config);
    env_put_all(&s->over, before);
    service_write_info(s->plugin, &s->over);
    env_put_entry(&s->over, s->plugin->entry);
    if (s->context->environment != NULL) {
        struct env expanded = env_new(s->arena);
        const struct env_chain chain = {.over = &s->over, .terminal = s->context->terminal};
        env_put_expanded(&expanded, s->context->environment->entry, &chain);
        env_put_all(&s->over, &expanded);
    }
    env_put_entry(&s->over, s->in_environment);
}

struct service *service_new(const struct meltano_context *context,
                            const struct project_env *project, const struct meltano_plugin *plugin,
                            const struct env *before, struct arena *arena,
                            struct problems *problems)
{
    struct service *first = NULL;
    struct service *child = NULL;
    for (const struct meltano_plugin *p = plugin; p != NULL; p = p->parent) {
        struct service *s = arena_alloc(arena, sizeof(*s));
        if (s == NULL) {
            return NULL;
        }
        const struct json *entry = entry_in_environment(context, p);
        *s = (struct service){.context = context,
                              .plugin = p,
                              .in_environment = entry,
                              .settings = settings_of_plugin(p, entry, arena),
                              .config = lookup_of(config_of_plugin(p, arena), arena),
                              .environment_config =
                                  lookup_of(config_of_environment(entry, arena), arena),
                              .over = env_new(arena),
                              .dotenv = &project->dotenv,
                              .project = project,
                              .arena = arena,
                              .problems = problems,
                              .is_strict = project->is_strict};
        compose_env(s, project, child == NULL ? before : &child->over);
        if (child == NULL) {
            first = s;
        } else {
            child->parent = s;
        }
        child = s;
    }
    return first;
}
