#include "hub/desired/effects.h"

#include "hub/fleet/each_target.h"
#include <string.h>

enum { LAYERS_ARENA_BYTES = 64 << 20, WORK_ARENA_BYTES = 16 << 20 };

bool document_target(struct str text, struct arena *arena, struct targets **ret, struct err *err)
{
    for (size_t i = 0; i + 3 <= text.len; i++) {
        bool begins = i == 0 || strchr(" (,", text.ptr[i - 1]) != NULL;
        if (begins && str_eq(str_slice(text, i, i + 3), STR("is:"))) {
            (void)err_set(err, ERR_INVALID,
                          "targets: desired state does not depend on who is connected");
            return err_hint(err, "name devices, or labels");
        }
    }
    return targets_parse(text, arena, ret, err);
}

struct telling {
    struct desired_rows *rows;
    struct layers before, after;
    const struct layer *earlier; /* the document of that name, as it is kept; NULL: none */
    const struct layer *layer;
    void (*on_device)(void *ctx, const struct document_effect *effect);
    void *ctx;
    struct err err;
};

static void tell(void *ctx, const struct target_device *device)
{
    struct telling *t = ctx;
    AUTO(arena) work = arena_new(WORK_ARENA_BYTES);
    struct document_effect effect = {.device = device->name,
                                     .is_meant = targets_match(t->layer->targets, device)};
    struct str bundle;
    bool was_meant = t->earlier != NULL && targets_match(t->earlier->targets, device);
    if (t->err.code != ERR_NONE || (!effect.is_meant && !was_meant)) {
        return;
    }
    if (desired_bundle(t->rows, device->name, &work, &bundle, &t->err) &&
        compose(t->before.items, t->before.count, device, bundle, &work, &effect.before, &t->err) &&
        compose(t->after.items, t->after.count, device, bundle, &work, &effect.after, &t->err)) {
        t->on_device(t->ctx, &effect);
    }
}

static bool read_layers(struct telling *t, struct arena *arena, struct targets **all,
                        struct err *err)
{
    if (!layers_read(t->rows, arena, &t->before, err) ||
        !targets_parse(STR("*"), arena, all, err)) {
        return false;
    }
    t->after = t->before;
    t->after.items = arena_array(arena, t->before.count + 1, sizeof(*t->after.items));
    if (t->after.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "work out what would change: out of memory");
    }
    for (size_t i = 0; i < t->before.count; i++) {
        t->after.items[i] = t->before.items[i];
        if (str_eq(t->before.items[i].name, t->layer->name)) {
            t->earlier = &t->before.items[i];
        }
    }
    layers_take_out(&t->after, t->layer->name);
    layers_put(&t->after, t->layer);
    return true;
}

bool document_effects(struct desired_rows *rows, struct registry *registry,
                      const struct layer *layer,
                      void (*on_device)(void *ctx, const struct document_effect *effect), void *ctx,
                      struct err *err)
{
    AUTO(arena) arena = arena_new(LAYERS_ARENA_BYTES);
    struct telling t = {.rows = rows, .layer = layer, .on_device = on_device, .ctx = ctx};
    struct targets *all = NULL;
    if (!read_layers(&t, &arena, &all, err) ||
        !registry_each_target(registry, all, tell, &t, err)) {
        return false;
    }
    *err = t.err;
    return t.err.code == ERR_NONE;
}
