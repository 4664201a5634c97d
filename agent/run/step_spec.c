#include "agent/run/step_spec_internal.h"

#include "agent/run/orphans.h"
#include "agent/run/tags.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include <string.h>

enum { KEYS_BYTES_MAX = 96 << 10 }; /* of an environment variable; Linux lets one have 128 KiB */

/* --- variables -------------------------------------------------------------------------------- */

static bool lookup(void *ctx, struct str name, struct str *ret_value)
{
    const struct resolver *r = ctx;
    if (str_eq(name, STR("STATE_DIR"))) {
        *ret_value = str_from(r->context.state_dir);
        return true;
    }
    for (size_t i = 0; i < r->partition_count; i++) {
        if (str_eq(name, r->partition[i].name)) {
            *ret_value = r->partition[i].value;
            return true;
        }
    }
    if (r->context.tags != NULL && tags_get_variable(r->context.tags, name, ret_value)) {
        return true;
    }
    return r->context.env->get(r->context.env->ctx, name, ret_value);
}

/* In the caller's memory, which must not move: lookup() points to it. */
static void resolver_init(struct resolver *r)
{
    r->ok = true;
    r->env = (struct env_lookup){.get = lookup, .ctx = r, .secrets = r->context.env->secrets};
    if (r->context.partition != NULL) {
        r->partition_count = step_partition_variables(r->context.partition, r->arena, r->partition);
    }
}

void step_add_path(struct resolver *r, struct json_writer *w, const char *member, struct str text)
{
    const char *path = NULL;
    if (r->ok &&
        !definitions_resolve_path(r->context.defs, text, &r->env, r->arena, &path, r->err)) {
        r->ok = false;
    }
    if (r->ok) {
        jw_member_str(w, member, str_from(path));
    }
}

const char *step_resolved_text(struct resolver *r, struct str text)
{
    struct str value = STR_NONE;
    if (r->ok && !definitions_resolve_text(text, &r->env, r->arena, &value, r->err)) {
        r->ok = false;
    }
    const char *copy = r->ok ? arena_cstr(r->arena, value) : NULL;
    if (r->ok && copy == NULL) {
        r->ok = err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
    }
    return copy;
}

/* --- words of a command ----------------------------------------------------------------------- */

/* "-c", "-lc" (shells, Python), "-e" (Perl, Ruby, Node): what follows is code. */
static bool introduces_code(struct str argument)
{
    return str_eq(argument, STR("-e")) ||
           (str_starts(argument, STR("-")) && str_ends(argument, STR("c")) && argument.len <= 4 &&
            !str_starts(argument, STR("--")));
}

bool step_is_safe_word(struct resolver *r, const char *key, size_t i, struct str before,
                       struct str word)
{
    if (!introduces_code(before) || !str_contains(word, STR("${SELVEDGE_TAG_"))) {
        return true;
    }
    (void)err_set(r->err, ERR_INVALID, "%s[%zu]: a tag of the run would become code", key, i);
    return err_hint(r->err, "the program finds it in its environment: write $$SELVEDGE_TAG_...");
}

/* --- commands --------------------------------------------------------------------------------- */

static bool set_user(struct resolver *r, const struct asset *asset, struct step_spec *spec)
{
    if (str_is_empty(asset->user)) {
        return true;
    }
    spec->confine.user = arena_cstr(r->arena, asset->user);
    return spec->confine.user != NULL ||
           err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
}

static bool hold_to_limits(struct resolver *r, const struct asset *asset, struct step_spec *spec)
{
    const struct step_limits *limits = &asset->limits;
    spec->confine = (struct confine){.memory_bytes = limits->memory_bytes,
                                     .cpu_ns = limits->cpu_ns,
                                     .file_bytes = limits->file_bytes,
                                     .open_files = limits->open_files,
                                     .processes = limits->processes,
                                     .nice = limits->nice};
    return set_user(r, asset, spec);
}

static bool make_argv(struct resolver *r, const struct str_list *run, struct step_spec *spec)
{
    const char **argv = arena_array(r->arena, run->count + 1, sizeof(*argv));
    if (argv == NULL) {
        return err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
    }
    for (size_t i = 0; i < run->count && r->ok; i++) {
        r->ok = i == 0 || step_is_safe_word(r, "run", i, run->items[i - 1], run->items[i]);
        argv[i] = step_resolved_text(r, run->items[i]);
    }
    spec->argv = argv;
    spec->cwd = r->context.defs->dir;
    return r->ok;
}

static bool make_command(struct resolver *r, const struct asset *asset, struct step_spec *spec)
{
    if (!make_argv(r, &asset->run, spec)) {
        return false;
    }
    if (!str_is_empty(asset->dir)) {
        r->ok = definitions_resolve_path(r->context.defs, asset->dir, &r->env, r->arena, &spec->cwd,
                                         r->err);
    }
    return r->ok && hold_to_limits(r, asset, spec);
}

/* --- environment ------------------------------------------------------------------------------ */

struct environment {
    const char **items;
    size_t count;
};

static void set_env(struct resolver *r, struct environment *env, const char *name, struct str value)
{
    struct str entry = arena_printf(r->arena, "%s=" STR_FMT, name, STR_ARG(value));
    if (entry.ptr == NULL) {
        r->ok = err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
        return;
    }
    env->items[env->count++] = entry.ptr;
}

/* "<store>/<run>/<step>/<attempt>": every process of the step is known again by it. */
static void set_token(struct resolver *r, struct environment *env, const struct asset *asset,
                      struct step_spec *spec)
{
    if (str_is_empty(r->context.store_id)) {
        return;
    }
    spec->token = arena_printf(r->arena, STR_FMT "/" STR_FMT "/" STR_FMT "/%lld",
                               STR_ARG(r->context.store_id), STR_ARG(r->context.run),
                               STR_ARG(asset_step_key(asset)), (long long)r->context.attempt);
    set_env(r, env, ORPHANS_VARIABLE, spec->token);
}

/* Ours each as a variable, and all of them as a JSON object. */
static void set_tags(struct resolver *r, struct environment *env)
{
    const struct str_map *tags = r->context.tags;
    struct str all = STR_NONE;
    if (tags == NULL || tags->count == 0) {
        return;
    }
    r->ok = r->ok && tags_write(tags, r->arena, &all, r->err);
    set_env(r, env, "SELVEDGE_TAGS", all);
    for (size_t i = 0; i < tags->count; i++) {
        char text[TAG_VARIABLE_BYTES_MAX];
        struct buf name = buf_fixed(text, sizeof(text));
        if (tag_write_variable(tags->keys[i], &name) && !name.overflow) {
            set_env(r, env, buf_cstr(&name), tags->values[i]);
        }
    }
}

/* What it makes; of a step that makes several all that it makes now, which one is a check's. */
static void set_assets(struct resolver *r, struct environment *env, const struct asset *asset)
{
    AUTO(buf) keys = buf_growing(KEYS_BYTES_MAX);
    if (asset->step == NULL || !str_is_empty(r->check)) {
        set_env(r, env, "SELVEDGE_ASSET", asset->key);
        return;
    }
    for (size_t i = 0; i < r->context.asset_count; i++) {
        buf_add_text(&keys, i == 0 ? "" : " ");
        buf_add(&keys, r->context.assets[i]->key);
    }
    set_env(r, env, "SELVEDGE_STEP", asset->step->key);
    if (!keys.overflow) { /* a program that makes so many has other ways to know them */
        set_env(r, env, "SELVEDGE_ASSETS", buf_str(&keys));
    }
}

/* A child sees a few variables of ours that every program expects, who it is, and what the asset
 * gives it: nothing else of the agent's environment, where secrets may stand. */
static bool make_environment(struct resolver *r, const struct asset *asset, struct step_spec *spec)
{
    static const char *const passed[] = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"};
    size_t tag_count = r->context.tags == NULL ? 0 : r->context.tags->count;
    size_t room = COUNT_OF(passed) + 10 + STEP_PARTITION_VARIABLES + asset->env.count + tag_count;
    for (const char *const *v = r->context.variables; v != NULL && *v != NULL; v++) {
        room++;
    }
    struct environment env = {.items = arena_array(r->arena, room, sizeof(*env.items))};
    if (env.items == NULL) {
        return err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
    }
    set_token(r, &env, asset, spec);
    for (size_t i = 0; i < COUNT_OF(passed); i++) {
        struct str value = STR_NONE;
        if (!str_is_empty(asset->user) && str_eq(str_from(passed[i]), STR("HOME"))) {
            continue; /* another's home is of no use: selvedge-exec sets the user's own */
        }
        if (r->context.env->get(r->context.env->ctx, str_from(passed[i]), &value)) {
            set_env(r, &env, passed[i], value);
        }
    }
    char attempt[24];
    struct buf number = buf_fixed(attempt, sizeof(attempt));
    buf_add_i64(&number, r->context.attempt);
    set_env(r, &env, "STATE_DIR", str_from(r->context.state_dir));
    set_env(r, &env, "SELVEDGE_RUN", r->context.run);
    set_assets(r, &env, asset);
    set_env(r, &env, "SELVEDGE_ATTEMPT", buf_str(&number));
    if (!str_is_empty(r->check)) {
        set_env(r, &env, "SELVEDGE_CHECK", r->check);
    }
    set_tags(r, &env);
    for (size_t i = 0; i < r->partition_count; i++) {
        set_env(r, &env, r->partition[i].name.ptr, r->partition[i].value);
    }
    for (size_t i = 0; i < asset->env.count && r->ok; i++) {
        const char *name = arena_cstr(r->arena, asset->env.keys[i]);
        const char *value = step_resolved_text(r, asset->env.values[i]);
        if (name != NULL && value != NULL) {
            set_env(r, &env, name, str_from(value));
        }
    }
    for (const char *const *v = r->context.variables; v != NULL && *v != NULL; v++) {
        env.items[env.count++] = *v;
    }
    spec->envp = env.items;
    return r->ok;
}

bool step_spec_make(const struct step_context *context, const struct asset *asset,
                    struct arena *arena, struct step_spec *ret, struct err *err)
{
    struct resolver r = {.context = *context, .arena = arena, .err = err};
    struct step_spec spec = {0};
    resolver_init(&r);
    bool made = asset->work == ASSET_RUN ? make_command(&r, asset, &spec)
                                         : step_make_native(&r, asset, NULL, &spec);
    if (!made || !make_environment(&r, asset, &spec)) {
        return err_wrap(err, "%s " STR_FMT, asset->step == NULL ? "asset" : "step",
                        STR_ARG(asset_step_key(asset)));
    }
    *ret = spec;
    return true;
}

/* Limits are for programs: the worker of a native step has none either. What the asset's user may
 * not read its check does not get to see. */
static bool make_query(struct resolver *r, const struct asset *asset, const struct check *check,
                       struct step_spec *spec)
{
    return step_make_native(r, asset, check, spec) && set_user(r, asset, spec);
}

static bool make_check_command(struct resolver *r, const struct asset *asset,
                               const struct check *check, struct step_spec *spec)
{
    return make_argv(r, &check->run, spec) && hold_to_limits(r, asset, spec);
}

bool step_spec_make_check(const struct step_context *context, const struct asset *asset,
                          const struct check *check, struct arena *arena, struct step_spec *ret,
                          struct err *err)
{
    struct resolver r = {.context = *context, .arena = arena, .err = err, .check = check->name};
    struct step_spec spec = {0};
    resolver_init(&r);
    bool made = check->run.count > 0 ? make_check_command(&r, asset, check, &spec)
                                     : make_query(&r, asset, check, &spec);
    if (!made || !make_environment(&r, asset, &spec)) {
        return err_wrap(err, "check " STR_FMT, STR_ARG(check->name));
    }
    *ret = spec;
    return true;
}
