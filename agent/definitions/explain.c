#include "agent/definitions/explain.h"

#include "agent/definitions/explain_parts.h"
#include "agent/definitions/loader.h"
#include <inttypes.h>

enum { TEXTS_BYTES_MAX = 64 << 20 };

static void add_name(struct explaining *x, struct names *names, struct str text)
{
    uint32_t ignored = 0;
    struct name *name = arena_alloc(&x->arena, sizeof(*name));
    struct str copy = arena_copy(&x->arena, text);
    if (name == NULL || copy.ptr == NULL || strmap_get(&names->known, text, &ignored) ||
        !strmap_put(&names->known, copy, 0)) {
        return;
    }
    name->text = copy;
    *(names->last == NULL ? &names->first : &names->last->next) = name;
    names->last = name;
}

/* --- texts that are filled in --- */

static bool get_variable(void *ctx, struct str name, struct str *ret_value)
{
    struct explaining *x = ctx;
    const struct env_lookup *env = x->what->env;
    bool is_set = env->get(env->ctx, name, ret_value);
    if (!is_set) {
        x->last_try = name;
    } else if (x->masks_variables) {
        *ret_value = STR("***");
    }
    return is_set;
}

static bool mask_secret(void *ctx, struct str name, struct buf *into, struct err *err)
{
    (void)err;
    add_name(ctx, &((struct explaining *)ctx)->secrets, name);
    buf_add_text(into, "***");
    return true;
}

struct str filled(struct explaining *x, struct str text)
{
    const struct secret_lookup secrets = {.read = mask_secret, .ctx = x};
    const struct env_lookup env = {.get = get_variable, .ctx = x, .secrets = &secrets};
    struct str result = STR_NONE;
    struct err err = {0};
    if (text.len == 0 || definitions_resolve_text(text, &env, &x->arena, &result, &err)) {
        return text.len == 0 ? text : result;
    }
    /* What a step is told is set by nobody before it starts. */
    if (err.code == ERR_NOT_FOUND && !str_starts(x->last_try, STR("SELVEDGE_"))) {
        add_name(x, &x->unset, x->last_try);
    }
    return text;
}

void say(struct explaining *x, const char *key, struct str text)
{
    outline_opt(&x->o, key, filled(x, text));
}

void say_list(struct explaining *x, const char *key, const struct str_list *list)
{
    struct str *items = arena_array(&x->arena, list->count, sizeof(*items));
    for (size_t i = 0; items != NULL && i < list->count; i++) {
        items[i] = filled(x, list->items[i]);
    }
    outline_list(&x->o, key, items, items == NULL ? 0 : list->count);
}

void say_map(struct explaining *x, const char *key, const struct str_map *map)
{
    if (map->count == 0) {
        return;
    }
    outline_begin_map(&x->o, str_from(key));
    for (size_t i = 0; i < map->count; i++) {
        outline_str(&x->o, map->keys[i], filled(x, map->values[i]));
    }
    outline_end_map(&x->o);
}

static void say_place(struct explaining *x, struct location at)
{
    struct str place =
        arena_printf(&x->arena, STR_FMT ":%" PRIu32, STR_ARG(x->defs->files[at.file]), at.line);
    outline_place(&x->o, place);
}

void say_selected(struct explaining *x, const uint32_t *assets, size_t count)
{
    struct str *keys = arena_array(&x->arena, count, sizeof(*keys));
    for (size_t i = 0; keys != NULL && i < count; i++) {
        keys[i] = x->defs->assets[assets[i]].key;
    }
    if (x->o.is_json) {
        outline_list(&x->o, "assets", keys, keys == NULL ? 0 : count);
        return;
    }
    AUTO(buf) text = buf_growing(TEXTS_BYTES_MAX);
    for (size_t i = 0; keys != NULL && i < count; i++) {
        buf_addf(&text, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARG(keys[i]));
    }
    outline_note(&x->o, "assets", buf_str(&text));
}

/* In YAML the place stands before the name, in JSON within. */
void begin_named(struct explaining *x, struct str name, struct location at)
{
    if (!x->o.is_json) {
        say_place(x, at);
    }
    outline_begin_map(&x->o, name);
    if (x->o.is_json) {
        say_place(x, at);
    }
}

void begin_item(struct explaining *x, struct location at)
{
    outline_begin_item(&x->o);
    say_place(x, at);
}

/* --- what is said about names --- */

/* Where it would come from, and whether it could be read from there now. */
static void say_secret(struct explaining *x, struct str name)
{
    AUTO(buf) path = buf_growing(4096);
    struct err err = {0};
    bool ok = secret_path(x->what->folders, name, &path, &err) &&
              secret_check(x->what->folders, name, &err);
    if (!x->o.is_json) {
        buf_addf(x->o.out, "#   " STR_FMT ": " STR_FMT "\n", STR_ARG(name),
                 STR_ARG(ok ? buf_str(&path) : str_from(err.msg)));
        return;
    }
    outline_begin_item(&x->o);
    outline_str(&x->o, STR("name"), name);
    outline_opt(&x->o, "path", buf_str(&path));
    outline_opt(&x->o, "problem", str_from(err.msg));
    outline_end_item(&x->o);
}

static void say_secrets(struct explaining *x)
{
    if (x->secrets.first == NULL) {
        return;
    }
    if (x->o.is_json) {
        outline_begin_list(&x->o, "secrets");
    } else {
        buf_add_text(x->o.out, "# secrets, which *** stands for:\n");
    }
    for (const struct name *name = x->secrets.first; name != NULL; name = name->next) {
        say_secret(x, name->text);
    }
    if (x->o.is_json) {
        outline_end_list(&x->o);
    }
}

static void say_unset(struct explaining *x)
{
    size_t count = 0;
    for (const struct name *name = x->unset.first; name != NULL; name = name->next) {
        count++;
    }
    struct str *names = arena_array(&x->arena, count, sizeof(*names));
    if (names == NULL || count == 0) {
        return;
    }
    size_t i = 0;
    for (const struct name *name = x->unset.first; name != NULL; name = name->next) {
        names[i++] = name->text;
    }
    if (x->o.is_json) {
        outline_list(&x->o, "unset_variables", names, count);
        return;
    }
    buf_add_text(x->o.out, "# variables that are not set here:");
    for (i = 0; i < count; i++) {
        buf_addf(x->o.out, "%s " STR_FMT, i == 0 ? "" : ",", STR_ARG(names[i]));
    }
    buf_add_char(x->o.out, '\n');
}

/* --- the whole --- */

static void say_resources_and_pools(struct explaining *x)
{
    const struct definitions *defs = x->defs;
    if (defs->resource_count > 0) {
        outline_begin_map(&x->o, STR("resources"));
        for (size_t i = 0; i < defs->resource_count; i++) {
            say_resource(x, &defs->resources[i]);
        }
        outline_end_map(&x->o);
    }
    if (defs->pool_count > 0) {
        outline_begin_map(&x->o, STR("pools"));
        for (size_t i = 0; i < defs->pool_count; i++) {
            say_pool(x, &defs->pools[i]);
        }
        outline_end_map(&x->o);
    }
}

/* Whether the asset is the first of its step that is explained. */
static bool is_first(const struct definitions *defs, size_t asset, const bool *set)
{
    const struct shared_step *step = defs->assets[asset].step;
    size_t i = 0;
    while (set != NULL && !set[step->assets[i]]) {
        i++;
    }
    return step->assets[i] == asset;
}

/* Of those in the set; NULL = all. A shared step stands where its first asset would. */
static void say_asset_list(struct explaining *x, const bool *set)
{
    const struct definitions *defs = x->defs;
    bool has_begun = false;
    for (size_t i = 0; i < defs->asset_count; i++) {
        const struct shared_step *step = defs->assets[i].step;
        if ((set != NULL && !set[i]) || (step != NULL && !is_first(defs, i, set))) {
            continue;
        }
        if (!has_begun) {
            outline_begin_list(&x->o, "assets");
        }
        has_begun = true;
        if (step != NULL) {
            say_step(x, step, set);
        } else {
            say_asset(x, &defs->assets[i]);
        }
    }
    if (has_begun) {
        outline_end_list(&x->o);
    }
}

static void say_causes(struct explaining *x)
{
    const struct definitions *defs = x->defs;
    if (defs->job_count > 0) {
        outline_begin_list(&x->o, "jobs");
        for (size_t i = 0; i < defs->job_count; i++) {
            say_job(x, &defs->jobs[i]);
        }
        outline_end_list(&x->o);
    }
    if (defs->schedule_count > 0) {
        outline_begin_list(&x->o, "schedules");
        for (size_t i = 0; i < defs->schedule_count; i++) {
            say_schedule(x, &defs->schedules[i]);
        }
        outline_end_list(&x->o);
    }
    if (defs->sensor_count > 0) {
        outline_begin_list(&x->o, "sensors");
        for (size_t i = 0; i < defs->sensor_count; i++) {
            say_sensor(x, &defs->sensors[i]);
        }
        outline_end_list(&x->o);
    }
}

static void begin(struct explaining *x, const struct explain *what, struct buf *out)
{
    *x = (struct explaining){.defs = what->defs, .what = what};
    x->arena = arena_new(TEXTS_BYTES_MAX);
    x->secrets.known = strmap_new(&x->arena);
    x->unset.known = strmap_new(&x->arena);
    x->o = what->is_json ? outline_json(out) : outline_yaml(out);
}

static bool end(struct explaining *x, struct err *err)
{
    say_secrets(x);
    say_unset(x);
    outline_end(&x->o);
    bool ok = !x->arena.exhausted && !x->o.out->overflow;
    arena_release(&x->arena);
    return ok || err_set(err, ERR_NO_MEMORY, "not enough memory to explain the definitions");
}

bool explain_assets(const struct explain *what, const bool *set, struct buf *out, struct err *err)
{
    struct explaining x;
    begin(&x, what, out);
    if (set == NULL) {
        outline_str(&x.o, STR("project"), what->defs->project);
        if (what->is_json) {
            outline_list(&x.o, "files", what->defs->files, what->defs->file_count);
        }
        say_resources_and_pools(&x);
    }
    say_asset_list(&x, set);
    if (set == NULL) {
        say_causes(&x);
    }
    return end(&x, err);
}

/* --- one of them by its name --- */

static const char *const kind_words[] = {
    [EXPLAIN_JOB] = "job",           [EXPLAIN_SCHEDULE] = "schedule", [EXPLAIN_SENSOR] = "sensor",
    [EXPLAIN_RESOURCE] = "resource", [EXPLAIN_POOL] = "pool",
};

bool explain_kind_from(struct str word, enum explain_kind *ret)
{
    for (size_t i = 0; i < COUNT_OF(kind_words); i++) {
        if (str_eq(word, str_from(kind_words[i]))) {
            *ret = (enum explain_kind)i;
            return true;
        }
    }
    return false;
}

static size_t count_of(const struct definitions *defs, enum explain_kind kind)
{
    const size_t counts[] = {
        [EXPLAIN_JOB] = defs->job_count,       [EXPLAIN_SCHEDULE] = defs->schedule_count,
        [EXPLAIN_SENSOR] = defs->sensor_count, [EXPLAIN_RESOURCE] = defs->resource_count,
        [EXPLAIN_POOL] = defs->pool_count,
    };
    return counts[kind];
}

static struct str name_of(const struct definitions *defs, enum explain_kind kind, size_t i)
{
    switch (kind) {
    case EXPLAIN_JOB:
        return defs->jobs[i].name;
    case EXPLAIN_SCHEDULE:
        return defs->schedules[i].name;
    case EXPLAIN_SENSOR:
        return defs->sensors[i].name;
    case EXPLAIN_RESOURCE:
        return defs->resources[i].name;
    case EXPLAIN_POOL:
        return defs->pools[i].name;
    }
    return STR_NONE;
}

static void say_one(struct explaining *x, enum explain_kind kind, size_t i)
{
    static const char *const lists[] = {[EXPLAIN_JOB] = "jobs",
                                        [EXPLAIN_SCHEDULE] = "schedules",
                                        [EXPLAIN_SENSOR] = "sensors",
                                        [EXPLAIN_RESOURCE] = "resources",
                                        [EXPLAIN_POOL] = "pools"};
    bool is_map = kind == EXPLAIN_RESOURCE || kind == EXPLAIN_POOL;
    if (is_map) {
        outline_begin_map(&x->o, str_from(lists[kind]));
    } else {
        outline_begin_list(&x->o, lists[kind]);
    }
    switch (kind) {
    case EXPLAIN_JOB:
        say_job(x, &x->defs->jobs[i]);
        break;
    case EXPLAIN_SCHEDULE:
        say_schedule(x, &x->defs->schedules[i]);
        break;
    case EXPLAIN_SENSOR:
        say_sensor(x, &x->defs->sensors[i]);
        break;
    case EXPLAIN_RESOURCE:
        say_resource(x, &x->defs->resources[i]);
        break;
    case EXPLAIN_POOL:
        say_pool(x, &x->defs->pools[i]);
        break;
    }
    if (is_map) {
        outline_end_map(&x->o);
    } else {
        outline_end_list(&x->o);
    }
}

bool explain_named(const struct explain *what, enum explain_kind kind, struct str name,
                   struct buf *out, struct err *err)
{
    const struct definitions *defs = what->defs;
    struct nearest nearest = {.wanted = name};
    size_t found = 0;
    while (found < count_of(defs, kind) && !str_eq(name_of(defs, kind, found), name)) {
        nearest_offer(&nearest, name_of(defs, kind, found));
        found++;
    }
    if (found == count_of(defs, kind)) {
        char hint[HINT_SIZE];
        (void)err_set(err, ERR_NOT_FOUND, "there is no %s \"" STR_FMT "\"", kind_words[kind],
                      STR_ARG(name));
        return err_hint(err, "%s", nearest_hint(&nearest, "", hint));
    }
    struct explaining x;
    begin(&x, what, out);
    say_one(&x, kind, found);
    return end(&x, err);
}
