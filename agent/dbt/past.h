/* past.h - what was before a selection over a project: for `state:`, `result:` and `source_status:`. Either what was given, as to dbt's `--state`, or what this device kept of its own builds. Read when a
 * selection asks for it, not before. */
#pragma once
#include "agent/dbt/loaded.h"
#include "agent/dbt/results.h"
#include "common/dbt/select.h"

struct dbt_past_of {
    /* A folder that has manifest.json (and run_results.json, sources.json), or a manifest, or a bundle;
     * empty: what the device kept. */
    struct str given;
    struct str state_dir; /* where it keeps that, of the step */
    struct str step;
    const struct dbt_project *project; /* of now */
    /* How fresh the sources are now: asked once, when a selection wants it. Everything in the past's
     * arena. NULL: they cannot be asked, and source_status: is refused. */
    bool (*ask)(void *ctx, struct arena *arena, struct dbt_loaded *ret, struct err *err);
    void *ask_ctx;
};
struct dbt_past {
    struct dbt_past_of of;
    struct arena *arena;
    struct dbt_project *old; /* NULL until asked for */
    struct dbt_results results;
    bool has_results;
    struct dbt_loaded now, then; /* how fresh sources are, and were */
    bool has_now, has_then;
    bool was_asked; /* a selection depends on it: later it may choose otherwise */
};
/* `of` is copied, what it names is borrowed, as is the arena. */
struct dbt_past dbt_past(const struct dbt_past_of *of, struct arena *arena);
void dbt_past_release(struct dbt_past *past); /* fits AUTO(dbt_past) */
/* For a selection; borrows `past`. Errors: ERR_NOT_FOUND: nothing was kept, or given is not there;
 * ERR_INVALID: of another project; and those of dbt_project_open(), run_results_read() and
 * dbt_loaded_read(). */
struct dbt_before dbt_past_before(struct dbt_past *past);
