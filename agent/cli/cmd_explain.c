/* cmd_explain.c - definitions as they are understood, without a daemon. */
#include "agent/cli/commands.h"

#include "agent/definitions/explain.h"
#include "common/base/limits.h"
#include "common/cli/show.h"
#include <stdio.h>

enum { TEXT_BYTES_MAX = 64 << 20 };

/* The agent's variables, and the folder that only it knows. */
static bool get_variable(void *ctx, struct str name, struct str *ret_value)
{
    const struct settings *settings = ctx;
    if (str_eq(name, STR("STATE_DIR"))) {
        *ret_value = str_from(settings->state_dir);
        return true;
    }
    return settings->env.get(settings->env.ctx, name, ret_value);
}

/* What the arguments ask for, as text. */
static bool explain(struct cli *cli, const struct explain *what, struct buf *out, struct err *err)
{
    const char *first = cli_arg(cli, 0);
    if (cli_arg_count(cli) == 2) {
        enum explain_kind kind;
        if (!explain_kind_from(str_from(first), &kind)) {
            (void)err_set(err, ERR_INVALID, "\"%s\" is not a kind of object", first);
            return err_hint(err, "job, schedule, sensor, resource or pool; a selection is one "
                                 "argument, in quotes");
        }
        return explain_named(what, kind, str_from(cli_arg(cli, 1)), out, err);
    }
    if (first == NULL) {
        return explain_assets(what, NULL, out, err);
    }
    AUTO(arena) arena = arena_new(LIMIT_DEFINITIONS_ARENA);
    bool *set = NULL;
    return definitions_select_some(what->defs, str_from(first), &arena, &set, err) &&
           explain_assets(what, set, out, err);
}

static int explain_loaded(struct cli *cli, struct settings *settings,
                          const struct definitions *defs)
{
    const struct env_lookup env = {.get = get_variable, .ctx = settings};
    const struct explain what = {.defs = defs,
                                 .env = &env,
                                 .folders = &settings->secret_folders,
                                 .is_json = cli_is_json(cli)};
    AUTO(buf) out = buf_growing(TEXT_BYTES_MAX);
    struct err err = {0};
    if (!explain(cli, &what, &out, &err)) {
        bool is_selection = cli_arg_count(cli) == 1;
        return cli_selection_error(cli, is_selection ? str_from(cli_arg(cli, 0)) : STR_NONE, &err);
    }
    if (what.is_json) {
        cli_json(cli, buf_str(&out));
    } else {
        (void)fwrite(out.ptr, 1, out.len, cli_out(cli));
    }
    return CLI_OK;
}

int command_explain(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_definitions(cli, explain_loaded);
}
