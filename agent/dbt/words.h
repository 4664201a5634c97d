/* words.h - what is said of a node beside its key and lineage. Internal to agent/dbt. */
#pragma once
#include "agent/dbt/as_definitions.h"
#include "common/json/json_writer.h"

/* Members of an asset of the definitions: group, kinds, tags, owners, description, code version,
 * metadata, freshness, automation. `node` is the object of dbt_project_read(). */
void dbt_write_words(const struct dbt_import *import, uint32_t index, const struct json *node,
                     struct json_writer *w);
