/* cmd_command.c - asking devices to do something: written to the database, signed; the running hub is
 * told. What was signed elsewhere is taken from a file. */
#include "hub/cli/command_wait.h"
#include "hub/cli/command_words.h"
#include "hub/cli/commands.h"
#include "hub/rows/chosen.h"

#include "common/cli/text.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "common/wire/signed.h"
#include "hub/command/keyring.h"
#include "hub/fleet/poke.h"
#include "hub/fleet/targets.h"
#include "hub/store/queries.h"
#include <string.h>

enum {
    ASKING_ARENA_BYTES = 8 << 20,
    MESSAGE_BYTES_MAX = COMMAND_BYTES_MAX + SIGNED_HEAD_BYTES_MAX,
    KEY_BYTES_MAX = 64 << 10,
    LINE_BYTES_MAX = 64 << 10,
    RUNS_LIKE_MAX = 100,
};
#define HOUR_NS          (3600 * NS_PER_SEC)
#define LIFE_NS          HOUR_NS
#define LIFE_IN_TURNS_NS (7 * 24 * HOUR_NS)

struct asking {
    struct cli *cli;
    struct settings settings;
    struct orders *orders;
    struct registry *registry;
    struct wall_time now;
    struct arena arena;
    struct chosen chosen;
    struct str targets;
    char run[UUID_TEXT_SIZE]; /* that argument 1 names; empty: it names none */
    struct order_pace pace;
    struct order_given given;
    struct str verb;
};

/* --- the run that is meant -------------------------------------------------------------------- */

struct run_search {
    struct asking *asking;
    char device[LIMIT_NAME_BYTES + 1];
    int64_t count;
};

static void on_run(void *ctx, struct str device, struct str run)
{
    struct run_search *s = ctx;
    struct buf id = buf_fixed(s->asking->run, sizeof(s->asking->run));
    struct buf name = buf_fixed(s->device, sizeof(s->device));
    buf_add(&id, run);
    buf_add(&name, device);
    s->count += buf_cstr(&id) != NULL && buf_cstr(&name) != NULL ? 1 : 0;
}

/* The run's whole id; and its device, when none is named. */
static bool find_run(struct asking *a, struct err *err)
{
    struct str prefix = str_from(cli_arg(a->cli, 1));
    struct run_search s = {.asking = a};
    struct hub_filter filter = {.limit = RUNS_LIKE_MAX};
    struct db *db = NULL;
    bool ok = open_reader(&a->settings, &db, err) &&
              hub_each_run_like(db, prefix, &filter, on_run, &s, err);
    db_close(db);
    if (!ok) {
        return false;
    }
    if (s.count == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no run " STR_FMT, STR_ARG(prefix));
        return err_hint(err, "list them: selvedge-hub runs");
    }
    if (s.count > 1) {
        (void)err_set(err, ERR_INVALID, "%lld runs begin with " STR_FMT, (long long)s.count,
                      STR_ARG(prefix));
        return err_hint(err, "give more of the id");
    }
    if (str_is_empty(a->targets)) {
        a->targets = arena_copy(&a->arena, str_from(s.device));
    }
    return true;
}

/* --- how it is sent out ----------------------------------------------------------------------- */

static bool read_pace(struct asking *a, struct err *err)
{
    const char *abort_if = cli_text(a->cli, "abort-if");
    bool in_turns = cli_is_given(a->cli, "devices-at-once");
    if (!in_turns && (abort_if != NULL || cli_is_given(a->cli, "device-timeout"))) {
        return err_set(err, ERR_INVALID,
                       "--abort-if and --device-timeout go with --devices-at-once N");
    }
    if (in_turns) {
        a->pace.at_once = cli_i64(a->cli, "devices-at-once");
        a->pace.patience_ns = cli_i64(a->cli, "device-timeout");
    }
    return abort_if == NULL || order_abort_parse(str_from(abort_if), &a->pace, err) ||
           err_wrap(err, "--abort-if");
}

static int64_t life_of(const struct asking *a)
{
    if (cli_is_given(a->cli, "expires")) {
        return cli_i64(a->cli, "expires");
    }
    return a->pace.at_once > 0 ? LIFE_IN_TURNS_NS : LIFE_NS;
}

static struct order order_of(const struct asking *a)
{
    return (struct order){.fleet = a->settings.config.fleet,
                          .targets = a->targets,
                          .devices = a->chosen.devices,
                          .device_count = a->chosen.count,
                          .pace = a->pace};
}

/* --- giving it -------------------------------------------------------------------------------- */

static bool give(struct asking *a, const struct command_words *words, struct err *err)
{
    struct rng rng = rng_system();
    struct buf key = buf_growing(KEY_BYTES_MAX);
    struct order order = order_of(a);
    order.verb = words->verb;
    order.args = buf_str(&words->args);
    order.life_ns = life_of(a);
    bool ok = keyring_read_hub_key(&a->settings.config, &key, err) &&
              orders_give(a->orders, &rng, buf_str(&key), &order, a->now, &a->given, err);
    buf_wipe(&key);
    a->verb = arena_copy(&a->arena, words->verb);
    return ok;
}

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
    struct order order = order_of(a);
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

/* --- saying it -------------------------------------------------------------------------------- */

static void say_given_json(const struct asking *a)
{
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "command", str_from(a->given.id));
    jw_member_str(&w, "verb", a->verb);
    jw_member_str(&w, "to", a->targets);
    jw_member_i64(&w, "devices", a->given.devices);
    jw_member_i64(&w, "online", a->chosen.online);
    jw_member_wall(&w, "expires_at", a->given.expires);
    jw_end_object(&w);
    cli_json(a->cli, buf_str(&line));
}

static void say_given(const struct asking *a)
{
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    if (cli_is_json(a->cli)) {
        say_given_json(a);
        return;
    }
    bool is_one = a->given.devices == 1;
    buf_addf(&line, "%s  " STR_FMT " for ", a->given.id, STR_ARG(a->verb));
    if (is_one) {
        buf_addf(&line, STR_FMT ", which is %s", STR_ARG(a->chosen.devices[0]),
                 a->chosen.online > 0 ? "online" : "away");
    } else {
        buf_addf(&line, "%lld devices, %lld of them online", (long long)a->given.devices,
                 (long long)a->chosen.online);
    }
    buf_add(&line, STR("; expires "));
    buf_add_ago(&line, a->given.expires, a->now);
    cli_printf(a->cli, STR_FMT "\n", STR_ARG(buf_str(&line)));
    (void)fflush(cli_out(a->cli));
}

static int finish(struct asking *a)
{
    poke_send(&a->settings.config);
    say_given(a);
    if (!cli_is_given(a->cli, "wait")) {
        return CLI_OK;
    }
    return command_wait(a->cli, a->orders, str_from(a->given.id), cli_i64(a->cli, "wait"));
}

/* --- the command ------------------------------------------------------------------------------ */

static int ask_by_words(struct asking *a)
{
    struct err err = {0};
    struct command_words words = {0};
    int code = CLI_OK;
    if (command_words_name_run(a->cli) && !find_run(a, &err)) {
        return cli_error(a->cli, &err);
    }
    if (str_is_empty(a->targets)) {
        return cli_usage(a->cli,
                         "say which devices: --to NAME, --to 'label:site=berlin', --to '*'");
    }
    if (strcmp(cli_arg(a->cli, 0), "trust") == 0) {
        return cli_usage(a->cli, "which keys devices trust is changed by: selvedge-hub key");
    }
    bool ok = command_words_read(a->cli, a->run[0] == '\0' ? NULL : a->run, &words, &code);
    if (ok && (!chosen_find(a->registry, a->targets, &a->chosen, &err) || !give(a, &words, &err))) {
        code = cli_error(a->cli, &err);
        ok = false;
    }
    buf_release(&words.args);
    return ok ? finish(a) : code;
}

static int ask(struct asking *a)
{
    struct err err = {0};
    bool has_file = cli_is_given(a->cli, "file");
    if (has_file == (cli_arg_count(a->cli) > 0)) {
        return cli_usage(a->cli, "give a verb, or --file with what was signed elsewhere");
    }
    if (has_file && (cli_is_given(a->cli, "to") || cli_is_given(a->cli, "expires"))) {
        return cli_usage(a->cli, "--to and --expires stand in what was signed");
    }
    if (!read_pace(a, &err)) {
        return cli_usage(a->cli, "%s", err.msg);
    }
    if (!orders_open(&a->orders, a->settings.database, &err) ||
        !registry_open(&a->registry, a->settings.database, &err)) {
        return cli_error(a->cli, &err);
    }
    if (!has_file) {
        return ask_by_words(a);
    }
    return take_file(a, &err) ? finish(a) : cli_error(a->cli, &err);
}

int command_command(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct clock clock = clock_system();
    int code = CLI_OK;
    struct asking a = {.cli = cli,
                       .now = clock_wall(&clock),
                       .arena = arena_new(ASKING_ARENA_BYTES),
                       .targets = str_from(cli_text(cli, "to"))};
    if (settings_load(cli, &a.settings, &code)) {
        code = ask(&a);
    }
    chosen_release(&a.chosen);
    orders_close(a.orders);
    registry_close(a.registry);
    arena_release(&a.arena);
    settings_release(&a.settings);
    return code;
}
