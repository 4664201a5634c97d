/* step_spec_internal.h - making a spec: what is filled in, and the parts. Internal to agent/run. */
#pragma once
#include "agent/run/step_spec.h"

struct json_writer;
struct resolver {
    struct step_context context;
    struct step_variable partition[STEP_PARTITION_VARIABLES];
    size_t partition_count;
    struct env_lookup env;
    struct arena *arena;
    struct err *err;
    struct str check; /* that is asked; empty: the step itself */
    bool ok;          /* sticky, so that a builder checks once */
};

/* The text with its variables filled in; NULL with r->ok false. */
const char *step_resolved_text(struct resolver *r, struct str text);
/* The same of a path, as a member. */
void step_add_path(struct resolver *r, struct json_writer *w, const char *member, struct str text);
/* The name of a file or what somebody published must not become a part of somebody's code: `word` is
 * word `i` of the command in `key`, behind `before`. */
bool step_is_safe_word(struct resolver *r, const char *key, size_t i, struct str before,
                       struct str word);

/* The worker and its input. `check` NULL: the step itself. */
bool step_make_native(struct resolver *r, const struct asset *asset, const struct check *check,
                      struct step_spec *spec);
