/* side_quarantine.h - the quarantine of a target that has no place of its own for it: a reject_file
 * beside the file that keeps its state; and the sinks of such targets, which know no table. */
#pragma once
#include "agent/el/reject_file.h"
#include "agent/el/state_file.h"
#include "agent/el/target.h"

struct side_quarantine {
    struct reject_file file;
    struct rejects *rejects; /* NULL: no bad records are taken */
};
void side_quarantine_init(struct side_quarantine *q);
/* "<state>.rejected", and the target says so. `state` without a path (a Singer program keeps none):
 * ERR_INVALID when the load takes bad records, since they had no place. */
MUST_CHECK bool side_quarantine_open(struct side_quarantine *q, const struct state_file *state,
                                     const struct target_context *context, struct target *target,
                                     struct err *err);
/* What waits is durable then: nothing can be taken back from such a target either. */
MUST_CHECK bool side_quarantine_take(struct side_quarantine *q, struct err *err);
void side_quarantine_close(struct side_quarantine *q);

/* A sink without a table: rows are not counted in it. */
MUST_CHECK bool side_sink_init(struct sink *sink, struct str name, struct arena *arena,
                               struct err *err);
/* Its columns are those of the schema now. */
MUST_CHECK bool side_sink_columns(struct sink *sink, const struct schema *schema,
                                  struct arena *arena, struct err *err);
