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
    struct str only; /* a step, or empty */
    bool has_step;   /* `only` is a step of the run */
    struct err *err;
    bool ok;
};

static bool print_output(void *ctx, const struct view_step *step)
{
    struct selected *selected = ctx;
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
    const struct selected *selected = ctx;
    struct event event;
    struct err ignored = {0};
    if (str_is_empty(selected->only) ||
        (event_parse(line, &event, &ignored) && str_eq(event.step, selected->only))) {
        cli_event(selected->cli, line);
    }
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
    return cli_is_json(selected->cli) ||
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
                                .err = &err,
                                .ok = true};
    bool follows = cli_bool(cli, "follow");
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
