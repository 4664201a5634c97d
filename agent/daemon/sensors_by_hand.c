/* sensors_by_hand.c - what people do to sensors, and see of them. */
#include "agent/daemon/sensors_internal.h"

#include "common/log/log.h"
#include <stdio.h>

static bool find_defined(const struct sensors *all, struct str name, struct sensor_slot **ret,
                         struct err *err)
{
    const struct sensor *def = NULL;
    *ret = sensors_find(all, name);
    return *ret != NULL || definitions_find_sensor(all->defs, name, &def, err);
}

static bool record_status(struct sensor_slot *slot, struct record r, struct str cursor,
                          struct err *err)
{
    r.type = EVENT_INSTIGATOR;
    return sensor_record(slot, &r, cursor, err);
}

static bool flush(const struct sensors *all, struct err *err)
{
    return runner_flush(all->options.runner) ||
           err_set(err, ERR_IO, "it cannot be written down now; see the agent's log");
}

static bool set_paused(struct sensor_slot *slot, const struct agent_pausing *p, struct err *err)
{
    const char *status = p->is_paused ? "paused" : "running";
    const struct record r = {.status = str_from(status), .command = p->command};
    if (!record_status(slot, r, STR_NONE, err)) {
        return false;
    }
    (void)snprintf(slot->status, sizeof(slot->status), "%s", status);
    LOG(INFO, p->is_paused ? "sensor.paused" : "sensor.resumed", F_S("sensor", slot->def->name));
    if (p->is_paused) {
        sensor_close_source(slot);
    }
    return true;
}

bool sensors_set_paused(struct sensors *all, const struct agent_pausing *p, struct err *err)
{
    struct sensor_slot *slot = NULL;
    for (size_t i = 0; i < p->count; i++) {
        if (!find_defined(all, p->names[i], &slot, err)) {
            return false;
        }
        if (slot->def->is_held) {
            (void)err_set(err, ERR_DENIED, "sensor " STR_FMT ": the hub pauses it",
                          STR_ARG(p->names[i]));
            return err_hint(err,
                            "it goes on when the hub says so: selvedge-hub desired show DEVICE");
        }
    }
    for (size_t i = 0; i < p->count; i++) {
        slot = sensors_find(all, p->names[i]);
        p->changed[i] = sensor_is_paused(slot) != p->is_paused;
        if (p->changed[i] && !set_paused(slot, p, err)) {
            return false;
        }
    }
    sensors_wake(all);
    return flush(all, err);
}

bool sensors_set_cursor(struct sensors *all, struct str name, struct str text, struct err *err)
{
    struct sensor_slot *slot = NULL;
    if (!find_defined(all, name, &slot, err) || !cursor_check(slot->def->type, text, err)) {
        return false;
    }
    struct str cursor = text.ptr == NULL ? STR("") : text;
    if (!record_status(slot, (struct record){.status = str_from(slot->status)}, cursor, err)) {
        return false;
    }
    sensor_close_source(slot); /* what it knew came from the old one */
    sensor_move_cursor(slot, cursor);
    slot->pace.next = sensor_now(slot);
    sensors_wake(all);
    return flush(all, err);
}

static const char *state_of(const struct sensor_slot *slot)
{
    if (sensor_is_paused(slot)) {
        return "paused";
    }
    if (slot->waits_for != NULL) {
        return "waiting";
    }
    return slot->trouble.code != ERR_NONE ? "trouble" : "running";
}

void sensors_write(const struct sensors *all, struct json_writer *w)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct sensor_slot *slot = all->slots[i];
        jw_key(w, slot->def->name);
        jw_begin_object(w);
        jw_member_str(w, "state", str_from(state_of(slot)));
        jw_member_opt(w, "waits_for", str_from(slot->waits_for));
        jw_member_opt(w, "trouble", str_from(slot->trouble.msg));
        jw_member_opt(w, "hint", str_from(slot->trouble.hint));
        jw_member_opt_wall(w, "ticked_at", slot->ticked_at);
        if (slot->source_state != NULL) {
            slot->source->describe(slot, w);
        }
        jw_end_object(w);
    }
}
