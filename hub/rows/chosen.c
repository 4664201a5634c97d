#include "hub/rows/chosen.h"

#include "common/wire/topics.h"
#include "hub/fleet/each_target.h"

enum { CHOSEN_BYTES_MAX = 256 << 20 };

static void add_device(void *ctx, const struct target_device *device)
{
    struct chosen *c = ctx;
    if (c->count == c->cap) {
        size_t cap = c->cap == 0 ? 64 : 2 * c->cap;
        struct str *more = arena_array(&c->arena, cap, sizeof(*more));
        if (more == NULL) {
            return;
        }
        for (size_t i = 0; i < c->count; i++) {
            more[i] = c->devices[i];
        }
        c->devices = more;
        c->cap = cap;
    }
    c->devices[c->count++] = arena_copy(&c->arena, device->name);
    c->online += device->is_online ? 1 : 0;
}

static bool is_chosen(const struct chosen *c, struct str name)
{
    for (size_t i = 0; i < c->count; i++) {
        if (str_eq(c->devices[i], name)) {
            return true;
        }
    }
    return false;
}

/* A name that means nobody is a mistake, also beside others that mean somebody. */
static bool check_names(const struct chosen *c, struct str targets, struct err *err)
{
    struct str rest = targets;
    struct str name = STR_NONE;
    for (bool has_more = true; has_more;) {
        has_more = str_cut(rest, ',', &name, &rest);
        name = str_trim(name);
        if (device_name_is_valid(name) && !is_chosen(c, name)) {
            (void)err_set(err, ERR_NOT_FOUND, "there is no device " STR_FMT, STR_ARG(name));
            return err_hint(err, "list them: selvedge-hub devices");
        }
    }
    return true;
}

bool chosen_find(struct registry *registry, struct str targets, struct chosen *ret, struct err *err)
{
    struct targets *parsed = NULL;
    *ret = (struct chosen){.arena = arena_new(CHOSEN_BYTES_MAX)};
    if (!targets_parse(targets, &ret->arena, &parsed, err) ||
        !registry_each_target(registry, parsed, add_device, ret, err) ||
        !check_names(ret, targets, err)) {
        return false;
    }
    return !ret->arena.exhausted || err_set(err, ERR_NO_MEMORY, "find the devices: out of memory");
}

void chosen_release(struct chosen *chosen)
{
    arena_release(&chosen->arena);
}
