#include "agent/cli/commands.h"

#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <string.h>

/* --- captured output
 * ------------------------------------------------------------------------------------------------------------
 */

struct output {
    struct cli *cli;
    const struct settings *settings;
    const char *run;
    struct str only; /* a step, or empty */
};

static void print_file(const struct output *output, const struct view_step *step, int64_t attempt,
                       const char *suffix)
{
    char path[2 * LIMIT_PATH_BYTES];
    struct err err = {0};
    (void)snprintf(path, sizeof(path), "%s/runs/%s/" STR_FMT "/%lld.%s",
                   output->settings->state_dir, output->run, STR_ARG(step->step),
                   (long long)attempt, suffix);
    AUTO(buf) text = buf_growing(2 * LIMIT_STEP_OUTPUT_BYTES);
    if (!files_read(path, &text, &err) || text.len == 0) {
        return;
    }
    cli_printf(output->cli, "%s--- " STR_FMT ", attempt %lld, std%s%s\n",
               cli_tone_on(output->cli, CLI_FAINT), STR_ARG(step->step), (long long)attempt, suffix,
               cli_tone_off(output->cli, CLI_FAINT));
    (void)fwrite(text.ptr, 1, text.len, cli_out(output->cli));
    if (text.ptr[text.len - 1] != '\n') {
        cli_printf(output->cli, "\n");
    }
}

static bool print_output(void *ctx, const struct view_step *step)
{
    const struct output *output = ctx;
    if (str_is_empty(output->only) || str_eq(output->only, step->step)) {
        for (int64_t attempt = 1; attempt <= step->attempt; attempt++) {
            print_file(output, step, attempt, "out");
            print_file(output, step, attempt, "err");
        }
    }
    return true;
}

struct event_filter {
    struct cli *cli;
    struct str only;
};

static bool print_event(void *ctx, struct str line)
{
    const struct event_filter *filter = ctx;
    struct event event;
    struct err err = {0};
    if (str_is_empty(filter->only) ||
        (event_parse(line, &event, &err) && str_eq(event.step, filter->only))) {
        cli_event(filter->cli, line);
    }
    return true;
}

int command_logs(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct view *view = NULL;
    struct view_run_span run;
    struct err err = {0};
    int code = CLI_OK;
    if (!settings_load(cli, &settings, &code)) {
        settings_release(&settings);
        return code;
    }
    struct str only = str_from(cli_text(cli, "step"));
    struct event_filter filter = {.cli = cli, .only = only};
    struct output output = {.cli = cli, .settings = &settings, .run = run.id, .only = only};
    if (!view_open(&view, settings.database, &err) ||
        !view_find_run(view, str_from(cli_arg(cli, 0)), &run, &err) ||
        !view_events(view, &run, print_event, &filter, &err) ||
        (!cli_is_json(cli) && !view_steps(view, str_from(run.id), print_output, &output, &err))) {
        code = cli_error(cli, &err);
    }
    view_close(view);
    settings_release(&settings);
    return code;
}
