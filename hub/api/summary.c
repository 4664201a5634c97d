#include "hub/api/summary.h"

#include "hub/api/api_internal.h"
#include <stdlib.h>
#include <string.h>

/* --- counting ---------------------------------------------------------------------------------- */

static struct hub_fleet_asset *asset_of(struct summary *s, struct str key)
{
    uint32_t index = 0;
    if (strmap_get(&s->by_key, key, &index)) {
        return &s->assets[index];
    }
    if (s->count == s->cap) {
        size_t cap = s->cap == 0 ? 1024 : 2 * s->cap;
        struct hub_fleet_asset *more = arena_array(&s->arena, cap, sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        if (s->count > 0) {
            memcpy(more, s->assets, s->count * sizeof(*more));
        }
        s->assets = more;
        s->cap = cap;
    }
    struct str copy = arena_copy(&s->arena, key);
    if (copy.ptr == NULL || !strmap_put(&s->by_key, copy, (uint32_t)s->count)) {
        return NULL;
    }
    s->assets[s->count] = (struct hub_fleet_asset){.asset = copy, .row_count = HUB_UNKNOWN};
    return &s->assets[s->count++];
}

/* The largest text, as the view of the database has it. */
static void keep_largest(struct summary *s, struct str *kept, struct str text)
{
    if (!str_is_empty(text) && (str_is_empty(*kept) || str_cmp(text, *kept) > 0)) {
        struct str copy = arena_copy(&s->arena, text);
        s->has_failed = s->has_failed || copy.ptr == NULL;
        *kept = copy;
    }
}

static bool read_definitions(struct api *api, struct summary *s, struct err *err)
{
    struct db_query q = db_query(api->own, HUB_API_SUMMARY_DEFINITIONS);
    bool row = false;
    bool ok = true;
    while ((ok = db_next(&q, &row, err)) && row) {
        struct hub_fleet_asset *a = asset_of(s, db_col_str(&q, 0));
        if (a == NULL) {
            db_reset(&q);
            s->has_failed = true;
            return true;
        }
        a->devices++;
        s->pairs++;
        a->is_external = a->is_external || db_col_i64(&q, 1) != 0;
        keep_largest(s, &a->group, db_col_str(&q, 2));
        keep_largest(s, &a->kinds, db_col_str(&q, 3));
        keep_largest(s, &a->description, db_col_str(&q, 4));
    }
    return ok;
}

static struct str copy(struct summary *s, struct str text)
{
    return str_is_empty(text) ? STR_NONE : arena_copy(&s->arena, text);
}

/* Sorted into the newest few. */
static void keep_failing(struct summary *s, const struct db_query *q)
{
    struct wall_time at = {db_col_i64(q, 6) * NS_PER_MS};
    size_t place = s->failing_count;
    while (place > 0 && s->failing[place - 1].at.ns < at.ns) {
        place--;
    }
    if (place == SUMMARY_FAILING) {
        return;
    }
    size_t last = s->failing_count < SUMMARY_FAILING ? s->failing_count++ : SUMMARY_FAILING - 1;
    memmove(&s->failing[place + 1], &s->failing[place], (last - place) * sizeof(s->failing[0]));
    s->failing[place] = (struct summary_failing){.device = copy(s, db_col_str(q, 0)),
                                                 .asset = copy(s, db_col_str(q, 1)),
                                                 .run = copy(s, db_col_str(q, 7)),
                                                 .error = copy(s, db_col_str(q, 8)),
                                                 .at = at};
}

static void add_state(struct summary *s, const struct db_query *q, struct hub_fleet_asset *a)
{
    int64_t rows = 0;
    int64_t at_ms = db_col_i64(q, 5);
    a->materializations += db_col_i64(q, 3);
    if (!db_col_is_null(q, 4)) {
        rows = a->row_count == HUB_UNKNOWN ? 0 : a->row_count;
        if (__builtin_add_overflow(rows, db_col_i64(q, 4), &a->row_count)) {
            a->row_count = INT64_MAX; /* devices may tell any number */
        }
    }
    if (at_ms * NS_PER_MS > a->at.ns) {
        a->at.ns = at_ms * NS_PER_MS;
    }
    if (db_col_i64(q, 2) != 0) {
        s->failing_assets += a->failing == 0 ? 1 : 0;
        a->failing++;
        s->failing_pairs++;
        keep_failing(s, q);
    }
}

/* By device: the table's own order. */
static bool read_states(struct api *api, struct summary *s, struct err *err)
{
    struct db_query q = db_query(api->own, HUB_API_SUMMARY_STATES);
    AUTO(buf) last = buf_growing(1024); /* device that fails */
    bool row = false;
    bool ok = true;
    while ((ok = db_next(&q, &row, err)) && row) {
        struct hub_fleet_asset *a = asset_of(s, db_col_str(&q, 1));
        if (a == NULL) {
            db_reset(&q);
            s->has_failed = true;
            return true;
        }
        add_state(s, &q, a);
        if (db_col_i64(&q, 2) != 0 && !str_eq(buf_str(&last), db_col_str(&q, 0))) {
            buf_reset(&last);
            buf_add(&last, db_col_str(&q, 0));
            s->failing_devices++;
        }
    }
    return ok;
}

static int by_key(const void *a, const void *b)
{
    const struct hub_fleet_asset *x = a;
    const struct hub_fleet_asset *y = b;
    return str_cmp(x->asset, y->asset);
}

static void count_words(struct summary *s)
{
    for (size_t i = 0; i < s->freshness.count; i++) {
        for (int word = 0; word < FRESH_COUNT; word++) {
            s->words[word] += s->freshness.items[i].of[word];
        }
    }
}

static bool make(struct api *api, struct wall_time now, struct summary *s, struct err *err)
{
    const struct hub_filter all = {0};
    struct arena arena = s->arena;
    arena_reset(&arena);
    *s = (struct summary){.arena = arena};
    s->by_key = strmap_new(&s->arena);
    s->freshness = (struct freshness_list){.arena = &s->arena};
    if (!read_definitions(api, s, err) || !read_states(api, s, err) ||
        !freshness_list_read(&s->freshness, api->db, &all, now, err)) {
        return false;
    }
    if (s->has_failed) {
        return err_set(err, ERR_FULL, "the fleet's assets do not fit into %d MiB of memory",
                       SUMMARY_ARENA_BYTES >> 20);
    }
    count_words(s);
    if (s->count > 0) {
        qsort(s->assets, s->count, sizeof(*s->assets), by_key);
    }
    s->is_made = true;
    return true;
}

/* --- keeping ------------------------------------------------------------------------------------ */

static bool still_holds(const struct summary *s, int64_t stamp, struct mono_time now)
{
    int64_t age = now.ns - s->at.ns;
    if (!s->is_made) {
        return false;
    }
    if (s->cost_ns > SUMMARY_CHEAP_MS * NS_PER_MS && age < SUMMARY_SHARE * s->cost_ns) {
        return true;
    }
    return s->stamp == stamp && age < HTTP_CACHE_AGE_MS * NS_PER_MS;
}

bool api_summary_get(struct api *api, struct wall_time now, const struct summary **ret,
                     struct err *err)
{
    const struct clock *clock = loop_clock(api->loop);
    struct mono_time begun = clock_mono(clock);
    int64_t stamp = api->service.stamp(api);
    *ret = &api->summary;
    if (still_holds(&api->summary, stamp, begun)) {
        return true;
    }
    struct mono_time deadline = api->deadline;
    api->deadline.ns = begun.ns + SUMMARY_MS * NS_PER_MS;
    bool ok = make(api, now, &api->summary, err);
    struct mono_time end = clock_mono(clock);
    api->deadline.ns = deadline.ns + (end.ns - begun.ns);
    api->summary.stamp = stamp;
    api->summary.at = end;
    api->summary.cost_ns = end.ns - begun.ns;
    return ok;
}

size_t summary_behind(const struct summary *summary, struct str after)
{
    size_t from = 0;
    size_t to = summary->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (str_cmp(summary->assets[middle].asset, after) > 0) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return from;
}

const struct hub_fleet_asset *summary_find(const struct summary *summary, struct str asset)
{
    size_t behind = summary_behind(summary, asset);
    return behind > 0 && str_eq(summary->assets[behind - 1].asset, asset)
               ? &summary->assets[behind - 1]
               : NULL;
}
