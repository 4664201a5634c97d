/* spec_parts.h - parts of a node's settings. Internal to common/dbt. */
#pragma once
#include "common/dbt/spec.h"
#include "common/dbt/spec_json.h"

struct spec_reader {
    const struct dbt_project *project;
    const struct json *node, *config; /* config may be NULL */
    struct arena *arena;
    struct dbt_spec *spec;
};

MUST_CHECK bool spec_read_hooks(struct spec_reader *r, struct err *err);
MUST_CHECK bool spec_read_columns(struct spec_reader *r, struct err *err);
/* Behind the columns. */
MUST_CHECK bool spec_read_contract(struct spec_reader *r, struct err *err);
MUST_CHECK bool spec_read_indexes(struct spec_reader *r, struct err *err);
MUST_CHECK bool spec_read_grants(struct spec_reader *r, struct err *err);
MUST_CHECK bool spec_read_snapshot(struct spec_reader *r, struct err *err);
MUST_CHECK bool spec_read_seed(struct spec_reader *r, struct err *err);
MUST_CHECK bool spec_read_test(struct spec_reader *r, struct err *err);
MUST_CHECK bool spec_read_source(struct spec_reader *r, struct err *err);

/* dbt_spec_read() of a node that was read. */
MUST_CHECK bool spec_from_json(const struct dbt_project *project, uint32_t node,
                               const struct json *json, struct arena *arena, struct dbt_spec *ret,
                               struct err *err);
