#include "hub/cli/commands.h"

#include "common/cli/show.h"
#include "common/log/log.h"
#include "hub/store/store.h"
#include <string.h>

enum { SETTINGS_ARENA_BYTES = 1 << 20 };

static bool find_file(struct cli *cli, struct settings *s, struct err *err)
{
    struct str file = str_from(cli_text(cli, "config"));
    struct str dir = str_trim_end(str_from(cli_text(cli, "state-dir")), '/');
    bool in_dir = str_is_empty(file) && !str_is_empty(dir);
    struct buf path = buf_fixed(s->file, sizeof(s->file));
    buf_add(&path, in_dir ? dir : str_is_empty(file) ? STR("/etc/selvedge") : file);
    buf_add(&path, in_dir || str_is_empty(file) ? STR("/hub.yaml") : STR(""));
    return buf_cstr(&path) != NULL ||
           err_set(err, ERR_INVALID, "the path of the settings is longer than %d bytes",
                   LIMIT_PATH_BYTES);
}

static bool load(struct cli *cli, bool must_exist, struct settings *s, struct err *err)
{
    const char *dir = cli_text(cli, "state-dir");
    const char *level = cli_text(cli, "log-level");
    if (!find_file(cli, s, err) ||
        !hub_config_load(s->file, must_exist, &s->arena, &s->problems, &s->config, err)) {
        return false;
    }
    s->state_dir_in_file = s->config.state_dir;
    if (dir != NULL) {
        s->config.state_dir = str_from(dir);
    }
    enum log_level chosen = (enum log_level)s->config.log_level;
    if (level != NULL && !log_level_from(str_from(level), &chosen)) {
        return err_set(err, ERR_INVALID, "unknown log level %s", level);
    }
    log_set_level(chosen);
    return hub_path(&s->config, "hub.db", s->database, err);
}

static bool load_or_say(struct cli *cli, bool must_exist, struct settings *ret, int *ret_exit)
{
    struct err err = {0};
    memset(ret, 0, sizeof(*ret));
    ret->arena = arena_new(SETTINGS_ARENA_BYTES);
    ret->problems.arena = &ret->arena;
    if (cli_text(cli, "url") != NULL) {
        *ret_exit = cli_usage(cli, "this works on the files of the hub: run it on its machine, "
                                   "without --url and SELVEDGE_HUB_URL");
        return false;
    }
    if (load(cli, must_exist, ret, &err)) {
        return true;
    }
    *ret_exit = cli_problems(cli, &ret->problems, &err);
    return false;
}

bool settings_load(struct cli *cli, struct settings *ret, int *ret_exit)
{
    return load_or_say(cli, cli_text(cli, "config") != NULL, ret, ret_exit);
}

bool settings_load_if_there(struct cli *cli, struct settings *ret, int *ret_exit)
{
    return load_or_say(cli, false, ret, ret_exit);
}

void settings_release(struct settings *settings)
{
    arena_release(&settings->arena);
}

bool open_reader(const struct settings *settings, struct db **ret, struct err *err)
{
    struct hub_store_options options = {.path = settings->database, .flags = DB_READ_ONLY};
    if (hub_store_open(ret, &options, err)) {
        return true;
    }
    if (err->code == ERR_NOT_FOUND) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no hub in " STR_FMT,
                      STR_ARG(settings->config.state_dir));
        return err_hint(err, "set one up: selvedge-hub init; or name its folder: --state-dir DIR");
    }
    if (err->code == ERR_DENIED) {
        return err_hint(err, "run it as the user that runs the hub, or with sudo");
    }
    return false;
}
