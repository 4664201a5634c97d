#include "hub/fleet/each_target.h"

enum { MATCHED_BYTES = 256 << 20, ONE_BYTES = 64 << 10 };

struct match {
    struct target_device device;
    struct match *next;
};
struct search {
    const struct targets *targets;
    struct arena one; /* the device whose labels are being read */
    struct target_device device;
    struct target_label labels[LABELS_MAX];
    struct arena matched;
    struct match *first;
    struct match **end;
};

/* With all text of its own. */
static void keep(struct search *s, const struct target_device *device)
{
    struct match *match = arena_alloc(&s->matched, sizeof(*match));
    struct target_label *labels =
        arena_array(&s->matched, device->label_count + 1, sizeof(*labels));
    if (match == NULL || labels == NULL) {
        return;
    }
    for (size_t i = 0; i < device->label_count; i++) {
        labels[i].key = arena_copy(&s->matched, device->labels[i].key);
        labels[i].value = arena_copy(&s->matched, device->labels[i].value);
    }
    *match = (struct match){.device = *device};
    match->device.name = arena_copy(&s->matched, device->name);
    match->device.display_name = arena_copy(&s->matched, device->display_name);
    match->device.labels = labels;
    *s->end = match;
    s->end = &match->next;
}

static void end_device(struct search *s)
{
    s->device.labels = s->labels;
    if (!str_is_empty(s->device.name) && targets_match(s->targets, &s->device)) {
        keep(s, &s->device);
    }
    arena_reset(&s->one);
}

static void on_label(void *ctx, const struct registry_label *row)
{
    struct search *s = ctx;
    if (!str_eq(s->device.name, row->device)) {
        end_device(s);
        s->device = (struct target_device){.name = arena_copy(&s->one, row->device),
                                           .display_name = arena_copy(&s->one, row->display_name),
                                           .is_online = row->is_online};
    }
    if (!str_is_empty(row->key) && s->device.label_count < LABELS_MAX) {
        s->labels[s->device.label_count++] =
            (struct target_label){arena_copy(&s->one, row->key), arena_copy(&s->one, row->value)};
    }
}

bool registry_each_target(struct registry *registry, const struct targets *targets,
                          void (*on_device)(void *ctx, const struct target_device *device),
                          void *ctx, struct err *err)
{
    struct search s = {
        .targets = targets, .one = arena_new(ONE_BYTES), .matched = arena_new(MATCHED_BYTES)};
    s.end = &s.first;
    bool ok = registry_each_label(registry, on_label, &s, err);
    end_device(&s);
    if (ok && (s.matched.exhausted || s.one.exhausted)) {
        ok = err_set(err, ERR_NO_MEMORY, "find the devices that are meant: out of memory");
    }
    for (struct match *m = s.first; ok && m != NULL; m = m->next) {
        on_device(ctx, &m->device);
    }
    arena_release(&s.one);
    arena_release(&s.matched);
    return ok;
}
