/* progress.h - how far the running steps of a run are: on a terminal a line for each, drawn over and
 * over in its place; else plain lines now and then. Nothing with --json. */
#pragma once
#include "agent/cli/commands.h"
#include "common/base/time.h"
#include "common/json/json.h"

struct progress {
    struct cli *cli;
    bool is_live;    /* the output is a terminal */
    size_t lines;    /* drawn, to be drawn over */
    int64_t plain_s; /* what elapsed_s must be for the next plain line */
};
struct progress progress_new(struct cli *cli);
/* `answer`: {"steps": [...]} as agent_write_progress() has it. */
void progress_show(struct progress *p, const struct json *answer);
/* Before anything else is printed. */
void progress_clear(struct progress *p);
/* Asks the daemon, and shows it; nothing when there is none. */
void progress_ask(struct progress *p, const struct settings *settings, struct str run);
