/* loaded.h - how fresh the sources of a project were found, in the shape that `dbt source freshness`
 * writes: sources.json. For `source_status:` of dbt's selection. Pure but for reading and writing a
 * file. Source of the format: https://schemas.getdbt.com/dbt/sources/v3.json */
#pragma once
#include "agent/dbt/built.h"
#include "common/base/strmap.h"
#include "common/base/time.h"

struct dbt_loaded_source {
    struct str unique_id;
    enum dbt_status status; /* DBT_PASS, DBT_WARN, DBT_ERROR; DBT_RUNTIME_ERROR: it has no time */
    struct wall_time at;    /* max_loaded_at; DBT_LOADED_NEVER: no row tells one */
    /* Written, and not read again. */
    struct wall_time asked_at;
    int64_t age_ns;
    int64_t warn_after_ns, error_after_ns; /* 0: none */
    struct str error;                      /* of a runtime error */
};
struct dbt_loaded {
    struct strmap by_id; /* unique id to an index of items */
    struct dbt_loaded_source *items;
    size_t count;
    struct str text; /* that it was read from; empty: from none */
};
/* What dbt writes as the year 1. */
#define DBT_LOADED_NEVER ((struct wall_time){INT64_MIN})

/* The file of a step: how fresh its sources were when what is made from them was built last. */
MUST_CHECK bool dbt_loaded_path(struct str state_dir, struct str step, char *ret, size_t size,
                                struct err *err);
/* ERR_INVALID: it is no sources.json, or one of another version; ERR_FULL: over 16 MiB. */
MUST_CHECK bool dbt_loaded_parse(struct str text, struct arena *arena, struct dbt_loaded *ret,
                                 struct err *err);
/* ERR_NOT_FOUND: there is no such file. */
MUST_CHECK bool dbt_loaded_read(const char *path, struct arena *arena, struct dbt_loaded *ret,
                                struct err *err);
/* Overflow shows in the buf. */
void dbt_loaded_write(const struct dbt_loaded *loaded, struct buf *out);
/* NULL: it is not in it. */
const struct dbt_loaded_source *dbt_loaded_find(const struct dbt_loaded *loaded,
                                                struct str unique_id);
/* As dbt has it: its newest row is newer than it was before, or nothing was known of it before. */
bool dbt_loaded_is_fresher(const struct dbt_loaded *before, const struct dbt_loaded *now,
                           struct str unique_id);
/* After a build that asked: puts what was found now over what is there, of each source that
 * everything which the step makes from it, however far, has seen (dbt_built_taken). A file that is damaged counts
 * as none; it is replaced whole. */
MUST_CHECK bool dbt_loaded_keep(const char *path, const struct dbt_built *built,
                                const struct dbt_loaded *now, struct err *err);
