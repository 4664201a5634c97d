#include "hub/desired/compose.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CONFLICTS_BYTES_MAX = 4 << 10, NODE_BYTES_MAX = 1 << 20 };

/* Where something comes from. */
struct taken {
    const struct json *node; /* a schedule */
    struct str name;
    const struct layer *from;
};
struct composing {
    struct arena *arena;
    struct taken *schedules;
    size_t schedule_count;
    struct str_list paused_schedules, paused_sensors;
    const struct layer *log_level, *sync_linger, *reconnect_max;
    struct buf conflicts;
    struct composed *ret;
};

static bool is_before(const struct layer *a, const struct layer *b)
{
    return a->priority != b->priority ? a->priority < b->priority : str_cmp(a->name, b->name) < 0;
}

static int by_order(const void *a, const void *b)
{
    return is_before(a, b) ? -1 : (int)is_before(b, a);
}

void layers_sort(struct layer *layers, size_t count)
{
    if (count > 1) {
        qsort(layers, count, sizeof(*layers), by_order);
    }
}

static void conflict(struct composing *c, const char *what, struct str name,
                     const struct layer *earlier, const struct layer *later)
{
    if (earlier->priority != later->priority) {
        return;
    }
    buf_addf(&c->conflicts,
             "%s%s" STR_FMT ": in both " STR_FMT " and " STR_FMT ", of equal priority; " STR_FMT
             " wins",
             c->conflicts.len == 0 ? "" : "\n", what, STR_ARG(name), STR_ARG(earlier->name),
             STR_ARG(later->name), STR_ARG(later->name));
}

/* --- schedules ---------------------------------------------------------------------------------- */

static bool is_same(const struct json *a, const struct json *b)
{
    AUTO(buf) text_a = buf_growing(NODE_BYTES_MAX);
    AUTO(buf) text_b = buf_growing(NODE_BYTES_MAX);
    json_write(&text_a, a);
    json_write(&text_b, b);
    return !text_a.overflow && !text_b.overflow && str_eq(buf_str(&text_a), buf_str(&text_b));
}

static void take_schedule(struct composing *c, const struct json *node, const struct layer *from)
{
    struct str name = json_get(node, "name")->as.string; /* checked when it was read */
    for (size_t i = 0; i < c->schedule_count; i++) {
        struct taken *taken = &c->schedules[i];
        if (str_eq(taken->name, name)) {
            if (!is_same(taken->node, node)) {
                conflict(c, "schedule ", name, taken->from, from);
            }
            *taken = (struct taken){node, name, from};
            return;
        }
    }
    c->schedules[c->schedule_count++] = (struct taken){node, name, from};
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct taken *)a)->name, ((const struct taken *)b)->name);
}

/* As one list, by name: what is the same has the same bytes. */
static bool write_schedules(struct composing *c)
{
    if (c->schedule_count == 0) {
        return true;
    }
    qsort(c->schedules, c->schedule_count, sizeof(*c->schedules), by_name);
    struct json *list = arena_alloc(c->arena, sizeof(*list));
    struct json *nodes = arena_array(c->arena, c->schedule_count, sizeof(*nodes));
    if (list == NULL || nodes == NULL) {
        return false;
    }
    for (size_t i = 0; i < c->schedule_count; i++) {
        nodes[i] = *c->schedules[i].node;
        nodes[i].next = i + 1 < c->schedule_count ? &nodes[i + 1] : NULL;
    }
    *list = (struct json){.type = JSON_ARRAY, .child = nodes, .count = c->schedule_count};
    c->ret->content.schedules = list;
    return true;
}

/* --- settings and pauses ------------------------------------------------------------------------ */

static void take_settings(struct composing *c, const struct layer *from)
{
    const struct desired_settings *s = &from->content.settings;
    struct desired_settings *into = &c->ret->content.settings;
    if (s->has_log_level) {
        if (into->has_log_level && into->log_level != s->log_level) {
            conflict(c, "", STR("log_level"), c->log_level, from);
        }
        into->has_log_level = true;
        into->log_level = s->log_level;
        c->log_level = from;
    }
    if (s->has_sync_linger) {
        if (into->has_sync_linger && into->sync_linger_ns != s->sync_linger_ns) {
            conflict(c, "", STR("sync_linger"), c->sync_linger, from);
        }
        into->has_sync_linger = true;
        into->sync_linger_ns = s->sync_linger_ns;
        c->sync_linger = from;
    }
    if (s->has_reconnect_max) {
        if (into->has_reconnect_max && into->reconnect_max_ns != s->reconnect_max_ns) {
            conflict(c, "", STR("reconnect_max"), c->reconnect_max, from);
        }
        into->has_reconnect_max = true;
        into->reconnect_max_ns = s->reconnect_max_ns;
        c->reconnect_max = from;
    }
}

static void take_names(struct str_list *into, const struct str_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        bool is_there = false;
        for (size_t k = 0; k < into->count && !is_there; k++) {
            is_there = str_eq(into->items[k], names->items[i]);
        }
        if (!is_there) {
            into->items[into->count++] = names->items[i];
        }
    }
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct str_list settle_names(struct str_list names)
{
    if (names.count > 1) {
        qsort(names.items, names.count, sizeof(*names.items), by_text);
    }
    return names;
}

/* --- all ---------------------------------------------------------------------------------------- */

static bool make_room(struct composing *c, const struct layer *layers, size_t count)
{
    size_t schedules = 0;
    size_t paused_schedules = 0;
    size_t paused_sensors = 0;
    for (size_t i = 0; i < count; i++) {
        const struct desired_content *content = &layers[i].content;
        schedules += content->schedules == NULL ? 0 : content->schedules->count;
        paused_schedules += content->pauses.schedules.count;
        paused_sensors += content->pauses.sensors.count;
    }
    c->schedules = arena_array(c->arena, schedules + 1, sizeof(*c->schedules));
    c->paused_schedules.items = arena_array(c->arena, paused_schedules + 1, sizeof(struct str));
    c->paused_sensors.items = arena_array(c->arena, paused_sensors + 1, sizeof(struct str));
    return !c->arena->exhausted;
}

static void take(struct composing *c, const struct layer *layer)
{
    const struct json *schedules = layer->content.schedules;
    for (const struct json *node = schedules == NULL ? NULL : schedules->child; node != NULL;
         node = node->next) {
        take_schedule(c, node, layer);
    }
    take_settings(c, layer);
    take_names(&c->paused_schedules, &layer->content.pauses.schedules);
    take_names(&c->paused_sensors, &layer->content.pauses.sensors);
    c->ret->content.pauses.automation =
        c->ret->content.pauses.automation || layer->content.pauses.automation;
}

static void check_size(struct composing *c)
{
    AUTO(buf) text = buf_growing(2 * DESIRED_BYTES_MAX);
    struct json_writer w = json_writer(&text);
    desired_write_content(&c->ret->content, &w);
    desired_hash(buf_str(&text), c->ret->hash);
    /* What stands around it has a kilobyte. */
    if (text.overflow || text.len > DESIRED_BYTES_MAX - 1024) {
        c->ret->problem = STR("all documents together take more than 63 KiB");
    } else if (c->schedule_count > DESIRED_SCHEDULES_MAX) {
        c->ret->problem = STR("all documents together have more than 200 schedules");
    } else if (c->paused_schedules.count > DESIRED_PAUSES_MAX ||
               c->paused_sensors.count > DESIRED_PAUSES_MAX) {
        c->ret->problem = STR("all documents together pause more than 1000 names");
    }
}

bool compose(const struct layer *layers, size_t count, const struct target_device *device,
             struct str bundle, struct arena *arena, struct composed *ret, struct err *err)
{
    struct composing c = {
        .arena = arena, .conflicts = buf_growing(CONFLICTS_BYTES_MAX), .ret = ret};
    *ret = (struct composed){.content = {.bundle = bundle}};
    if (!make_room(&c, layers, count)) {
        return err_set(err, ERR_NO_MEMORY, "put documents together: out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        if (targets_match(layers[i].targets, device)) {
            ret->layers++;
            take(&c, &layers[i]);
        }
    }
    ret->content.pauses.schedules = settle_names(c.paused_schedules);
    ret->content.pauses.sensors = settle_names(c.paused_sensors);
    bool ok = write_schedules(&c);
    check_size(&c);
    ret->conflicts = c.conflicts.len == 0 ? STR("") : arena_copy(arena, buf_str(&c.conflicts));
    buf_release(&c.conflicts);
    return (ok && !arena->exhausted) ||
           err_set(err, ERR_NO_MEMORY, "put documents together: out of memory");
}
