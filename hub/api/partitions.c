/* partitions.c - /assets/{key}/partitions: each partition that there is and what was last made of it, on
 * one device or over all. Which there are is computed from the definition, as the device computes it. */
#include "hub/api/api_internal.h"
#include "hub/when/when.h"

#include <string.h>

enum {
    PARTITIONS_ARENA_BYTES = 64 << 20,
    RULES_BYTES_MAX = 64 << 10,
    KEY_BYTES = PARTITION_KEY_BYTES_MAX + 1,
};

enum cell_state { CELL_MISSING, CELL_MADE, CELL_FAILED };
struct cell {
    struct str key;
    enum cell_state now;  /* on the device whose rows are being read */
    int64_t made, failed; /* on how many devices */
    /* Where the device said so: of two rows that overlap the later counts. */
    int64_t stream_ms, seq;
    char epoch[16];
    size_t epoch_len;
    struct wall_time at;
    struct str run;
};

struct partition_table {
    struct api *api;
    struct arena *arena;
    struct zones zones;
    struct partitions rules;
    struct partition_keys dynamic;
    struct partition_view view;
    struct str asset, device; /* of the question; no device: all */
    int64_t devices;          /* that define it so */
    struct cell *cells;
    size_t count;
    struct strmap by_key;
    uint32_t
        next; /* the cell behind that of the row before: rows of a device come in the order of keys */
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_FULL, "these partitions do not fit into memory");
}

/* --- which there are ------------------------------------------------------------------------------- */

static bool read_rules(struct partition_table *t, bool *ret_known, struct err *err)
{
    struct db_query q = db_query(t->api->own, HUB_API_PARTITION_RULES);
    struct json *told = NULL;
    struct err bad = {0};
    bool row = false;
    db_bind_str(&q, ":asset", t->asset);
    db_bind_opt(&q, ":device", t->device);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret_known = row && !db_col_is_null(&q, 0) &&
                 json_parse(db_col_str(&q, 0), RULES_BYTES_MAX, t->arena, &told, &bad) &&
                 when_partitions(&t->zones, told, &t->rules);
    t->devices = row ? db_col_i64(&q, 1) : 0;
    if (row) {
        db_reset(&q);
    }
    return true;
}

static bool read_dynamic(struct partition_table *t, struct err *err)
{
    struct db_query q = db_query(t->api->own, HUB_API_PARTITION_KEYS);
    struct str *items = arena_array(t->arena, PARTITIONS_MAX, sizeof(*items));
    bool row = false;
    bool ok = true;
    db_bind_str(&q, ":set", t->rules.set);
    db_bind_opt(&q, ":device", t->device);
    while (items != NULL && (ok = db_next(&q, &row, err)) && row) {
        items[t->dynamic.count] = arena_copy(t->arena, db_col_str(&q, 0));
        t->dynamic.count++;
    }
    t->dynamic.items = items;
    return ok && ((items != NULL && !t->arena->exhausted) || out_of_memory(err));
}

static bool list_keys(struct partition_table *t, struct wall_time now, struct err *err)
{
    if (t->rules.kind == PARTITION_DYNAMIC && !read_dynamic(t, err)) {
        return false;
    }
    t->view = (struct partition_view){.of = &t->rules, .dynamic = &t->dynamic, .now = now};
    size_t count = partition_count(&t->view);
    char memory[KEY_BYTES];
    struct buf first = buf_fixed(memory, sizeof(memory));
    struct partition_keys keys = {0};
    /* Of very many the newest. */
    if (count > PARTITIONS_MAX && !partition_key_at(&t->view, count - PARTITIONS_MAX, &first)) {
        return err_set(err, ERR_INTERNAL, "there is no partition %zu", count - PARTITIONS_MAX);
    }
    struct partition_bounds bounds = {.first = buf_str(&first)};
    if (count > 0 && !partition_range(&t->view, bounds, t->arena, &keys, err)) {
        return false;
    }
    t->cells = arena_array(t->arena, keys.count + 1, sizeof(*t->cells));
    t->by_key = strmap_new(t->arena);
    for (; t->cells != NULL && t->count < keys.count; t->count++) {
        t->cells[t->count].key = keys.items[t->count];
        if (!strmap_put(&t->by_key, keys.items[t->count], (uint32_t)t->count)) {
            return out_of_memory(err);
        }
    }
    return t->cells != NULL || out_of_memory(err);
}

/* --- what was made of them -------------------------------------------------------------------------- */

static void end_device(struct partition_table *t)
{
    for (size_t i = 0; i < t->count; i++) {
        t->cells[i].made += t->cells[i].now == CELL_MADE ? 1 : 0;
        t->cells[i].failed += t->cells[i].now == CELL_FAILED ? 1 : 0;
        t->cells[i].now = CELL_MISSING;
    }
}

static bool is_later(const struct cell *c, const struct db_query *q)
{
    int64_t stream_ms = db_col_i64(q, 6);
    if (c->now == CELL_MISSING || stream_ms != c->stream_ms) {
        return c->now == CELL_MISSING || stream_ms > c->stream_ms;
    }
    int order = str_cmp(db_col_str(q, 7), (struct str){c->epoch, c->epoch_len});
    return order != 0 ? order > 0 : db_col_i64(q, 8) > c->seq;
}

static bool find_cell(struct partition_table *t, struct str key, uint32_t *ret)
{
    bool is_next = t->next < t->count && str_eq(t->cells[t->next].key, key);
    if (is_next || strmap_get(&t->by_key, key, ret)) {
        *ret = is_next ? t->next : *ret;
        t->next = *ret + 1;
        return true;
    }
    return false;
}

static void put(struct cell *c, const struct db_query *q, struct str run, bool is_of_one)
{
    struct wall_time at = api_col_at(q, 4);
    c->now = db_col_i64(q, 3) != 0 ? CELL_MADE : CELL_FAILED;
    c->at = is_of_one || at.ns > c->at.ns ? at : c->at;
    c->run = run;
    c->stream_ms = db_col_i64(q, 6);
    c->seq = db_col_i64(q, 8);
    struct str epoch = db_col_str(q, 7);
    c->epoch_len = epoch.len < sizeof(c->epoch) ? epoch.len : sizeof(c->epoch);
    memcpy(c->epoch, epoch.ptr, c->epoch_len);
}

/* Keys that there are no more, or that this device's definition alone knows, are passed over. */
static void take_row(struct partition_table *t, const struct db_query *q)
{
    struct str first = db_col_str(q, 1);
    struct str last = db_col_str(q, 2);
    bool is_of_one = !str_is_empty(t->device);
    uint32_t from = 0;
    uint32_t to = 0;
    if (!find_cell(t, first, &from)) {
        return;
    }
    to = from;
    if (!str_eq(first, last) && !strmap_get(&t->by_key, last, &to)) {
        return;
    }
    struct str run =
        !is_of_one || db_col_is_null(q, 5) ? STR_NONE : arena_copy(t->arena, db_col_str(q, 5));
    for (uint32_t i = from; i <= to && i < t->count; i++) {
        if (is_later(&t->cells[i], q)) {
            put(&t->cells[i], q, run, is_of_one);
        }
    }
}

static bool read_rows(struct partition_table *t, struct err *err)
{
    struct db_query q = db_query(t->api->own, HUB_API_PARTITION_ROWS);
    AUTO(buf) device = buf_growing(LIMIT_EVENT_BYTES);
    bool row = false;
    bool ok = true;
    db_bind_str(&q, ":asset", t->asset);
    db_bind_str(&q, ":from", t->device);
    db_bind_str(&q, ":to", str_is_empty(t->device) ? STR("~") : t->device);
    while ((ok = db_next(&q, &row, err)) && row) {
        if (!str_eq(db_col_str(&q, 0), buf_str(&device))) {
            end_device(t);
            buf_reset(&device);
            buf_add(&device, db_col_str(&q, 0));
        }
        take_row(t, &q);
    }
    end_device(t);
    return ok && (!t->arena->exhausted || out_of_memory(err));
}

/* --- the list --------------------------------------------------------------------------------------- */

static struct str status_of(const struct partition_table *t, const struct cell *c)
{
    if (c->failed > 0) {
        return STR("failed");
    }
    if (c->made == 0) {
        return STR("missing");
    }
    return c->made >= t->devices ? STR("materialized") : STR("partial");
}

static void write_cell(struct page *page, const struct partition_table *t, const struct cell *c)
{
    jw_begin_object(&page->w);
    jw_member_str(&page->w, "partition", c->key);
    jw_member_str(&page->w, "status", status_of(t, c));
    if (str_is_empty(t->device)) {
        jw_member_i64(&page->w, "made", c->made);
        jw_member_i64(&page->w, "failed", c->failed);
        jw_member_i64(&page->w, "devices", t->devices);
    }
    jw_member_opt_wall(&page->w, "at", c->at);
    jw_member_opt(&page->w, "run", c->run);
    jw_end_object(&page->w);
}

static bool write_cells(struct page *page, const struct partition_table *t, struct str status,
                        struct err *err)
{
    uint32_t from = 0;
    if (!str_is_empty(page->after[0]) && !strmap_get(&t->by_key, page->after[0], &from)) {
        return err_set(err, ERR_INVALID, "the cursor is none of this list");
    }
    for (size_t i = str_is_empty(page->after[0]) ? 0 : from + 1; i < t->count; i++) {
        const struct cell *c = &t->cells[i];
        if ((str_is_empty(status) || str_eq(status, status_of(t, c))) && page_has_room(page)) {
            write_cell(page, t, c);
            page_is_at(page, &c->key);
        }
    }
    return true;
}

bool api_asset_partitions(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    AUTO(arena) arena = arena_new(PARTITIONS_ARENA_BYTES);
    struct partition_table t = {.api = ctx,
                                .arena = &arena,
                                .zones = {.arena = &arena},
                                .asset = rq->args[0],
                                .device = http_target_get(&rq->target, "device")};
    struct page page;
    bool is_known = false;
    if (!read_rules(&t, &is_known, err)) {
        return false;
    }
    if (t.devices == 0) {
        return err_set(err, ERR_NOT_FOUND, "no device defines the asset " STR_FMT " there",
                       STR_ARG(rq->args[0]));
    }
    if (is_known && (!list_keys(&t, rq->now, err) || !read_rows(&t, err))) {
        return false;
    }
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    bool ok = write_cells(&page, &t, http_target_get(&rq->target, "status"), err);
    page_end(&page);
    return ok;
}
