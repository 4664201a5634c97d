/* ask.h - asking a running daemon for a run, and watching it until it has ended. */
#pragma once
#include "agent/cli/commands.h"
#include "agent/cli/progress.h"
#include "agent/daemon/control.h"

/* Shows the events that are new since the last look. */
struct watcher {
    struct cli *cli;
    int64_t shown; /* seq of the last event shown */
    struct progress progress;
};
struct watcher watcher_new(struct cli *cli);
/* One look at the run. *ret is what it is now. One that fails may be followed by another. */
bool ask_look(struct watcher *watcher, const char *database, struct str run,
              struct view_run_span *ret, struct err *err);
/* Until the run has ended; returns the exit code that says how. */
int ask_follow(struct watcher *watcher, const struct settings *settings, struct str run);

/* Sends a request whose answer names a run, and follows that run, or with `no_wait` says its id.
 * When it was not granted err says why, and nothing was printed; *ret_asked is false when no daemon
 * is there. */
int ask_for_run(struct cli *cli, const struct settings *settings, struct str request, bool no_wait,
                struct err *err, bool *ret_asked);
