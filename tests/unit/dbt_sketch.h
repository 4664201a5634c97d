/* dbt_sketch.h - a dbt project drawn in a few lines, for tests: "model.b: model.a seed.s", with flags
 * behind a semicolon: "model.e: model.a; ephemeral goes_on". Its package is "p". */
#pragma once
#include "common/base/buf.h"
#include "common/dbt/build.h"

enum { SKETCH_NODES_MAX = 64 };

/* Parents may be drawn in any order; the project lives in `arena`. */
struct dbt_project *dbt_sketch(struct arena *arena, const char *const *lines, size_t count);
/* "model.a" of it; the test ends when there is none. */
uint32_t dbt_sketch_node(const struct dbt_project *project, const char *name);
/* Fills in first_child and children from the nodes' parents. */
void dbt_sketch_link(struct dbt_project *project, struct arena *arena);
/* "model.a" of "model.p.a". */
void dbt_sketch_name(const struct dbt_project *project, uint32_t node, struct buf *out);
