/* graph.c - /graph: assets and what is made from what. */
#include "hub/api/api_internal.h"

enum { PAST_ARENA_BYTES = 512 << 20 };

/* --- kept while devices define the same ------------------------------------------------------------ */

static bool sum_definitions(struct api *api, int64_t *ret, struct err *err)
{
    bool is_found = false;
    *ret = 0;
    return db_scalar_i64(
        api->own,
        "SELECT coalesce(sum(seq % 1000000007 * (1 + length(device))), 0) + count(*)"
        " * 31 + coalesce(max(at_ms), 0) FROM definitions",
        ret, &is_found, err);
}

bool api_graph_get(struct api *api, const struct api_graph **ret, struct err *err)
{
    struct api_graph *g = &api->graph;
    const struct lineage_filter all = {0};
    int64_t sum = 0;
    *ret = g;
    if (!sum_definitions(api, &sum, err)) {
        return false;
    }
    const struct clock *clock = loop_clock(api->loop);
    struct mono_time begun = clock_mono(clock);
    struct mono_time deadline = api->deadline;
    bool is_young = g->cost_ns > SUMMARY_CHEAP_MS * NS_PER_MS &&
                    begun.ns - g->at.ns < SUMMARY_SHARE * g->cost_ns;
    if (g->sum != -1 && (g->sum == sum || is_young)) {
        return true;
    }
    g->sum = -1;
    arena_reset(&g->arena);
    api->deadline.ns = begun.ns + SUMMARY_MS * NS_PER_MS;
    bool ok = lineage_load(api->db, &all, &g->arena, &g->lineage, err) &&
              fleet_graph_load(api->db, STR_NONE, &g->arena, &g->fleet, err);
    g->at = clock_mono(clock);
    g->cost_ns = g->at.ns - begun.ns;
    api->deadline.ns = deadline.ns + g->cost_ns;
    g->sum = ok ? sum : -1;
    return ok;
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
    const struct summary *summary;
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
    const struct hub_fleet_asset *f = summary_find(g->summary, a->key);
    jw_begin_object(&g->w);
    jw_member_str(&g->w, "key", a->key);
    if (f != NULL) {
        jw_member_opt(&g->w, "group", f->group);
        row_member_json(&g->w, "kinds", f->kinds);
        jw_member_bool(&g->w, "external", f->is_external);
        jw_member_i64(&g->w, "devices", f->devices);
        jw_member_i64(&g->w, "failing", f->failing);
        jw_member_opt_wall(&g->w, "materialized_at", f->at);
        row_member_number(&g->w, "materializations", f->materializations);
        freshness_member(&g->summary->freshness, &g->w, a->key);
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
    g->lineage = past;
    return lineage_load(g->api->db, &filter, g->arena, past, err);
}

bool api_graph(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    AUTO(arena) arena = arena_new(PAST_ARENA_BYTES);
    struct writing g = {.api = api, .rq = rq, .w = json_writer(&rs->body)};
    struct fleet_graph own;
    struct lineage past;
    bool *chosen = NULL;
    const struct api_graph *now = NULL;
    struct str at = http_target_get(&rq->target, "at");
    struct str device = http_target_get(&rq->target, "device");
    g.arena = &arena;
    if (!api_select(api, rq, device, &own, &g.fleet, &chosen, err)) {
        return false;
    }
    g.chosen = chosen;
    bool ok = true;
    if (str_is_empty(at) && str_is_empty(device)) {
        ok = api_graph_get(api, &now, err);
        g.lineage = ok ? &now->lineage : NULL;
    } else {
        ok = read_past(&g, at, device, &past, err);
    }
    if (!ok || !api_summary_get(api, rq->now, &g.summary, err)) {
        return false;
    }
    write_graph(&g);
    return true;
}
