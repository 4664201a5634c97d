/* link_steps.c - steps as a graph of their own: which assets a shared one makes, and an order in which
 * every step comes after all that its assets are made from. */
#include "agent/definitions/loader.h"

/* The steps as a graph: those that make one asset, and the shared ones. */
struct step_link {
    struct loader *l;
    uint32_t *step_of; /* of each asset */
    uint32_t *first;   /* asset of each step, in the order of the definitions */
    struct graph_input *input;
    size_t count;
};

/* Numbers the steps, and gives the shared ones their assets. */
static bool number_steps(struct step_link *link)
{
    struct definitions *defs = link->l->defs;
    struct strmap known = strmap_new(&link->l->scratch);
    for (uint32_t i = 0; i < defs->asset_count; i++) {
        struct shared_step *step = defs->assets[i].step;
        struct str key = asset_step_key(&defs->assets[i]);
        uint32_t number = 0;
        bool is_known = step != NULL && step->asset_count > 0;
        if (is_known) {
            (void)strmap_get(&known, key, &number);
        } else if (strmap_get(&known, key, &number)) {
            const struct asset *earlier = &defs->assets[link->first[number]];
            struct location at = step != NULL ? step->at : defs->assets[i].at;
            problems_add(link->l->problems, at, STR("give one of them another key"),
                         "the key " STR_FMT " is that of a step that makes several assets, and of "
                         "another %s",
                         STR_ARG(key), earlier->step != NULL && step != NULL ? "step" : "asset");
            return false;
        } else {
            number = (uint32_t)link->count++;
            link->first[number] = i;
            link->input[number].key = key;
            if (!strmap_put(&known, key, number)) {
                return false;
            }
        }
        link->step_of[i] = number;
        if (step != NULL) {
            step->asset_count++;
        }
    }
    return true;
}

/* In an order in which they can be made: of a dbt project they are made from one another. */
static bool list_assets(struct step_link *link)
{
    struct definitions *defs = link->l->defs;
    uint32_t *all = arena_array(&defs->arena, defs->asset_count, sizeof(*all));
    uint32_t *next = all;
    if (all == NULL) {
        return false;
    }
    for (size_t s = 0; s < link->count; s++) {
        struct shared_step *step = defs->assets[link->first[s]].step;
        if (step != NULL) {
            step->assets = next;
            next += step->asset_count;
            step->asset_count = 0; /* counted again */
        }
    }
    for (size_t i = 0; i < defs->graph.count; i++) {
        uint32_t asset = defs->graph.order[i];
        struct shared_step *step = defs->assets[asset].step;
        if (step != NULL) {
            all[(size_t)(step->assets - all) + step->asset_count++] = asset;
        }
    }
    return true;
}

/* What all assets of a step are made from, but for one another. `seen` has a place for each step. */
static bool add_step_deps(struct step_link *link, size_t s, uint32_t *seen)
{
    const struct definitions *defs = link->l->defs;
    const struct shared_step *step = defs->assets[link->first[s]].step;
    const uint32_t *assets = step != NULL ? step->assets : &link->first[s];
    size_t count = step != NULL ? step->asset_count : 1;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += defs->graph.nodes[assets[i]].dep_count;
    }
    struct str *deps = arena_array(&link->l->scratch, total, sizeof(*deps));
    if (deps == NULL) {
        return false;
    }
    seen[s] = (uint32_t)s + 1; /* itself */
    struct graph_input *input = &link->input[s];
    input->deps = deps;
    for (size_t i = 0; i < count; i++) {
        const struct graph_node *node = &defs->graph.nodes[assets[i]];
        for (size_t d = 0; d < node->dep_count; d++) {
            uint32_t dep = link->step_of[node->deps[d]];
            if (seen[dep] != s + 1) {
                seen[dep] = (uint32_t)s + 1;
                deps[input->dep_count++] = link->input[dep].key;
            }
        }
    }
    return true;
}

/* Whether the way round goes through nodes of a dbt project. */
static bool is_of_dbt(const struct step_link *link, struct str way)
{
    const struct definitions *defs = link->l->defs;
    for (size_t i = 0; i < defs->asset_count; i++) {
        const struct asset *asset = &defs->assets[i];
        if (asset->work == ASSET_DBT && str_contains(way, asset_step_key(asset))) {
            return true;
        }
    }
    return false;
}

static void on_step_cycle(void *ctx, const struct graph_fault *fault)
{
    struct step_link *link = ctx;
    const struct asset *asset = &link->l->defs->assets[link->first[fault->node]];
    struct str before = STR_NONE;
    struct str path = STR_NONE;
    (void)str_cut(fault->text, ':', &before, &path);
    problems_add(link->l->problems, asset->step != NULL ? asset->step->at : asset->at,
                 is_of_dbt(link, path)
                     ? STR("a step makes its assets together: give the project two entries under "
                           "dbt, with select and exclude")
                     : STR("a step makes its assets together: drop one dep, or make one of them "
                           "in a step of its own"),
                 "steps wait for each other:" STR_FMT, STR_ARG(path));
}

static bool order_steps(struct step_link *link)
{
    struct definitions *defs = link->l->defs;
    const struct graph_listener listener = {on_step_cycle, link};
    uint32_t *order = arena_array(&defs->arena, defs->asset_count, sizeof(*order));
    struct graph graph;
    struct err err = {0};
    if (order == NULL) {
        return false;
    }
    if (!graph_build(&link->l->scratch, link->input, link->count, &listener, &graph, &err)) {
        if (err.code == ERR_FULL) {
            problems_add(link->l->problems, (struct location){0}, STR_NONE, "%s", err.msg);
        }
        return err.code != ERR_NO_MEMORY;
    }
    defs->order = order;
    for (size_t s = 0; s < graph.count; s++) {
        uint32_t first = link->first[graph.order[s]];
        const struct shared_step *step = defs->assets[first].step;
        for (size_t i = 0; step != NULL && i < step->asset_count; i++) {
            *order++ = step->assets[i];
        }
        if (step == NULL) {
            *order++ = first;
        }
    }
    return true;
}

void link_steps(struct loader *l)
{
    struct definitions *defs = l->defs;
    struct step_link link = {.l = l};
    defs->order = defs->graph.order;
    if (!l->has_graph || defs->shared_step_count == 0) {
        return;
    }
    link.step_of = arena_array(&l->scratch, defs->asset_count, sizeof(*link.step_of));
    link.first = arena_array(&l->scratch, defs->asset_count, sizeof(*link.first));
    link.input = arena_array(&l->scratch, defs->asset_count, sizeof(*link.input));
    uint32_t *seen = arena_array(&l->scratch, defs->asset_count, sizeof(*seen));
    /* Each of them is false with a problem, or the arena remembers. */
    bool ok = link.step_of != NULL && link.first != NULL && link.input != NULL && seen != NULL &&
              number_steps(&link) && list_assets(&link);
    for (size_t s = 0; ok && s < link.count; s++) {
        ok = add_step_deps(&link, s, seen);
    }
    if (ok && !order_steps(&link)) {
        defs->order = defs->graph.order;
    }
}
