/* dbt_drive.h - one `dbt build` of an installed dbt, for the nodes that are wanted: started, listened
 * to while it runs, ended when asked to. What it does is told to a listener, as the native build
 * tells it.
 *
 * dbt leads a process group of its own. A stop (SIGTERM to us, see agent/el/cancel.h, or the
 * time-out) is one SIGINT to that group, at which dbt cancels its statements and still writes
 * run_results.json; after DBT_DRIVE_GRACE_MS comes SIGKILL. Whatever is left in the group when dbt has
 * ended is killed. Blocks until then; one at a time in a process. */
#pragma once
#include "agent/transform/drive_nodes.h"
#include "common/dbt/select.h"

enum {
    DBT_DRIVE_GRACE_MS = 8000, /* below the agent's ten seconds between SIGTERM and SIGKILL */
    /* Of the command with its environment. The kernel takes a quarter of the stack's limit, 2 MiB
     * where nobody changed it. */
    DBT_DRIVE_COMMAND_BYTES_MAX = 1536 << 10,
};

struct dbt_drive {
    struct str dbt;          /* the program; empty: venv or .venv of the project, else of PATH */
    struct str project_dir;  /* where dbt_project.yml is */
    struct str profiles_dir; /* relative to the project; empty: dbt's own rule */
    struct str target;       /* of profiles.yml; empty: its default */
    struct str
        state_dir;   /* keeps the parse cache; a folder for this run is made in it, and removed */
    struct str vars; /* YAML or JSON of --vars; may be empty */
    struct str_list select; /* criteria, as of dbt_drive_criterion(); none: the whole project */
    enum dbt_indirect indirect;
    bool full_refresh, fail_fast;
    int64_t threads;    /* 0: as the profile says */
    int64_t timeout_ns; /* 0 = none */
};

/* True: dbt ran through, and each node that it ran was told with its own end, bad ones too.
 * False: dbt is not there (ERR_NOT_FOUND), could not run (its own words in err: a project that does
 * not parse, no profile), was ended before its time (ERR_CANCELLED, ERR_TIMEOUT, ERR_IO for a crash);
 * nodes that were started were told to end all the same. ERR_FULL: more nodes than a command line
 * takes. *ret_counts is filled in either case. */
MUST_CHECK bool dbt_drive(const struct dbt_drive *drive, const struct node_listener *listener,
                          struct drive_counts *ret_counts, struct err *err);

/* What selects just this node: dbt has no method for unique ids. In `arena`; STR_NONE: it is full. */
struct str dbt_drive_criterion(const struct dbt_node *node, struct arena *arena);
