/* backfills_request.c - backfills asked for, canceled and tried again. */
#include "agent/daemon/backfills_internal.h"

#include "agent/plan/plan.h"
#include "agent/store/partitions.h"
#include "common/log/log.h"
#include <string.h>

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "backfill: out of memory");
}

/* --- asking for one --------------------------------------------------------------------------- */

static bool read_dynamic(void *ctx, struct str set, struct arena *arena, struct partition_keys *ret,
                         struct err *err)
{
    const struct backfills *b = ctx;
    return store_dynamic_keys(b->options.store, set, arena, ret, err);
}

struct listener {
    void (*on_partition)(void *to, struct str key, bool is_made, bool has_failed);
    void *to;
};

static bool tell_partition(void *ctx, const struct stored_partition *p)
{
    const struct listener *listener = ctx;
    listener->on_partition(listener->to, p->key, p->materialized_at.ns > 0, p->failed_at.ns > 0);
    return true;
}

static bool read_partitions(void *ctx, struct str asset,
                            void (*on_partition)(void *to, struct str key, bool is_made,
                                                 bool has_failed),
                            void *to, struct err *err)
{
    const struct backfills *b = ctx;
    struct listener listener = {on_partition, to};
    return store_partitions(b->options.store, asset, tell_partition, &listener, err);
}

/* The strictest of its assets: one of them wants few partitions in a run, so all get few. */
static int64_t per_run_of(const struct backfills *b, const struct backfill_leg *leg)
{
    int64_t per_run = 0;
    for (size_t i = 0; i < leg->count; i++) {
        int64_t wanted = b->defs->assets[leg->assets[i]].partitions_per_run;
        if (wanted > 0 && (per_run == 0 || wanted < per_run)) {
            per_run = wanted;
        }
    }
    return per_run;
}

static bool begin(struct backfills *b, struct stored_backfill *facts,
                  const struct backfill_parts *parts, char ret_id[UUID_TEXT_SIZE], struct err *err)
{
    uint8_t random[10];
    b->options.rng->fill(b->options.rng->ctx, random, sizeof(random));
    uuid7_format(backfills_now(b), random, ret_id);
    facts->id = str_from(ret_id);
    facts->status = str_from(backfill_status_name(BACKFILL_REQUESTED));
    facts->total = (int64_t)parts->count;
    facts->created_at = backfills_now(b);
    if (!backfills_add(b, facts, err)) {
        return false;
    }
    struct open_backfill *open = backfills_find(b, facts->id);
    if (!backfills_write_begin(b, open, parts, err)) {
        backfills_remove(b, open);
        return false;
    }
    LOG(INFO, "backfill.requested", F_S("backfill", facts->id), F_S("selection", facts->selection),
        F_I("partitions", facts->total));
    loop_defer(b->options.loop, &b->task);
    return true;
}

static bool may_begin(const struct backfills *b, size_t more, struct err *err)
{
    if (b->is_stopping) {
        return err_set(err, ERR_BUSY, "the agent is stopping");
    }
    return b->count + more <= BACKFILLS_OPEN_MAX ||
           err_set(err, ERR_FULL, "%zu backfills are open already (at most %d)", b->count,
                   BACKFILLS_OPEN_MAX);
}

/* One after the other: each begins when the one before has succeeded. */
static bool begin_legs(struct backfills *b, const struct backfill_request *request,
                       const struct backfill_question *q, const struct backfill_parts *parts,
                       struct backfill_started *ret, struct err *err)
{
    AUTO(arena) arena = arena_new(BACKFILL_SMALL_ARENA_BYTES);
    struct str tags = STR_NONE;
    char before[UUID_TEXT_SIZE] = "";
    struct backfill_started started = {0};
    if (!tags_write(&request->tags, &arena, &tags, err)) {
        return false;
    }
    for (size_t i = 0; i < q->leg_count; i++) {
        char id[UUID_TEXT_SIZE];
        struct stored_backfill facts = {.selection = request->selection,
                                        .after = str_from(before),
                                        .tags = tags,
                                        .per_run = request->per_run == BACKFILL_PER_RUN_AS_DEFINED
                                                       ? per_run_of(b, &q->legs[i])
                                                       : request->per_run,
                                        .runs_max = request->runs_max,
                                        .leg = (int64_t)i,
                                        .newest_first = request->order.newest_first};
        if (parts[i].count == 0) {
            continue; /* nothing of it follows, as no window of it is over */
        }
        if (!begin(b, &facts, &parts[i], id, err)) {
            return false;
        }
        memcpy(before, id, sizeof(before));
        if (started.legs == 0) {
            memcpy(started.id, id, sizeof(started.id));
        }
        started.legs++;
        started.partitions += (int64_t)parts[i].count;
    }
    *ret = started;
    return true;
}

bool backfills_request(struct backfills *b, const struct backfill_request *request,
                       struct backfill_started *ret, struct err *err)
{
    AUTO(arena) arena = arena_new(BACKFILL_PLAN_ARENA_BYTES);
    bool *selected = NULL;
    struct backfill_leg *legs = NULL;
    struct backfill_parts *parts = NULL;
    const struct backfill_source source = {
        .dynamic_keys = read_dynamic, .partitions = read_partitions, .ctx = b};
    struct backfill_question q = {
        .defs = b->defs, .order = &request->order, .source = &source, .now = backfills_now(b)};
    struct plan plan; /* of a run: it says best what is wrong with a selection */
    /* What is missing, and which keys there are, is asked of the database. */
    if (!may_begin(b, 0, err) || !backfills_write_all(b, err) ||
        !store_flush(b->options.store, backfills_now(b), err) ||
        !plan_make(b->defs, request->selection, &arena, &plan, err) ||
        !definitions_select(b->defs, request->selection, &arena, &selected, err) ||
        !backfill_legs(b->defs, selected, &arena, &legs, &q.leg_count, err)) {
        return false;
    }
    q.legs = legs;
    return may_begin(b, q.leg_count, err) && backfill_plan(&q, &arena, &parts, err) &&
           begin_legs(b, request, &q, parts, ret, err);
}

/* --- cancel and retry ------------------------------------------------------------------------- */

static bool load(struct backfills *b, struct str id, struct arena *arena,
                 struct stored_backfill *ret, struct err *err)
{
    bool found = false;
    if (!store_flush(b->options.store, backfills_now(b), err) ||
        !store_load_backfill(b->options.store, id, arena, ret, &found, err)) {
        return false;
    }
    if (!found) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no backfill " STR_FMT, STR_ARG(id));
        return err_hint(err, "list them: selvedge-agent backfill list");
    }
    return true;
}

bool backfills_cancel(struct backfills *b, struct str id, struct err *err)
{
    AUTO(arena) arena = arena_new(BACKFILL_SMALL_ARENA_BYTES);
    struct stored_backfill facts = {0};
    struct open_backfill *open = backfills_find(b, id);
    if (open == NULL) {
        return load(b, id, &arena, &facts, err) &&
               err_set(err, ERR_INVALID, "backfill " STR_FMT " has ended: " STR_FMT, STR_ARG(id),
                       STR_ARG(facts.status));
    }
    if (open->status == BACKFILL_REQUESTED) {
        struct record canceling = backfills_status(b, open, BACKFILL_CANCELING);
        if (!runner_record(b->options.runner, &canceling, err)) {
            return false;
        }
        open->status = BACKFILL_CANCELING;
        backfills_write_end(open); /* what is not written down yet never is */
        LOG(INFO, "backfill.canceling", F_S("backfill", id));
    }
    loop_defer(b->options.loop, &b->task);
    return true;
}

struct redo {
    struct arena *arena;
    struct backfill_parts parts;
    size_t room;
    bool is_full;
};

static bool take_again(void *ctx, const struct stored_part *part)
{
    struct redo *redo = ctx;
    if (!str_eq(part->status, STR("failure")) && !str_eq(part->status, STR("canceled"))) {
        return true;
    }
    if (redo->parts.count == redo->room) {
        size_t room = redo->room == 0 ? 64 : 2 * redo->room;
        struct backfill_part *items = arena_array(redo->arena, room, sizeof(*items));
        for (size_t i = 0; items != NULL && i < redo->parts.count; i++) {
            items[i] = redo->parts.items[i];
        }
        redo->parts.items = items;
        redo->room = room;
    }
    struct str key = arena_copy(redo->arena, part->partition);
    redo->is_full = redo->parts.items == NULL || key.ptr == NULL;
    if (redo->is_full) {
        return false;
    }
    redo->parts.items[redo->parts.count++] = (struct backfill_part){part->number, key};
    return true;
}

/* As Dagster tags what is tried again. */
static bool retry_tags(const struct stored_backfill *of, struct str command, struct arena *arena,
                       struct str *ret, struct err *err)
{
    struct str names[] = {STR("dagster/parent_backfill_id"), STR("dagster/root_backfill_id"),
                          TAG_COMMAND};
    struct str_map tags = {0};
    struct str_map joined = {0};
    if (!tags_read(of->tags, arena, &tags, err)) {
        return false;
    }
    struct str root = tags_get(&tags, names[1]);
    struct str values[] = {of->id, str_is_empty(root) ? of->id : root, command};
    const struct str_map more = {
        .keys = names, .values = values, .count = str_is_empty(command) ? 2 : COUNT_OF(names)};
    tags_remove(&tags, TAG_COMMAND);
    return tags_join(&tags, &more, arena, &joined, err) && tags_write(&joined, arena, ret, err);
}

bool backfills_retry(struct backfills *b, struct str id, struct str command,
                     struct backfill_started *ret, struct err *err)
{
    AUTO(arena) arena = arena_new(BACKFILL_PLAN_ARENA_BYTES);
    struct stored_backfill facts = {0};
    struct redo redo = {.arena = &arena};
    if (!may_begin(b, 1, err) || !backfills_write_all(b, err) ||
        !load(b, id, &arena, &facts, err)) {
        return false;
    }
    if (backfills_find(b, id) != NULL) {
        (void)err_set(err, ERR_INVALID, "backfill " STR_FMT " has not ended", STR_ARG(id));
        return err_hint(err, "cancel it first, or wait");
    }
    if (!store_backfill_parts(b->options.store, id, STR_NONE, take_again, &redo, err) ||
        !retry_tags(&facts, command, &arena, &facts.tags, err)) {
        return false;
    }
    if (redo.is_full) {
        return out_of_memory(err);
    }
    if (redo.parts.count == 0) {
        return err_set(err, ERR_NOT_FOUND, "all partitions of backfill " STR_FMT " succeeded",
                       STR_ARG(id));
    }
    struct backfill_started started = {.legs = 1, .partitions = (int64_t)redo.parts.count};
    facts.after = STR_NONE;
    if (!begin(b, &facts, &redo.parts, started.id, err)) {
        return false;
    }
    *ret = started;
    return true;
}
