/* DESIGN: what is cheap and likely to be asked is read in one pass when the look is opened: one row
 * for each asset, cursors, what open runs have yet to make. Partitions, and which assets a run was
 * to make, are read when they are asked for; each run once. The callback of the model cannot fail:
 * what went wrong is kept until the evaluation is over. */
#include "agent/assets/automation_look.h"

#include "agent/store/backfills.h"
#include "agent/store/partitions.h"
#include "agent/store/runs.h"
#include "common/json/json.h"
#include "common/model/partition_map.h"
#include <stdlib.h>

enum {
    RUN_KEYS_BYTES_MAX = 1 << 20,
    KEY_MEMORY = PARTITION_KEY_BYTES_MAX + 1,
    FORGOTTEN_MAX = 256,
};

/* A partition or range of an asset that is being made. */
struct being_made {
    struct str partition, partition_end; /* empty: the asset has none */
    const struct being_made *next;
};
/* The assets of a run. */
struct cast {
    const uint32_t *assets; /* ascending */
    size_t count;
};
struct seen {
    bool is_needed; /* has a condition, or is upstream of one that has */
    bool is_known;
    struct wall_time made_at;
    int64_t updated_seq;
    struct str run;
    const struct being_made *open;
    struct partition_keys *dynamic; /* of PARTITION_DYNAMIC, once somebody asked for them */
};

struct automation_look {
    struct store *store;
    const struct definitions *defs;
    struct arena *arena;
    struct wall_time now;
    struct automation_asset *assets;
    struct seen *seen;
    int64_t *cursor_seq; /* of the asset's last tick */
    struct str *forgotten;
    size_t forgotten_count;
    const struct stored_backfill *backfills; /* that are open */
    const bool **in_backfill;                /* by asset, of each */
    size_t backfill_count;
    struct strmap casts; /* run to its number */
    struct cast *cast;
    size_t cast_count, cast_room;
    bool has_failed;
    struct err err;
};

bool automation_is_used(const struct definitions *defs)
{
    for (size_t i = 0; i < defs->asset_count; i++) {
        if (defs->assets[i].automation.kind != AUTOMATION_NONE) {
            return true;
        }
    }
    return false;
}

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "look at assets for automation: out of memory");
}

/* --- opening -------------------------------------------------------------------------------- */

static bool has_partitions(const struct asset *asset)
{
    return asset->partitions.kind != PARTITION_NONE;
}

static bool partitions_of(struct automation_look *look, uint32_t node, struct partition_view *ret,
                          struct err *err)
{
    const struct partitions *of = &look->defs->assets[node].partitions;
    struct seen *seen = &look->seen[node];
    if (of->kind == PARTITION_DYNAMIC && seen->dynamic == NULL) {
        struct partition_keys *keys = arena_alloc(look->arena, sizeof(*keys));
        if (keys == NULL) {
            return out_of_memory(err);
        }
        if (!store_dynamic_keys(look->store, of->set, look->arena, keys, err)) {
            return false;
        }
        seen->dynamic = keys;
    }
    *ret = (struct partition_view){.of = of, .dynamic = seen->dynamic, .now = look->now};
    return true;
}

static bool find_latest(struct automation_look *look, uint32_t node, struct err *err)
{
    const struct asset *asset = &look->defs->assets[node];
    struct automation_asset *a = &look->assets[node];
    if (asset->partitions.kind != PARTITION_TIME) {
        return true;
    }
    struct partition_view view;
    if (!partitions_of(look, node, &view, err)) {
        return false;
    }
    size_t count = partition_count(&view);
    char memory[KEY_MEMORY];
    struct buf key = buf_fixed(memory, sizeof(memory));
    if (count > 0 && partition_key_at(&view, count - 1, &key)) {
        a->partition = arena_copy(look->arena, buf_str(&key));
        return a->partition.ptr != NULL || out_of_memory(err);
    }
    return true;
}

static bool describe(struct automation_look *look, struct err *err)
{
    for (uint32_t i = 0; i < look->defs->asset_count; i++) {
        const struct asset *asset = &look->defs->assets[i];
        const struct graph_node *node = &look->defs->graph.nodes[i];
        bool has_condition = asset->automation.kind != AUTOMATION_NONE;
        look->assets[i] = (struct automation_asset){.condition = &asset->automation,
                                                    .is_external = asset->work == ASSET_EXTERNAL,
                                                    .partitions = &asset->partitions};
        look->seen[i].is_needed = look->seen[i].is_needed || has_condition;
        for (size_t d = 0; has_condition && d < node->dep_count; d++) {
            look->seen[node->deps[d]].is_needed = true;
        }
        if (has_condition && !find_latest(look, i, err)) {
            return false;
        }
    }
    return true;
}

static bool on_asset(void *ctx, const struct stored_asset *asset)
{
    struct automation_look *look = ctx;
    uint32_t node = 0;
    if (!strmap_get(&look->defs->graph.by_key, asset->key, &node) || !look->seen[node].is_needed) {
        return true;
    }
    bool is_external = look->assets[node].is_external;
    struct seen *seen = &look->seen[node];
    seen->is_known = asset->materialized_at.ns != 0 || (is_external && asset->observed_at.ns != 0);
    seen->made_at = asset->materialized_at;
    seen->updated_seq = stored_asset_updated_seq(asset, is_external);
    seen->run = arena_copy(look->arena, asset->run);
    return seen->run.ptr != NULL;
}

static void forget(struct automation_look *look, struct str asset)
{
    if (look->forgotten_count < FORGOTTEN_MAX) { /* the others in a later look */
        look->forgotten[look->forgotten_count] = arena_copy(look->arena, asset);
        look->forgotten_count += look->forgotten[look->forgotten_count].ptr != NULL;
    }
}

static bool on_cursor(void *ctx, struct str asset, struct str cursor)
{
    struct automation_look *look = ctx;
    uint32_t node = 0;
    if (str_is_empty(cursor)) {
        return true;
    }
    if (!strmap_get(&look->defs->graph.by_key, asset, &node) ||
        look->assets[node].condition->kind == AUTOMATION_NONE) {
        forget(look, asset);
        return !look->arena->exhausted;
    }
    look->cursor_seq[node] = automation_cursor_seq(cursor);
    look->assets[node].cursor = arena_copy(look->arena, cursor);
    return look->assets[node].cursor.ptr != NULL;
}

static void add_open(struct automation_look *look, uint32_t node, struct str partition,
                     struct str partition_end)
{
    struct seen *seen = &look->seen[node];
    bool is_whole = !has_partitions(&look->defs->assets[node]);
    if (!seen->is_needed || (is_whole && seen->open != NULL)) {
        return;
    }
    struct being_made *open = arena_alloc(look->arena, sizeof(*open));
    if (open == NULL) {
        return; /* the arena is exhausted: whoever looks at the end sees that */
    }
    *open = (struct being_made){.next = seen->open};
    if (!is_whole) {
        open->partition = arena_copy(look->arena, partition);
        open->partition_end = arena_copy(look->arena, partition_end);
    }
    seen->open = open;
}

static bool on_open(void *ctx, const struct stored_open *open)
{
    struct automation_look *look = ctx;
    uint32_t node = 0;
    bool *set = NULL;
    struct err none = {0};
    if (!str_is_empty(open->asset)) {
        if (strmap_get(&look->defs->graph.by_key, open->asset, &node)) {
            add_open(look, node, open->partition, open->partition_end);
        }
    } else if (definitions_select(look->defs, open->selection, look->arena, &set, &none)) {
        for (uint32_t i = 0; i < look->defs->asset_count; i++) {
            if (set[i]) {
                add_open(look, i, open->partition, open->partition_end);
            }
        }
    }
    return !look->arena->exhausted;
}

/* What their selections have come to mean; one that means nothing any more is passed over. */
static bool read_backfills(struct automation_look *look, struct err *err)
{
    struct stored_backfill *backfills = NULL;
    size_t count = 0;
    if (!store_open_backfills(look->store, look->arena, &backfills, &count, err)) {
        return false;
    }
    look->in_backfill = arena_array(look->arena, count + 1, sizeof(*look->in_backfill));
    look->backfills = backfills;
    for (size_t i = 0; look->in_backfill != NULL && i < count; i++) {
        bool *set = NULL;
        struct err none = {0};
        if (definitions_select(look->defs, backfills[i].selection, look->arena, &set, &none)) {
            backfills[look->backfill_count] = backfills[i];
            look->in_backfill[look->backfill_count++] = set;
        }
    }
    return true;
}

bool automation_look_open(struct automation_look **ret, struct store *store,
                          const struct definitions *defs, struct wall_time now, struct arena *arena,
                          struct err *err)
{
    struct automation_look *look = arena_alloc(arena, sizeof(*look));
    if (look == NULL) {
        return out_of_memory(err);
    }
    size_t count = defs->asset_count + 1;
    *look = (struct automation_look){
        .store = store,
        .defs = defs,
        .arena = arena,
        .now = now,
        .assets = arena_array(arena, count, sizeof(*look->assets)),
        .seen = arena_array(arena, count, sizeof(*look->seen)),
        .cursor_seq = arena_array(arena, count, sizeof(*look->cursor_seq)),
        .forgotten = arena_array(arena, FORGOTTEN_MAX, sizeof(*look->forgotten)),
        .casts = strmap_new(arena)};
    if (look->assets == NULL || look->seen == NULL || look->cursor_seq == NULL ||
        look->forgotten == NULL) {
        return out_of_memory(err);
    }
    if (!describe(look, err) || !store_each_asset(store, on_asset, look, err) ||
        !store_each_automation(store, on_cursor, look, err) ||
        !store_each_open(store, on_open, look, err) || !read_backfills(look, err)) {
        return false;
    }
    *ret = look;
    return !arena->exhausted || out_of_memory(err);
}

struct automation_asset *automation_look_assets(struct automation_look *look)
{
    return look->assets;
}

const struct str *automation_look_forgotten(const struct automation_look *look, size_t *ret_count)
{
    *ret_count = look->forgotten_count;
    return look->forgotten;
}

/* --- which assets a run was to make --------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool read_keys(struct automation_look *look, struct str keys, struct cast *ret,
                      struct err *err)
{
    AUTO(arena) scratch = arena_new(4 * RUN_KEYS_BYTES_MAX + (16 << 20));
    struct json *array = NULL;
    if (!json_parse(keys, RUN_KEYS_BYTES_MAX, &scratch, &array, err)) {
        return err_wrap(err, "the assets of a run");
    }
    uint32_t *assets = arena_array(look->arena, array->count + 1, sizeof(*assets));
    size_t count = 0;
    for (const struct json *key = array->child; assets != NULL && key != NULL; key = key->next) {
        bool is_there = key->type == JSON_STRING &&
                        strmap_get(&look->defs->graph.by_key, key->as.string, &assets[count]);
        count += is_there;
    }
    if (assets == NULL) {
        return out_of_memory(err);
    }
    qsort(assets, count, sizeof(*assets), by_number);
    *ret = (struct cast){.assets = assets, .count = count};
    return true;
}

static bool read_selection(struct automation_look *look, struct str selection, struct cast *ret,
                           struct err *err)
{
    bool *set = NULL;
    uint32_t *assets = arena_array(look->arena, look->defs->asset_count + 1, sizeof(*assets));
    if (assets == NULL) {
        return out_of_memory(err);
    }
    size_t count = 0;
    struct err none = {0}; /* written for other definitions */
    if (definitions_select(look->defs, selection, look->arena, &set, &none)) {
        for (uint32_t i = 0; i < look->defs->asset_count; i++) {
            assets[count] = i;
            count += set[i];
        }
    }
    *ret = (struct cast){.assets = assets, .count = count};
    return true;
}

static bool read_cast(struct automation_look *look, struct str run, struct cast *ret,
                      struct err *err)
{
    AUTO(arena) scratch = arena_new(4 << 20);
    struct stored_run stored;
    bool found = false;
    *ret = (struct cast){0};
    if (!store_load_run(look->store, run, &scratch, &stored, &found, err)) {
        return false;
    }
    if (!found) {
        return true; /* it is forgotten */
    }
    return str_is_empty(stored.keys) ? read_selection(look, stored.selection, ret, err)
                                     : read_keys(look, stored.keys, ret, err);
}

static bool keep_cast(struct automation_look *look, struct str run, const struct cast *cast)
{
    if (look->cast_count == look->cast_room) {
        size_t room = look->cast_room == 0 ? 16 : 2 * look->cast_room;
        struct cast *more = arena_array(look->arena, room, sizeof(*more));
        for (size_t i = 0; more != NULL && i < look->cast_count; i++) {
            more[i] = look->cast[i];
        }
        if (more == NULL) {
            return false;
        }
        look->cast = more;
        look->cast_room = room;
    }
    look->cast[look->cast_count] = *cast;
    return strmap_put(&look->casts, run, (uint32_t)look->cast_count++);
}

static bool cast_of(struct automation_look *look, struct str run, struct cast *ret, struct err *err)
{
    uint32_t number = 0;
    if (str_is_empty(run)) {
        return true;
    }
    if (strmap_get(&look->casts, run, &number)) {
        *ret = look->cast[number];
        return true;
    }
    return read_cast(look, run, ret, err) && (keep_cast(look, run, ret) || out_of_memory(err));
}

/* --- partitions ----------------------------------------------------------------------------- */

/* Whether the partition lies in the range; of what is not in the order of time that is not known
 * here, and taken for yes. */
static bool covers(const struct partitions *p, const struct being_made *open, struct str key)
{
    struct partition_window first;
    struct partition_window last;
    struct partition_window it;
    struct err none = {0};
    if (str_eq(open->partition, key) || str_is_empty(open->partition_end)) {
        return str_eq(open->partition, key);
    }
    return p->kind != PARTITION_TIME || !partition_window(p, open->partition, &first, &none) ||
           !partition_window(p, open->partition_end, &last, &none) ||
           !partition_window(p, key, &it, &none) ||
           (first.start.ns <= it.start.ns && it.start.ns <= last.start.ns);
}

static bool is_being_made(const struct automation_look *look, uint32_t node, struct str key)
{
    const struct being_made *open = look->seen[node].open;
    while (open != NULL && !covers(&look->defs->assets[node].partitions, open, key)) {
        open = open->next;
    }
    return open != NULL;
}

static bool is_in_any_backfill(const struct automation_look *look, uint32_t node)
{
    size_t i = 0;
    while (i < look->backfill_count && !look->in_backfill[i][node]) {
        i++;
    }
    return i < look->backfill_count;
}

/* Whether a backfill has yet to ask for it; `partition` is empty for an asset without any. */
static bool waits_in_backfill(struct automation_look *look, uint32_t node, struct str partition,
                              bool *ret, struct err *err)
{
    for (size_t i = 0; i < look->backfill_count && !*ret; i++) {
        if (look->in_backfill[i][node] &&
            !store_backfill_waits(look->store, look->backfills[i].id, partition, ret, err)) {
            return false;
        }
    }
    return true;
}

/* What is known of the partitions of `node` that matter, taken together. */
static bool look_at_keys(struct automation_look *look, uint32_t node,
                         const struct partition_keys *keys, struct automation_facts *ret,
                         struct str *ret_run, struct err *err)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct stored_slice slice;
        if (!store_find_slice(look->store, look->defs->assets[node].key, keys->items[i],
                              look->arena, &slice, err) ||
            !waits_in_backfill(look, node, keys->items[i], &ret->is_in_backfill, err)) {
            return false;
        }
        ret->is_missing = ret->is_missing || slice.materialized_at.ns == 0;
        ret->is_in_progress = ret->is_in_progress || is_being_made(look, node, keys->items[i]);
        if (slice.materialized_seq > ret->updated_seq) {
            ret->updated_seq = slice.materialized_seq;
            ret->made_at = slice.materialized_at;
            *ret_run = slice.run;
        }
    }
    return true;
}

/* All of them matter to an asset without partitions. */
static bool look_at_all(struct automation_look *look, uint32_t node, struct automation_facts *ret,
                        struct str *ret_run, struct err *err)
{
    struct partition_view view;
    struct stored_slices all;
    if (!partitions_of(look, node, &view, err) ||
        !store_sum_slices(look->store, look->defs->assets[node].key, &all, err)) {
        return false;
    }
    *ret = (struct automation_facts){.is_missing = all.made < (int64_t)partition_count(&view),
                                     .is_in_progress = look->seen[node].open != NULL,
                                     .is_in_backfill = is_in_any_backfill(look, node),
                                     .updated_seq = all.materialized_seq,
                                     .made_at = all.materialized_at};
    *ret_run = look->seen[node].run;
    return true;
}

static bool look_at_partitions(struct automation_look *look, uint32_t node, uint32_t root,
                               struct automation_facts *ret, struct str *ret_run, struct err *err)
{
    struct str latest = look->assets[root].partition;
    struct partition_mapped mapped = {.keys = {&latest, 1}};
    if (str_is_empty(latest)) {
        return look_at_all(look, node, ret, ret_run, err);
    }
    if (node != root) {
        struct partition_view from;
        struct partition_view to;
        if (!partitions_of(look, root, &from, err) || !partitions_of(look, node, &to, err) ||
            !partition_map(&from, (struct partition_bounds){latest, latest}, &to, look->arena,
                           &mapped, err)) {
            return false;
        }
    }
    return look_at_keys(look, node, &mapped.keys, ret, ret_run, err);
}

/* --- the callback --------------------------------------------------------------------------- */

/* What the model hands back as it is: a pointer that it may not write through. */
struct handle {
    struct automation_look *look;
};

static bool look_at(struct automation_look *look, uint32_t node, uint32_t root,
                    struct automation_facts *ret, struct err *err)
{
    const struct seen *seen = &look->seen[node];
    struct str run = seen->run;
    if (has_partitions(&look->defs->assets[node])) {
        if (!look_at_partitions(look, node, root, ret, &run, err)) {
            return false;
        }
    } else {
        *ret = (struct automation_facts){.is_missing = !seen->is_known,
                                         .is_in_progress = seen->open != NULL,
                                         .updated_seq = seen->updated_seq,
                                         .made_at = seen->made_at};
        if (!waits_in_backfill(look, node, STR(""), &ret->is_in_backfill, err)) {
            return false;
        }
    }
    struct cast cast = {0};
    if (ret->updated_seq > look->cursor_seq[root] && !cast_of(look, run, &cast, err)) {
        return false;
    }
    ret->made_with = cast.assets;
    ret->made_with_count = cast.count;
    return true;
}

static void on_look(const void *ctx, uint32_t node, uint32_t root, struct automation_facts *ret)
{
    struct automation_look *look = ((const struct handle *)ctx)->look;
    if (!look->has_failed) {
        look->has_failed = !look_at(look, node, root, ret, &look->err);
    }
}

bool automation_look_evaluate(struct automation_look *look, struct automation_result **ret,
                              struct err *err)
{
    const struct handle handle = {look};
    const struct automation_tick tick = {.g = &look->defs->graph,
                                         .assets = look->assets,
                                         .look = on_look,
                                         .ctx = &handle,
                                         .now = look->now,
                                         .seq = store_last_order(look->store),
                                         .is_in_order = true};
    bool ok = automation_evaluate(&tick, look->arena, ret, err);
    if (ok && look->has_failed) {
        *err = look->err;
    }
    return ok && !look->has_failed && (!look->arena->exhausted || out_of_memory(err));
}

/* --- when again ----------------------------------------------------------------------------- */

static void earlier(struct wall_time *earliest, bool found, struct wall_time t)
{
    if (found && t.ns < earliest->ns) {
        *earliest = t;
    }
}

struct wall_time automation_next_time(const struct definitions *defs, struct wall_time now)
{
    struct wall_time earliest = {INT64_MAX};
    for (size_t i = 0; i < defs->asset_count; i++) {
        const struct asset *asset = &defs->assets[i];
        const struct automation *a = &asset->automation;
        const struct partitions *p = &asset->partitions;
        struct wall_time next = {0};
        if (a->kind == AUTOMATION_ON_CRON) {
            earlier(&earliest, cron_next(&a->cron, a->tz, now, &next), next);
        }
        if (a->kind != AUTOMATION_NONE && p->kind == PARTITION_TIME) {
            earlier(&earliest, cron_next(&p->cron, p->tz, now, &next), next);
        }
    }
    return earliest;
}
