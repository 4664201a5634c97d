/* named.c - jobs, schedules, sensors: what devices say of them with their assets, and what happened last. */
#include "hub/api/api_internal.h"

enum { NAMED_ARENA_BYTES = 64 << 20, KEY_SIZE = 400 };

enum named_kind { NAMED_JOB, NAMED_SCHEDULE, NAMED_SENSOR };

struct state {
    struct str status, reason;
    struct wall_time at;
};
struct last_tick {
    struct str status, nominal, run, reason;
    struct wall_time at;
    int64_t ticks, started;
};
struct named_list {
    struct api *api;
    struct http_request *rq;
    struct page page;
    struct arena arena;
    struct strmap states; /* "device\nname" to an index */
    struct state *state;
    size_t state_count, state_cap;
    struct strmap ticks;
    struct last_tick *tick;
    size_t tick_count, tick_cap;
    enum named_kind kind;
    bool has_failed;
};

static struct str key_of(struct named_list *list, struct str device, struct str name)
{
    struct str key =
        arena_printf(&list->arena, STR_FMT "\n" STR_FMT, STR_ARG(device), STR_ARG(name));
    list->has_failed = list->has_failed || key.ptr == NULL;
    return key;
}

static struct str copy(struct named_list *list, struct str text)
{
    return str_is_empty(text) ? STR_NONE : arena_copy(&list->arena, text);
}

static void *grow(struct named_list *list, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return items;
    }
    size_t wanted = *cap == 0 ? 64 : *cap * 2;
    char *larger = arena_array(&list->arena, wanted, size);
    if (larger == NULL) {
        list->has_failed = true;
        return items;
    }
    for (size_t i = 0; i < count * size; i++) {
        larger[i] = ((const char *)items)[i];
    }
    *cap = wanted;
    return larger;
}

/* --- paused, running ----------------------------------------------------------------------------- */

static bool read_states(struct named_list *list, struct str device, struct err *err)
{
    struct db_query q = db_query(list->api->own, HUB_API_INSTIGATORS);
    bool row = false;
    bool ok = true;
    list->states = strmap_new(&list->arena);
    db_bind_opt(&q, ":device", device);
    while ((ok = db_next(&q, &row, err)) && row) {
        bool is_sensor = db_col_i64(&q, 2) != 0;
        if (is_sensor != (list->kind == NAMED_SENSOR)) {
            continue;
        }
        list->state =
            grow(list, list->state, list->state_count, &list->state_cap, sizeof(*list->state));
        if (list->has_failed) {
            db_reset(&q);
            return err_set(err, ERR_FULL, "the list does not fit into memory");
        }
        list->state[list->state_count] = (struct state){.status = copy(list, db_col_str(&q, 3)),
                                                        .reason = copy(list, db_col_str(&q, 4)),
                                                        .at = {db_col_i64(&q, 5) * NS_PER_MS}};
        list->has_failed =
            !strmap_put(&list->states, key_of(list, db_col_str(&q, 0), db_col_str(&q, 1)),
                        (uint32_t)list->state_count++);
    }
    return ok;
}

static void write_state(struct named_list *list, struct str key)
{
    uint32_t index = 0;
    if (!strmap_get(&list->states, key, &index)) {
        jw_member_str(&list->page.w, "state", STR("as defined"));
        return;
    }
    const struct state *s = &list->state[index];
    jw_member_str(&list->page.w, "state", str_is_empty(s->status) ? STR("as defined") : s->status);
    jw_member_opt(&list->page.w, "state_reason", s->reason);
    jw_member_opt_wall(&list->page.w, "state_since", s->at);
}

/* --- the last tick ------------------------------------------------------------------------------- */

static void keep_tick(void *ctx, const struct hub_tick *t)
{
    struct named_list *list = ctx;
    list->tick = grow(list, list->tick, list->tick_count, &list->tick_cap, sizeof(*list->tick));
    if (list->has_failed) {
        return;
    }
    list->tick[list->tick_count] = (struct last_tick){.status = copy(list, t->status),
                                                      .nominal = copy(list, t->nominal),
                                                      .run = copy(list, t->run),
                                                      .reason = copy(list, t->reason),
                                                      .at = t->at,
                                                      .ticks = t->ticks,
                                                      .started = t->started};
    list->has_failed = !strmap_put(&list->ticks, key_of(list, t->device, t->schedule),
                                   (uint32_t)list->tick_count++);
}

static void write_tick(struct named_list *list, struct str key)
{
    struct json_writer *w = &list->page.w;
    uint32_t index = 0;
    if (!strmap_get(&list->ticks, key, &index)) {
        return;
    }
    const struct last_tick *t = &list->tick[index];
    jw_key(w, STR("last_tick"));
    jw_begin_object(w);
    jw_member_opt(w, "status", t->status);
    jw_member_opt(w, "nominal", t->nominal);
    jw_member_opt_wall(w, "at", t->at);
    jw_member_opt(w, "run", t->run);
    jw_member_opt(w, "reason", t->reason);
    jw_end_object(w);
    jw_member_i64(w, "ticks", t->ticks);
    jw_member_i64(w, "started", t->started);
}

/* --- the list ------------------------------------------------------------------------------------ */

static void write_item(struct named_list *list, struct str name, struct str device, int64_t assets)
{
    static const char *const members[] = {"job", "schedule", "sensor"};
    struct json_writer *w = &list->page.w;
    jw_begin_object(w);
    jw_member_str(w, members[list->kind], name);
    jw_member_str(w, "device", device);
    jw_member_i64(w, "assets", assets);
    if (list->kind != NAMED_JOB) {
        struct str key = key_of(list, device, name);
        write_state(list, key);
        write_tick(list, key);
    }
    jw_end_object(w);
}

static bool is_behind(const struct page *page, struct str name, struct str device)
{
    int order = str_is_empty(page->after[0]) ? 1 : str_cmp(name, page->after[0]);
    return order > 0 || (order == 0 && str_cmp(device, page->after[1]) > 0);
}

static bool fill(struct named_list *list, struct str device, struct err *err)
{
    static const int statements[] = {HUB_API_NAMED_JOBS, HUB_API_NAMED_SCHEDULES,
                                     HUB_API_NAMED_SENSORS};
    const struct hub_filter filter = {.device = device};
    bool row = false;
    bool ok = true;
    list->ticks = strmap_new(&list->arena);
    if (list->kind != NAMED_JOB && !read_states(list, device, err)) {
        return false;
    }
    if (list->kind == NAMED_SCHEDULE &&
        !hub_each_tick(list->api->db, &filter, keep_tick, list, err)) {
        return false;
    }
    struct db_query q = db_query(list->api->own, statements[list->kind]);
    db_bind_opt(&q, ":device", device);
    while ((ok = db_next(&q, &row, err)) && row) {
        const struct str at[] = {db_col_str(&q, 0), db_col_str(&q, 1)};
        if (is_behind(&list->page, at[0], at[1]) && page_has_room(&list->page)) {
            write_item(list, at[0], at[1], db_col_i64(&q, 2));
            page_is_at(&list->page, at);
        }
    }
    return ok && (!list->has_failed || err_set(err, ERR_FULL, "the list does not fit into memory"));
}

static bool list_named(struct api *api, enum named_kind kind, struct http_request *rq,
                       struct http_response *rs, struct err *err)
{
    struct named_list list = {
        .api = api, .rq = rq, .kind = kind, .arena = arena_new(NAMED_ARENA_BYTES)};
    if (!page_begin(&list.page, rq, rs, 2, err)) {
        return false;
    }
    bool ok = fill(&list, http_target_get(&rq->target, "device"), err);
    page_end(&list.page);
    arena_release(&list.arena);
    return ok;
}

bool api_jobs(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    return list_named(ctx, NAMED_JOB, rq, rs, err);
}

bool api_schedules(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    return list_named(ctx, NAMED_SCHEDULE, rq, rs, err);
}

bool api_sensors(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    return list_named(ctx, NAMED_SENSOR, rq, rs, err);
}
