/* setup.c - what the process of a plugin is given: its configuration and its environment. */
#include "agent/meltano/service.h"

#include <string.h>

const char *meltano_source_name(enum meltano_source source)
{
    static const char *const names[] = {
        [MELTANO_FROM_ENV] = "env",
        [MELTANO_FROM_DOTENV] = "dotenv",
        [MELTANO_FROM_ENVIRONMENT] = "environment",
        [MELTANO_FROM_PROJECT] = "meltano_yml",
        [MELTANO_FROM_PARENT] = "inherited",
        [MELTANO_FROM_DEFAULT] = "default",
    };
    return names[source];
}

static struct location place_of(struct service *s, const struct setting *setting,
                                const struct found *found)
{
    if (found->value != NULL && found->value->line > 0 && found->source <= MELTANO_FROM_PARENT &&
        found->source >= MELTANO_FROM_ENVIRONMENT) {
        return at_node(found->value);
    }
    uint32_t at = 0;
    if (found->source == MELTANO_FROM_ENVIRONMENT &&
        strmap_get(&s->environment_config.index, setting->name, &at)) {
        return at_node(s->environment_config.flat.values[at]);
    }
    if (found->source == MELTANO_FROM_PROJECT && strmap_get(&s->config.index, setting->name, &at)) {
        return at_node(s->config.flat.values[at]);
    }
    return at_node(setting->entry);
}

/* The last definition of a name counts, in the place of its first. */
static void take_values(struct service *s, struct meltano_setup *ret)
{
    struct strmap placed = strmap_new(s->arena);
    ret->values = arena_array(s->arena, s->settings.count, sizeof(*ret->values));
    for (size_t i = 0; ret->values != NULL && i < s->settings.count; i++) {
        uint32_t last = 0;
        struct str name = s->settings.items[i].name;
        if (strmap_get(&placed, name, &last) || !strmap_get(&s->settings.index, name, &last) ||
            !strmap_put(&placed, name, 0)) {
            continue;
        }
        const struct setting *setting = &s->settings.items[last];
        struct found found = service_get(s, setting);
        struct problems *problems = s->problems;
        struct problems quiet = {.arena = s->arena};
        s->problems = &quiet;
        struct found written = service_look_up(s, setting);
        s->problems = problems;
        ret->values[ret->value_count++] =
            (struct meltano_value){.name = name,
                                   .value = found.value,
                                   .shown = shown_value(s, setting, &written),
                                   .source = found.source,
                                   .env_var = found.env_var,
                                   .is_sensitive = setting->is_sensitive,
                                   .is_extra = setting_is_extra(setting),
                                   .is_custom = setting->is_custom,
                                   .at = place_of(s, setting, &found)};
    }
}

/* --- the configuration --- */

static bool has_plain_dot(struct str key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] == '.' && (i == 0 || key.ptr[i - 1] != '\\')) {
            return true;
        }
    }
    return false;
}

static struct str without_escapes(struct arena *a, struct str key)
{
    AUTO(buf) out = buf_growing(key.len + 1);
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] != '\\' || i + 1 == key.len || key.ptr[i + 1] != '.') {
            buf_add_char(&out, key.ptr[i]);
        }
    }
    return out.len == key.len ? key : arena_copy(a, buf_str(&out));
}

/* Keys with dots are there once more in nested form, and go. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
static struct json *without_dotted(struct arena *a, const struct json *node)
{
    if (node->type != JSON_OBJECT) {
        return tree_copy(a, node);
    }
    struct json *copy = tree_shallow(a, node);
    if (copy == NULL) {
        return NULL;
    }
    struct json_open open = {.node = copy};
    copy->child = NULL;
    copy->count = 0;
    for (const struct json *m = node->child; m != NULL; m = m->next) {
        struct json *child = has_plain_dot(m->key) ? NULL : without_dotted(a, m);
        if (child != NULL) {
            child->key = without_escapes(a, m->key);
            json_append(&open, child);
        }
    }
    return copy;
}

static bool is_singer(const struct meltano_plugin *plugin)
{
    return plugin->type == MELTANO_EXTRACTORS || plugin->type == MELTANO_LOADERS ||
           plugin->type == MELTANO_MAPPERS;
}

static void put_config(struct service *s, const struct setting *setting, const struct json *value,
                       struct json *config)
{
    if (!is_singer(s->plugin)) {
        tree_set(config, setting->name,
                 value == NULL ? tree_new(s->arena, JSON_NULL) : tree_copy(s->arena, value));
        return;
    }
    const struct json *clean = value == NULL ? NULL : without_dotted(s->arena, value);
    if (clean != NULL && !tree_nest(s->arena, config, setting->name, clean)) {
        setting_problem(s, setting, "it nests into something that is no object, or too deep");
    }
}

/* What a mapping says itself is laid over it, with variables of the project only. */
static const struct json *mapping_config(struct service *s)
{
    const struct json *own = tree_get_typed(s->plugin->entry, "config", JSON_OBJECT);
    const struct env_chain chain = {
        .over = &s->project->over, .terminal = s->context->terminal, .under = s->dotenv};
    struct expansion x = {.chain = &chain, .arena = s->arena};
    return expand_tree(&x, own);
}

enum face { FACE_REAL, FACE_SHOWN };

static const struct json *take_config(struct service *s, const struct meltano_setup *setup,
                                      enum face face)
{
    struct json *config = tree_new(s->arena, JSON_OBJECT);
    for (size_t i = 0; config != NULL && i < setup->value_count; i++) {
        const struct meltano_value *v = &setup->values[i];
        uint32_t at = 0;
        if (v->is_extra || !strmap_get(&s->settings.index, v->name, &at)) {
            continue;
        }
        const struct setting *setting = &s->settings.items[at];
        put_config(s, setting, face == FACE_SHOWN ? v->shown : post_process(s, setting, v->value),
                   config);
    }
    const struct json *over = NULL;
    if (config != NULL && s->plugin->mapping.len > 0) {
        over = face == FACE_REAL
                   ? mapping_config(s)
                   : shown_tree(s->arena, tree_get_typed(s->plugin->entry, "config", JSON_OBJECT));
    }
    for (const struct json *m = over == NULL ? NULL : over->child; m != NULL; m = m->next) {
        tree_set(config, m->key, tree_copy(s->arena, m));
    }
    return config;
}

/* --- the environment --- */

static struct meltano_variable *variables(const struct env *env, struct arena *arena, size_t *count)
{
    struct meltano_variable *list = arena_array(arena, env->count, sizeof(*list));
    for (size_t i = 0; list != NULL && i < env->count; i++) {
        list[i] = (struct meltano_variable){.name = env->names[i], .value = env->values[i]};
    }
    *count = list == NULL ? 0 : env->count;
    return list;
}

static void put_expanded(struct env *into, const struct env *from, const struct env_chain *chain)
{
    struct expansion x = {.chain = chain, .arena = into->arena};
    for (size_t i = 0; i < from->count; i++) {
        env_put(into, from->names[i], expand_text(&x, from->values[i]));
    }
}

/* The order in which later ones win: core/plugin_invoker.py, env(). */
static void take_env(struct service *s, const struct env *scheduled, const struct env *config,
                     struct meltano_setup *ret)
{
    struct env env = env_new(s->arena);
    struct str ignored = STR_NONE;
    const struct meltano_terminal *t = s->context->terminal;
    for (size_t i = 0; i < s->dotenv->count; i++) {
        if (t == NULL || !t->get(t->ctx, s->dotenv->names[i], &ignored)) {
            env_put(&env, s->dotenv->names[i], s->dotenv->values[i]);
        }
    }
    env_put_all(&env, scheduled);
    env_put_all(&env, &s->over);
    env_put_all(&env, config);

    struct env root = env_new(s->arena); /* what the environment's variables may refer to */
    const struct env_chain terminal = {.terminal = t};
    put_expanded(&root, &s->project->over, &terminal);
    put_expanded(&root, s->dotenv, &terminal);
    struct env active = env_new(s->arena);
    const struct env_chain from_root = {.over = &root, .terminal = t};
    if (s->context->environment != NULL) {
        env_put_expanded(&active, s->context->environment->entry, &from_root);
    }
    struct env plugin = env_new(s->arena);
    const struct env_chain from_active = {.over = &active};
    env_put_expanded(&plugin, s->plugin->entry, &from_active);
    struct env last = env_new(s->arena);
    const struct env_chain from_plugin = {.over = &plugin};
    env_put_expanded(&last, s->in_environment, &from_plugin);
    env_put_all(&env, &plugin);
    env_put_all(&env, &active);
    env_put_all(&env, &last);
    ret->env = variables(&env, s->arena, &ret->env_count);
}

bool meltano_set_up(const struct meltano_context *context, const struct meltano_plugin *plugin,
                    const struct meltano_setup *before, struct arena *arena,
                    struct meltano_setup *ret, struct err *err)
{
    struct problems quiet = {.arena = arena};
    struct problems *problems = context->problems == NULL ? &quiet : context->problems;
    struct project_env project;
    struct env exported = env_new(arena);
    struct scheduled scheduled;
    const struct meltano_context within = scheduled_context(context, arena, &scheduled);
    *ret = (struct meltano_setup){.plugin = plugin};
    for (size_t i = 0; before != NULL && i < before->exported_count; i++) {
        env_put(&exported, before->exported[i].name, before->exported[i].value);
    }
    project_env_init(&project, &within, arena, problems);
    struct service *s = service_new(&within, &project, plugin, &exported, arena, problems);
    if (s != NULL) {
        take_values(s, ret);
        ret->config = take_config(s, ret, FACE_REAL);
        s->problems = &quiet; /* what is wrong with a value is said once */
        ret->shown = take_config(s, ret, FACE_SHOWN);
        struct env config = env_new(arena);
        service_write_env(s, EXTRAS_TOO, &config);
        take_env(s, &scheduled.env, &config, ret);
        service_write_info(plugin, &exported);
        env_put_all(&exported, &config);
        ret->exported = variables(&exported, arena, &ret->exported_count);
    }
    if (arena->exhausted) {
        return err_set(err, ERR_FULL, STR_FMT ": needs more than %zu MiB of memory",
                       STR_ARG(plugin->name), arena->max >> 20);
    }
    return true;
}

const struct meltano_value *meltano_find_value(const struct meltano_setup *setup, struct str name)
{
    for (size_t i = 0; i < setup->value_count; i++) {
        if (str_eq(setup->values[i].name, name)) {
            return &setup->values[i];
        }
    }
    return NULL;
}
