#include "hub/cli/command_file.h"

#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "common/wire/signed.h"
#include "hub/cli/commands.h"
#include "hub/command/keyring.h"
#include "hub/command/orders.h"
#include "hub/fleet/poke.h"
#include "hub/fleet/targets.h"
#include "hub/rows/chosen.h"

enum {
    ASKING_ARENA_BYTES = 8 << 20,
    MESSAGE_BYTES_MAX = COMMAND_BYTES_MAX + SIGNED_HEAD_BYTES_MAX,
    KEY_BYTES_MAX = 64 << 10,
};

struct asking {
    struct cli *cli;
    struct settings settings;
    struct orders *orders;
    struct registry *registry;
    struct wall_time now;
    struct arena arena;
    struct chosen chosen;
    struct str targets;
    struct order_pace pace;
    struct order_given given;
    struct str verb;
};

/* What a file names, as targets. */
static bool take_targets(struct asking *a, const struct command *c, struct err *err)
{
    AUTO(buf) names = buf_growing(TARGETS_BYTES_MAX);
    for (size_t i = 0; i < c->to_count; i++) {
        buf_add(&names, i == 0 ? STR("") : STR(","));
        buf_add(&names, c->to[i]);
    }
    a->targets = arena_copy(&a->arena, buf_str(&names));
    return chosen_find(a->registry, a->targets, &a->chosen, err);
}

/* What devices trust that enrol from now on, and what the hub takes commands by. */
static bool adopt_keys(struct asking *a, const struct command *c, struct err *err)
{
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    struct command_args args;
    return command_read_args(c, &arena, &args, err) &&
           keyring_write(&a->settings.config, args.keys, err);
}

static bool take_file(struct asking *a, struct err *err)
{
    AUTO(buf) message = buf_growing(MESSAGE_BYTES_MAX);
    AUTO(buf) keys = buf_growing(KEY_BYTES_MAX);
    struct str body;
    struct command c;
    char key[KEY_ID_SIZE];
    if (!files_read(cli_text(a->cli, "file"), &message, err) ||
        !keyring_read(&a->settings.config, &keys, err)) {
        return false;
    }
    if (!signed_open(buf_str(&message), buf_str(&keys), &body, key, err)) {
        return err->code != ERR_DENIED
                   ? false
                   : err_hint(err, "the keys that devices trust: selvedge-hub key list");
    }
    if (!command_decode(body, &a->arena, &c, err) || !take_targets(a, &c, err)) {
        return false;
    }
    const struct order order = {.fleet = a->settings.config.fleet,
                                .targets = a->targets,
                                .devices = a->chosen.devices,
                                .device_count = a->chosen.count,
                                .pace = a->pace};
    a->verb = c.verb;
    bool is_trust = str_eq(c.verb, STR("trust"));
    if (is_trust &&
        !orders_withdraw_verb(a->orders, c.verb, STR("other keys took its place"), a->now, err)) {
        return false;
    }
    return orders_take(a->orders, buf_str(&message), buf_str(&keys), &order, a->now, &a->given,
                       err) &&
           (!is_trust || adopt_keys(a, &c, err));
}

static void write_given(const struct asking *a, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "command", str_from(a->given.id));
    jw_member_str(&w, "verb", a->verb);
    jw_member_str(&w, "to", a->targets);
    jw_member_opt(&w, "device", a->chosen.count == 1 ? a->chosen.devices[0] : STR_NONE);
    jw_member_i64(&w, "devices", a->given.devices);
    jw_member_i64(&w, "online", a->chosen.online);
    jw_member_wall(&w, "expires_at", a->given.expires);
    jw_end_object(&w);
}

static bool read_pace(struct asking *a, struct err *err)
{
    const char *abort_if = cli_text(a->cli, "abort-if");
    if (cli_is_given(a->cli, "devices-at-once")) {
        a->pace.at_once = cli_i64(a->cli, "devices-at-once");
        a->pace.patience_ns = cli_i64(a->cli, "device-timeout");
    }
    return abort_if == NULL || order_abort_parse(str_from(abort_if), &a->pace, err);
}

bool command_file_take(struct cli *cli, struct buf *ret, int *ret_exit)
{
    struct clock clock = clock_system();
    struct err err = {0};
    struct asking a = {
        .cli = cli, .now = clock_wall(&clock), .arena = arena_new(ASKING_ARENA_BYTES)};
    bool ok = settings_load(cli, &a.settings, ret_exit);
    if (ok) {
        ok = read_pace(&a, &err) && orders_open(&a.orders, a.settings.database, &err) &&
             registry_open(&a.registry, a.settings.database, &err) && take_file(&a, &err);
        if (ok) {
            poke_send(&a.settings.config);
            write_given(&a, ret);
        } else {
            *ret_exit = cli_error(cli, &err);
        }
    }
    chosen_release(&a.chosen);
    orders_close(a.orders);
    registry_close(a.registry);
    arena_release(&a.arena);
    settings_release(&a.settings);
    return ok;
}
