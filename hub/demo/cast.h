/* cast.h - the programs of the demo (and the hub of a simulation): who is started, watched and ended.
 */
#pragma once
#include "common/base/limits.h"
#include "common/cli/cli.h"
#include "common/platform/loop.h"
#include "hub/demo/relay.h"

enum { CAST_AGENTS_MAX = 8 };

struct actor {
    char name[64];
    struct loop_child child;
    bool is_running;
    bool has_died; /* by itself */
    int wait_status;
};
struct cast {
    struct loop *loop;
    const char *name; /* of the folder and of the fleet */
    char dir[LIMIT_PATH_BYTES / 2];
    char hub_dir[LIMIT_PATH_BYTES / 2 + 8];
    char hub_db[LIMIT_PATH_BYTES / 2 + 16];
    char bin[LIMIT_PATH_BYTES / 2]; /* folder of the programs */
    int port;
    int enrol_port;
    bool has_web;        /* the hub's pages are served; to be set before it starts */
    struct relay *relay; /* for the device that will be cut off */
    struct actor hub;
    struct actor agents[CAST_AGENTS_MAX];
    size_t agent_count;
};

/* Works in `dir`, or in a new temporary folder when NULL. Nothing is started yet. `name` ("demo") is
 * a literal. */
MUST_CHECK bool cast_open(struct cast *cast, struct loop *loop, const char *name, const char *dir,
                          struct err *err);
/* Agents can be started: selvedge-agent lies beside this program. */
MUST_CHECK bool cast_has_agent(const struct cast *cast, struct err *err);
/* Ends what runs (agents first), and removes the folder unless it is to be kept. */
void cast_close(struct cast *cast, bool keep);

MUST_CHECK bool cast_start_hub(struct cast *cast, struct err *err); /* init, then serve */
bool cast_hub_is_ready(struct cast *cast);
/* The link that sets the first password of the hub's pages; false while there is none. */
bool cast_web_link(struct cast *cast, struct buf *ret);
/* A token, `selvedge-agent enroll`, and the device's settings; over the relay when `is_cut_later`.
 */
MUST_CHECK bool cast_enrol(struct cast *cast, const char *device, const char *dir,
                           bool is_cut_later, struct err *err);
MUST_CHECK bool cast_start_agent(struct cast *cast, const char *device, const char *dir,
                                 struct err *err);
void cast_cut_network(struct cast *cast, bool is_cut);
/* False (with the end of its log as hint) when a program has died. */
MUST_CHECK bool cast_is_well(struct cast *cast, struct err *err);
/* Runs `selvedge-hub report` and shows what it prints. */
MUST_CHECK bool cast_show_report(struct cast *cast, struct cli *cli, struct err *err);
