#include "agent/cli/commands.h"

#include "agent/desired/desired_lay.h"
#include "agent/store/desired.h"
#include "agent/store/view.h"
#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_ARENA_BYTES = 4 << 20 };
static const char default_config[] = "/etc/selvedge/agent.yaml";

static void override(struct cli *cli, const char *option, struct str *setting)
{
    const char *text = cli_text(cli, option);
    if (text != NULL) {
        *setting = str_from(text);
    }
}

static bool get_variable(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    char text[256];
    if (name.len >= sizeof(text)) {
        return false;
    }
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(name));
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv */
    const char *value = getenv(text);
    if (value == NULL) {
        return false;
    }
    *ret_value = str_from(value);
    return true;
}

static void set_environment(struct settings *settings)
{
    settings->secret_folders =
        (struct secret_folders){/* NOLINTNEXTLINE(concurrency-mt-unsafe): as above */
                                .credentials = getenv("CREDENTIALS_DIRECTORY"),
                                .secrets = settings->secrets_dir};
    settings->secrets = secret_lookup_files(&settings->secret_folders);
    settings->env = (struct env_lookup){.get = get_variable, .secrets = &settings->secrets};
}

bool settings_load(struct cli *cli, struct settings *ret, int *ret_exit)
{
    memset(ret, 0, sizeof(*ret));
    ret->arena = arena_new(SETTINGS_ARENA_BYTES);
    ret->problems.arena = &ret->arena;
    struct err err = {0};
    const char *config = cli_text(cli, "config");
    if (!agent_config_load(config != NULL ? config : default_config, config != NULL, &ret->arena,
                           &ret->problems, &ret->config, &err)) {
        *ret_exit = cli_problems(cli, &ret->problems, &err);
        return false;
    }
    override(cli, "state-dir", &ret->config.state_dir);
    override(cli, "definitions", &ret->config.definitions);
    const char *level = cli_text(cli, "log-level");
    enum log_level chosen = (enum log_level)ret->config.log_level;
    if (level != NULL && !log_level_from(str_from(level), &chosen)) {
        *ret_exit = cli_usage(cli, "unknown log level %s", level);
        return false;
    }
    log_set_level(chosen);
    if (ret->config.state_dir.len > LIMIT_PATH_BYTES / 2 ||
        ret->config.definitions.len > LIMIT_PATH_BYTES ||
        ret->config.secrets_dir.len > LIMIT_PATH_BYTES / 2) {
        *ret_exit = cli_usage(cli, "a path is longer than %d bytes", LIMIT_PATH_BYTES / 2);
        return false;
    }
    (void)snprintf(ret->state_dir, sizeof(ret->state_dir), STR_FMT, STR_ARG(ret->config.state_dir));
    (void)snprintf(ret->definitions, sizeof(ret->definitions), STR_FMT,
                   STR_ARG(ret->config.definitions));
    (void)snprintf(ret->database, sizeof(ret->database), STR_FMT "/agent.db",
                   STR_ARG(ret->config.state_dir));
    (void)snprintf(ret->secrets_dir, sizeof(ret->secrets_dir), STR_FMT,
                   STR_ARG(ret->config.secrets_dir));
    set_environment(ret);
    return true;
}

void settings_release(struct settings *settings)
{
    arena_release(&settings->arena);
}

int with_settings(struct cli *cli, int (*work)(struct cli *cli, struct settings *settings))
{
    struct settings settings;
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        code = work(cli, &settings);
    }
    settings_release(&settings);
    return code;
}

/* What the hub wants on top, as the daemon has it. Without a database that can be read there is
 * nothing: whoever needs it says why. */
static struct definitions *lay_desired(const struct settings *settings, struct definitions *base)
{
    AUTO(arena) arena = arena_new(4 * DESIRED_BYTES_MAX);
    struct definitions_files files = definitions_system_files();
    struct view *view = NULL;
    struct desired_kept kept;
    struct desired_laid laid;
    struct err err = {0};
    bool found = false;
    bool ok = view_open(&view, settings->database, &err) &&
              store_desired(view_store(view), DESIRED_IN_FORCE, &arena, &kept, &found, &err) &&
              found && desired_lay(kept.body, base, OVERLAY_FITTING, &files, &laid, &err);
    view_close(view);
    if (!ok) {
        return base;
    }
    definitions_close(base);
    return laid.defs;
}

int with_definitions(struct cli *cli, int (*work)(struct cli *cli, struct settings *settings,
                                                  const struct definitions *defs))
{
    struct settings settings;
    struct definitions *defs = NULL;
    struct definitions_files files = definitions_system_files();
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        if (definitions_load(settings.definitions, &files, &settings.problems, &defs, &err)) {
            defs = lay_desired(&settings, defs);
            code = work(cli, &settings, defs);
        } else {
            code = cli_problems(cli, &settings.problems, &err);
        }
        definitions_close(defs);
    }
    settings_release(&settings);
    return code;
}
