/* counts_sum.c - what rows come to; see counts.h. */
#include "hub/summary/counts_internal.h"
#include <stdlib.h>
#include <string.h>

static void mark(struct counts *c, struct counted_asset *a)
{
    if (a->is_dirty) {
        return;
    }
    uint32_t *dirty = counts_grow(c, c->dirty, c->dirty_count, &c->dirty_cap, sizeof(*dirty));
    if (dirty != NULL) {
        a->is_dirty = true;
        c->dirty = dirty;
        c->dirty[c->dirty_count++] = (uint32_t)(a - c->assets);
    }
}

static void sum_device(struct counted_device *d, const struct pair *p, int sign)
{
    d->assets += p->is_defined ? sign : 0;
    d->failing += p->is_failing ? sign : 0;
    if (p->word != FRESH_COUNT) {
        d->fresh.of[p->word] += sign;
    }
    if (sign > 0 && p->is_failing && p->failed_at_ms > d->newest_failed_ms) {
        d->newest_failed_ms = p->failed_at_ms; /* an upper bound, once it is well again */
    }
}

static void sum_fleet(struct counts *c, const struct counted_asset *a,
                      const struct counted_device *d, const struct pair *p, int sign)
{
    struct counts_fleet *f = &c->fleet;
    f->pairs += p->is_defined ? sign : 0;
    if (p->is_failing) {
        int64_t edge = sign > 0 ? 1 : 0; /* it is the first that fails, or was the last */
        f->failing_pairs += sign;
        f->failing_assets += a->failing == edge ? sign : 0;
        f->failing_devices += d->failing == edge ? sign : 0;
    }
    if (p->word != FRESH_COUNT) {
        f->words.of[p->word] += sign;
    }
}

void counts_sum(struct counts *c, struct counted_device *d, const struct pair *p, int sign)
{
    struct counted_asset *a = &c->assets[p->asset];
    c->is_list_stale = c->is_list_stale || a->rows == 0 || (a->rows == 1 && sign < 0);
    a->rows += sign;
    a->devices += p->is_defined ? sign : 0;
    a->external += p->is_external ? sign : 0;
    a->failing += p->is_failing ? sign : 0;
    a->materializations += sign * (int64_t)p->materializations;
    if (p->row_count != HUB_UNKNOWN) {
        a->row_known += sign;
        a->row_sum += (__extension__(__int128) sign) * p->row_count;
    }
    if (p->wording != 0) {
        c->wordings[p->wording - 1].devices += sign;
    }
    if (p->word != FRESH_COUNT) {
        a->fresh.of[p->word] += sign;
    }
    if (sign > 0 && p->at_ms >= a->at_ms) {
        a->at_ms = p->at_ms;
        a->is_at_stale = false;
    } else if (sign < 0 && p->at_ms == a->at_ms && p->at_ms != 0) {
        a->is_at_stale = true;
    }
    sum_device(d, p, sign);
    sum_fleet(c, a, d, p, sign);
    mark(c, a);
}

/* --- the fleet's list ------------------------------------------------------------------------------ */

static void find_latest(const struct counts *c, struct counted_asset *a)
{
    a->at_ms = 0;
    a->is_at_stale = false;
    for (size_t i = 0; i < c->device_count; i++) {
        const struct pair *p = counts_pair(&c->devices[i], (uint32_t)(a - c->assets));
        a->at_ms = p != NULL && p->at_ms > a->at_ms ? p->at_ms : a->at_ms;
    }
}

/* The largest text, as the view of the database has it. */
static struct str larger(struct str kept, struct str text)
{
    return str_is_empty(kept) || (!str_is_empty(text) && str_cmp(text, kept) > 0) ? text : kept;
}

static int64_t row_count_of(const struct counted_asset *a)
{
    if (a->row_known == 0) {
        return HUB_UNKNOWN;
    }
    return a->row_sum > INT64_MAX    ? INT64_MAX
           : a->row_sum <= INT64_MIN ? INT64_MIN + 1
                                     : (int64_t)a->row_sum;
}

static void show(struct counts *c, struct counted_asset *a)
{
    if (a->is_at_stale) {
        find_latest(c, a);
    }
    struct hub_fleet_asset *shown = &c->list[a->place];
    int64_t at_ms = a->at_ms > INT64_MAX / NS_PER_MS ? INT64_MAX / NS_PER_MS : a->at_ms;
    *shown = (struct hub_fleet_asset){.asset = a->key,
                                      .devices = a->devices,
                                      .failing = a->failing,
                                      .is_external = a->external > 0,
                                      .materializations = a->materializations,
                                      .row_count = row_count_of(a),
                                      .at = {at_ms * NS_PER_MS}};
    for (uint32_t w = a->wordings; w != 0; w = c->wordings[w - 1].next) {
        const struct wording *wording = &c->wordings[w - 1];
        if (wording->devices > 0) {
            shown->group = larger(shown->group, wording->group);
            shown->kinds = larger(shown->kinds, wording->kinds);
            shown->tags = larger(shown->tags, wording->tags);
            shown->owners = larger(shown->owners, wording->owners);
            shown->description = larger(shown->description, wording->description);
        }
    }
    c->list_fresh[a->place] = a->fresh;
}

static int by_key(const void *a, const void *b)
{
    const struct counted_asset *x = *(struct counted_asset *const *)a;
    const struct counted_asset *y = *(struct counted_asset *const *)b;
    return str_cmp(x->key, y->key);
}

/* Of the assets that some device has: a list anew. */
static void make_list(struct counts *c)
{
    size_t count = 0;
    struct counted_asset **order = calloc(c->asset_count + 1, sizeof(*order));
    struct hub_fleet_asset *list = calloc(c->asset_count + 1, sizeof(*list));
    struct counts_fresh *fresh = calloc(c->asset_count + 1, sizeof(*fresh));
    free(c->list);
    free(c->list_fresh);
    c->list = list;
    c->list_fresh = fresh;
    for (size_t i = 0; order != NULL && i < c->asset_count; i++) {
        if (c->assets[i].rows > 0) {
            order[count++] = &c->assets[i];
        }
    }
    if (order == NULL || list == NULL || fresh == NULL) {
        c->has_failed = true;
        count = 0;
    }
    if (count > 0) {
        qsort(order, count, sizeof(struct counted_asset *), by_key);
    }
    for (size_t i = 0; i < count; i++) {
        order[i]->place = (uint32_t)i;
        show(c, order[i]);
    }
    free(order);
    c->fleet.count = count;
    c->fleet.assets = list;
    c->fleet.fresh = fresh;
}

const struct counts_fleet *counts_fleet(struct counts *c)
{
    if (c->is_list_stale || c->list == NULL) {
        c->is_list_stale = false;
        make_list(c);
    }
    for (size_t i = 0; i < c->dirty_count; i++) {
        struct counted_asset *a = &c->assets[c->dirty[i]];
        a->is_dirty = false;
        if (a->rows > 0 && c->fleet.count > 0) {
            show(c, a);
        }
    }
    c->dirty_count = 0;
    return &c->fleet;
}

size_t counts_behind(const struct counts_fleet *fleet, struct str after)
{
    size_t from = 0;
    size_t to = fleet->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (str_cmp(fleet->assets[middle].asset, after) > 0) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return from;
}

bool counts_find_asset(const struct counts_fleet *fleet, struct str asset, size_t *ret)
{
    size_t behind = counts_behind(fleet, asset);
    *ret = behind - 1;
    return behind > 0 && str_eq(fleet->assets[behind - 1].asset, asset);
}

/* --- one ------------------------------------------------------------------------------------------ */

/* Sorted in behind what is newer, or as new and came before. */
static void keep_failing(struct counts_failing *list, size_t *count,
                         const struct counts_failing *failing)
{
    size_t place = *count;
    while (place > 0 && list[place - 1].at_ms < failing->at_ms) {
        place--;
    }
    if (place == COUNTS_NEWEST) {
        return;
    }
    size_t last = *count < COUNTS_NEWEST ? (*count)++ : COUNTS_NEWEST - 1;
    memmove(&list[place + 1], &list[place], (last - place) * sizeof(*list));
    list[place] = *failing;
}

size_t counts_newest_failing(const struct counts *c, struct counts_failing ret[COUNTS_NEWEST])
{
    size_t count = 0;
    for (size_t i = 0; i < c->device_count; i++) {
        const struct counted_device *d = &c->devices[i];
        bool can_be_newer =
            count < COUNTS_NEWEST || d->newest_failed_ms > ret[COUNTS_NEWEST - 1].at_ms;
        for (size_t k = 0; d->failing > 0 && can_be_newer && k < d->count; k++) {
            const struct pair *p = &d->pairs[k];
            if (p->is_failing) {
                const struct counts_failing failing = {
                    .device = d->name, .asset = c->assets[p->asset].key, .at_ms = p->failed_at_ms};
                keep_failing(ret, &count, &failing);
            }
        }
    }
    return count;
}

bool counts_of_device(const struct counts *c, struct str device, struct counts_of_device *ret)
{
    uint32_t number = 0;
    if (!strmap_get(&c->device_by_name, device, &number)) {
        return false;
    }
    const struct counted_device *d = &c->devices[number];
    *ret = (struct counts_of_device){.assets = d->assets, .failing = d->failing, .fresh = d->fresh};
    return true;
}

enum freshness_word counts_word(const struct counts *c, struct str device, struct str asset)
{
    uint32_t d = 0;
    uint32_t a = 0;
    if (!strmap_get(&c->device_by_name, device, &d) || !strmap_get(&c->asset_by_key, asset, &a)) {
        return FRESH_COUNT;
    }
    const struct pair *p = counts_pair(&c->devices[d], a);
    return p != NULL ? (enum freshness_word)p->word : FRESH_COUNT;
}
