#include "agent/backfill/backfill_plan.h"

#include "common/base/strmap.h"
#include <stdlib.h>

#define MADE_ONE   UINT32_C(1)
#define FAILED_BIT (UINT32_C(1) << 31)

struct planner {
    const struct backfill_question *q;
    struct arena *arena;
    struct partition_view *views;    /* of each leg */
    struct backfill_parts *parts;    /* of each leg, by index of the partition until the end */
    const struct backfill_leg *root; /* the first that was asked for */
    struct err *err;
};

static bool out_of_memory(struct planner *p)
{
    return err_set(p->err, ERR_NO_MEMORY, "plan a backfill: out of memory");
}

static struct str key_of(const struct planner *p, const struct backfill_leg *leg)
{
    return p->q->defs->assets[leg->assets[0]].key;
}

/* --- a growing list of parts ------------------------------------------------------------------ */

static bool add_part(struct planner *p, struct backfill_parts *parts, size_t *room, int64_t number,
                     struct str key)
{
    if (parts->count == *room) {
        size_t more = *room == 0 ? 64 : 2 * *room;
        struct backfill_part *items = arena_array(p->arena, more, sizeof(*items));
        if (items == NULL) {
            return out_of_memory(p);
        }
        for (size_t i = 0; i < parts->count; i++) {
            items[i] = parts->items[i];
        }
        parts->items = items;
        *room = more;
    }
    parts->items[parts->count++] = (struct backfill_part){number, key};
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct backfill_part *x = a;
    const struct backfill_part *y = b;
    return x->number < y->number ? -1 : x->number > y->number ? 1 : 0;
}

static void sort_out(struct backfill_parts *parts)
{
    if (parts->count == 0) {
        return;
    }
    qsort(parts->items, parts->count, sizeof(*parts->items), by_number);
    size_t kept = 1;
    for (size_t i = 1; i < parts->count; i++) {
        if (parts->items[i].number != parts->items[kept - 1].number) {
            parts->items[kept++] = parts->items[i];
        }
    }
    parts->count = kept;
}

/* --- the partitions that were asked for ------------------------------------------------------- */

struct statuses {
    struct strmap by_key; /* how many assets made it, and whether one failed */
    bool is_full;
};

static void note_status(void *to, struct str key, bool is_made, bool has_failed)
{
    struct statuses *s = to;
    uint32_t value = 0;
    bool is_known = strmap_get(&s->by_key, key, &value);
    value += is_made ? MADE_ONE : 0;
    value |= has_failed ? FAILED_BIT : 0;
    struct str kept = is_known ? key : arena_copy(s->by_key.arena, key);
    if (kept.ptr == NULL || !strmap_put(&s->by_key, kept, value)) {
        s->is_full = true;
    }
}

static bool read_statuses(struct planner *p, const struct backfill_leg *leg, struct statuses *ret)
{
    const struct backfill_source *source = p->q->source;
    *ret = (struct statuses){.by_key = strmap_new(p->arena)};
    for (size_t i = 0; i < leg->count; i++) {
        struct str key = p->q->defs->assets[leg->assets[i]].key;
        if (!source->partitions(source->ctx, key, note_status, ret, p->err)) {
            return false;
        }
    }
    return !ret->is_full || out_of_memory(p);
}

static bool is_wanted(const struct statuses *s, const struct backfill_leg *leg,
                      enum backfill_only only, struct str key)
{
    uint32_t value = 0;
    (void)strmap_get(&s->by_key, key, &value);
    switch (only) {
    case BACKFILL_MISSING:
        return (value & ~FAILED_BIT) < leg->count;
    case BACKFILL_FAILED:
        return (value & FAILED_BIT) != 0;
    case BACKFILL_ANY:
        break;
    }
    return true;
}

static bool take_keys(struct planner *p, const struct partition_view *view,
                      struct backfill_parts *parts)
{
    size_t room = 0;
    for (size_t i = 0; i < p->q->order->key_count; i++) {
        size_t index = 0;
        struct str key = p->q->order->keys[i];
        if (!partition_find(view, key, &index, p->err) ||
            !add_part(p, parts, &room, (int64_t)index, key)) {
            return false;
        }
    }
    return true;
}

static bool take_range(struct planner *p, const struct backfill_leg *leg,
                       const struct partition_view *view, struct backfill_parts *parts)
{
    const struct backfill_order *order = p->q->order;
    struct statuses statuses = {0};
    struct partition_keys keys;
    size_t first = 0;
    size_t room = 0;
    bool ok = partition_range(view, order->bounds, p->arena, &keys, p->err) &&
              (order->only == BACKFILL_ANY || read_statuses(p, leg, &statuses));
    if (ok && keys.count > 0) {
        ok = partition_find(view, keys.items[0], &first, p->err);
    }
    for (size_t i = 0; ok && i < keys.count; i++) {
        if (is_wanted(&statuses, leg, order->only, keys.items[i])) {
            ok = add_part(p, parts, &room, (int64_t)(first + i), keys.items[i]);
        }
    }
    return ok;
}

static bool nothing_there(struct planner *p, const struct backfill_leg *leg)
{
    static const char *const why[] = {
        [BACKFILL_ANY] = "has no partition yet",
        [BACKFILL_MISSING] = "lacks no partition",
        [BACKFILL_FAILED] = "has no partition that failed",
    };
    struct str key = key_of(p, leg);
    (void)err_set(p->err, ERR_NOT_FOUND, STR_FMT " %s%s", STR_ARG(key), why[p->q->order->only],
                  leg->partitions->kind == PARTITION_TIME && p->q->order->only == BACKFILL_ANY
                      ? ": no window is over"
                      : "");
    return err_hint(p->err, "look: selvedge-agent partitions " STR_FMT, STR_ARG(key));
}

static bool take_asked(struct planner *p, size_t at)
{
    const struct backfill_leg *leg = &p->q->legs[at];
    if (p->root == NULL) {
        p->root = leg;
    } else if (!partition_same(p->root->partitions, leg->partitions)) {
        struct str one = key_of(p, p->root);
        struct str other = key_of(p, leg);
        (void)err_set(p->err, ERR_INVALID, STR_FMT " and " STR_FMT " are partitioned differently",
                      STR_ARG(one), STR_ARG(other));
        return err_hint(p->err, "backfill the one, then the other");
    }
    bool ok = p->q->order->key_count > 0 ? take_keys(p, &p->views[at], &p->parts[at])
                                         : take_range(p, leg, &p->views[at], &p->parts[at]);
    sort_out(&p->parts[at]);
    return ok && (p->parts[at].count > 0 || nothing_there(p, leg));
}

/* --- the partitions that follow --------------------------------------------------------------- */

static bool holds(const struct backfill_leg *leg, uint32_t asset)
{
    for (size_t i = 0; i < leg->count; i++) {
        if (leg->assets[i] == asset) {
            return true;
        }
    }
    return false;
}

/* Whether some asset of `leg` is made from one of `upstream`. */
static bool is_made_from(const struct planner *p, const struct backfill_leg *leg,
                         const struct backfill_leg *upstream)
{
    for (size_t i = 0; i < leg->count; i++) {
        const struct graph_node *node = &p->q->defs->graph.nodes[leg->assets[i]];
        for (size_t d = 0; d < node->dep_count; d++) {
            if (holds(upstream, node->deps[d])) {
                return true;
            }
        }
    }
    return false;
}

/* Adds the partitions that belong to those of another leg from one to another, which are
 * neighbours. */
static bool follow_range(struct planner *p, size_t from, struct partition_bounds bounds, size_t to,
                         size_t *room)
{
    struct partition_mapped mapped;
    const struct partition_view *view = &p->views[to];
    if (!partition_map(&p->views[from], bounds, view, p->arena, &mapped, p->err)) {
        return false;
    }
    size_t index = 0;
    for (size_t i = 0; i < mapped.keys.count; i++) {
        /* Windows come in a row; of others each has a place of its own. */
        bool is_next = i > 0 && view->of->kind == PARTITION_TIME;
        index++;
        if ((!is_next && !partition_find(view, mapped.keys.items[i], &index, p->err)) ||
            !add_part(p, &p->parts[to], room, (int64_t)index, mapped.keys.items[i])) {
            return false;
        }
    }
    return true;
}

static bool follow_leg(struct planner *p, size_t from, size_t to, size_t *room)
{
    const struct backfill_parts *parts = &p->parts[from];
    for (size_t i = 0; i < parts->count;) {
        size_t end = i + 1;
        while (end < parts->count && parts->items[end].number == parts->items[end - 1].number + 1) {
            end++;
        }
        struct partition_bounds bounds = {parts->items[i].key, parts->items[end - 1].key};
        if (!follow_range(p, from, bounds, to, room)) {
            return false;
        }
        i = end;
    }
    return true;
}

static bool plan_leg(struct planner *p, size_t at)
{
    const struct backfill_leg *leg = &p->q->legs[at];
    size_t room = 0;
    if (leg->partitions->kind == PARTITION_NONE) {
        return add_part(p, &p->parts[at], &room, 0, STR(""));
    }
    bool follows = false;
    for (size_t from = 0; from < at; from++) {
        const struct backfill_leg *upstream = &p->q->legs[from];
        if (upstream->partitions->kind != PARTITION_NONE && is_made_from(p, leg, upstream)) {
            follows = true;
            if (!follow_leg(p, from, at, &room)) {
                return false;
            }
        }
    }
    sort_out(&p->parts[at]);
    return follows || take_asked(p, at);
}

/* --- all legs --------------------------------------------------------------------------------- */

static bool look(struct planner *p, size_t at)
{
    const struct partitions *of = p->q->legs[at].partitions;
    struct partition_keys *keys = NULL;
    if (of->kind == PARTITION_DYNAMIC) {
        keys = arena_alloc(p->arena, sizeof(*keys));
        if (keys == NULL) {
            return out_of_memory(p);
        }
        if (!p->q->source->dynamic_keys(p->q->source->ctx, of->set, p->arena, keys, p->err)) {
            return false;
        }
    }
    p->views[at] = (struct partition_view){.of = of, .dynamic = keys, .now = p->q->now};
    return true;
}

static void turn_round(struct backfill_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        parts->items[i].number = -parts->items[i].number;
    }
    for (size_t i = 0; i < parts->count / 2; i++) {
        struct backfill_part first = parts->items[i];
        parts->items[i] = parts->items[parts->count - 1 - i];
        parts->items[parts->count - 1 - i] = first;
    }
}

bool backfill_plan(const struct backfill_question *q, struct arena *arena,
                   struct backfill_parts **ret, struct err *err)
{
    struct planner p = {.q = q, .arena = arena, .err = err};
    p.views = arena_array(arena, q->leg_count, sizeof(*p.views));
    p.parts = arena_array(arena, q->leg_count, sizeof(*p.parts));
    if (p.views == NULL || p.parts == NULL) {
        return out_of_memory(&p);
    }
    for (size_t i = 0; i < q->leg_count; i++) {
        if (!look(&p, i) || !plan_leg(&p, i)) {
            return false;
        }
    }
    if (p.root == NULL) {
        (void)err_set(err, ERR_INVALID, "nothing that is selected has partitions");
        return err_hint(err, "selvedge-agent materialize makes it");
    }
    for (size_t i = 0; q->order->newest_first && i < q->leg_count; i++) {
        turn_round(&p.parts[i]);
    }
    *ret = p.parts;
    return true;
}
