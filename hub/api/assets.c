/* assets.c - /assets */
#include "hub/api/failing_on.h"
#include "hub/api/lineage.h"

enum {
    CHUNK = 500,
    ROW_ARENA_BYTES = 4 << 20,
    ASSET_ROWS_MAX = 100000, /* of devices and of checks in the answer of one asset */
};

struct asset_list {
    struct api *api;
    struct http_request *rq;
    struct page *page;
    const struct fleet_graph *fleet;
    const bool *chosen; /* by node; NULL: all */
    struct counts *counts;
    struct freshness_list freshness;
    struct arena row_arena; /* of the freshness of one row */
    struct str last[2];     /* of the chunk */
    int64_t rows;
    struct err err; /* of a question within a row */
    bool has_failed;
    bool only_failing;
    bool with_names; /* of the devices on which it fails */
};

static bool is_chosen(const struct asset_list *list, struct str asset)
{
    uint32_t node = 0;
    return list->chosen == NULL ||
           (strmap_get(&list->fleet->graph.by_key, asset, &node) && list->chosen[node]);
}

static bool read_freshness(struct asset_list *list, struct str device, struct str asset)
{
    struct counts_fresh fresh = {0};
    size_t place = 0;
    if (list->counts == NULL && !api_counts(list->api, &list->counts, &list->err)) {
        list->has_failed = true;
        return false;
    }
    if (str_is_empty(device)) {
        const struct counts_fleet *fleet = counts_fleet(list->counts);
        fresh = counts_find_asset(fleet, asset, &place) ? fleet->fresh[place] : fresh;
    } else {
        enum freshness_word word = counts_word(list->counts, device, asset);
        fresh.of[word != FRESH_COUNT ? word : 0] = word != FRESH_COUNT ? 1 : 0;
    }
    arena_reset(&list->row_arena);
    list->freshness = (struct freshness_list){.arena = &list->row_arena};
    freshness_list_put(&list->freshness, asset, fresh.of);
    return true;
}

static void note_row(struct asset_list *list, struct str asset, struct str device)
{
    list->rows++;
    if (list->rows == CHUNK) {
        list->last[0] = arena_copy(list->rq->arena, asset);
        list->last[1] = arena_copy(list->rq->arena, device);
    }
}

static bool fill_fleet(struct asset_list *list, struct err *err)
{
    struct json_writer *w = &list->page->w;
    if (!api_counts(list->api, &list->counts, err)) {
        return false;
    }
    const struct counts_fleet *fleet = counts_fleet(list->counts);
    struct str after = list->page->after[0];
    size_t from = str_is_empty(after) ? 0 : counts_behind(fleet, after);
    for (size_t i = from; i < fleet->count && !list->page->has_more; i++) {
        const struct hub_fleet_asset *a = &fleet->assets[i];
        bool is_meant = is_chosen(list, a->asset) && (!list->only_failing || a->failing > 0);
        if (is_meant && page_has_room(list->page)) {
            jw_begin_object(w);
            row_fleet_asset(w, a);
            freshness_counts_member(fleet->fresh[i].of, w);
            if (list->with_names && a->failing > 0 &&
                !api_write_failing_on(list->api, w, a->asset, err)) {
                return false;
            }
            jw_end_object(w);
            page_is_at(list->page, &a->asset);
        }
    }
    return true;
}

static void write_device_asset(struct asset_list *list, struct json_writer *w,
                               const struct hub_device_asset *a)
{
    if (read_freshness(list, a->device, a->asset)) {
        jw_begin_object(w);
        row_device_asset(w, a);
        freshness_member(&list->freshness, w, a->asset);
        jw_end_object(w);
    }
}

static void add_device_asset(void *ctx, const struct hub_device_asset *a)
{
    struct asset_list *list = ctx;
    note_row(list, a->asset, a->device);
    if (is_chosen(list, a->asset) && page_has_room(list->page)) {
        const struct str at[] = {a->asset, a->device};
        write_device_asset(list, &list->page->w, a);
        page_is_at(list->page, at);
    }
}

/* Rows are chosen here and not in SQL: as many as it takes to fill the page. */
static bool fill_device(struct asset_list *list, struct str device, struct err *err)
{
    int64_t wanted = list->chosen == NULL ? page_wants(list->page) : CHUNK;
    struct hub_filter filter = {.device = device,
                                .only_failing = list->only_failing,
                                .after = {list->page->after[0], list->page->after[1]},
                                .limit = wanted < CHUNK ? wanted : CHUNK};
    do {
        list->rows = 0;
        if (!hub_each_device_asset(list->api->db, &filter, add_device_asset, list, err)) {
            return false;
        }
        if (list->has_failed) {
            *err = list->err;
            return false;
        }
        filter.after[0] = list->last[0];
        filter.after[1] = list->last[1];
    } while (list->rows == CHUNK && !list->page->has_more && list->last[0].ptr != NULL);
    return true;
}

bool api_assets(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    struct fleet_graph own;
    bool *chosen = NULL;
    struct asset_list list = {
        .api = api, .rq = rq, .page = &page, .row_arena = arena_new(ROW_ARENA_BYTES)};
    struct str device = http_target_get(&rq->target, "device");
    list.only_failing = str_eq(http_target_get(&rq->target, "failing"), STR("true"));
    list.with_names = str_eq(http_target_get(&rq->target, "names"), STR("true"));
    if (!api_select(api, rq, device, &own, &list.fleet, &chosen, err) ||
        !page_begin(&page, rq, rs, str_is_empty(device) ? 1 : 2, err)) {
        arena_release(&list.row_arena);
        return false;
    }
    list.chosen = chosen;
    bool ok = str_is_empty(device) ? fill_fleet(&list, err) : fill_device(&list, device, err);
    page_end(&page);
    arena_release(&list.row_arena);
    return ok;
}

/* --- one ------------------------------------------------------------------------------------------- */

struct one_asset {
    struct asset_list list;
    struct json_writer w;
    int64_t count;
};

static bool write_facts(struct one_asset *one, struct str key, struct err *err)
{
    size_t place = 0;
    if (!api_counts(one->list.api, &one->list.counts, err)) {
        return false;
    }
    const struct counts_fleet *fleet = counts_fleet(one->list.counts);
    if (counts_find_asset(fleet, key, &place)) {
        one->count++;
        row_fleet_asset(&one->w, &fleet->assets[place]);
    }
    return true;
}

static void add_on_device(void *ctx, const struct hub_device_asset *a)
{
    struct one_asset *one = ctx;
    write_device_asset(&one->list, &one->w, a);
}

static void add_check(void *ctx, const struct hub_check *check)
{
    struct one_asset *one = ctx;
    jw_begin_object(&one->w);
    row_check(&one->w, check);
    jw_end_object(&one->w);
}

static bool write_sections(struct one_asset *one, const struct hub_filter *filter, struct err *err)
{
    struct api *api = one->list.api;
    if (!read_freshness(&one->list, STR_NONE, filter->asset)) {
        *err = one->list.err;
        return false;
    }
    freshness_member(&one->list.freshness, &one->w, filter->asset);
    jw_key(&one->w, STR("on_devices"));
    jw_begin_array(&one->w);
    if (!hub_each_device_asset(api->db, filter, add_on_device, one, err)) {
        return false;
    }
    if (one->list.has_failed) {
        *err = one->list.err;
        return false;
    }
    jw_end_array(&one->w);
    jw_key(&one->w, STR("check_results"));
    jw_begin_array(&one->w);
    if (!hub_each_check(api->db, filter, add_check, one, err)) {
        return false;
    }
    jw_end_array(&one->w);
    return true;
}

/* There is no such asset: its error names the key that is nearest. */
static bool nearest_key(struct api *api, struct str key, struct err *err)
{
    const struct api_graph *g = NULL;
    uint32_t node = 0;
    return api_graph_get(api, &g, err) && graph_find(&g->fleet.graph, key, &node, err);
}

static bool write_asset(struct one_asset *one, struct http_request *rq, struct err *err)
{
    int64_t limit = 0; /* of each device a row, and one of each of its checks */
    if (!api_number(rq, "limit", PAGE_LIMIT, &limit, err)) {
        return false;
    }
    if (limit < 1 || limit > ASSET_ROWS_MAX) {
        return err_set(err, ERR_INVALID, "limit is a number from 1 to %d", ASSET_ROWS_MAX);
    }
    const struct hub_filter filter = {
        .asset = rq->args[0], .device = http_target_get(&rq->target, "device"), .limit = limit};
    bool is_known = false;
    jw_begin_object(&one->w);
    if (!write_facts(one, rq->args[0], err)) {
        return false;
    }
    if (one->count == 0) {
        jw_member_str(&one->w, "asset", rq->args[0]);
    }
    if (!write_sections(one, &filter, err) ||
        !api_write_asset_lineage(one->list.api, &one->w, rq->args[0], filter.device, &is_known,
                                 err)) {
        return false;
    }
    one->count += is_known ? 1 : 0;
    jw_end_object(&one->w);
    return one->count > 0 || nearest_key(one->list.api, rq->args[0], err);
}

bool api_asset(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct one_asset one = {.list = {.api = ctx, .rq = rq, .row_arena = arena_new(ROW_ARENA_BYTES)},
                            .w = json_writer(&rs->body)};
    bool ok = write_asset(&one, rq, err);
    arena_release(&one.list.row_arena);
    return ok;
}

/* --- its devices, page by page --------------------------------------------------------------------- */

static void add_device_of_asset(void *ctx, const struct hub_device_asset *a)
{
    struct asset_list *list = ctx;
    if (page_has_room(list->page)) {
        write_device_asset(list, &list->page->w, a);
        page_is_at(list->page, &a->device);
    }
}

bool api_asset_devices(void *ctx, struct http_request *rq, struct http_response *rs,
                       struct err *err)
{
    struct api *api = ctx;
    struct page page;
    struct asset_list list = {.api = api, .rq = rq, .page = &page};
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    const struct hub_filter filter = {
        .asset = rq->args[0],
        .only_failing = str_eq(http_target_get(&rq->target, "failing"), STR("true")),
        .after = {rq->args[0], page.after[0]},
        .limit = page_wants(&page)};
    list.row_arena = arena_new(ROW_ARENA_BYTES);
    bool ok = hub_each_device_asset(api->db, &filter, add_device_of_asset, &list, err);
    if (ok && list.has_failed) {
        *err = list.err;
        ok = false;
    }
    page_end(&page);
    arena_release(&list.row_arena);
    return ok;
}

/* --- what was made of it ---------------------------------------------------------------------------- */

static int64_t number_or_unknown(const struct db_query *q, int col)
{
    return db_col_is_null(q, col) ? HUB_UNKNOWN : db_col_i64(q, col);
}

static void add_materialization(struct page *page, const struct db_query *q)
{
    const int64_t at[] = {db_col_i64(q, 3), db_col_i64(q, 10), db_col_i64(q, 2)};
    struct hub_materialization m = {.device = db_col_str(q, 0),
                                    .asset = db_col_str(q, 1),
                                    .seq = db_col_i64(q, 2),
                                    .at = {db_col_i64(q, 3) * NS_PER_MS},
                                    .run = db_col_str(q, 4),
                                    .row_count = number_or_unknown(q, 5),
                                    .rows_written = number_or_unknown(q, 6),
                                    .byte_count = number_or_unknown(q, 7),
                                    .duration_ms = number_or_unknown(q, 8),
                                    .metadata = db_col_str(q, 9)};
    jw_begin_object(&page->w);
    row_materialization(&page->w, &m);
    jw_member_opt(&page->w, "partition", db_col_str(q, 11));
    jw_member_opt(&page->w, "partition_end", db_col_str(q, 12));
    jw_end_object(&page->w);
    page_is_at_numbers(page, at);
}

bool api_asset_history(void *ctx, struct http_request *rq, struct http_response *rs,
                       struct err *err)
{
    struct api *api = ctx;
    struct page page;
    int64_t position[3];
    if (!page_begin(&page, rq, rs, 3, err) ||
        !page_after_numbers(&page, INT64_MAX, position, err)) {
        return false;
    }
    struct str device = http_target_get(&rq->target, "device");
    bool is_of_device = !str_is_empty(device);
    struct db_query q =
        db_query(api->own, is_of_device ? HUB_API_HISTORY_OF_DEVICE : HUB_API_HISTORY);
    db_bind_str(&q, ":asset", rq->args[0]);
    if (is_of_device) {
        db_bind_str(&q, ":device", device);
    }
    db_bind_i64(&q, ":at", position[0]);
    db_bind_i64(&q, ":stream", position[1]);
    db_bind_i64(&q, ":seq", position[2]);
    db_bind_i64(&q, ":limit", page_wants(&page));
    return page_rows(&page, &q, add_materialization, err);
}

/* --- how its checks ended ---------------------------------------------------------------------------- */

static void add_evaluation(struct page *page, const struct db_query *q)
{
    const int64_t at[] = {db_col_i64(q, 4), db_col_i64(q, 7), db_col_i64(q, 8)};
    const struct hub_check check = {.device = db_col_str(q, 0),
                                    .name = db_col_str(q, 1),
                                    .passed = db_col_i64(q, 2) != 0,
                                    .severity = db_col_str(q, 3),
                                    .at = {db_col_i64(q, 4) * NS_PER_MS},
                                    .run = db_col_str(q, 5),
                                    .metadata = db_col_str(q, 6)};
    jw_begin_object(&page->w);
    row_check(&page->w, &check);
    jw_end_object(&page->w);
    page_is_at_numbers(page, at);
}

bool api_asset_checks(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    int64_t position[3];
    if (!page_begin(&page, rq, rs, 3, err) ||
        !page_after_numbers(&page, INT64_MAX, position, err)) {
        return false;
    }
    struct db_query q = db_query(api->own, HUB_API_CHECK_HISTORY);
    db_bind_str(&q, ":asset", rq->args[0]);
    db_bind_opt(&q, ":device", http_target_get(&rq->target, "device"));
    db_bind_opt(&q, ":name", http_target_get(&rq->target, "check"));
    db_bind_i64(&q, ":at", position[0]);
    db_bind_i64(&q, ":stream", position[1]);
    db_bind_i64(&q, ":seq", position[2]);
    db_bind_i64(&q, ":limit", page_wants(&page));
    return page_rows(&page, &q, add_evaluation, err);
}
