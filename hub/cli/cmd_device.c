/* cmd_device.c - what an operator does to devices. Written to the database; the running hub is told. */
#include "hub/cli/labels.h"

#include "common/json/json_writer.h"
#include "hub/cli/commands.h"
#include "hub/fleet/each_target.h"
#include "hub/fleet/poke.h"

enum { LINE_BYTES_MAX = 64 << 10, TARGETS_ARENA_BYTES = 256 << 20, CHANGES_MAX = 64 };

/* --- labels ------------------------------------------------------------------------------- */

struct labelling {
    struct arena arena;
    struct label_change changes[CHANGES_MAX];
    size_t change_count;
    struct str *devices;
    size_t device_count, device_cap;
};

static void add_device(void *ctx, const struct target_device *device)
{
    struct labelling *l = ctx;
    if (l->device_count == l->device_cap) {
        size_t cap = l->device_cap == 0 ? 64 : 2 * l->device_cap;
        struct str *more = arena_array(&l->arena, cap, sizeof(*more));
        for (size_t i = 0; more != NULL && i < l->device_count; i++) {
            more[i] = l->devices[i];
        }
        l->devices = more;
        l->device_cap = more == NULL ? l->device_count : cap;
    }
    if (l->device_count < l->device_cap) {
        l->devices[l->device_count++] = arena_copy(&l->arena, device->name);
    }
}

static bool read_changes(struct cli *cli, struct labelling *l, struct err *err)
{
    size_t count = cli_arg_count(cli) - 1;
    if (count > CHANGES_MAX) {
        return err_set(err, ERR_INVALID, "more than %d labels at once", CHANGES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!label_parse(str_from(cli_arg(cli, i + 1)), true, &l->changes[i], err)) {
            return false;
        }
    }
    l->change_count = count;
    return true;
}

static bool change_labels(struct cli *cli, struct registry *registry, struct labelling *l,
                          struct err *err)
{
    struct targets *targets = NULL;
    if (!read_changes(cli, l, err) ||
        !targets_parse(str_from(cli_arg(cli, 0)), &l->arena, &targets, err) ||
        !registry_each_target(registry, targets, add_device, l, err)) {
        return false;
    }
    if (l->arena.exhausted) {
        return err_set(err, ERR_NO_MEMORY, "find the devices: out of memory");
    }
    if (l->device_count == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no device %s", cli_arg(cli, 0));
        return err_hint(err, "list them: selvedge-hub devices");
    }
    return registry_change_labels(registry, l->devices, l->device_count, l->changes,
                                  l->change_count, err);
}

static void say_labels(struct cli *cli, const struct labelling *l)
{
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    for (size_t i = 0; cli_is_json(cli) && i < l->device_count; i++) {
        buf_reset(&line);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        jw_member_str(&w, "device", l->devices[i]);
        jw_end_object(&w);
        cli_json(cli, buf_str(&line));
    }
    if (!cli_is_json(cli)) {
        cli_printf(cli, "labelled %zu device%s\n", l->device_count,
                   l->device_count == 1 ? "" : "s");
    }
}

int command_device_label(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct registry *registry = NULL;
    struct err err = {0};
    int code = CLI_OK;
    struct labelling l = {.arena = arena_new(TARGETS_ARENA_BYTES)};
    if (settings_load(cli, &settings, &code)) {
        if (!registry_open(&registry, settings.database, &err) ||
            !change_labels(cli, registry, &l, &err)) {
            code = cli_error(cli, &err);
        } else {
            poke_send(&settings.config);
            say_labels(cli, &l);
        }
        registry_close(registry);
    }
    arena_release(&l.arena);
    settings_release(&settings);
    return code;
}
