#include "agent/daemon/sensors_internal.h"

#include "agent/store/instigators.h"
#include "common/log/log.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICKS_AT_ONCE = 16 /* of one sensor, before others get their turn */ };
#define RETRY_NS (5 * NS_PER_SEC) /* after something that is not the sensor's fault */

static const struct sensor_source *const sources[] = {
    [SENSOR_FILES] = &sensor_files,     [SENSOR_MQTT] = &sensor_topic,
    [SENSOR_ASSET] = &sensor_asset,     [SENSOR_RUN_STATUS] = &sensor_runs,
    [SENSOR_COMMAND] = &sensor_command,
};

static struct wall_time wall_now(const struct sensors *all)
{
    return clock_wall(loop_clock(all->options.loop));
}

static void turn(void *ctx);

/* --- for the sources -------------------------------------------------------------------------- */

void sensors_wake(struct sensors *all)
{
    if (all->is_started) {
        loop_defer(all->options.loop, &all->turn_task);
    }
}

void sensor_get_env(const struct sensor_slot *slot, struct sensor_env *ret)
{
    sensor_env_init(ret, slot->all->options.env, slot->all->options.state_dir_abs);
}

struct mono_time sensor_now(const struct sensor_slot *slot)
{
    return loop_now(slot->all->options.loop);
}

bool sensor_is_paused(const struct sensor_slot *slot)
{
    if (slot->def->is_held) {
        return true;
    }
    return slot->status[0] == '\0' ? slot->def->starts_paused
                                   : str_eq(str_from(slot->status), STR("paused"));
}

void sensor_move_cursor(struct sensor_slot *slot, struct str text)
{
    buf_reset(&slot->cursor);
    buf_add(&slot->cursor, text);
    slot->has_cursor = !slot->cursor.overflow;
}

void sensor_move_cursor_seq(struct sensor_slot *slot, int64_t seq)
{
    char text[24];
    struct buf number = buf_fixed(text, sizeof(text));
    buf_add_i64(&number, seq);
    sensor_move_cursor(slot, buf_str(&number));
}

int64_t sensor_cursor_seq(const struct sensor_slot *slot)
{
    int64_t seq = 0;
    return slot->has_cursor && str_to_i64(buf_str(&slot->cursor), INT64_MIN, INT64_MAX, &seq) ? seq
                                                                                              : 0;
}

void sensor_set_trouble(struct sensor_slot *slot, const struct err *why)
{
    bool is_said =
        slot->trouble.code != ERR_NONE && str_eq(str_from(slot->trouble.msg), str_from(why->msg));
    slot->trouble = *why;
    if (!is_said) {
        LOG(WARN, "sensor.trouble", F_S("sensor", slot->def->name), F_ERR(why),
            F_T("action", "trying again"));
    }
}

void sensor_clear_trouble(struct sensor_slot *slot)
{
    if (slot->trouble.code != ERR_NONE) {
        LOG(INFO, "sensor.recovered", F_S("sensor", slot->def->name));
        slot->trouble = (struct err){0};
    }
}

/* --- a turn ----------------------------------------------------------------------------------- */

static bool open_source(struct sensor_slot *slot)
{
    struct err err = {0};
    if (slot->source_state == NULL && !slot->source->open(slot, &err)) {
        sensor_set_trouble(slot, &err);
        return false;
    }
    return true;
}

/* True: there may be more. */
static bool serve(struct sensor_slot *slot)
{
    struct cause cause;
    if (!slot->all->is_started || sensor_is_paused(slot) || !open_source(slot)) {
        return false;
    }
    for (int i = 0; i < TICKS_AT_ONCE; i++) {
        cause = (struct cause){0};
        if (!slot->source->next(slot, &cause)) {
            slot->waits_for = NULL;
            return false;
        }
        enum verdict verdict = sensor_decide(slot, &cause);
        if (verdict == VERDICT_WAITS) {
            return false;
        }
        slot->waits_for = NULL;
        slot->source->decided(slot, verdict);
    }
    return true;
}

void sensor_serve_now(struct sensor_slot *slot)
{
    (void)serve(slot);
    sensors_wake(slot->all); /* it may have more; and the timer is to be armed anew */
}

static void arm(struct sensors *all)
{
    struct mono_time earliest = {INT64_MAX};
    for (size_t i = 0; i < all->count; i++) {
        const struct sensor_slot *slot = all->slots[i];
        struct mono_time wake = {INT64_MAX};
        if (sensor_is_paused(slot)) {
            continue;
        }
        if (slot->source_state == NULL || slot->waits_for != NULL) {
            wake.ns = sensor_now(slot).ns + RETRY_NS;
        } else {
            wake = slot->source->wake(slot);
        }
        earliest = wake.ns < earliest.ns ? wake : earliest;
    }
    if (earliest.ns == INT64_MAX) {
        loop_timer_disarm(all->options.loop, &all->timer);
    } else {
        loop_timer_arm(all->options.loop, &all->timer, earliest);
    }
}

/* --- what is remembered ----------------------------------------------------------------------- */

struct sensor_slot *sensors_find(const struct sensors *all, struct str name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (str_eq(all->slots[i]->def->name, name)) {
            return all->slots[i];
        }
    }
    return NULL;
}

static void remember_cursor(struct sensor_slot *slot, const struct instigator *instigator)
{
    struct str text = STR_NONE;
    buf_reset(&slot->cursor);
    slot->has_cursor = cursor_read(slot->def->type, instigator->cursor, &text);
    if (slot->has_cursor) {
        sensor_move_cursor(slot, text);
    }
}

static bool remember(void *ctx, const struct instigator *instigator)
{
    const struct sensors *all = ctx;
    struct sensor_slot *slot = sensors_find(all, instigator->name);
    if (slot == NULL) {
        return true;
    }
    (void)snprintf(slot->status, sizeof(slot->status), STR_FMT, STR_ARG(instigator->status));
    remember_cursor(slot, instigator);
    slot->ticked_at = instigator->ticked_at;
    pace_begin(&slot->pace, slot->ticked_at, wall_now(all), sensor_now(slot));
    return true;
}

static bool remember_all(struct sensors *all, struct err *err)
{
    (void)snprintf(all->epoch, sizeof(all->epoch), STR_FMT,
                   STR_ARG(store_epoch(all->options.store)));
    return store_instigators(all->options.store, STR("sensor"), remember, all, err);
}

static bool remember_cursor_only(void *ctx, const struct instigator *instigator)
{
    const struct sensors *all = ctx;
    struct sensor_slot *slot = sensors_find(all, instigator->name);
    if (slot != NULL) {
        remember_cursor(slot, instigator);
    }
    return true;
}

/* The numbers of events are others now, and so are cursors that are such numbers. */
static bool heed_epoch(struct sensors *all)
{
    struct err err = {0};
    struct str epoch = store_epoch(all->options.store);
    if (str_eq(epoch, str_from(all->epoch))) {
        return true;
    }
    if (!store_instigators(all->options.store, STR("sensor"), remember_cursor_only, all, &err)) {
        LOG(WARN, "sensor.trouble", F_ERR(&err), F_T("action", "trying again"));
        return false;
    }
    (void)snprintf(all->epoch, sizeof(all->epoch), STR_FMT, STR_ARG(epoch));
    return true;
}

static void turn(void *ctx)
{
    struct sensors *all = ctx;
    bool has_more = false;
    if (!all->is_started) {
        return;
    }
    /* Run keys are looked up in the database: what was decided on must be there. */
    if (!runner_flush(all->options.runner) || !heed_epoch(all)) {
        loop_timer_arm_in(all->options.loop, &all->timer, RETRY_NS);
        return;
    }
    for (size_t i = 0; i < all->count; i++) {
        has_more = serve(all->slots[i]) || has_more;
    }
    if (has_more) {
        loop_defer(all->options.loop, &all->turn_task);
    }
    arm(all);
}

void sensors_run_ended(struct sensors *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct sensor_slot *slot = all->slots[i];
        slot->is_dirty = slot->is_dirty || slot->def->type == SENSOR_RUN_STATUS;
    }
    sensors_wake(all); /* also for those that wait for their job */
}

void sensors_materialized(struct sensors *all, struct str asset)
{
    for (size_t i = 0; i < all->count; i++) {
        struct sensor_slot *slot = all->slots[i];
        if (slot->def->type == SENSOR_ASSET && str_eq(slot->def->asset_key, asset)) {
            slot->is_dirty = true;
            sensors_wake(all);
        }
    }
}

/* --- life ------------------------------------------------------------------------------------- */

void sensor_close_source(struct sensor_slot *slot)
{
    if (slot->source_state != NULL) {
        slot->source->close(slot);
    }
}

static void slot_free(struct sensor_slot *slot)
{
    if (slot != NULL) {
        sensor_close_source(slot);
        buf_release(&slot->cursor);
        free(slot);
    }
}

static void free_slots(struct sensor_slot **slots, size_t count)
{
    for (size_t i = 0; slots != NULL && i < count; i++) {
        slot_free(slots[i]);
    }
    free((void *)slots);
}

static struct sensor_slot *new_slot(struct sensors *all, const struct sensor *def)
{
    struct sensor_slot *slot = calloc(1, sizeof(*slot));
    if (slot != NULL) {
        *slot = (struct sensor_slot){.all = all,
                                     .def = def,
                                     .source = sources[def->type],
                                     .pace = {.min_interval_ns = def->min_interval_ns},
                                     .cursor = buf_growing(CURSOR_BYTES_MAX)};
    }
    return slot;
}

static bool new_slots(struct sensors *all, const struct definitions *defs,
                      struct sensor_slot ***ret, struct err *err)
{
    struct sensor_slot **slots = calloc(defs->sensor_count + 1, sizeof(struct sensor_slot *));
    bool ok = slots != NULL;
    for (size_t i = 0; ok && i < defs->sensor_count; i++) {
        slots[i] = new_slot(all, &defs->sensors[i]);
        ok = slots[i] != NULL;
    }
    if (!ok) {
        free_slots(slots, defs->sensor_count);
        return err_set(err, ERR_NO_MEMORY, "read the sensors: out of memory");
    }
    *ret = slots;
    return true;
}

bool sensors_open(struct sensors **ret, const struct sensors_options *options, struct err *err)
{
    struct sensors *all = calloc(1, sizeof(*all));
    if (all == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read the sensors: out of memory");
    }
    all->options = *options;
    all->defs = definitions_share(options->defs);
    all->turn_task = (struct loop_task){.run = turn, .ctx = all};
    all->timer = (struct loop_timer){.on_due = turn, .ctx = all};
    if (!folder_watch_open(&all->folders, options->loop, err) ||
        !new_slots(all, all->defs, &all->slots, err)) {
        sensors_close(all);
        return false;
    }
    all->count = all->defs->sensor_count;
    if (!remember_all(all, err)) {
        sensors_close(all);
        return false;
    }
    *ret = all;
    return true;
}

void sensors_close(struct sensors *all)
{
    if (all == NULL) {
        return;
    }
    sensors_stop(all);
    free_slots(all->slots, all->count);
    free_slots(all->prepared, all->prepared_count);
    folder_watch_close(all->folders);
    definitions_close(all->defs);
    free(all);
}

void sensors_start(struct sensors *all)
{
    all->is_started = true;
    sensors_wake(all);
}

void sensors_stop(struct sensors *all)
{
    all->is_started = false;
    loop_defer_cancel(all->options.loop, &all->turn_task);
    loop_timer_disarm(all->options.loop, &all->timer);
    for (size_t i = 0; i < all->count; i++) {
        sensor_close_source(all->slots[i]);
    }
}

/* --- other definitions ------------------------------------------------------------------------ */

static bool is_same_broker(const struct resource *a, const struct resource *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && str_eq(a->written, b->written));
}

/* Nothing that its source uses was changed. What it starts may have been. */
static bool is_untouched(const struct sensors *all, const struct sensor_slot *slot,
                         const struct sensor *def, const struct definitions *defs)
{
    return slot->def->digest == def->digest && slot->def->type == def->type &&
           is_same_broker(slot->def->broker, def->broker) &&
           str_eq(str_from(all->defs->dir), str_from(defs->dir));
}

/* What was remembered in memory goes along, if only for those of the same kind. */
static void take_memory(struct sensor_slot *to, const struct sensor_slot *from)
{
    memcpy(to->status, from->status, sizeof(to->status));
    to->ticked_at = from->ticked_at;
    to->pace.next = from->pace.next;
    if (to->def->type == from->def->type && from->has_cursor) {
        sensor_move_cursor(to, buf_str(&from->cursor));
    }
}

bool sensors_prepare(struct sensors *all, const struct definitions *defs, struct err *err)
{
    free_slots(all->prepared, all->prepared_count);
    all->prepared_count = 0;
    all->prepared = NULL;
    if (!new_slots(all, defs, &all->prepared, err)) {
        return false;
    }
    all->prepared_count = defs->sensor_count;
    return true;
}

/* The old one of that name goes on, in its place, or leaves what it remembers. */
static void succeed(struct sensors *all, size_t at, const struct sensor *def,
                    const struct definitions *defs)
{
    for (size_t k = 0; k < all->count; k++) {
        struct sensor_slot *old = all->slots[k];
        if (old == NULL || !str_eq(old->def->name, def->name)) {
            continue;
        }
        if (!is_untouched(all, old, def, defs)) {
            take_memory(all->prepared[at], old);
            return;
        }
        slot_free(all->prepared[at]);
        all->prepared[at] = old;
        all->slots[k] = NULL;
        old->def = def;
        if (sensor_is_paused(old)) {
            sensor_close_source(old);
        }
        return;
    }
}

void sensors_use_definitions(struct sensors *all, struct definitions *defs)
{
    struct definitions *before = all->defs;
    assert(all->prepared != NULL && all->prepared_count == defs->sensor_count);
    for (size_t i = 0; i < all->prepared_count; i++) {
        succeed(all, i, &defs->sensors[i], defs);
    }
    free_slots(all->slots, all->count);
    all->slots = all->prepared;
    all->count = all->prepared_count;
    all->prepared = NULL;
    all->prepared_count = 0;
    all->defs = definitions_share(defs);
    definitions_close(before);
    sensors_wake(all);
}
