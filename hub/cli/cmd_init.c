/* cmd_init.c - DESIGN: the settings file is put together as text and read back by the same parser
 * that `serve` uses, so that nothing is made from options that it would refuse. Written in an order
 * in which one that was interrupted can be repeated: settings, database, and last the CA, without
 * which nothing is set up. */
#include "hub/cli/commands.h"

#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "common/wire/messages.h"
#include "common/wire/topics.h"
#include "hub/registry/authority.h"
#include "hub/registry/registry.h"
#include "hub/store/store.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct init {
    struct cli *cli;
    struct settings *settings;
    struct buf text; /* of the settings file */
    bool is_new;     /* there is no such file yet */
    bool has_added;
    char state_dir[LIMIT_PATH_BYTES + 1]; /* absolute */
    char fingerprint[AUTHORITY_PINS_SIZE];
};

/* --- the settings file -------------------------------------------------------------------- */

/* What the file says already is not said again. */
static bool is_wanted(const struct init *in, const char *option, bool is_same)
{
    return in->is_new || (cli_is_given(in->cli, option) && !is_same);
}

static void add_key(struct init *in, const char *key)
{
    buf_addf(&in->text, "%s: ", key);
    in->has_added = true;
}

/* A JSON text is a YAML one: quoted and escaped. */
static void add_text(struct init *in, const char *key, struct str value)
{
    add_key(in, key);
    struct json_writer w = json_writer(&in->text);
    jw_str(&w, value);
    buf_add_char(&in->text, '\n');
}

static void offer_text(struct init *in, const char *option, struct str present)
{
    struct str value = str_from(cli_text(in->cli, option));
    bool is_given = cli_is_given(in->cli, option);
    value = is_given ? value : present;
    if (is_wanted(in, option, str_eq(value, present)) && (is_given || !str_is_empty(value))) {
        add_text(in, option, value);
    }
}

static void offer_port(struct init *in, const char *option, const char *key, int64_t present)
{
    int64_t value = cli_is_given(in->cli, option) ? cli_i64(in->cli, option) : present;
    if (is_wanted(in, option, value == present)) {
        add_key(in, key);
        buf_addf(&in->text, "%lld\n", (long long)value);
    }
}

static void offer_names(struct init *in, const struct str_list *present)
{
    size_t count = 0;
    bool is_same = true;
    for (const char *name; (name = cli_values(in->cli, "name", count)) != NULL; count++) {
        is_same =
            is_same && count < present->count && str_eq(present->items[count], str_from(name));
    }
    if (count == 0 || (is_same && count == present->count)) {
        return;
    }
    add_key(in, "names");
    struct json_writer w = json_writer(&in->text);
    jw_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        jw_str(&w, str_from(cli_values(in->cli, "name", i)));
    }
    jw_end_array(&w);
    buf_add_char(&in->text, '\n');
}

static bool read_old_text(struct init *in, struct err *err)
{
    if (files_read(in->settings->file, &in->text, err)) {
        if (in->text.len > 0 && in->text.ptr[in->text.len - 1] != '\n') {
            buf_add_char(&in->text, '\n');
        }
        return true;
    }
    in->is_new = err->code == ERR_NOT_FOUND;
    buf_add(&in->text, STR("# Settings of selvedge-hub; all of them: selvedge-hub reference\n"));
    return in->is_new;
}

static bool compose(struct init *in, struct err *err)
{
    const struct hub_config *config = &in->settings->config;
    if (!read_old_text(in, err)) {
        return false;
    }
    if (cli_is_given(in->cli, "state-dir") &&
        !str_eq(str_from(in->state_dir), in->settings->state_dir_in_file)) {
        add_text(in, "state_dir", str_from(in->state_dir));
    }
    offer_text(in, "fleet", config->fleet);
    offer_text(in, "host", config->host);
    offer_port(in, "port", "port", config->port);
    offer_port(in, "enrol-port", "enrol_port", config->enrol_port);
    offer_text(in, "bind", config->bind);
    offer_names(in, &config->names);
    return !in->text.overflow || err_set(err, ERR_FULL, "%s would be larger than %d bytes",
                                         in->settings->file, HUB_CONFIG_BYTES_MAX);
}

static bool check_names(const struct hub_config *config, struct err *err)
{
    if (!device_name_is_valid(config->fleet)) {
        (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" cannot be a fleet's name",
                      STR_ARG(config->fleet));
        return err_hint(err,
                        "it has 1 to 63 of a-z, 0-9 and '-', and begins with a letter or digit");
    }
    for (size_t i = 0; i <= config->names.count; i++) {
        struct str host = i == 0 ? config->host : config->names.items[i - 1];
        if (!enrol_host_is_valid(host)) {
            return err_set(err, ERR_INVALID,
                           "\"" STR_FMT "\" is neither a host name nor an address", STR_ARG(host));
        }
    }
    return config->port != config->enrol_port ||
           err_set(err, ERR_INVALID, "the two listeners cannot share port %lld",
                   (long long)config->port);
}

/* The new settings take the place of those that were read. */
static bool accept_text(struct init *in, struct err *err)
{
    struct settings *s = in->settings;
    if (!hub_config_parse(buf_str(&in->text), s->file, &s->arena, &s->problems, &s->config, err)) {
        if (!in->is_new) {
            (void)err_hint(err, "init adds its options to %s; what stands there is changed there",
                           s->file);
        }
        return false;
    }
    if (cli_is_given(in->cli, "state-dir")) {
        s->config.state_dir = str_from(in->state_dir);
    }
    return check_names(&s->config, err);
}

/* --- writing ------------------------------------------------------------------------------ */

static bool make_parent(const char *path, struct err *err)
{
    struct str folder = STR_NONE;
    struct str name = STR_NONE;
    char text[LIMIT_PATH_BYTES + 1];
    if (!str_cut_last(str_from(path), '/', &folder, &name) || folder.len == 0) {
        return true;
    }
    memcpy(text, folder.ptr, folder.len);
    text[folder.len] = '\0';
    return files_make_dirs(text, 0755, err);
}

static bool write_settings(const struct init *in, struct err *err)
{
    if (!in->has_added) {
        return true;
    }
    return make_parent(in->settings->file, err) &&
           files_write(in->settings->file, buf_str(&in->text), 0644, err);
}

/* Root sets a hub up for the user that owns its folder: what is made must be that user's. */
static bool act_as_owner(const char *state_dir, struct err *err)
{
    struct stat folder;
    if (geteuid() != 0) {
        return true;
    }
    if (stat(state_dir, &folder) != 0) {
        return err_errno(err, errno, "look at %s", state_dir);
    }
    if (folder.st_uid != 0 && (setegid(folder.st_gid) != 0 || seteuid(folder.st_uid) != 0)) {
        return err_errno(err, errno, "act as the owner of %s", state_dir);
    }
    return true;
}

static bool name_fleet(struct registry *registry, struct str fleet, struct wall_time now,
                       struct err *err)
{
    AUTO(buf) present = buf_growing(LIMIT_NAME_BYTES + 1);
    if (registry_fleet(registry, &present, err)) {
        return str_eq(buf_str(&present), fleet) ||
               err_set(err, ERR_EXISTS, "the database is that of fleet " STR_FMT,
                       STR_ARG(buf_str(&present)));
    }
    return err->code == ERR_NOT_FOUND && registry_set_fleet(registry, fleet, now, err);
}

static bool make_database(const struct init *in, struct wall_time now, struct err *err)
{
    const struct hub_config *config = &in->settings->config;
    char path[LIMIT_PATH_BYTES + 1];
    struct db *store = NULL;
    struct registry *registry = NULL;
    if (!hub_path(config, "hub.db", path, err)) {
        return false;
    }
    struct hub_store_options options = {.path = path};
    bool ok = hub_store_open(&store, &options, err) && registry_open(&registry, path, err) &&
              name_fleet(registry, config->fleet, now, err);
    registry_close(registry);
    db_close(store);
    return ok;
}

static bool make_hub(struct init *in, struct err *err)
{
    const struct hub_config *config = &in->settings->config;
    struct clock clock = clock_system();
    struct rng rng = rng_system();
    struct wall_time now = clock_wall(&clock);
    AUTO(fd) lock = {-1};
    char path[LIMIT_PATH_BYTES + 1];
    if (!wall_is_set(now)) {
        return err_set(err, ERR_INVALID,
                       "this host's clock is not set: certificates need the date");
    }
    if (!files_make_dirs(in->state_dir, 0700, err) || !write_settings(in, err) ||
        !act_as_owner(in->state_dir, err)) {
        return false;
    }
    return hub_path(config, "lock", path, err) && files_lock(path, &lock, err) &&
           make_database(in, now, err) &&
           (authority_exists(config) || authority_make(config, &rng, now, err)) &&
           authority_pins(config, in->fingerprint, err);
}

/* --- saying ------------------------------------------------------------------------------- */

static void say_json(const struct init *in)
{
    const struct hub_config *config = &in->settings->config;
    AUTO(buf) out = buf_growing(HUB_CONFIG_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "fleet", config->fleet);
    jw_member_str(&w, "state_dir", config->state_dir);
    jw_member_str(&w, "settings", str_from(in->settings->file));
    jw_member_str(&w, "host", config->host);
    jw_member_i64(&w, "port", config->port);
    jw_member_i64(&w, "enrol_port", config->enrol_port);
    jw_member_str(&w, "ca_fingerprint", str_from(in->fingerprint));
    jw_end_object(&w);
    cli_json(in->cli, buf_str(&out));
}

static void say_text(const struct init *in)
{
    const struct hub_config *config = &in->settings->config;
    const char *dir = cli_is_given(in->cli, "config") ? NULL : cli_text(in->cli, "state-dir");
    const char *option = dir != NULL ? " -s " : cli_is_given(in->cli, "config") ? " -c " : "";
    const char *value = dir != NULL                       ? dir
                        : cli_is_given(in->cli, "config") ? in->settings->file
                                                          : "";
    cli_printf(in->cli,
               "fleet " STR_FMT " is set up\n\n"
               "  state     " STR_FMT "\n  settings  %s\n  devices   " STR_FMT
               ":%lld (mutual TLS), enrolment on port %lld\n  CA        SHA-256 %s\n\n",
               STR_ARG(config->fleet), STR_ARG(config->state_dir), in->settings->file,
               STR_ARG(config->host), (long long)config->port, (long long)config->enrol_port,
               in->fingerprint);
    cli_printf(in->cli,
               "next:\n  selvedge-hub%s%s serve\n  selvedge-hub%s%s token create\n"
               "  selvedge-agent enroll TOKEN    (on the device)\n",
               option, value, option, value);
    if (str_eq(config->host, STR("localhost"))) {
        cli_printf(in->cli,
                   "\nnote: as \"localhost\" this hub can be reached from this machine only; "
                   "set host: in the settings for others\n");
    }
}

/* A hub that has lost its database gets a new one and keeps its CA: its devices go on. */
static bool is_set_up(const struct settings *settings, struct err *err)
{
    if (!authority_exists(&settings->config) || !files_exist(settings->database)) {
        return false;
    }
    (void)err_set(err, ERR_EXISTS, "there is a hub in " STR_FMT " already",
                  STR_ARG(settings->config.state_dir));
    (void)err_hint(err, "start it: selvedge-hub serve");
    return true;
}

static bool init(struct init *in, struct err *err)
{
    char cwd[LIMIT_PATH_BYTES + 1];
    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        return err_errno(err, errno, "find the working folder");
    }
    struct str dir = str_trim_end(in->settings->config.state_dir, '/');
    while (str_starts(dir, STR("./"))) {
        dir = str_slice(dir, 2, dir.len);
    }
    if (!files_join(cwd, dir, in->state_dir, sizeof(in->state_dir), err)) {
        return false;
    }
    if (is_set_up(in->settings, err) || !compose(in, err) || !accept_text(in, err)) {
        return false;
    }
    if (!make_hub(in, err)) {
        return err->code != ERR_DENIED
                   ? false
                   : err_hint(err, "run it as root, or give a folder of your own: --state-dir DIR");
    }
    return true;
}

int command_init(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load_if_there(cli, &settings, &code)) {
        struct init in = {
            .cli = cli, .settings = &settings, .text = buf_growing(HUB_CONFIG_BYTES_MAX)};
        if (!init(&in, &err)) {
            code = cli_problems(cli, &settings.problems, &err);
        } else if (cli_is_json(cli)) {
            say_json(&in);
        } else {
            say_text(&in);
        }
        buf_release(&in.text);
    }
    settings_release(&settings);
    return code;
}
