#include "hub/cli/deploy_view.h"

#include "common/platform/clock.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { LOOK_MS = 300 };

/* --- waiting ---------------------------------------------------------------------------------- */

struct waiting {
    struct cli *cli;
    char said[256];
};

static void say(struct waiting *wait, const struct deploy_view *view)
{
    char line[256];
    struct clock clock = clock_system();
    struct wave_tally t =
        waves_count(&view->plan, view->waves, view->wave_count, 0, clock_wall(&clock));
    (void)snprintf(line, sizeof(line),
                   STR_FMT ": wave %lld; %lld of %lld healthy, %lld under way, %lld failed, %lld "
                           "rolled back, %lld away",
                   STR_ARG(view->deployment.status), (long long)view->deployment.wave,
                   (long long)t.healthy, (long long)t.devices, (long long)t.under_way,
                   (long long)t.failed, (long long)t.rolled_back, (long long)t.away);
    if (strcmp(line, wait->said) != 0) {
        (void)snprintf(wait->said, sizeof(wait->said), "%s", line);
        (void)fprintf(cli_err(wait->cli), "%s\n", line);
    }
}

static int end(struct cli *cli, const struct deploy_view *view)
{
    struct err err = {0};
    if (str_eq(view->deployment.status, STR("done"))) {
        return CLI_OK;
    }
    (void)err_set(&err, ERR_CANCELLED, "deployment " STR_FMT " was aborted: " STR_FMT,
                  STR_ARG(view->deployment.id), STR_ARG(view->deployment.reason));
    (void)err_hint(&err, "what each device says: selvedge-hub deployments " STR_FMT,
                   STR_ARG(view->deployment.id));
    return cli_error(cli, &err);
}

int deploy_view_wait(struct cli *cli, struct deployments *open, struct str id)
{
    struct waiting wait = {.cli = cli};
    for (;;) {
        struct deploy_view view;
        struct err err = {0};
        int code = -1;
        if (!deploy_view_load(&view, open, id, &err)) {
            code = cli_error(cli, &err);
        } else {
            say(&wait, &view);
            code = view.deployment.ended.ns != 0 ? end(cli, &view) : -1;
        }
        deploy_view_release(&view);
        if (code >= 0) {
            return code;
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}
