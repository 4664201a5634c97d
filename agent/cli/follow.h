/* follow.h - asking a running daemon, and watching a run until it has ended. */
#pragma once
#include "agent/cli/commands.h"
#include "agent/daemon/control.h"

/* Shows the events that are new since the last look. */
struct follower {
    struct cli *cli;
    int64_t shown; /* seq of the last event shown */
};
/* One look at the run. *ret is what it is now. One that fails may be followed by another. */
bool follow_look(struct follower *follower, const char *database, struct str run,
                 struct view_run_span *ret, struct err *err);
/* Until the run has ended; returns the exit code that says how. */
int follow_run(struct follower *follower, const struct settings *settings, struct str run);

/* Sends a request whose answer names a run, and follows that run, or with `no_wait` says its id.
 * When it was not granted err says why, and nothing was printed; *ret_asked is false when no daemon
 * is there. */
int follow_request(struct cli *cli, const struct settings *settings, struct str request,
                   bool no_wait, struct err *err, bool *ret_asked);
