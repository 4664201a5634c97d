/* lineage.c - /lineage: every edge and why it is one; versions that differ; assets as of a time. */
#include "hub/api/lineage.h"

#include <assert.h>

enum {
    LINEAGE_ARENA_BYTES = 512 << 20,
    LINEAGE_MS = 10000,          /* reading the past of a large fleet may take so long */
    PAGE_BYTES_ENOUGH = 8 << 20, /* then a page ends: an edge may name thousands of devices */
    DIFFERENCES_BYTES_MAX = 64 << 10,
    DEFINITIONS_SHOWN_MAX = 20, /* of one asset, the most common ones */
};

/* What is kept of the fleet as it is now, or read for this question. */
struct question {
    struct api *api;
    struct http_request *rq;
    struct page page;
    struct arena arena;
    const struct lineage *l;
    struct lineage own;
    struct lineage_filter filter;
};

static bool read_lineage(struct question *q, struct err *err)
{
    const struct api_graph *now = NULL;
    struct mono_time end = {q->rq->mono.ns + LINEAGE_MS * NS_PER_MS};
    if (str_is_empty(q->filter.device) && q->filter.at.ns == 0) {
        bool ok = api_graph_get(q->api, &now, err);
        q->l = ok ? &now->lineage : NULL;
        return ok;
    }
    q->api->deadline.ns = q->api->deadline.ns > end.ns ? q->api->deadline.ns : end.ns;
    q->l = &q->own;
    return lineage_load(q->api->db, &q->filter, &q->arena, &q->own, err);
}

static bool begin(struct question *q, struct http_response *rs, size_t parts, struct err *err)
{
    struct str at = http_target_get(&q->rq->target, "at");
    q->filter.device = http_target_get(&q->rq->target, "device");
    if (!str_is_empty(at) && !wall_parse(at, &q->filter.at)) {
        return err_set(err, ERR_INVALID, "at is no time: write 2026-11-22T02:30:00Z");
    }
    q->arena = arena_new(LINEAGE_ARENA_BYTES);
    return read_lineage(q, err) && page_begin(&q->page, q->rq, rs, parts, err);
}

static void finish(struct question *q, bool is_begun)
{
    if (is_begun) {
        page_end(&q->page);
    }
    arena_release(&q->arena);
}

/* Ends the page behind this item when it has become long. */
static void is_at(struct question *q, const struct str *parts)
{
    if (q->page.out->len > PAGE_BYTES_ENOUGH) {
        q->page.limit = q->page.count;
    }
    page_is_at(&q->page, parts);
}

static void write_devices(struct json_writer *w, const struct lineage *l, const char *key,
                          struct lineage_devices devices)
{
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < devices.count; i++) {
        jw_str(w, l->devices[devices.items[i]]);
    }
    jw_end_array(w);
}

/* --- edges ------------------------------------------------------------------------------------ */

static void write_reason(struct json_writer *w, const struct lineage *l,
                         const struct lineage_reason *r)
{
    static const char *const scopes[] = {
        [DATASET_EVERYWHERE] = "everywhere", [DATASET_SITE] = "site", [DATASET_DEVICE] = "device"};
    bool is_key = str_is_empty(r->dataset);
    jw_begin_object(w);
    jw_member_str(w, "by", is_key ? STR("key") : STR("dataset"));
    if (!is_key) {
        jw_member_str(w, "dataset", r->dataset);
        jw_member_str(w, "scope", str_from(scopes[r->scope]));
    }
    write_devices(w, l, is_key ? "made_on" : "written_by", r->from);
    write_devices(w, l, is_key ? "declared_by" : "read_by", r->to);
    jw_member_bool(w, "crosses", r->does_cross);
    jw_end_object(w);
}

static struct lineage_devices declared_by(const struct lineage_edge *edge)
{
    const struct lineage_reason *first = edge->reasons;
    bool is_declared = first != NULL && str_is_empty(first->dataset);
    return is_declared ? first->to : (struct lineage_devices){NULL, 0};
}

static void write_edge(struct json_writer *w, const struct lineage *l,
                       const struct lineage_edge *edge)
{
    jw_begin_object(w);
    jw_member_str(w, "upstream", l->assets[edge->upstream].key);
    jw_member_str(w, "downstream", l->assets[edge->downstream].key);
    write_devices(w, l, "declared_by", declared_by(edge));
    jw_member_bool(w, "crosses", lineage_edge_crosses(edge));
    jw_key(w, STR("reasons"));
    jw_begin_array(w);
    for (const struct lineage_reason *r = edge->reasons; r != NULL; r = r->next) {
        write_reason(w, l, r);
    }
    jw_end_array(w);
    jw_end_object(w);
}

/* Edges between all that the asset is made from, itself, and all that is made from it. */
static bool choose(struct question *q, struct str key, bool **ret, struct err *err)
{
    const struct lineage *l = q->l;
    bool *chosen = arena_array(&q->arena, l->asset_count + 1, sizeof(bool));
    uint32_t asset = 0;
    if (!strmap_get(&l->by_key, key, &asset)) {
        (void)err_set(err, ERR_NOT_FOUND, "no device knows an asset " STR_FMT, STR_ARG(key));
        return err_hint(err, "see: selvedge-hub assets");
    }
    if (chosen == NULL || !lineage_reach(l, asset, true, &q->arena, chosen) ||
        !lineage_reach(l, asset, false, &q->arena, chosen)) {
        return err_set(err, ERR_NO_MEMORY, "lineage: out of memory");
    }
    chosen[asset] = true;
    *ret = chosen;
    return true;
}

static bool is_behind(const struct page *page, struct str upstream, struct str downstream)
{
    int order = str_is_empty(page->after[0]) ? 1 : str_cmp(upstream, page->after[0]);
    return order > 0 || (order == 0 && str_cmp(downstream, page->after[1]) > 0);
}

static void write_edges(struct question *q, const bool *chosen)
{
    const struct lineage *l = q->l;
    bool only_crossing = str_eq(http_target_get(&q->rq->target, "crossing"), STR("true"));
    for (size_t i = 0; i < l->edge_count && !q->page.has_more; i++) {
        const struct lineage_edge *edge = &l->edges[i];
        const struct str at[] = {l->assets[edge->upstream].key, l->assets[edge->downstream].key};
        bool is_meant = (!only_crossing || lineage_edge_crosses(edge)) &&
                        (chosen == NULL || (chosen[edge->upstream] && chosen[edge->downstream]));
        if (is_meant && is_behind(&q->page, at[0], at[1]) && page_has_room(&q->page)) {
            write_edge(&q->page.w, l, edge);
            is_at(q, at);
        }
    }
}

bool api_lineage(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct question q = {.api = ctx, .rq = rq};
    struct str key = http_target_get(&rq->target, "asset");
    bool *chosen = NULL;
    bool is_begun = begin(&q, rs, 2, err);
    bool ok = is_begun && (str_is_empty(key) || choose(&q, key, &chosen, err));
    if (ok) {
        write_edges(&q, chosen);
    }
    finish(&q, is_begun);
    return ok;
}

/* --- versions --------------------------------------------------------------------------------- */

/* "differs_in" is from the version that most devices have. */
static void write_version(struct json_writer *w, const struct lineage *l,
                          const struct lineage_version *version)
{
    AUTO(buf) differences = buf_growing(DIFFERENCES_BYTES_MAX);
    const struct lineage_version *first = l->assets[version->asset].versions;
    if (version != first) {
        lineage_add_differences(&differences, version->body, first->body);
    }
    jw_member_str(w, "version", version->id);
    jw_member_opt(w, "code_version", version->code_version);
    jw_member_bool(w, "external", version->is_external);
    jw_member_opt_wall(w, "since", version->since);
    jw_member_opt(w, "differs_in", buf_str(&differences));
    write_devices(w, l, "devices", version->devices);
}

static bool have_differences(const struct lineage_asset *asset)
{
    const struct lineage_version *first = asset->versions;
    for (const struct lineage_version *v = first; v != NULL; v = v->next) {
        if (v != first && lineage_differs(v->body, first->body)) {
            return true;
        }
    }
    return false;
}

/* The cursor: an asset and which of its versions, the most common being the first. */
static void write_differing(struct question *q, const struct lineage_asset *asset)
{
    int64_t done = 0;
    int64_t number = 0;
    bool goes_on = str_eq(asset->key, q->page.after[0]);
    if (goes_on && !str_to_i64(q->page.after[1], 0, INT64_MAX, &done)) {
        done = INT64_MAX;
    }
    for (const struct lineage_version *v = asset->versions; v != NULL; v = v->next) {
        if (++number > done && page_has_room(&q->page)) {
            const struct str at[] = {asset->key,
                                     arena_printf(q->rq->arena, "%lld", (long long)number)};
            jw_begin_object(&q->page.w);
            jw_member_str(&q->page.w, "asset", asset->key);
            write_version(&q->page.w, q->l, v);
            jw_end_object(&q->page.w);
            is_at(q, at);
        }
    }
}

bool api_lineage_versions(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    struct question q = {.api = ctx, .rq = rq};
    bool ok = begin(&q, rs, 2, err);
    for (size_t i = 0; ok && i < q.l->asset_count && !q.page.has_more; i++) {
        const struct lineage_asset *asset = &q.l->assets[i];
        bool is_before = !str_is_empty(q.page.after[0]) && str_cmp(asset->key, q.page.after[0]) < 0;
        if (!is_before && have_differences(asset)) {
            write_differing(&q, asset);
        }
    }
    finish(&q, ok);
    return ok;
}

/* --- as of a time ----------------------------------------------------------------------------- */

struct made {
    struct wall_time at;
    int64_t times;
};
struct counting {
    const struct lineage *lineage;
    struct made *made; /* by asset */
};

static void count_made(void *ctx, const struct hub_materialized_at *row)
{
    struct counting *c = ctx;
    uint32_t asset = 0;
    if (strmap_get(&c->lineage->by_key, row->asset, &asset)) {
        c->made[asset] = (struct made){row->at, row->materializations};
    }
}

static void write_asset_at(struct question *q, const struct lineage_asset *asset,
                           const struct made *made)
{
    struct json_writer *w = &q->page.w;
    jw_begin_object(w);
    jw_member_str(w, "asset", asset->key);
    write_devices(w, q->l, "made_on", asset->made_on);
    write_devices(w, q->l, "external_on", asset->external_on);
    jw_member_i64(w, "versions", (int64_t)asset->version_count);
    jw_member_opt_wall(w, "materialized_at", made->at);
    jw_member_i64(w, "materializations", made->times);
    jw_end_object(w);
    is_at(q, &asset->key);
}

static bool write_assets_at(struct question *q, struct err *err)
{
    const struct lineage *l = q->l;
    struct wall_time at = q->filter.at.ns != 0 ? q->filter.at : q->rq->now;
    struct counting c = {l, arena_array(&q->arena, l->asset_count + 1, sizeof(struct made))};
    if (c.made == NULL) {
        return err_set(err, ERR_NO_MEMORY, "list assets: out of memory");
    }
    if (!hub_each_materialized_at(q->api->db, q->filter.device, at, count_made, &c, err)) {
        return false;
    }
    for (size_t i = 0; i < l->asset_count && !q->page.has_more; i++) {
        struct str after = q->page.after[0];
        bool is_behind_it = str_is_empty(after) || str_cmp(l->assets[i].key, after) > 0;
        if (is_behind_it && l->assets[i].version_count > 0 && page_has_room(&q->page)) {
            write_asset_at(q, &l->assets[i], &c.made[i]);
        }
    }
    return true;
}

bool api_lineage_assets(void *ctx, struct http_request *rq, struct http_response *rs,
                        struct err *err)
{
    struct question q = {.api = ctx, .rq = rq};
    bool is_begun = begin(&q, rs, 1, err);
    bool ok = is_begun && write_assets_at(&q, err);
    finish(&q, is_begun);
    return ok;
}

/* --- one asset -------------------------------------------------------------------------------- */

/* Said by devices first; then by the data between them. */
static void write_neighbour(struct json_writer *w, const struct lineage *l, uint32_t other,
                            const struct lineage_edge *edge)
{
    const struct lineage_reason *r = edge->reasons;
    bool is_declared = r != NULL && str_is_empty(r->dataset);
    jw_begin_object(w);
    jw_member_str(w, "asset", l->assets[other].key);
    jw_member_bool(w, "crosses", lineage_edge_crosses(edge));
    write_devices(w, l, "declared_by", declared_by(edge));
    r = is_declared ? r->next : r;
    if (r != NULL) {
        jw_key(w, STR("datasets"));
        jw_begin_array(w);
        for (; r != NULL; r = r->next) {
            jw_str(w, r->dataset);
        }
        jw_end_array(w);
    }
    jw_end_object(w);
}

static void write_neighbours(struct json_writer *w, const struct lineage *l, uint32_t asset,
                             bool is_upstream)
{
    jw_key(w, is_upstream ? STR("upstream") : STR("downstream"));
    jw_begin_array(w);
    for (size_t i = 0; i < l->edge_count; i++) {
        const struct lineage_edge *edge = &l->edges[i];
        if ((is_upstream ? edge->downstream : edge->upstream) == asset) {
            write_neighbour(w, l, is_upstream ? edge->upstream : edge->downstream, edge);
        }
    }
    jw_end_array(w);
}

/* What devices define it as: once for all that say the same. */
static void write_definitions(struct json_writer *w, const struct lineage *l,
                              const struct lineage_version *first)
{
    int shown = 0;
    jw_key(w, STR("definitions"));
    jw_begin_array(w);
    for (const struct lineage_version *v = first; v != NULL && shown < DEFINITIONS_SHOWN_MAX;
         v = v->next, shown++) {
        jw_begin_object(w);
        jw_member_str(w, "version", v->id);
        jw_member_i64(w, "devices", (int64_t)v->devices.count);
        jw_member_str(w, "device", l->devices[v->devices.items[0]]);
        jw_member_raw(w, "definition", v->body);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_asset(struct json_writer *w, const struct lineage *l, uint32_t asset)
{
    assert(l->assets != NULL); /* the asset is in it */
    const struct lineage_asset *a = &l->assets[asset];
    write_definitions(w, l, a->versions);
    write_devices(w, l, "made_on", a->made_on);
    write_devices(w, l, "external_on", a->external_on);
    jw_key(w, STR("versions"));
    jw_begin_array(w);
    for (const struct lineage_version *v = a->versions; v != NULL; v = v->next) {
        jw_begin_object(w);
        write_version(w, l, v);
        jw_end_object(w);
    }
    jw_end_array(w);
    write_neighbours(w, l, asset, true);
    write_neighbours(w, l, asset, false);
}

bool api_write_asset_lineage(struct api *api, struct json_writer *w, struct str key,
                             struct str device, bool *ret_known, struct err *err)
{
    struct http_request rq = {.mono = clock_mono(loop_clock(api->loop))};
    struct question q = {.api = api, .rq = &rq, .filter = {.device = device}};
    uint32_t asset = 0;
    q.arena = arena_new(LINEAGE_ARENA_BYTES);
    bool ok = read_lineage(&q, err);
    *ret_known = ok && q.l->assets != NULL && strmap_get(&q.l->by_key, key, &asset);
    if (ok) {
        struct lineage_asset nothing = {0};
        struct lineage none = {.assets = &nothing};
        write_asset(w, *ret_known ? q.l : &none, *ret_known ? asset : 0);
    }
    arena_release(&q.arena);
    return ok;
}
