/* graph.c - /graph: assets and what is made from what. */
#include "hub/api/api_internal.h"

#include "common/log/log.h"

enum {
    PAST_ARENA_BYTES = 512 << 20,
    GRAPH_CHEAP_MS = 20, /* what takes less is made anew at once when definitions have changed */
    GRAPH_SHARE = 10,    /* else in a thread, at most a tenth of the time */
    GRAPH_MS = 60000,    /* the first one may take so long */
};

/* --- kept while devices define the same ------------------------------------------------------------ */

static int64_t mono_ns(const struct api *api)
{
    return clock_mono(loop_clock(api->loop)).ns;
}

static void on_built(void *ctx, struct api_graph *graph, const struct err *err)
{
    struct api *api = ctx;
    api->graph_at.ns = mono_ns(api);
    if (graph == NULL) {
        LOG(WARN, "web.graph_failed", F_ERR(err), F_T("action", "showing the one before"));
        return;
    }
    graph_free(api->graph);
    api->graph = graph;
}

bool api_graph_start(struct api *api, struct err *err)
{
    const struct graph_build_options options = {
        .loop = api->loop, .database = api->database, .on_done = on_built, .ctx = api};
    graph_build_close(api->build);
    api->build = NULL;
    return graph_build_start(&api->build, &options, err);
}

static bool make_now(struct api *api, struct err *err)
{
    struct api_graph *graph = NULL;
    int64_t begun = mono_ns(api);
    int64_t deadline = api->deadline.ns;
    api->deadline.ns = begun + GRAPH_MS * NS_PER_MS;
    bool ok = graph_make(api->db, &graph, err);
    api->graph_at.ns = mono_ns(api);
    api->deadline.ns = deadline + (api->graph_at.ns - begun);
    if (ok) {
        graph_free(api->graph);
        api->graph = graph;
    }
    return ok;
}

static bool make_later(struct api *api, struct err *err)
{
    bool is_young = mono_ns(api) - api->graph_at.ns < GRAPH_SHARE * api->graph->cost_ns;
    return is_young || graph_build_is_running(api->build) || api_graph_start(api, err);
}

bool api_graph_get(struct api *api, const struct api_graph **ret, struct err *err)
{
    int64_t sum = 0;
    int64_t begun = mono_ns(api);
    if (api->graph == NULL && graph_build_is_running(api->build)) {
        graph_build_wait(api->build); /* the first one */
        api->deadline.ns += mono_ns(api) - begun;
    }
    if (!graph_sum(api->own, &sum, err)) {
        return false;
    }
    bool is_old = api->graph == NULL || api->graph->sum != sum;
    bool is_cheap = api->graph == NULL || api->graph->cost_ns < GRAPH_CHEAP_MS * NS_PER_MS;
    if (is_old && !(is_cheap ? make_now(api, err) : make_later(api, err))) {
        return false;
    }
    *ret = api->graph;
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
bool api_select(struct api *api, struct http_request *rq, struct str device,
                struct fleet_graph *own, const struct fleet_graph **ret, bool **ret_chosen,
                struct err *err)
{
    struct str selection = http_target_get(&rq->target, "selection");
    const struct api_graph *g = NULL;
    *ret_chosen = NULL;
    if (str_is_empty(selection)) {
        return true;
    }
    if (!str_is_empty(device)) {
        *ret = own;
        return fleet_graph_load(api->db, device, rq->arena, own, err) &&
               fleet_graph_select(own, selection, rq->arena, ret_chosen, err);
    }
    if (!api_graph_get(api, &g, err)) {
        return false;
    }
    *ret = &g->fleet;
    return fleet_graph_select(&g->fleet, selection, rq->arena, ret_chosen, err);
}

/* --- the answer ------------------------------------------------------------------------------------ */

struct writing {
    struct api *api;
    struct http_request *rq;
    struct json_writer w;
    const struct fleet_graph *fleet;
    const bool *chosen; /* by node of `fleet`; NULL: all */
    const struct lineage *lineage;
    const struct counts_fleet *counts;
    struct arena *arena;
};

static bool is_chosen(const struct writing *g, struct str asset)
{
    uint32_t node = 0;
    return g->chosen == NULL ||
           (strmap_get(&g->fleet->graph.by_key, asset, &node) && g->chosen[node]);
}

static void write_node(struct writing *g, const struct lineage_asset *a)
{
    size_t place = 0;
    bool is_known = counts_find_asset(g->counts, a->key, &place);
    jw_begin_object(&g->w);
    jw_member_str(&g->w, "key", a->key);
    if (is_known) {
        const struct hub_fleet_asset *f = &g->counts->assets[place];
        jw_member_opt(&g->w, "group", f->group);
        row_member_json(&g->w, "kinds", f->kinds);
        jw_member_bool(&g->w, "external", f->is_external);
        jw_member_i64(&g->w, "devices", f->devices);
        jw_member_i64(&g->w, "failing", f->failing);
        jw_member_opt_wall(&g->w, "materialized_at", f->at);
        row_member_number(&g->w, "materializations", f->materializations);
        freshness_counts_member(g->counts->fresh[place].of, &g->w);
    } else {
        jw_member_bool(&g->w, "external", true); /* only named as a dependency, or of the past */
        jw_member_i64(&g->w, "devices", 0);
        jw_member_i64(&g->w, "failing", 0);
    }
    jw_end_object(&g->w);
}

static void write_graph(struct writing *g)
{
    const struct lineage *l = g->lineage;
    jw_begin_object(&g->w);
    jw_key(&g->w, STR("nodes"));
    jw_begin_array(&g->w);
    for (size_t i = 0; i < l->asset_count; i++) {
        if (is_chosen(g, l->assets[i].key)) {
            write_node(g, &l->assets[i]);
        }
    }
    jw_end_array(&g->w);
    jw_key(&g->w, STR("edges"));
    jw_begin_array(&g->w);
    for (size_t i = 0; i < l->edge_count; i++) {
        struct str upstream = l->assets[l->edges[i].upstream].key;
        struct str downstream = l->assets[l->edges[i].downstream].key;
        if (is_chosen(g, upstream) && is_chosen(g, downstream)) {
            jw_begin_object(&g->w);
            jw_member_str(&g->w, "upstream", upstream);
            jw_member_str(&g->w, "downstream", downstream);
            jw_member_bool(&g->w, "crosses", lineage_edge_crosses(&l->edges[i]));
            jw_end_object(&g->w);
        }
    }
    jw_end_array(&g->w);
    jw_end_object(&g->w);
}

static bool read_past(struct writing *g, struct str at, struct str device, struct lineage *past,
                      struct err *err)
{
    struct lineage_filter filter = {.device = device};
    if (!str_is_empty(at) && !wall_parse(at, &filter.at)) {
        return err_set(err, ERR_INVALID, "at is no time: write 2026-11-22T02:30:00Z");
    }
    return lineage_load(g->api->db, &filter, g->arena, past, err);
}

bool api_graph(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    AUTO(arena) arena = arena_new(PAST_ARENA_BYTES);
    struct writing g = {.api = api, .rq = rq, .w = json_writer(&rs->body)};
    struct fleet_graph own;
    struct lineage past = {0};
    bool *chosen = NULL;
    const struct api_graph *now = NULL;
    struct counts *counts = NULL;
    struct str at = http_target_get(&rq->target, "at");
    struct str device = http_target_get(&rq->target, "device");
    g.arena = &arena;
    g.lineage = &past;
    if (!api_select(api, rq, device, &own, &g.fleet, &chosen, err)) {
        return false;
    }
    g.chosen = chosen;
    bool ok = true;
    if (str_is_empty(at) && str_is_empty(device)) {
        ok = api_graph_get(api, &now, err);
        g.lineage = ok ? &now->lineage : &past;
    } else {
        ok = read_past(&g, at, device, &past, err);
    }
    if (!ok || !api_counts(api, &counts, err)) {
        return false;
    }
    g.counts = counts_fleet(counts);
    write_graph(&g);
    return true;
}
