/* look.c - finding, selecting and describing what was loaded. */
#include "agent/definitions/attributes.h"
#include "agent/definitions/loader.h"
#include <stdio.h>

enum {
    CHECKS_BYTES_MAX = 32 << 10, /* of those that are told of an asset */
    KEYS_BYTES_MAX = 8 << 10,    /* static partitions are told by their keys up to here */
};

static bool contains(const struct str_list *list, struct str value)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], value)) {
            return true;
        }
    }
    return false;
}

static bool has_tag(const struct str_map *tags, struct str name, struct str value)
{
    for (size_t i = 0; i < tags->count; i++) {
        if (str_eq(tags->keys[i], name)) {
            return str_eq(tags->values[i], value);
        }
    }
    return false;
}

static bool has(const void *ctx, uint32_t node, enum selection_attribute attribute, struct str name,
                struct str value)
{
    const struct definitions *defs = ctx;
    const struct asset *asset = &defs->assets[node];
    switch (attribute) {
    case SELECT_GROUP:
        return str_eq(asset->group, value);
    case SELECT_GROUP_LIKE:
        return str_matches(asset->group, value);
    case SELECT_KIND:
        return contains(&asset->kinds, value);
    case SELECT_KINDLESS:
        return asset->kinds.count == 0;
    case SELECT_TAG:
        return has_tag(&asset->tags, name, value);
    case SELECT_OWNER:
        return contains(&asset->owners, value);
    case SELECT_OWNERLESS:
        return asset->owners.count == 0;
    case SELECT_EXTERNAL:
        return asset->work == ASSET_EXTERNAL;
    }
    return false;
}

struct selection_attributes definitions_attributes(const struct definitions *defs)
{
    return (struct selection_attributes){.has = has, .ctx = defs};
}

bool definitions_find_asset(const struct definitions *defs, struct str key, uint32_t *ret_asset,
                            struct err *err)
{
    return graph_find(&defs->graph, key, ret_asset, err);
}

bool definitions_find_job(const struct definitions *defs, struct str name, const struct job **ret,
                          struct err *err)
{
    struct nearest nearest = {.wanted = name};
    for (size_t i = 0; i < defs->job_count; i++) {
        if (str_eq(defs->jobs[i].name, name)) {
            *ret = &defs->jobs[i];
            return true;
        }
        nearest_offer(&nearest, defs->jobs[i].name);
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no job \"" STR_FMT "\"", STR_ARG(name));
    if (nearest.best.len > 0) {
        (void)err_hint(err, "did you mean " STR_FMT "?", STR_ARG(nearest.best));
    }
    return false;
}

bool definitions_find_sensor(const struct definitions *defs, struct str name,
                             const struct sensor **ret, struct err *err)
{
    struct nearest nearest = {.wanted = name};
    for (size_t i = 0; i < defs->sensor_count; i++) {
        if (str_eq(defs->sensors[i].name, name)) {
            *ret = &defs->sensors[i];
            return true;
        }
        nearest_offer(&nearest, defs->sensors[i].name);
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no sensor \"" STR_FMT "\"", STR_ARG(name));
    if (nearest.best.len > 0) {
        (void)err_hint(err, "did you mean " STR_FMT "?", STR_ARG(nearest.best));
    }
    return false;
}

bool definitions_find_schedule(const struct definitions *defs, struct str name,
                               const struct schedule **ret, struct err *err)
{
    struct nearest nearest = {.wanted = name};
    for (size_t i = 0; i < defs->schedule_count; i++) {
        if (str_eq(defs->schedules[i].name, name)) {
            *ret = &defs->schedules[i];
            return true;
        }
        nearest_offer(&nearest, defs->schedules[i].name);
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no schedule \"" STR_FMT "\"", STR_ARG(name));
    if (nearest.best.len > 0) {
        (void)err_hint(err, "did you mean " STR_FMT "?", STR_ARG(nearest.best));
    }
    return false;
}

bool definitions_select(const struct definitions *defs, struct str selection, struct arena *arena,
                        bool **ret_set, struct err *err)
{
    const struct selection_attributes attributes = definitions_attributes(defs);
    struct selection *parsed = NULL;
    return selection_parse(selection, arena, &parsed, err) &&
           selection_evaluate(parsed, &defs->graph, &attributes, arena, ret_set, err);
}

bool definitions_none_selected(const struct definitions *defs, struct str selection,
                               struct err *err)
{
    struct str nearest = graph_nearest_key(&defs->graph, selection);
    (void)err_set(err, ERR_NOT_FOUND, STR_FMT " selects no asset", STR_ARG(selection));
    return nearest.len > 0 ? err_hint(err, "did you mean " STR_FMT "?", STR_ARG(nearest))
                           : err_hint(err, "* selects all assets");
}

bool definitions_select_some(const struct definitions *defs, struct str selection,
                             struct arena *arena, bool **ret_set, struct err *err)
{
    bool *set = NULL;
    if (!definitions_select(defs, selection, arena, &set, err)) {
        return false;
    }
    for (size_t i = 0; i < defs->asset_count; i++) {
        if (set[i]) {
            *ret_set = set;
            return true;
        }
    }
    return definitions_none_selected(defs, selection, err);
}

/* --- one asset for the hub --- */

static void write_list(struct json_writer *w, const char *key, const struct str_list *list)
{
    if (list->count == 0) {
        return;
    }
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < list->count; i++) {
        jw_str(w, list->items[i]);
    }
    jw_end_array(w);
}

static void write_map(struct json_writer *w, const char *key, const struct str_map *map)
{
    if (map->count == 0) {
        return;
    }
    jw_key(w, str_from(key));
    jw_begin_object(w);
    for (size_t i = 0; i < map->count; i++) {
        jw_key(w, map->keys[i]);
        jw_str(w, map->values[i]);
    }
    jw_end_object(w);
}

/* The rest of them are counted: a model of a dbt project may have hundreds of tests. */
static void write_checks(struct json_writer *w, const struct asset *asset)
{
    const size_t start = w->out->len;
    size_t told = 0;
    if (asset->check_count == 0) {
        return;
    }
    jw_key(w, STR("checks"));
    jw_begin_array(w);
    for (; told < asset->check_count && w->out->len - start < CHECKS_BYTES_MAX; told++) {
        const struct check *check = &asset->checks[told];
        jw_begin_object(w);
        jw_member_str(w, "name", check->name);
        jw_member_str(w, "severity", check->severity == CHECK_WARN ? STR("warn") : STR("error"));
        if (check->is_blocking) {
            jw_member_bool(w, "blocking", true);
        }
        jw_member_opt(w, "description", check->description);
        jw_end_object(w);
    }
    jw_end_array(w);
    if (told < asset->check_count) {
        jw_member_i64(w, "checks_left_out", (int64_t)(asset->check_count - told));
    }
}

/* All of them, or none: they may be many. */
static void write_keys(struct json_writer *w, const struct partitions *p)
{
    size_t bytes = 0;
    for (size_t i = 0; i < p->key_count; i++) {
        bytes += p->keys[i].len + sizeof("\"\",") - 1;
    }
    if (bytes > KEYS_BYTES_MAX) {
        return;
    }
    jw_key(w, STR("keys"));
    jw_begin_array(w);
    for (size_t i = 0; i < p->key_count; i++) {
        jw_str(w, p->keys[i]);
    }
    jw_end_array(w);
}

static void write_partitions(struct json_writer *w, const struct partitions *p, bool with_keys)
{
    static const char *const words[] = {
        [PARTITION_STATIC] = "static", [PARTITION_TIME] = "time", [PARTITION_DYNAMIC] = "dynamic"};
    if (p->kind == PARTITION_NONE) {
        return;
    }
    jw_key(w, STR("partitions"));
    jw_begin_object(w);
    jw_member_str(w, "kind", str_from(words[p->kind]));
    if (p->kind == PARTITION_STATIC) {
        jw_member_i64(w, "count", (int64_t)p->key_count);
        if (with_keys) {
            write_keys(w, p);
        }
    } else if (p->kind == PARTITION_DYNAMIC) {
        jw_member_str(w, "set", p->set);
    } else {
        jw_member_str(w, "cron", p->cron_text);
        jw_member_str(w, "timezone", p->timezone);
        jw_member_wall(w, "start", p->start);
        jw_member_str(w, "format", p->format);
        jw_member_opt_wall(w, "end", p->end);
        if (p->end_offset != 0) {
            jw_member_i64(w, "end_offset", p->end_offset);
        }
    }
    jw_end_object(w);
}

static void write_freshness(struct json_writer *w, const struct freshness_policy *policy)
{
    if (policy->kind == FRESHNESS_NONE) {
        return;
    }
    jw_key(w, STR("freshness"));
    jw_begin_object(w);
    if (policy->kind == FRESHNESS_WINDOW) {
        if (policy->warn_after_ns > 0) {
            jw_member_i64(w, "warn_after_ms", policy->warn_after_ns / NS_PER_MS);
        }
        jw_member_i64(w, "fail_after_ms", policy->fail_after_ns / NS_PER_MS);
    } else {
        jw_member_str(w, "cron", policy->cron_text);
        jw_member_str(w, "timezone", policy->timezone);
        jw_member_i64(w, "lower_bound_ms", policy->lower_bound_ns / NS_PER_MS);
    }
    jw_end_object(w);
}

static struct str automation_word(const struct automation *automation)
{
    static const struct str words[] = {[AUTOMATION_NONE] = STR_INIT(""),
                                       [AUTOMATION_EAGER] = STR_INIT("eager"),
                                       [AUTOMATION_ON_MISSING] = STR_INIT("on_missing"),
                                       [AUTOMATION_ON_CRON] = STR_INIT("on_cron")};
    return words[automation->kind];
}

/* Names under `key`; the array is begun with the first one. */
struct name_list {
    struct json_writer *w;
    const char *key;
    bool has_begun;
};

static void add_name(struct name_list *list, struct str name)
{
    if (!list->has_begun) {
        jw_key(list->w, str_from(list->key));
        jw_begin_array(list->w);
        list->has_begun = true;
    }
    jw_str(list->w, name);
}

static void end_names(struct name_list *list)
{
    if (list->has_begun) {
        jw_end_array(list->w);
    }
}

static void write_digest(struct json_writer *w, const struct asset *asset)
{
    char digest[17];
    (void)snprintf(digest, sizeof(digest), "%016llx", (unsigned long long)asset->digest);
    jw_member_str(w, "digest", str_from(digest));
}

void definitions_write_asset(const struct definitions *defs, size_t asset,
                             const struct env_lookup *env, struct json_writer *w)
{
    const struct asset *a = &defs->assets[asset];
    jw_begin_object(w);
    jw_member_str(w, "key", a->key);
    write_list(w, "deps", &a->deps);
    jw_member_str(w, "group", a->group);
    write_list(w, "kinds", &a->kinds);
    write_map(w, "tags", &a->tags);
    write_list(w, "owners", &a->owners);
    jw_member_opt(w, "description", a->description);
    jw_member_opt(w, "code_version", a->code_version);
    if (env != NULL) {
        write_digest(w, a);
        definitions_write_datasets(defs, asset, env, w);
    }
    if (a->work == ASSET_EXTERNAL) {
        jw_member_bool(w, "external", true);
    }
    if (a->step != NULL) {
        jw_member_str(w, "step", a->step->key);
    }
    write_map(w, "metadata", &a->metadata);
    write_partitions(w, &a->partitions, env != NULL);
    write_freshness(w, &a->freshness);
    jw_member_opt(w, "automation", automation_word(&a->automation));
    jw_member_opt(w, "pool", a->pool_name);
    write_checks(w, a);
    const uint32_t node = (uint32_t)asset;
    struct name_list jobs = {w, "jobs", false};
    for (size_t i = 0; i < defs->job_count; i++) {
        if (graph_nodes_include(defs->jobs[i].assets, defs->jobs[i].asset_count, node)) {
            add_name(&jobs, defs->jobs[i].name);
        }
    }
    end_names(&jobs);
    struct name_list schedules = {w, "schedules", false};
    for (size_t i = 0; i < defs->schedule_count; i++) {
        if (graph_nodes_include(defs->schedules[i].assets, defs->schedules[i].asset_count, node)) {
            add_name(&schedules, defs->schedules[i].name);
        }
    }
    end_names(&schedules);
    struct name_list sensors = {w, "sensors", false};
    for (size_t i = 0; i < defs->sensor_count; i++) {
        if (graph_nodes_include(defs->sensors[i].assets, defs->sensors[i].asset_count, node)) {
            add_name(&sensors, defs->sensors[i].name);
        }
    }
    end_names(&sensors);
    jw_end_object(w);
}
