#include "hub/summary/counts_internal.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 1 << 20 /* an event's, and more */ };

struct counts *counts_new(void)
{
    struct counts *c = calloc(1, sizeof(*c));
    if (c != NULL) {
        c->due_ms = INT64_MAX;
        c->arena = arena_new(COUNTS_BYTES_MAX);
        c->text = buf_growing(TEXT_BYTES_MAX);
        c->device_by_name = strmap_new(&c->arena);
        c->asset_by_key = strmap_new(&c->arena);
        c->wording_by_text = strmap_new(&c->arena);
    }
    return c;
}

void counts_free(struct counts *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->device_count; i++) {
        free(c->devices[i].pairs);
    }
    free(c->devices);
    free(c->assets);
    free(c->wordings);
    free(c->list);
    free(c->list_fresh);
    free(c->dirty);
    buf_release(&c->text);
    arena_release(&c->arena);
    free(c);
}

bool counts_has_failed(const struct counts *c)
{
    return c->has_failed;
}

void *counts_grow(struct counts *c, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return items;
    }
    size_t wanted = *cap < 16 ? *cap + 8 : *cap + *cap / 2;
    bool fits = c->bytes + c->arena.used + (wanted - *cap) * size <= COUNTS_BYTES_MAX;
    void *larger = fits ? reallocarray(items, wanted, size) : NULL;
    if (larger == NULL) {
        c->has_failed = true;
        return NULL;
    }
    c->bytes += (wanted - *cap) * size;
    *cap = wanted;
    return larger;
}

/* --- names --------------------------------------------------------------------------------------- */

static struct str keep(struct counts *c, struct str text)
{
    struct str copy = str_is_empty(text) ? STR_NONE : arena_copy(&c->arena, text);
    c->has_failed = c->has_failed || (!str_is_empty(text) && copy.ptr == NULL);
    return copy;
}

bool counts_find_device(const struct counts *c, struct str name, uint32_t *ret)
{
    return strmap_get(&c->device_by_name, name, ret);
}

uint32_t counts_device(struct counts *c, struct str name)
{
    uint32_t number = 0;
    if (strmap_get(&c->device_by_name, name, &number)) {
        return number;
    }
    struct str copy = keep(c, name);
    struct counted_device *devices =
        counts_grow(c, c->devices, c->device_count, &c->device_cap, sizeof(*devices));
    c->devices = devices != NULL ? devices : c->devices;
    if (devices == NULL || copy.ptr == NULL ||
        !strmap_put(&c->device_by_name, copy, (uint32_t)c->device_count)) {
        c->has_failed = true;
        return UINT32_MAX;
    }
    c->devices[c->device_count] = (struct counted_device){
        .name = copy,
        .connection = {.is_clock_trusted = true, .clock_offset_ms = HUB_UNKNOWN},
        .newest_failed_ms = INT64_MIN,
        .due_ms = INT64_MAX};
    return (uint32_t)c->device_count++;
}

static uint32_t asset_of(struct counts *c, struct str key)
{
    uint32_t number = 0;
    if (strmap_get(&c->asset_by_key, key, &number)) {
        return number;
    }
    struct str copy = keep(c, key);
    struct counted_asset *assets =
        counts_grow(c, c->assets, c->asset_count, &c->asset_cap, sizeof(*assets));
    c->assets = assets != NULL ? assets : c->assets;
    if (assets == NULL || copy.ptr == NULL ||
        !strmap_put(&c->asset_by_key, copy, (uint32_t)c->asset_count)) {
        c->has_failed = true;
        return UINT32_MAX;
    }
    c->assets[c->asset_count] = (struct counted_asset){.key = copy};
    return (uint32_t)c->asset_count++;
}

/* From 1; 0: none. */
static uint32_t wording_of(struct counts *c, uint32_t asset, const struct counts_row *row)
{
    uint32_t number = 0;
    if (!row->is_defined) {
        return 0;
    }
    buf_reset(&c->text);
    buf_addf(&c->text, "%u\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT, asset,
             STR_ARG(row->group), STR_ARG(row->kinds), STR_ARG(row->tags), STR_ARG(row->owners),
             STR_ARG(row->description));
    if (strmap_get(&c->wording_by_text, buf_str(&c->text), &number)) {
        return number;
    }
    struct str copy = keep(c, buf_str(&c->text));
    struct wording *wordings =
        counts_grow(c, c->wordings, c->wording_count, &c->wording_cap, sizeof(*wordings));
    c->wordings = wordings != NULL ? wordings : c->wordings;
    if (wordings == NULL || c->text.overflow || copy.ptr == NULL ||
        !strmap_put(&c->wording_by_text, copy, (uint32_t)c->wording_count + 1)) {
        c->has_failed = true;
        return 0;
    }
    c->wordings[c->wording_count++] = (struct wording){.group = keep(c, row->group),
                                                       .kinds = keep(c, row->kinds),
                                                       .tags = keep(c, row->tags),
                                                       .owners = keep(c, row->owners),
                                                       .description = keep(c, row->description),
                                                       .next = c->assets[asset].wordings};
    c->assets[asset].wordings = (uint32_t)c->wording_count;
    return (uint32_t)c->wording_count;
}

/* --- how fresh ------------------------------------------------------------------------------------ */

static enum told told_from(struct str status)
{
    return str_is_empty(status)          ? TOLD_NOTHING
           : str_eq(status, STR("pass")) ? TOLD_PASS
           : str_eq(status, STR("warn")) ? TOLD_WARN
           : str_eq(status, STR("fail")) ? TOLD_FAIL
                                         : TOLD_OTHER;
}

/* And when the device is to be judged again. */
static void judge(struct counts *c, struct counted_device *d, struct pair *p, struct wall_time now)
{
    static const struct str told[] = {[TOLD_PASS] = STR_INIT("pass"),
                                      [TOLD_WARN] = STR_INIT("warn"),
                                      [TOLD_FAIL] = STR_INIT("fail"),
                                      [TOLD_OTHER] = STR_INIT("unknown")};
    p->word = FRESH_COUNT;
    if (p->told == TOLD_NOTHING) {
        return;
    }
    int64_t made_ms = p->at_ms < 0 ? 0 : p->at_ms;
    made_ms = made_ms > INT64_MAX / NS_PER_MS ? INT64_MAX / NS_PER_MS : made_ms;
    const struct freshness_facts facts = {.told = told[p->told],
                                          .is_failing = p->is_failing,
                                          .is_online = d->connection.is_online,
                                          .is_clock_trusted = d->connection.is_clock_trusted,
                                          .clock_offset_ms = d->connection.clock_offset_ms,
                                          .made = {made_ms * NS_PER_MS},
                                          .fail_after_ms = p->fail_after_ms};
    int64_t over_ms = 0;
    p->word = (uint8_t)freshness_judge(&facts, now);
    bool can_end = !d->connection.is_online && p->word == FRESH_PASS &&
                   !__builtin_add_overflow(made_ms, p->fail_after_ms, &over_ms);
    d->due_ms = can_end && over_ms < d->due_ms ? over_ms : d->due_ms;
    c->due_ms = d->due_ms < c->due_ms ? d->due_ms : c->due_ms;
}

static void judge_all(struct counts *c, struct counted_device *d, struct wall_time now)
{
    d->due_ms = INT64_MAX;
    for (size_t i = 0; i < d->count; i++) {
        struct pair before = d->pairs[i];
        judge(c, d, &d->pairs[i], now);
        if (before.word != d->pairs[i].word) {
            counts_sum(c, d, &before, -1);
            counts_sum(c, d, &d->pairs[i], 1);
        }
    }
}

bool counts_connect(struct counts *c, uint32_t device, const struct counts_connection *is,
                    struct wall_time now)
{
    struct counted_device *d = &c->devices[device];
    bool differs = d->connection.is_online != is->is_online ||
                   d->connection.is_clock_trusted != is->is_clock_trusted ||
                   d->connection.clock_offset_ms != is->clock_offset_ms;
    d->connection = *is;
    if (differs) {
        judge_all(c, d, now);
    }
    return differs;
}

void counts_tick(struct counts *c, struct wall_time now)
{
    if (c->due_ms > now.ns / NS_PER_MS) {
        return;
    }
    c->due_ms = INT64_MAX;
    for (size_t i = 0; i < c->device_count; i++) {
        struct counted_device *d = &c->devices[i];
        if (d->due_ms <= now.ns / NS_PER_MS) {
            judge_all(c, d, now);
        }
        c->due_ms = d->due_ms < c->due_ms ? d->due_ms : c->due_ms;
    }
}

/* --- rows ----------------------------------------------------------------------------------------- */

/* Where the asset's is, or would be. */
static size_t place_of(const struct counted_device *d, uint32_t asset)
{
    size_t from = 0;
    size_t to = d->count;
    if (to > 0 && d->pairs[to - 1].asset < asset) {
        return to; /* rows mostly come in the order in which assets became known */
    }
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (d->pairs[middle].asset < asset) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

struct pair *counts_pair(const struct counted_device *d, uint32_t asset)
{
    size_t place = place_of(d, asset);
    return place < d->count && d->pairs[place].asset == asset ? &d->pairs[place] : NULL;
}

static struct pair *make_pair(struct counts *c, struct counted_device *d, uint32_t asset)
{
    size_t place = place_of(d, asset);
    struct pair *pairs = counts_grow(c, d->pairs, d->count, &d->cap, sizeof(*pairs));
    if (pairs == NULL) {
        return NULL;
    }
    d->pairs = pairs;
    memmove(&d->pairs[place + 1], &d->pairs[place], (d->count - place) * sizeof(*d->pairs));
    d->count++;
    d->pairs[place] = (struct pair){.asset = asset};
    return &d->pairs[place];
}

void counts_put(struct counts *c, uint32_t device, const struct counts_row *row,
                struct wall_time now)
{
    struct counted_device *d = &c->devices[device];
    uint32_t asset = asset_of(c, row->asset);
    if (asset == UINT32_MAX) {
        return;
    }
    struct pair *p = counts_pair(d, asset);
    if (p != NULL) {
        counts_sum(c, d, p, -1);
    } else {
        p = make_pair(c, d, asset);
    }
    if (p == NULL) {
        return;
    }
    *p = (struct pair){.at_ms = row->at_ms,
                       .failed_at_ms = row->failed_at_ms,
                       .row_count = row->row_count,
                       .fail_after_ms = row->fail_after_ms,
                       .materializations =
                           (uint32_t)(row->materializations < 0            ? 0
                                      : row->materializations > UINT32_MAX ? UINT32_MAX
                                                                           : row->materializations),
                       .asset = asset,
                       .wording = wording_of(c, asset, row),
                       .told = (uint8_t)told_from(row->freshness),
                       .is_defined = row->is_defined,
                       .is_external = row->is_external,
                       .is_failing = row->is_failing};
    judge(c, d, p, now);
    counts_sum(c, d, p, 1);
}

static void take_out(struct counts *c, struct counted_device *d, size_t place)
{
    counts_sum(c, d, &d->pairs[place], -1);
    d->count--;
    memmove(&d->pairs[place], &d->pairs[place + 1], (d->count - place) * sizeof(*d->pairs));
}

void counts_remove(struct counts *c, uint32_t device, struct str asset)
{
    struct counted_device *d = &c->devices[device];
    uint32_t number = 0;
    if (strmap_get(&c->asset_by_key, asset, &number) && counts_pair(d, number) != NULL) {
        take_out(c, d, place_of(d, number));
    }
}

/* Devices that are read once mostly stay as they are. */
static void trim(struct counts *c, struct counted_device *d)
{
    struct pair *pairs = d->count > 0 ? reallocarray(d->pairs, d->count, sizeof(*pairs)) : NULL;
    if (pairs != NULL) {
        c->bytes -= (d->cap - d->count) * sizeof(*pairs);
        d->pairs = pairs;
        d->cap = d->count;
    }
}

void counts_begin(struct counts *c, uint32_t device)
{
    struct counted_device *d = &c->devices[device];
    for (size_t i = 0; i < d->count; i++) {
        d->pairs[i].is_old = true;
    }
}

void counts_end(struct counts *c, uint32_t device)
{
    struct counted_device *d = &c->devices[device];
    for (size_t i = d->count; i > 0; i--) {
        if (d->pairs[i - 1].is_old) {
            take_out(c, d, i - 1);
        }
    }
    trim(c, d);
}
