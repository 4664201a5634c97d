/* cmd_key.c - the keys whose commands devices obey. Devices that are enrolled already are told of a
 * changed set by a command that a key signs which they trust: the hub's, or an operator's
 * (`sign ... trust`, `command --file`). */
#include "hub/cli/commands.h"
#include "hub/rows/chosen.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "hub/command/keyring.h"
#include "hub/command/orders.h"
#include "hub/fleet/poke.h"

enum { KEY_BYTES_MAX = 64 << 10, LINE_BYTES_MAX = 64 << 10 };
#define LIFE_OF_TRUST_NS (INT64_C(365) * 24 * 3600 * NS_PER_SEC)

/* --- list ------------------------------------------------------------------------------------- */

static bool hub_key_id(const struct settings *settings, char ret[KEY_ID_SIZE])
{
    struct rng rng = rng_system();
    struct err err = {0};
    struct buf key = buf_growing(KEY_BYTES_MAX);
    AUTO(buf) public = buf_growing(KEY_BYTES_MAX);
    bool ok = keyring_read_hub_key(&settings->config, &key, &err) &&
              identity_public_key(&rng, buf_str(&key), &public, &err) &&
              identity_key_id(buf_str(&public), ret, &err);
    buf_wipe(&key);
    return ok;
}

static void show_key(struct cli *cli, struct table *t, struct str id, bool is_hub, struct str pem)
{
    if (!cli_is_json(cli)) {
        table_cell(t, id);
        table_text(t, is_hub ? "this hub" : "an operator");
        return;
    }
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "key", id);
    jw_member_bool(&w, "is_hub", is_hub);
    jw_member_str(&w, "pem", pem);
    jw_end_object(&w);
    cli_json(cli, buf_str(&line));
}

static bool list_keys(struct cli *cli, const struct settings *settings, struct err *err)
{
    AUTO(buf) keys = buf_growing(KEY_BYTES_MAX);
    AUTO(table) t = table_new(TABLE_COLUMNS({.name = "KEY"}, {.name = "WHOSE"}));
    char hub[KEY_ID_SIZE] = "";
    struct str key;
    (void)hub_key_id(settings, hub);
    if (!keyring_read(&settings->config, &keys, err)) {
        return false;
    }
    struct str rest = buf_str(&keys);
    while (signed_next_key(&rest, &key)) {
        char id[KEY_ID_SIZE];
        if (!identity_key_id(key, id, err)) {
            return false;
        }
        show_key(cli, &t, str_from(id), str_eq(str_from(id), str_from(hub)), key);
    }
    table_print_list(&t, cli, "no keys");
    return true;
}

int command_key_list(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code) && !list_keys(cli, &settings, &err)) {
        code = cli_error(cli, &err);
    }
    settings_release(&settings);
    return code;
}

/* --- create ----------------------------------------------------------------------------------- */

static bool create_key(const char *file, char ret_id[KEY_ID_SIZE], char *ret_public_path,
                       struct err *err)
{
    struct rng rng = rng_system();
    struct buf key = buf_growing(KEY_BYTES_MAX);
    AUTO(buf) public = buf_growing(KEY_BYTES_MAX);
    struct buf path = buf_fixed(ret_public_path, LIMIT_PATH_BYTES + 1);
    buf_addf(&path, "%s.pub", file);
    bool ok = buf_cstr(&path) != NULL || err_set(err, ERR_INVALID, "%s: too long a path", file);
    if (ok && files_exist(file)) {
        ok = err_set(err, ERR_EXISTS, "%s is there already", file);
        (void)err_hint(err, "a key is never overwritten; give another name");
    }
    ok = ok && identity_make_key(&rng, &key, err) &&
         identity_public_key(&rng, buf_str(&key), &public, err) &&
         identity_key_id(buf_str(&public), ret_id, err) &&
         files_write(file, buf_str(&key), 0600, err) &&
         files_write(ret_public_path, buf_str(&public), 0644, err);
    buf_wipe(&key);
    return ok;
}

int command_key_create(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct err err = {0};
    char id[KEY_ID_SIZE];
    char path[LIMIT_PATH_BYTES + 1];
    if (!create_key(cli_arg(cli, 0), id, path, &err)) {
        return cli_error(cli, &err);
    }
    if (cli_is_json(cli)) {
        AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        jw_member_str(&w, "key", str_from(id));
        jw_member_str(&w, "private", str_from(cli_arg(cli, 0)));
        jw_member_str(&w, "public", str_from(path));
        jw_end_object(&w);
        cli_json(cli, buf_str(&line));
    } else {
        cli_printf(cli,
                   "key %s: %s is the private half, keep it; make devices obey it:\n"
                   "  selvedge-hub key add %s\n",
                   id, cli_arg(cli, 0), path);
    }
    return CLI_OK;
}

/* --- add and remove --------------------------------------------------------------------------- */

struct change {
    struct cli *cli;
    struct settings settings;
    struct buf keys;    /* as they are */
    struct buf changed; /* as they will be */
    struct buf hub_key;
    char id[KEY_ID_SIZE]; /* added or removed */
    struct chosen chosen;
    struct orders *orders;
    struct registry *registry;
    struct order_given given;
    bool is_removed, is_hub;
};

static bool trust_args(const struct change *c, struct buf *args)
{
    struct json_writer w = json_writer(args);
    jw_begin_object(&w);
    jw_member_str(&w, "keys", buf_str(&c->changed));
    jw_end_object(&w);
    return !args->overflow;
}

/* Signed by the hub's key, which they trust until then. */
static bool tell_devices(struct change *c, struct err *err)
{
    struct rng rng = rng_system();
    struct clock clock = clock_system();
    struct wall_time now = clock_wall(&clock);
    AUTO(buf) args = buf_growing(COMMAND_BYTES_MAX);
    if (!orders_open(&c->orders, c->settings.database, err) ||
        !registry_open(&c->registry, c->settings.database, err) ||
        !chosen_find(c->registry, STR("*"), &c->chosen, err)) {
        return false;
    }
    if (c->chosen.count == 0) {
        return true;
    }
    struct order order = {.fleet = c->settings.config.fleet,
                          .targets = STR("*"),
                          .devices = c->chosen.devices,
                          .device_count = c->chosen.count,
                          .verb = STR("trust"),
                          .life_ns = LIFE_OF_TRUST_NS};
    if (!trust_args(c, &args)) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    order.args = buf_str(&args);
    return orders_withdraw_verb(c->orders, order.verb, STR("other keys took its place"), now,
                                err) &&
           orders_give(c->orders, &rng, buf_str(&c->hub_key), &order, now, &c->given, err);
}

/* The command first: it is signed by what is trusted now. What stops half way is done by doing it
 * again: devices take the same set twice. */
static bool carry_out(struct change *c, struct err *err)
{
    char hub[KEY_ID_SIZE] = "";
    if (!keyring_read_hub_key(&c->settings.config, &c->hub_key, err)) {
        return err->code != ERR_NOT_FOUND
                   ? false
                   : err_hint(err, "sign it with a key that is trusted: selvedge-hub sign --key "
                                   "FILE --to '*' --expires 365d trust KEYS.pem");
    }
    c->is_hub =
        c->is_removed && hub_key_id(&c->settings, hub) && str_eq(str_from(hub), str_from(c->id));
    return tell_devices(c, err) && keyring_write(&c->settings.config, buf_str(&c->changed), err) &&
           (!c->is_hub || keyring_remove_hub_key(&c->settings.config, err));
}

static void say_change(const struct change *c)
{
    long long devices = (long long)c->given.devices;
    if (cli_is_json(c->cli)) {
        AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        jw_member_str(&w, "key", str_from(c->id));
        jw_member_bool(&w, "trusted", !c->is_removed);
        jw_member_i64(&w, "devices", devices);
        jw_member_opt(&w, "command", str_from(c->given.id));
        jw_end_object(&w);
        cli_json(c->cli, buf_str(&line));
        return;
    }
    cli_printf(c->cli, "key %s is %s\n", c->id, c->is_removed ? "no longer trusted" : "trusted");
    if (c->is_hub) {
        cli_printf(c->cli, "it was this hub's own: from now on commands come signed, by "
                           "selvedge-hub command --file FILE\n");
    }
    if (devices > 0) {
        cli_printf(c->cli, "%lld device%s will be told; look: selvedge-hub commands %s\n", devices,
                   devices == 1 ? "" : "s", c->given.id);
    }
}

static bool change_keys(struct change *c, struct err *err)
{
    struct rng rng = rng_system();
    AUTO(buf) pem = buf_growing(KEY_BYTES_MAX);
    if (!keyring_read(&c->settings.config, &c->keys, err)) {
        return false;
    }
    if (c->is_removed) {
        struct buf id = buf_fixed(c->id, sizeof(c->id));
        buf_add(&id, str_clip(str_from(cli_arg(c->cli, 0)), KEY_ID_SIZE - 1));
        (void)buf_cstr(&id);
        return keyring_remove(buf_str(&c->keys), str_from(cli_arg(c->cli, 0)), &c->changed, err) &&
               carry_out(c, err);
    }
    bool ok = files_read(cli_arg(c->cli, 0), &pem, err) &&
              keyring_add(&rng, buf_str(&c->keys), buf_str(&pem), &c->changed, c->id, err) &&
              carry_out(c, err);
    buf_wipe(&pem); /* it may be a private one */
    return ok;
}

static int change_command(struct cli *cli, bool is_removed)
{
    struct err err = {0};
    int code = CLI_OK;
    struct change c = {.cli = cli,
                       .is_removed = is_removed,
                       .keys = buf_growing(KEY_BYTES_MAX),
                       .changed = buf_growing(KEY_BYTES_MAX),
                       .hub_key = buf_growing(KEY_BYTES_MAX)};
    if (settings_load(cli, &c.settings, &code)) {
        if (change_keys(&c, &err)) {
            poke_send(&c.settings.config);
            say_change(&c);
        } else {
            code = cli_error(cli, &err);
        }
    }
    chosen_release(&c.chosen);
    orders_close(c.orders);
    registry_close(c.registry);
    buf_release(&c.keys);
    buf_release(&c.changed);
    buf_wipe(&c.hub_key);
    settings_release(&c.settings);
    return code;
}

int command_key_add(struct cli *cli, void *ctx)
{
    (void)ctx;
    return change_command(cli, false);
}

int command_key_remove(struct cli *cli, void *ctx)
{
    (void)ctx;
    return change_command(cli, true);
}
