/* cmd_meltano.c - a Meltano project as it is understood, without running it. */
#include "agent/cli/meltano.h"

#include "agent/meltano/meltano.h"
#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <string.h>

enum { REPORT_BYTES = 1 << 20, TEXT_BYTES_MAX = 64 << 20 };

static const char file_name[] = "meltano.yml";

static bool is_file_name(const char *argument)
{
    const char *slash = strrchr(argument, '/');
    return strcmp(slash == NULL ? argument : slash + 1, file_name) == 0;
}

static bool in_folder(const char *folder, char path[LIMIT_PATH_BYTES + 1])
{
    struct err err = {0};
    return files_join(folder, str_from(file_name), path, LIMIT_PATH_BYTES + 1, &err);
}

bool is_meltano_project(const char *argument)
{
    char path[LIMIT_PATH_BYTES + 1];
    return argument != NULL &&
           (is_file_name(argument) || (in_folder(argument, path) && files_exist(path)));
}

/* One project while a command looks at it. */
struct visit {
    struct settings settings;
    struct arena arena;
    struct meltano_report report;
    struct meltano_terminal terminal;
    struct meltano_context context;
    struct meltano_project *project;
};

static bool get_variable(void *ctx, struct str name, struct str *ret_value)
{
    const struct settings *settings = ctx;
    return settings->env.get(settings->env.ctx, name, ret_value);
}

static bool open_project(struct cli *cli, const char *argument, struct visit *v, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    char root[MELTANO_ROOT_SIZE];
    struct meltano_files files = meltano_system_files();
    if (is_file_name(argument)) {
        (void)snprintf(path, sizeof(path), "%s", argument);
    } else if (!in_folder(argument, path)) {
        return err_set(err, ERR_INVALID, "%s: the path is too long", argument);
    }
    if (!meltano_root_of(path, root, err) ||
        !meltano_load(path, str_from(root), &files, &v->report, &v->project, err)) {
        return false;
    }
    const char *environment = cli_text(cli, "environment");
    v->context.project = v->project;
    return meltano_find_environment(v->project, str_from(environment == NULL ? "" : environment),
                                    &v->context.environment, err);
}

/* Settings, project and environment. False: the error was said, *ret_exit is the exit code. */
static bool begin(struct cli *cli, const char *argument, struct visit *v, int *ret_exit)
{
    struct err err = {0};
    *v = (struct visit){.arena = arena_new(REPORT_BYTES)};
    v->report.errors.arena = &v->arena;
    v->report.warnings.arena = &v->arena;
    if (!settings_load(cli, &v->settings, ret_exit)) {
        return false;
    }
    v->terminal = (struct meltano_terminal){.get = get_variable, .ctx = &v->settings};
    v->context.terminal = &v->terminal;
    if (!open_project(cli, argument, v, &err)) {
        *ret_exit = cli_problems(cli, &v->report.errors, &err);
        return false;
    }
    return true;
}

static void end(struct visit *v)
{
    meltano_close(v->project);
    arena_release(&v->arena);
    settings_release(&v->settings);
}

static void say_warnings(struct cli *cli, const struct problems *warnings)
{
    for (size_t i = 0; i < warnings->count; i++) {
        const struct problem *p = &warnings->items[i];
        if (p->at.line > 0) {
            (void)fprintf(cli_err(cli), STR_FMT ":%u:%u: ", STR_ARG(p->file), p->at.line,
                          p->at.column);
        }
        (void)fprintf(cli_err(cli), "warning: " STR_FMT "\n", STR_ARG(p->text));
        if (!str_is_empty(p->hint)) {
            (void)fprintf(cli_err(cli), "    hint: " STR_FMT "\n", STR_ARG(p->hint));
        }
    }
    if (warnings->total > warnings->count) {
        (void)fprintf(cli_err(cli), "... and %zu more\n", warnings->total - warnings->count);
    }
}

static int finish(struct cli *cli, struct visit *v, const struct buf *out, bool ok,
                  const struct err *err)
{
    if (!ok) {
        return cli_error(cli, err);
    }
    if (cli_is_json(cli)) {
        cli_json(cli, buf_str(out));
    } else {
        (void)fwrite(out->ptr, 1, out->len, cli_out(cli));
        (void)fflush(cli_out(cli));
        say_warnings(cli, &v->report.warnings);
    }
    return CLI_OK;
}

int meltano_check_command(struct cli *cli, const char *argument)
{
    struct visit v;
    struct err err = {0};
    int code = CLI_OK;
    if (begin(cli, argument, &v, &code)) {
        const struct meltano_telling telling = {.context = &v.context, .report = &v.report};
        AUTO(buf) out = buf_growing(TEXT_BYTES_MAX);
        bool ok = cli_is_json(cli) ? meltano_write_json(&telling, &out, &err)
                                   : meltano_write_summary(&telling, &out, &err);
        code = finish(cli, &v, &out, ok, &err);
    }
    end(&v);
    return code;
}

int meltano_explain_command(struct cli *cli, const char *argument, const char *name)
{
    struct visit v;
    struct err err = {0};
    int code = CLI_OK;
    if (begin(cli, argument, &v, &code)) {
        const struct meltano_telling telling = {.context = &v.context, .report = &v.report};
        AUTO(buf) out = buf_growing(TEXT_BYTES_MAX);
        bool ok =
            cli_is_json(cli)
                ? meltano_write_json(&telling, &out, &err)
                : meltano_write_explained(&telling, str_from(name == NULL ? "" : name), &out, &err);
        code = finish(cli, &v, &out, ok, &err);
    }
    end(&v);
    return code;
}
