/* cmd_device.c - what an operator does to devices. Written to the database; the running hub is told. */
#include "hub/cli/labels.h"

#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "hub/cli/commands.h"
#include "hub/cli/new_token.h"
#include "hub/fleet/each_target.h"
#include "hub/fleet/poke.h"
#include <stdio.h>

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

/* --- one device --------------------------------------------------------------------------- */

struct one_device {
    struct cli *cli;
    struct settings settings;
    struct registry *registry;
    struct wall_time now;
    char id[LIMIT_NAME_BYTES + 1];
};

static void say_done(const struct one_device *one, const char *what, const char *state)
{
    if (!cli_is_json(one->cli)) {
        cli_printf(one->cli, "device %s %s\n", one->id, what);
        return;
    }
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "device", str_from(one->id));
    jw_member_str(&w, "status", str_from(state));
    jw_end_object(&w);
    cli_json(one->cli, buf_str(&line));
}

/* Finds the device of the first argument and does `act` to it. */
static int with_device(struct cli *cli, bool (*act)(struct one_device *one, struct err *err))
{
    struct clock clock = clock_system();
    struct one_device one = {.cli = cli, .now = clock_wall(&clock)};
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &one.settings, &code)) {
        if (!registry_open(&one.registry, one.settings.database, &err) ||
            !registry_find_device(one.registry, str_from(cli_arg(cli, 0)), one.id, &err) ||
            !act(&one, &err)) {
            code = cli_error(cli, &err);
        }
        registry_close(one.registry);
    }
    settings_release(&one.settings);
    return code;
}

static bool shut_out(struct one_device *one, enum shut_out how, struct err *err)
{
    struct str reason = str_from(cli_text(one->cli, "reason"));
    if (!registry_shut_out(one->registry, str_from(one->id), how, reason, one->now, err)) {
        return false;
    }
    poke_send(&one->settings.config);
    return true;
}

static bool revoke(struct one_device *one, struct err *err)
{
    if (!shut_out(one, SHUT_OUT_REVOKED, err)) {
        return false;
    }
    say_done(one, "is revoked", "revoked");
    return true;
}

int command_device_revoke(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_device(cli, revoke);
}

static bool decommission(struct one_device *one, struct err *err)
{
    if (!shut_out(one, SHUT_OUT_DECOMMISSIONED, err)) {
        return false;
    }
    say_done(one, "is decommissioned; its history stays", "decommissioned");
    return true;
}

int command_device_decommission(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_device(cli, decommission);
}

static bool rename_device(struct one_device *one, struct err *err)
{
    struct str name = str_from(cli_arg(one->cli, 1));
    if (!registry_rename(one->registry, str_from(one->id), name, err)) {
        return false;
    }
    poke_send(&one->settings.config);
    char what[128];
    (void)snprintf(what, sizeof(what), "is called " STR_FMT, STR_ARG(name));
    say_done(one, what, "enrolled");
    return true;
}

int command_device_rename(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_device(cli, rename_device);
}

static bool replace(struct one_device *one, struct err *err)
{
    struct new_token token = {.text = buf_growing(LINE_BYTES_MAX)};
    char label[128];
    (void)snprintf(label, sizeof(label), "new hardware of %s", one->id);
    token.options = (struct token_options){.label = str_from(label),
                                           .max_uses = 1,
                                           .expires = {one->now.ns + cli_i64(one->cli, "expires")}};
    struct rng rng = rng_system();
    bool ok = new_token_create(&one->settings.config, &rng, one->registry, &token, one->now, err) &&
              registry_replace(one->registry, str_from(one->id), str_from(token.id), one->now, err);
    if (ok) {
        poke_send(&one->settings.config);
        new_token_say(one->cli, &token, one->id);
    }
    new_token_wipe(&token);
    return ok;
}

int command_device_replace(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_device(cli, replace);
}
