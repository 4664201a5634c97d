/* run_results.h - run_results.json, versions 4 to 6, which dbt writes once, at its end: piece by
 * piece, so that memory is bounded by the largest result. Pure.
 * Source of the format: https://schemas.getdbt.com/dbt/run-results/v6.json */
#pragma once
#include "agent/dbt/dbt_outcome.h"
#include "common/base/err.h"

enum { RUN_RESULTS_ONE_BYTES_MAX = 4 << 20 };

struct run_results {
    /* One result, borrowed for the call. False (err) ends the reading. */
    bool (*take)(void *ctx, const struct dbt_outcome *outcome, struct err *err);
    void *ctx;
    /* What follows is the reader's. */
    int64_t version;  /* 0 = not seen yet */
    int64_t too_long; /* results over RUN_RESULTS_ONE_BYTES_MAX, which were passed over */
    struct buf part;  /* metadata, or one result */
    struct arena arena;
    char key[16]; /* the last string of the outermost object */
    size_t key_len;
    unsigned depth;
    unsigned part_depth; /* where the part ends; 0 = none is being read */
    bool is_in_string, is_escaped, is_in_results, is_over;
};
void run_results_init(struct run_results *r,
                      bool (*take)(void *ctx, const struct dbt_outcome *outcome, struct err *err),
                      void *ctx);
/* ERR_INVALID: it is no run_results.json, or one of another version. */
MUST_CHECK bool run_results_read(struct run_results *r, struct str piece, struct err *err);
/* ERR_CORRUPT: it is not whole. */
MUST_CHECK bool run_results_end(struct run_results *r, struct err *err);
void run_results_release(struct run_results *r); /* fits AUTO(run_results) */
