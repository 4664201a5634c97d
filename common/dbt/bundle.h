/* bundle.h - a manifest trimmed to what a device needs of it: one file for a project, packed, with both
 * variants of incremental models, the seeds' files, and a hash of its content. It has the shape of a
 * manifest, and dbt_project_open() reads it as one. The same input gives the same bytes.
 *
 *   {"selvedge_bundle":1,"metadata":{...},"nodes":{...},"sources":{...},...,"sha256":"..."}
 *
 * Against a manifest: null, empty lists and objects are left out, as are docs, maps and what no
 * command of ours reads, nor compares; `macros` has only those that take the place of dbt's own when a node runs; `raw_code_sha1` stands for `raw_code`, `macros_sha1` for the macros that a node calls, `compiled_code_incremental` is there
 * where it differs, `is_paired` where both were compiled, `uses` names what the compiled code depends on,
 * `seed_text` is a seed's file. `sha256` is of all bytes before the comma that it follows. */
#pragma once
#include "common/dbt/project.h"

enum { BUNDLE_VERSION = 1, BUNDLE_HASH_SIZE = 65 };

struct dbt_bundle_options {
    const char *manifest;
    const char *incremental; /* or NULL */
    const char *seeds;       /* the project's folder or its folder of seeds; NULL: none are added */
    const char *scratch_dir; /* as of dbt_open */
};
struct dbt_bundle_summary {
    size_t nodes, models, tests, seeds; /* `nodes` with sources, exposures, ... */
    size_t incremental;                 /* models that ask is_incremental() */
    size_t pairs;                       /* of them, with both variants */
    size_t seed_files;
    int64_t bytes_before; /* of the manifests */
    int64_t bytes_unpacked;
    int64_t bytes_after;
    char sha256[BUNDLE_HASH_SIZE];
};

/* The packed bundle behind what is in `out`. Errors as of dbt_project_open(), and ERR_NOT_FOUND when a
 * seed's file is not there. Memory: the unpacked bundle. */
MUST_CHECK bool dbt_bundle_make(const struct dbt_bundle_options *options, struct buf *out,
                                struct dbt_bundle_summary *ret, struct err *err);
