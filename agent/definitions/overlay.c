/* overlay.c - definitions of a file with what the hub adds to them on top. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include <string.h>

enum { SHOWN_BYTES_MAX = 80 };

struct overlaying {
    struct loader l;
    const struct definitions_overlay *overlay;
    const struct definitions *base;
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "not enough memory for what the hub adds");
}

static bool has_run_out(const struct overlaying *o)
{
    return o->l.defs->arena.exhausted || o->l.scratch.exhausted || o->l.problems->arena->exhausted;
}

/* --- schedules --- */

/* Among those that are there already. */
static struct schedule *find(struct definitions *defs, struct str name)
{
    for (size_t i = 0; i < defs->schedule_count; i++) {
        if (str_eq(defs->schedules[i].name, name)) {
            return &defs->schedules[i];
        }
    }
    return NULL;
}

/* Read as the file's are; in l->raw at `index`. */
static bool read_schedule(struct overlaying *o, const struct json *node, size_t index)
{
    struct loader *l = &o->l;
    struct raw_schedule *raw = (struct raw_schedule *)l->raw.schedules.items + index;
    size_t before = l->problems->total;
    const struct json *name = json_get(node, "name");
    char path[SHOWN_BYTES_MAX + 16] = "schedule";
    struct buf text = buf_fixed(path, sizeof(path));
    if (name != NULL && name->type == JSON_STRING) {
        buf_addf(&text, "schedule " STR_FMT,
                 STR_ARG(str_slice(name->as.string, 0, LIMIT_NAME_BYTES)));
    }
    bool ok = fields_read(node, &schedule_table, str_from(path), &l->scratch, l->problems, raw) &&
              own_texts(&l->defs->arena, &schedule_table, raw);
    if (ok) {
        link_schedule_at(l, node, index);
    }
    return ok && l->problems->total == before && !has_run_out(o);
}

static void put(struct overlaying *o, const struct json *node, struct schedule *schedule)
{
    struct definitions *defs = o->l.defs;
    struct schedule *there = find(defs, schedule->name);
    schedule->is_hubs = true;
    schedule->at = (struct location){0};
    schedule->digest = digest_of(node);
    if (there == NULL) {
        there = &defs->schedules[defs->schedule_count++];
    }
    *there = *schedule;
}

/* False: out of memory. */
static bool add_schedules(struct overlaying *o)
{
    struct definitions *defs = o->l.defs;
    const struct json *list = o->overlay->schedules;
    size_t count = list == NULL ? 0 : list->count;
    struct raw_schedule *raw = arena_array(&o->l.scratch, count + 1, sizeof(*raw));
    struct schedule *schedules =
        arena_array(&defs->arena, o->base->schedule_count + count + 1, sizeof(*schedules));
    if (raw == NULL || schedules == NULL) {
        return false;
    }
    if (o->base->schedule_count > 0) {
        memcpy(schedules, o->base->schedules, o->base->schedule_count * sizeof(*schedules));
    }
    defs->schedules = schedules;
    o->l.raw.schedules = (struct object_list){raw, count};
    size_t i = 0;
    for (const struct json *node = list == NULL ? NULL : list->child; node != NULL;
         node = node->next, i++) {
        if (read_schedule(o, node, i)) {
            put(o, node, &raw[i].schedule);
        }
    }
    return !has_run_out(o);
}

/* --- pauses --- */

static void missing(struct overlaying *o, const char *what, const char *list,
                    struct nearest *nearest)
{
    char hint[HINT_SIZE];
    problems_add(o->l.problems, (struct location){0},
                 str_from(nearest_hint(nearest, "name one that this device has", hint)),
                 "pauses.%s: there is no %s \"" STR_FMT "\"", list, what,
                 STR_ARG(str_slice(nearest->wanted, 0, SHOWN_BYTES_MAX)));
}

static bool is_all(struct str name)
{
    return str_eq(name, STR("*"));
}

static void hold_schedules(struct overlaying *o)
{
    struct definitions *defs = o->l.defs;
    const struct str_list *names = &o->overlay->paused_schedules;
    for (size_t k = 0; k < names->count; k++) {
        struct nearest nearest = {.wanted = names->items[k]};
        bool found = is_all(names->items[k]);
        for (size_t i = 0; i < defs->schedule_count; i++) {
            struct schedule *schedule = &defs->schedules[i];
            bool is_meant = is_all(names->items[k]) || str_eq(schedule->name, names->items[k]);
            schedule->is_held = schedule->is_held || is_meant;
            found = found || is_meant;
            nearest_offer(&nearest, schedule->name);
        }
        if (!found) {
            missing(o, "schedule", "schedules", &nearest);
        }
    }
}

static void hold_sensors(struct overlaying *o)
{
    struct definitions *defs = o->l.defs;
    const struct str_list *names = &o->overlay->paused_sensors;
    for (size_t k = 0; k < names->count; k++) {
        struct nearest nearest = {.wanted = names->items[k]};
        bool found = is_all(names->items[k]);
        for (size_t i = 0; i < defs->sensor_count; i++) {
            struct sensor *sensor = &defs->sensors[i];
            bool is_meant = is_all(names->items[k]) || str_eq(sensor->name, names->items[k]);
            sensor->is_held = sensor->is_held || is_meant;
            found = found || is_meant;
            nearest_offer(&nearest, sensor->name);
        }
        if (!found) {
            missing(o, "sensor", "sensors", &nearest);
        }
    }
}

static bool copy_sensors(struct overlaying *o)
{
    struct definitions *defs = o->l.defs;
    struct sensor *sensors = arena_array(&defs->arena, o->base->sensor_count + 1, sizeof(*sensors));
    if (sensors != NULL && o->base->sensor_count > 0) {
        memcpy(sensors, o->base->sensors, o->base->sensor_count * sizeof(*sensors));
    }
    defs->sensors = sensors;
    return sensors != NULL;
}

/* --- public --- */

static struct definitions *begin(struct definitions *base)
{
    struct arena arena = arena_new(LIMIT_DEFINITIONS_ARENA);
    struct definitions *defs = arena_alloc(&arena, sizeof(*defs));
    if (defs != NULL) {
        *defs = *base;
        defs->arena = arena;
        defs->shares = 0;
        defs->base = definitions_share(base);
    }
    return defs;
}

bool definitions_overlay(struct definitions *base, const struct definitions_overlay *overlay,
                         enum overlay_rule rule, const struct definitions_files *files,
                         struct problems *problems, struct definitions **ret, struct err *err)
{
    size_t before = problems->total;
    struct overlaying o = {.overlay = overlay, .base = base};
    o.l = (struct loader){.defs = begin(base),
                          .problems = problems,
                          .files = files,
                          .is_whole = true,
                          .has_graph = true};
    if (o.l.defs == NULL) {
        return out_of_memory(err);
    }
    o.l.scratch = arena_new(LIMIT_DEFINITIONS_ARENA);
    bool ok = add_schedules(&o) && copy_sensors(&o);
    if (ok) {
        hold_schedules(&o);
        hold_sensors(&o);
        o.l.defs->is_automation_held = overlay->is_automation_paused;
    }
    ok = (ok && !has_run_out(&o)) || out_of_memory(err);
    arena_release(&o.l.scratch);
    if (ok && rule == OVERLAY_WHOLE && problems->total > before) {
        ok = problems_to_err(problems, err);
    }
    if (!ok) {
        definitions_close(o.l.defs);
        return false;
    }
    *ret = o.l.defs;
    return true;
}

struct definitions *definitions_base(struct definitions *defs)
{
    return defs->base == NULL ? defs : defs->base;
}
