/* link.c - what refers to something else: deps to assets, and jobs to those that they select. */
#include "agent/definitions/loader.h"

#include "agent/definitions/attributes.h"
#include "common/base/limits.h"
#include "common/model/asset_key.h"

enum { SHOWN_BYTES_MAX = 80 };

/* --- the graph --- */

/* While there are problems some assets have no good key, so nodes are mapped back to assets. */
struct graph_link {
    struct loader *l;
    struct graph_input *input;
    uint32_t *assets; /* of nodes */
    size_t count;
};

static const struct json *nth_child(const struct json *list, size_t index)
{
    const struct json *node = list == NULL ? NULL : list->child;
    for (; node != NULL && index > 0; index--) {
        node = node->next;
    }
    return node;
}

static bool is_step_key(const struct graph_link *link, const struct graph_fault *fault)
{
    const struct definitions *defs = link->l->defs;
    struct str dep = link->input[fault->node].deps[fault->dep];
    for (size_t i = 0; defs->shared_step_count > 0 && i < defs->asset_count; i++) {
        if (defs->assets[i].step != NULL && str_eq(defs->assets[i].step->key, dep)) {
            return true;
        }
    }
    return false;
}

static void on_fault(void *ctx, const struct graph_fault *fault)
{
    struct graph_link *link = ctx;
    if (is_counted_only(link->l)) {
        return;
    }
    const struct json *assets = json_get(link->l->root, "assets");
    const struct json *node = nth_child(assets, link->assets[fault->node]);
    struct location at = {0};
    switch (fault->kind) {
    case GRAPH_DUPLICATE_KEY: {
        at = place_of(node, "key");
        const struct asset *earlier = &link->l->defs->assets[link->assets[fault->dep]];
        const struct item item = {link->l, node, "asset", earlier->key};
        item_twice(&item, at, earlier->at);
        return;
    }
    case GRAPH_MISSING_DEP:
        at = place_of_item(node, "deps", fault->dep);
        if (is_step_key(link, fault)) {
            problems_add(link->l->problems, at, STR("name those of its assets that are meant"),
                         STR_FMT ": it is a step that makes several assets", STR_ARG(fault->text));
            return;
        }
        break;
    case GRAPH_CYCLE:
        at = place_of(node, "deps");
        break;
    }
    problems_add(link->l->problems, at, fault->hint, STR_FMT, STR_ARG(fault->text));
}

static bool are_good_keys(const struct asset *asset)
{
    struct err ignored = {0};
    bool ok = asset_key_check(asset->key, &ignored);
    for (size_t i = 0; ok && i < asset->deps.count; i++) {
        ok = asset_key_check(asset->deps.items[i], &ignored);
    }
    return ok;
}

void link_graph(struct loader *l)
{
    struct definitions *defs = l->defs;
    struct graph_link link = {.l = l};
    link.input = arena_array(&l->scratch, defs->asset_count, sizeof(*link.input));
    link.assets = arena_array(&l->scratch, defs->asset_count, sizeof(*link.assets));
    if (link.input == NULL || link.assets == NULL) {
        return; /* the arena remembers */
    }
    for (uint32_t i = 0; i < defs->asset_count; i++) {
        const struct asset *asset = &defs->assets[i];
        if (are_good_keys(asset)) {
            link.assets[link.count] = i;
            link.input[link.count++] =
                (struct graph_input){asset->key, asset->deps.items, asset->deps.count};
        }
    }
    bool is_whole = link.count == defs->asset_count;
    const struct graph_listener listener = {on_fault, &link};
    struct graph graph;
    struct err err = {0};
    if (graph_build(&defs->arena, link.input, link.count, &listener, &graph, &err) && is_whole) {
        defs->graph = graph;
        l->has_graph = true;
    }
}

/* --- selections --- */

/* One bool for each asset, in `work`. False: a problem was added, or there is no graph (which
 * has a problem of its own). */
static bool evaluate(const struct item *item, struct str text, struct arena *work, bool **ret_set)
{
    struct loader *l = item->l;
    const struct selection_attributes attributes = definitions_attributes(l->defs);
    struct selection *selection = NULL;
    struct err err = {0};
    bool ok = selection_parse(text, work, &selection, &err);
    if (ok && !l->has_graph) {
        return false;
    }
    if (!ok || !selection_evaluate(selection, &l->defs->graph, &attributes, work, ret_set, &err)) {
        item_problem(item, item_place(item, "select"), err.hint, "%s", err.msg);
        return false;
    }
    return true;
}

/* What a selection names, ascending, in the arena of the definitions. Nothing when a problem was
 * added or the arena is exhausted. */
static void select_assets(const struct item *item, struct str text, const uint32_t **ret,
                          size_t *ret_count)
{
    struct definitions *defs = item->l->defs;
    AUTO(arena) work = arena_new(LIMIT_DEFINITIONS_ARENA);
    bool *set = NULL;
    if (!evaluate(item, text, &work, &set)) {
        return;
    }
    size_t count = 0;
    size_t steps = 0;
    for (size_t i = 0; i < defs->asset_count; i++) {
        count += set[i];
        steps += set[i] && defs->assets[i].work != ASSET_EXTERNAL;
    }
    if (steps == 0) {
        item_problem(item, item_place(item, "select"), "* selects all assets",
                     "\"" STR_FMT "\" selects %s", STR_ARG(text),
                     count == 0 ? "no asset" : "external assets only");
        return;
    }
    uint32_t *assets = arena_array(&defs->arena, count, sizeof(*assets));
    if (assets == NULL) {
        return; /* the arena remembers */
    }
    *ret = assets;
    *ret_count = count;
    for (uint32_t i = 0; i < defs->asset_count; i++) {
        if (set[i]) {
            *assets++ = i;
        }
    }
}

/* --- jobs --- */

static void link_job(struct loader *l, const struct json *node, size_t index)
{
    struct job *jobs = l->defs->jobs;
    struct job *job = &jobs[index];
    const struct item item = {l, node, "job", job->name};
    (void)check_name(l, place_of(node, "name"), "job", job->name);
    for (size_t i = 0; i < index; i++) {
        if (job->name.len > 0 && str_eq(jobs[i].name, job->name)) {
            item_twice(&item, place_of(node, "name"), jobs[i].at);
            break;
        }
    }
    item_tags(&item, &job->tags);
    if (job->select.ptr != NULL) {
        select_assets(&item, job->select, &job->assets, &job->asset_count);
    }
}

void link_jobs(struct loader *l)
{
    const struct json *node = first_of(l->root, "jobs");
    for (size_t i = 0; i < l->defs->job_count; i++, node = next_of(node)) {
        link_job(l, node, i);
    }
}

const struct job *link_job_name(const struct item *item, struct location at, struct str name)
{
    const struct definitions *defs = item->l->defs;
    struct nearest nearest = {.wanted = name};
    for (size_t i = 0; i < defs->job_count; i++) {
        if (str_eq(defs->jobs[i].name, name)) {
            return &defs->jobs[i];
        }
        nearest_offer(&nearest, defs->jobs[i].name);
    }
    char hint[HINT_SIZE];
    item_problem(item, at, nearest_hint(&nearest, "define it under jobs", hint),
                 "there is no job \"" STR_FMT "\"", STR_ARG(str_slice(name, 0, SHOWN_BYTES_MAX)));
    return NULL;
}

void link_target(const struct item *item, const struct target *target)
{
    bool has_job = json_get(item->node, "job") != NULL;
    bool has_select = json_get(item->node, "select") != NULL;
    if (has_job == has_select) {
        item_problem(item, place_of_node(item->node), NULL,
                     "it needs one of job and select, and not both");
    } else if (has_select && target->select.ptr != NULL) {
        select_assets(item, target->select, target->assets, target->asset_count);
    } else if (target->job_name.ptr != NULL) {
        const struct job *job = link_job_name(item, item_place(item, "job"), target->job_name);
        if (job != NULL) {
            *target->job = job;
            *target->assets = job->assets;
            *target->asset_count = job->asset_count;
        }
    }
}
