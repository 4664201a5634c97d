/* cells.c - see cells.h. */
#include "hub/summary/cells.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE_CELLS = 64, /* of a device: devices that make few of many partitions take little */
    NOWHERE = -1,
    PACKED_MADE = 1,
    PACKED_FAILED = 2,
    PACKED_STATES = 4,
};

struct sum {
    struct str key;
    int64_t at_ms;
    int64_t place; /* in the order; NOWHERE */
    uint32_t made, failed;
    bool is_at_stale; /* the device with the latest time has another: to be looked for */
};
struct maker { /* a device */
    int64_t **pages;
    size_t page_count;
    uint32_t rules;
    bool has_ranges;
};
struct rule {
    struct str text;
    int64_t devices;
};
enum { RULE_NOT_DEFINED, RULE_WHOLE, RULES_BEGIN };

struct cells {
    struct arena arena;
    struct strmap device_by_name, sum_by_key, rule_by_text;
    struct maker *makers;
    size_t maker_count, maker_cap;
    struct sum *sums;
    uint32_t *painted; /* by sum: 1 + the row of the last ones that counts; 0: none */
    size_t sum_count, sum_cap;
    struct rule *rules;
    size_t rule_count, rule_cap;
    uint32_t
        *order; /* sums, of the arena's own but for its size: it is made anew again and again */
    size_t order_count;
    size_t order_bytes;
    const struct cell_row *rows; /* that were put last */
    size_t with_ranges;          /* devices */
    bool has_failed, has_passed_over;
};

/* --- memory -------------------------------------------------------------------------------------- */

struct cells *cells_new(size_t bytes_max)
{
    struct cells *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->arena = arena_new(bytes_max);
    c->device_by_name = strmap_new(&c->arena);
    c->sum_by_key = strmap_new(&c->arena);
    c->rule_by_text = strmap_new(&c->arena);
    c->rule_count = RULES_BEGIN;
    c->rule_cap = RULES_BEGIN;
    c->rules = arena_array(&c->arena, RULES_BEGIN, sizeof(*c->rules));
    c->has_failed = c->rules == NULL;
    return c;
}

void cells_free(struct cells *c)
{
    if (c != NULL) {
        free(c->order);
        arena_release(&c->arena);
        free(c);
    }
}

size_t cells_bytes(const struct cells *c)
{
    return c->arena.used + c->order_bytes;
}

bool cells_has_failed(const struct cells *c)
{
    return c->has_failed || cells_bytes(c) > c->arena.max;
}

/* `items` with room for one more of `size`, or twice as much; NULL: no memory. */
static void *grow(struct cells *c, void *items, size_t count, size_t cap, size_t size)
{
    void *more = arena_array(&c->arena, cap, size);
    if (more == NULL) {
        c->has_failed = true;
    } else if (count > 0) {
        memcpy(more, items, count * size);
    }
    return more;
}

static size_t larger(size_t cap)
{
    return cap == 0 ? 16 : cap * 2;
}

static bool keep(struct cells *c, struct strmap *map, struct str text, size_t number,
                 struct str *ret)
{
    struct str copy = arena_copy(&c->arena, text);
    if (copy.ptr == NULL || !strmap_put(map, copy, (uint32_t)number)) {
        c->has_failed = true;
        return false;
    }
    *ret = copy;
    return true;
}

static struct maker *maker_of(struct cells *c, struct str device)
{
    uint32_t number = 0;
    struct str name;
    if (strmap_get(&c->device_by_name, device, &number)) {
        return &c->makers[number];
    }
    if (c->maker_count == c->maker_cap) {
        size_t cap = larger(c->maker_cap);
        struct maker *more = grow(c, c->makers, c->maker_count, cap, sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        c->makers = more;
        c->maker_cap = cap;
    }
    if (!keep(c, &c->device_by_name, device, c->maker_count, &name)) {
        return NULL;
    }
    return &c->makers[c->maker_count++];
}

static bool make_room(struct cells *c)
{
    if (c->sum_count < c->sum_cap) {
        return true;
    }
    size_t cap = larger(c->sum_cap);
    struct sum *sums = grow(c, c->sums, c->sum_count, cap, sizeof(*sums));
    uint32_t *painted = grow(c, c->painted, c->sum_count, cap, sizeof(*painted));
    if (sums == NULL || painted == NULL) {
        return false;
    }
    c->sums = sums;
    c->painted = painted;
    c->sum_cap = cap;
    return true;
}

/* False: no memory. */
static bool sum_of(struct cells *c, struct str key, uint32_t *ret)
{
    struct str copy;
    if (strmap_get(&c->sum_by_key, key, ret)) {
        return true;
    }
    if (!make_room(c) || !keep(c, &c->sum_by_key, key, c->sum_count, &copy)) {
        return false;
    }
    *ret = (uint32_t)c->sum_count;
    c->painted[c->sum_count] = 0;
    c->sums[c->sum_count++] = (struct sum){.key = copy, .place = NOWHERE};
    return true;
}

/* The same of a partition that a device said something of. False: nothing is kept of it. */
static bool told_of(struct cells *c, struct str key, uint32_t *ret)
{
    if (strmap_get(&c->sum_by_key, key, ret)) {
        return true;
    }
    if (c->sum_count >= c->order_count + CELLS_OTHERS_MAX) {
        c->has_passed_over = true;
        return false;
    }
    return sum_of(c, key, ret);
}

/* --- which there are ------------------------------------------------------------------------------ */

void cells_order(struct cells *c, const struct partition_keys *keys)
{
    for (size_t i = 0; i < c->order_count; i++) {
        c->sums[c->order[i]].place = NOWHERE;
    }
    c->order_count = 0;
    uint32_t *order = reallocarray(c->order, keys->count + 1, sizeof(*order));
    if (order == NULL) {
        c->has_failed = true;
        return;
    }
    c->order = order;
    c->order_bytes = (keys->count + 1) * sizeof(*order);
    for (size_t i = 0; i < keys->count && sum_of(c, keys->items[i], &order[i]); i++) {
        c->sums[order[i]].place = (int64_t)i;
        c->order_count++;
    }
}

bool cells_depends_on_order(const struct cells *c)
{
    return c->with_ranges > 0 || c->has_passed_over;
}

size_t cells_count(const struct cells *c)
{
    return c->order_count;
}

bool cells_find(const struct cells *c, struct str key, size_t *ret_place)
{
    uint32_t sum = 0;
    if (!strmap_get(&c->sum_by_key, key, &sum) || c->sums[sum].place == NOWHERE) {
        return false;
    }
    *ret_place = (size_t)c->sums[sum].place;
    return true;
}

/* --- what a device says of a partition ------------------------------------------------------------- */

static int64_t pack(const struct cell_row *row)
{
    return row == NULL ? 0
                       : row->at_ms * PACKED_STATES + (row->is_made ? PACKED_MADE : PACKED_FAILED);
}

static int64_t state_in(int64_t packed)
{
    return packed & (PACKED_STATES - 1);
}

static int64_t at_in(int64_t packed)
{
    return (packed - state_in(packed)) / PACKED_STATES;
}

static int64_t packed_of(const struct maker *m, size_t sum)
{
    size_t page = sum / PAGE_CELLS;
    return page < m->page_count && m->pages[page] != NULL ? m->pages[page][sum % PAGE_CELLS] : 0;
}

static void set_packed(struct cells *c, struct maker *m, size_t sum, int64_t packed)
{
    size_t page = sum / PAGE_CELLS;
    if (page >= m->page_count) {
        size_t count = page + 1 > 2 * m->page_count ? page + 1 : 2 * m->page_count;
        int64_t **pages = grow(c, m->pages, m->page_count, count, sizeof(*pages));
        if (pages == NULL) {
            return;
        }
        m->pages = pages;
        m->page_count = count;
    }
    if (m->pages[page] == NULL) {
        m->pages[page] = arena_array(&c->arena, PAGE_CELLS, sizeof(**m->pages));
    }
    if (m->pages[page] == NULL) {
        c->has_failed = true;
        return;
    }
    m->pages[page][sum % PAGE_CELLS] = packed;
}

static void set(struct cells *c, struct maker *m, size_t number, int64_t packed)
{
    struct sum *s = &c->sums[number];
    int64_t before = packed_of(m, number);
    if (before == packed) {
        return;
    }
    set_packed(c, m, number, packed);
    s->made += (state_in(packed) == PACKED_MADE) - (uint32_t)(state_in(before) == PACKED_MADE);
    s->failed +=
        (state_in(packed) == PACKED_FAILED) - (uint32_t)(state_in(before) == PACKED_FAILED);
    if (packed != 0 && at_in(packed) >= s->at_ms) {
        s->at_ms = at_in(packed);
        s->is_at_stale = false;
    } else if (before != 0 && at_in(before) == s->at_ms) {
        s->is_at_stale = true;
    }
}

/* --- of all of a device's rows those that count ----------------------------------------------------- */

static bool is_range(const struct cell_row *row)
{
    return !str_eq(row->first, row->last);
}

static int by_stamp(const void *left, const void *right)
{
    const struct cell_row *a = left;
    const struct cell_row *b = right;
    if (a->stream_ms != b->stream_ms) {
        return a->stream_ms < b->stream_ms ? -1 : 1;
    }
    int order = str_cmp(a->epoch, b->epoch);
    return order != 0 ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

static void paint_range(struct cells *c, const struct cell_row *row, uint32_t mark)
{
    size_t first = 0;
    size_t last = 0;
    if (!cells_find(c, row->first, &first) || !cells_find(c, row->last, &last)) {
        return; /* keys that there are no more, or that this device's definition alone knows */
    }
    for (size_t i = first; i <= last; i++) {
        c->painted[c->order[i]] = mark;
    }
}

/* Later ones over earlier ones. */
static void paint(struct cells *c, const struct cell_row *rows, size_t count)
{
    if (c->sum_count > 0) {
        memset(c->painted, 0, c->sum_count * sizeof(*c->painted));
    }
    c->rows = rows;
    for (size_t i = 0; i < count; i++) {
        uint32_t sum = 0;
        if (is_range(&rows[i])) {
            paint_range(c, &rows[i], (uint32_t)i + 1);
        } else if (told_of(c, rows[i].first, &sum)) {
            c->painted[sum] = (uint32_t)i + 1;
        }
    }
}

void cells_put(struct cells *c, struct str device, struct cell_row *rows, size_t count)
{
    struct maker *m = maker_of(c, device);
    bool has_ranges = false;
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < count && !has_ranges; i++) {
        has_ranges = is_range(&rows[i]);
    }
    if (has_ranges) { /* others have a partition of their own each */
        qsort(rows, count, sizeof(*rows), by_stamp);
    }
    c->with_ranges += (size_t)has_ranges - (size_t)m->has_ranges;
    m->has_ranges = has_ranges;
    paint(c, rows, count);
    for (size_t i = 0; i < c->sum_count; i++) {
        set(c, m, i, pack(c->painted[i] > 0 ? &rows[c->painted[i] - 1] : NULL));
    }
}

bool cells_put_one(struct cells *c, struct str device, struct str key, const struct cell_row *row)
{
    struct maker *m = maker_of(c, device);
    uint32_t sum = 0;
    if (m == NULL || m->has_ranges) {
        return m == NULL;
    }
    if (told_of(c, key, &sum)) {
        set(c, m, sum, pack(row));
    }
    return true;
}

static void find_latest(const struct cells *c, size_t number)
{
    struct sum *s = &c->sums[number];
    s->at_ms = 0;
    s->is_at_stale = false;
    for (size_t i = 0; i < c->maker_count; i++) {
        int64_t packed = packed_of(&c->makers[i], number);
        s->at_ms = packed != 0 && at_in(packed) > s->at_ms ? at_in(packed) : s->at_ms;
    }
}

void cells_get(struct cells *c, size_t place, struct cell *ret)
{
    const struct sum *s = &c->sums[c->order[place]];
    if (s->is_at_stale) {
        find_latest(c, c->order[place]);
    }
    *ret = (struct cell){.key = s->key, .made = s->made, .failed = s->failed, .at_ms = s->at_ms};
}

const struct cell_row *cells_last_row(const struct cells *c, size_t place)
{
    uint32_t mark = c->painted[c->order[place]];
    return mark > 0 ? &c->rows[mark - 1] : NULL;
}

/* --- how devices define it -------------------------------------------------------------------------- */

static bool rule_of(struct cells *c, struct str text, uint32_t *ret)
{
    struct str copy;
    if (strmap_get(&c->rule_by_text, text, ret)) {
        return true;
    }
    if (c->rule_count == c->rule_cap) {
        size_t cap = larger(c->rule_cap);
        struct rule *more = grow(c, c->rules, c->rule_count, cap, sizeof(*more));
        if (more == NULL) {
            return false;
        }
        c->rules = more;
        c->rule_cap = cap;
    }
    if (!keep(c, &c->rule_by_text, text, c->rule_count, &copy)) {
        return false;
    }
    *ret = (uint32_t)c->rule_count;
    c->rules[c->rule_count++] = (struct rule){.text = copy};
    return true;
}

void cells_define(struct cells *c, struct str device, enum cells_defined is, struct str rules)
{
    struct maker *m = maker_of(c, device);
    uint32_t rule = is == CELLS_WHOLE ? RULE_WHOLE : RULE_NOT_DEFINED;
    if (m == NULL || (is == CELLS_CUT && !rule_of(c, rules, &rule))) {
        return;
    }
    c->rules[m->rules].devices -= m->rules != RULE_NOT_DEFINED ? 1 : 0;
    c->rules[rule].devices += rule != RULE_NOT_DEFINED ? 1 : 0;
    m->rules = rule;
}

int64_t cells_rules(const struct cells *c, struct str *ret)
{
    const struct rule *most = &c->rules[RULE_WHOLE];
    for (size_t i = RULES_BEGIN; i < c->rule_count; i++) {
        const struct rule *r = &c->rules[i];
        bool is_smaller = r->devices == most->devices && most != &c->rules[RULE_WHOLE] &&
                          str_cmp(r->text, most->text) < 0;
        most = r->devices > most->devices || is_smaller ? r : most;
    }
    *ret = most->text;
    return most->devices;
}
