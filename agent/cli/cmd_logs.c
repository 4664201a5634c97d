#include "agent/cli/commands.h"

#include "agent/cli/follow.h"
#include "agent/cli/output.h"
#include "common/base/uuid.h"
#include "common/cli/show.h"
#include <poll.h>

enum { FIND_AGAIN_MS = 50, FIND_TRIES = 40 };

/* What is shown of a run: of one step, or of all. */
struct selected {
    struct cli *cli;
    const struct settings *settings;
    const char *run;
    struct str only;  /* a step, or empty */
    struct str asset; /* an asset, or empty */
    bool has_step;    /* `only` is a step of the run */
    bool has_asset;   /* something was said of `asset` */
    struct err *err;
    bool ok;
};

static bool print_output(void *ctx, const struct view_step *step)
{
    struct selected *selected = ctx;
    if (!str_is_empty(selected->asset) && !str_eq(selected->asset, step->step)) {
        selected->ok = output_print_node(selected->cli, selected->settings, selected->run, step,
                                         selected->asset, selected->err);
        return selected->ok;
    }
    if (str_is_empty(selected->only) || str_eq(selected->only, step->step)) {
        selected->ok = output_print_step(selected->cli, selected->settings, selected->run,
                                         step->step, selected->err);
    }
    return selected->ok;
}

static bool look_for_step(void *ctx, const struct view_step *step)
{
    struct selected *selected = ctx;
    selected->has_step = selected->has_step || str_eq(selected->only, step->step);
    return true;
}

static bool no_such_step(const struct selected *selected, struct err *err)
{
    (void)err_set(err, ERR_NOT_FOUND, "run %s has no step " STR_FMT, selected->run,
                  STR_ARG(selected->only));
    return err_hint(err, "list them: selvedge-agent run %s", selected->run);
}

static bool print_event(void *ctx, struct str line)
{
    struct selected *selected = ctx;
    struct event event;
    struct err ignored = {0};
    bool is_all = str_is_empty(selected->only) && str_is_empty(selected->asset);
    bool is_one = !is_all && event_parse(line, &event, &ignored) &&
                  (str_is_empty(selected->only) || str_eq(event.step, selected->only)) &&
                  (str_is_empty(selected->asset) || str_eq(event.asset, selected->asset));
    if (is_all || is_one) {
        cli_event(selected->cli, line);
    }
    selected->has_asset = selected->has_asset || is_one;
    return true;
}

static bool show_whole(struct view *view, const struct view_run_span *run,
                       struct selected *selected, struct err *err)
{
    if (!str_is_empty(selected->only) &&
        (!view_steps(view, str_from(run->id), look_for_step, selected, err) ||
         !selected->has_step)) {
        return err->code != ERR_NONE ? false : no_such_step(selected, err);
    }
    if (!view_events(view, run, print_event, selected, err)) {
        return false;
    }
    if (!str_is_empty(selected->asset) && !selected->has_asset) {
        return err_set(err, ERR_NOT_FOUND, "run %s says nothing of asset " STR_FMT, selected->run,
                       STR_ARG(selected->asset));
    }
    bool is_node = !str_is_empty(selected->asset);
    return (cli_is_json(selected->cli) && !is_node) ||
           (view_steps(view, str_from(run->id), print_output, selected, err) && selected->ok);
}

/* Who queued a run may ask for it before it is written: one that is to be followed is waited for a
 * moment. */
static bool find_run(const struct cli *cli, struct view *view, struct view_run_span *run,
                     struct err *err)
{
    struct str wanted = str_from(cli_arg(cli, 0));
    bool may_come = cli_bool(cli, "follow") && wanted.len == UUID_TEXT_SIZE - 1;
    for (int tries = 0;; tries++) {
        if (view_find_run(view, wanted, run, err)) {
            return true;
        }
        if (err->code != ERR_NOT_FOUND || !may_come || tries == FIND_TRIES) {
            return false;
        }
        *err = (struct err){0};
        (void)poll(NULL, 0, FIND_AGAIN_MS);
    }
}

static int show_logs(struct cli *cli, struct settings *settings)
{
    struct view *view = NULL;
    struct view_run_span run;
    struct err err = {0};
    int code = CLI_OK;
    struct selected selected = {.cli = cli,
                                .settings = settings,
                                .run = run.id,
                                .only = str_from(cli_text(cli, "step")),
                                .asset = str_from(cli_text(cli, "asset")),
                                .err = &err,
                                .ok = true};
    bool follows = cli_bool(cli, "follow");
    if (follows && !str_is_empty(selected.asset)) {
        return cli_usage(cli, "--asset goes without --follow: a node's lines are read at the end");
    }
    if (!view_open(&view, settings->database, &err) || !find_run(cli, view, &run, &err) ||
        (!follows && !show_whole(view, &run, &selected, &err))) {
        code = cli_error(cli, &err);
    } else if (follows) {
        struct follow_options options = {.settings = settings,
                                         .run = run.id,
                                         .only = selected.only,
                                         .with_output = cli_bool(cli, "output")};
        code = follow_run(cli, &options);
    }
    view_close(view);
    return code;
}

int command_logs(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, show_logs);
}
