/* step_spec.h - what the child of a step is given: program, arguments, environment, input. Pure but
 * for the paths that it resolves. Native work (extract/load, SQL) is a JSON object on the stdin of
 * `selvedge-el step`; docs/reference/worker.md. */
#pragma once
#include "agent/definitions/definitions.h"
#include "agent/run/step_partition.h"
#include "common/platform/confine.h"

struct step_context {
    const struct definitions *defs;
    const char *worker;    /* path of selvedge-el */
    const char *state_dir; /* ${STATE_DIR} */
    struct str run;
    struct str store_id; /* of the token by which orphans are found; empty = no token */
    int64_t attempt;
    bool is_retry;                     /* of the step, or by a run that tries another again */
    const struct asset *const *assets; /* of a step that makes several: those that it makes now */
    size_t asset_count;                /* 0: the one that is given */
    const struct str_map *tags;        /* of the run: tags.h; NULL = none */
    const struct step_partition *partition; /* NULL: the asset has none */
    const struct env_lookup *env;           /* of the agent itself; STATE_DIR is added here */
    const char *const
        *variables; /* "NAME=value" that win over all others, NULL at the end; or NULL */
};
struct step_spec {
    const char *const *argv; /* NULL-terminated, as is envp */
    const char *const *envp;
    const char *cwd;
    struct str input;       /* may be empty */
    struct confine confine; /* user and limits */
    struct str token;       /* value of ORPHANS_VARIABLE; may be empty */
};
/* Everything lives in `arena`. Errors name the variable or path that could not be resolved. */
MUST_CHECK bool step_spec_make(const struct step_context *context, const struct asset *asset,
                               struct arena *arena, struct step_spec *ret, struct err *err);
/* The same of a check of the asset: its command, or the worker for a query after a command. */
MUST_CHECK bool step_spec_make_check(const struct step_context *context, const struct asset *asset,
                                     const struct check *check, struct arena *arena,
                                     struct step_spec *ret, struct err *err);
