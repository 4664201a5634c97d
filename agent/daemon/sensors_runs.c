/* sensors_runs.c - sensors that go by this device's own database: assets that were made, runs that
 * ended. They begin when they are first seen: what happened before is not their business. */
#include "agent/daemon/sensors_internal.h"

#include "agent/run/tags.h"
#include "agent/sense/causes.h"
#include "agent/store/sensors.h"
#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>

enum { LOOK_ARENA_BYTES = 64 << 10, CAUSE_TAGS = 4, SEQ_TEXT_SIZE = 24, CHAIN_BYTES_MAX = 8 << 10 };

/* The cause at hand, until it is decided on. */
struct happening {
    struct arena arena;
    bool is_there;
    int64_t seq;
    struct str keys[CAUSE_TAGS];
    struct str values[CAUSE_TAGS];
    size_t tag_count;
    char cursor[SEQ_TEXT_SIZE];
};

static void forget(struct happening *h)
{
    arena_reset(&h->arena);
    h->is_there = false;
    h->tag_count = 0;
}

static bool happening_open(struct sensor_slot *slot, struct err *err)
{
    struct happening *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        return err_set(err, ERR_NO_MEMORY, "sensor " STR_FMT ": out of memory",
                       STR_ARG(slot->def->name));
    }
    h->arena = arena_new(LOOK_ARENA_BYTES);
    slot->source_state = h;
    slot->is_dirty = true;
    return true;
}

static void happening_close(struct sensor_slot *slot)
{
    struct happening *h = slot->source_state;
    arena_release(&h->arena);
    free(h);
    slot->source_state = NULL;
}

static void add_tag(struct happening *h, struct str name, struct str value)
{
    h->keys[h->tag_count] = name;
    h->values[h->tag_count++] = arena_copy(&h->arena, value);
}

static void take(struct happening *h, int64_t seq)
{
    struct buf cursor = buf_fixed(h->cursor, sizeof(h->cursor));
    h->is_there = !h->arena.exhausted;
    h->seq = seq;
    buf_add_i64(&cursor, seq);
    (void)buf_cstr(&cursor);
}

static void tell(struct happening *h, struct cause *ret)
{
    *ret = (struct cause){.tags = {h->keys, h->values, h->tag_count},
                          .has_cursor = true,
                          .cursor = str_from(h->cursor)};
}

/* What its tags tell of where it came from. What cannot be read tells nothing. */
static void read_origin(struct str tags, struct arena *arena, struct run_facts *facts)
{
    struct str_map map = {0};
    struct err err = {0};
    if (tags_read(tags, arena, &map, &err)) {
        facts->sensor = tags_get(&map, TAG_SENSOR);
        facts->chain = tags_get(&map, TAG_CHAIN);
    }
}

static void add_chain(struct happening *h, const struct run_facts *facts)
{
    AUTO(buf) chain = buf_growing(CHAIN_BYTES_MAX);
    causes_write_chain(facts, &chain);
    if (chain.len > 0) {
        add_tag(h, TAG_CHAIN, buf_str(&chain));
    }
}

static bool begin(struct sensor_slot *slot)
{
    return slot->has_cursor || sensor_begin_at(slot, store_last_order(slot->all->options.store));
}

static void give_up(struct sensor_slot *slot, const struct err *why)
{
    LOG(WARN, "sensor.trouble", F_S("sensor", slot->def->name), F_ERR(why),
        F_T("action", "trying again"));
    pace_failed(&slot->pace, sensor_now(slot), rng_u64(slot->all->options.rng));
}

static void happening_decided(struct sensor_slot *slot, enum verdict verdict)
{
    struct happening *h = slot->source_state;
    if (verdict == VERDICT_REFUSED) { /* its cause stays, and is looked for again */
        pace_failed(&slot->pace, sensor_now(slot), rng_u64(slot->all->options.rng));
    } else {
        pace_ticked(&slot->pace, sensor_now(slot));
    }
    forget(h);
    slot->is_dirty = true; /* there may be more */
}

static struct mono_time happening_wake(const struct sensor_slot *slot)
{
    return slot->is_dirty ? slot->pace.next : (struct mono_time){INT64_MAX};
}

/* --- an asset that was made: several times between two ticks is one cause --- */

static bool look_at_asset(struct sensor_slot *slot, struct happening *h)
{
    struct asset_making making;
    struct err err = {0};
    forget(h);
    if (!store_asset_making(slot->all->options.store, slot->def->asset_key, &h->arena, &making,
                            &err)) {
        give_up(slot, &err);
        return false;
    }
    slot->is_dirty = false;
    if (making.seq == 0 || making.seq <= sensor_cursor_seq(slot)) {
        return true;
    }
    struct run_facts facts = {.run = making.run, .job = making.job};
    read_origin(making.tags, &h->arena, &facts);
    if (!causes_asset(slot->def, &facts)) {
        sensor_move_cursor_seq(slot, making.seq);
        return true;
    }
    add_tag(h, STR("selvedge/asset"), slot->def->asset_key);
    if (!str_is_empty(making.run)) {
        add_tag(h, STR("selvedge/run"), making.run);
    }
    add_chain(h, &facts);
    take(h, making.seq);
    slot->is_dirty = h->arena.exhausted;
    return true;
}

static bool asset_next(struct sensor_slot *slot, struct cause *ret)
{
    struct happening *h = slot->source_state;
    if (!begin(slot) || !pace_is_due(&slot->pace, sensor_now(slot))) {
        return false;
    }
    /* While it waits for its turn it may be made again. */
    if ((slot->is_dirty && !look_at_asset(slot, h)) || !h->is_there) {
        return false;
    }
    tell(h, ret);
    return true;
}

static void asset_describe(const struct sensor_slot *slot, struct json_writer *w)
{
    jw_member_i64(w, "decided_up_to", sensor_cursor_seq(slot));
}

const struct sensor_source sensor_asset = {.open = happening_open,
                                           .close = happening_close,
                                           .next = asset_next,
                                           .decided = happening_decided,
                                           .wake = happening_wake,
                                           .describe = asset_describe};

/* --- runs that ended: each is a cause --- */

struct look {
    struct sensor_slot *slot;
    struct happening *h;
};

static bool look_at_run(void *ctx, const struct run_ending *run)
{
    const struct look *look = ctx;
    struct happening *h = look->h;
    struct run_facts facts = {.run = run->run, .job = run->job, .status = run->status};
    read_origin(run->tags, &h->arena, &facts);
    if (!causes_run(look->slot->def, &facts)) {
        sensor_move_cursor_seq(look->slot, run->seq);
        forget(h);
        return true;
    }
    add_tag(h, STR("selvedge/run"), run->run);
    add_tag(h, STR("selvedge/status"), run->status);
    if (!str_is_empty(run->job)) {
        add_tag(h, STR("selvedge/job"), run->job);
    }
    add_chain(h, &facts);
    take(h, run->seq);
    return false;
}

static bool runs_next(struct sensor_slot *slot, struct cause *ret)
{
    struct happening *h = slot->source_state;
    struct look look = {.slot = slot, .h = h};
    struct err err = {0};
    if (!begin(slot) || !pace_is_due(&slot->pace, sensor_now(slot))) {
        return false;
    }
    if (!h->is_there && slot->is_dirty) {
        if (!store_runs_ended(slot->all->options.store, sensor_cursor_seq(slot), look_at_run, &look,
                              &err)) {
            give_up(slot, &err);
            return false;
        }
        slot->is_dirty = h->is_there || h->arena.exhausted;
    }
    if (h->is_there) {
        tell(h, ret);
    }
    return h->is_there;
}

const struct sensor_source sensor_runs = {.open = happening_open,
                                          .close = happening_close,
                                          .next = runs_next,
                                          .decided = happening_decided,
                                          .wake = happening_wake,
                                          .describe = asset_describe};
