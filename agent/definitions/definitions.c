#include "agent/definitions/definitions.h"

#include "agent/definitions/loader.h"
#include "common/base/limits.h"
#include <string.h>

enum { ASSET_TOLD_BYTES_MAX = 48 << 10 }; /* with room for the event around it */

/* --- steps of a load --- */

static const char *folder_of(struct str path, struct arena *arena)
{
    struct str folder;
    struct str name;
    if (!str_cut_last(path, '/', &folder, &name)) {
        return ".";
    }
    return folder.len == 0 ? "/" : arena_cstr(arena, folder);
}

/* A copy of an array in the arena of the definitions. */
static void *keep(struct loader *l, const struct object_list *list, size_t size)
{
    void *copy = arena_array(&l->defs->arena, list->count, size);
    if (copy != NULL && list->count > 0) {
        memcpy(copy, list->items, list->count * size);
    }
    return copy;
}

/* Room for what becomes of the raw structs. False: out of memory. */
static bool make_room(struct loader *l)
{
    struct definitions *defs = l->defs;
    struct raw_definitions *raw = &l->raw;
    defs->project = raw->project;
    defs->resources = arena_array(&defs->arena, raw->resources.count, sizeof(*defs->resources));
    defs->resource_count = raw->resources.count;
    defs->pools = keep(l, &raw->pools, sizeof(*defs->pools));
    defs->pool_count = raw->pools.count;
    defs->assets = arena_array(&defs->arena, raw->assets.count, sizeof(*defs->assets));
    defs->asset_count = raw->assets.count;
    defs->jobs = keep(l, &raw->jobs, sizeof(*defs->jobs));
    defs->job_count = raw->jobs.count;
    defs->schedules = arena_array(&defs->arena, raw->schedules.count, sizeof(*defs->schedules));
    defs->schedule_count = raw->schedules.count;
    defs->sensors = arena_array(&defs->arena, raw->sensors.count, sizeof(*defs->sensors));
    defs->sensor_count = raw->sensors.count;
    return !defs->arena.exhausted;
}

/* Each asset must fit into one event. */
static void check_sizes(struct loader *l)
{
    AUTO(buf) told = buf_growing(ASSET_TOLD_BYTES_MAX);
    for (size_t i = 0; i < l->defs->asset_count; i++) {
        buf_reset(&told);
        struct json_writer w = json_writer(&told);
        definitions_write_asset(l->defs, i, NULL, &w);
        if (told.overflow) {
            problems_add(l->problems, l->defs->assets[i].at,
                         STR("shorten its deps, tags, owners and description"),
                         "asset " STR_FMT ": all that is said about it takes more than %d bytes",
                         STR_ARG(l->defs->assets[i].key), ASSET_TOLD_BYTES_MAX);
        }
    }
}

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY,
                   "not enough memory for the definitions (they may take %d MiB)",
                   LIMIT_DEFINITIONS_ARENA >> 20);
}

static bool has_run_out(const struct loader *l)
{
    return l->defs->arena.exhausted || l->scratch.exhausted || l->problems->arena->exhausted;
}

/* False: out of memory. What is found wrong is added to the problems. */
static bool check(struct loader *l)
{
    size_t before = l->problems->total;
    (void)check_name(l, place_of(l->root, "project"), "project", l->defs->project);
    check_resources(l);
    check_pools(l);
    check_assets(l);
    if (has_run_out(l)) {
        return false; /* what was not checked must not be linked */
    }
    link_graph(l);
    link_steps(l);
    link_jobs(l);
    link_schedules(l);
    link_sensors(l);
    if (l->problems->total == before && !has_run_out(l)) {
        check_sizes(l);
    }
    return !has_run_out(l);
}

static bool load(struct loader *l, struct str text, struct err *err)
{
    size_t before = l->problems->total;
    if (!read_files(l, text, err)) {
        return has_run_out(l) ? out_of_memory(err) : false;
    }
    /* What could be read is checked further even after a problem, so that a person sees all
     * problems at once; but what a file that could not be read defines is not missing. */
    if (l->is_whole && (!make_room(l) || !check(l))) {
        return out_of_memory(err);
    }
    if (has_run_out(l)) {
        return out_of_memory(err);
    }
    if (l->problems->total > before) {
        return problems_to_err(l->problems, err);
    }
    return stamp_contents(l) || out_of_memory(err);
}

/* --- public --- */

bool definitions_parse(struct str text, struct str path, const struct definitions_files *files,
                       struct problems *problems, struct definitions **ret, struct err *err)
{
    struct arena arena = arena_new(LIMIT_DEFINITIONS_ARENA);
    struct definitions *defs = arena_alloc(&arena, sizeof(*defs));
    if (defs == NULL) {
        return out_of_memory(err);
    }
    defs->arena = arena;
    defs->path = arena_copy(&defs->arena, path);
    defs->dir = folder_of(path, &defs->arena);
    problems->file = arena_copy(problems->arena, path); /* outlives a failed load */
    struct loader l = {.defs = defs, .problems = problems, .files = files, .is_whole = true};
    l.scratch = arena_new(LIMIT_DEFINITIONS_ARENA);
    bool ok = !defs->arena.exhausted ? load(&l, text, err) : out_of_memory(err);
    arena_release(&l.scratch);
    if (!ok) {
        definitions_close(defs);
        return false;
    }
    *ret = defs;
    return true;
}

bool definitions_load(const char *path, const struct definitions_files *files,
                      struct problems *problems, struct definitions **ret, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_DEFINITIONS_BYTES);
    if (!files->read_file(files->ctx, path, &text, err)) {
        if (err->code == ERR_NOT_FOUND) {
            (void)err_hint(err, "where it is say --definitions FILE, SELVEDGE_DEFINITIONS and the "
                                "agent's settings");
        }
        problems->file = STR_NONE;
        problems_add(problems, (struct location){0}, str_from(err->hint), "%s", err->msg);
        return false;
    }
    return definitions_parse(buf_str(&text), str_from(path), files, problems, ret, err);
}

struct definitions *definitions_share(struct definitions *defs)
{
    defs->shares++;
    return defs;
}

void definitions_close(struct definitions *defs)
{
    if (defs != NULL && defs->shares-- == 0) {
        struct arena arena = defs->arena; /* the struct itself lives in it */
        struct definitions *base = defs->base;
        arena_release(&arena);
        definitions_close(base); /* which has none itself */
    }
}
