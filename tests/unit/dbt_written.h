/* dbt_written.h - a manifest of one node or a few, written for a test and opened. In its texts ` stands
 * for ". */
#pragma once
#include "common/dbt/project.h"
#include "tests/support/temp_dir.h"

struct written {
    struct temp_dir dir;
    struct dbt_project *project;
};

/* `nodes`: members of "nodes", "`model.p.a`: {...}, ..."; `rest`: further members of the manifest, or
 * NULL. `incremental`: the nodes of a second compilation, or NULL. The test ends when it is refused. */
struct written written_new(const char *adapter, const char *nodes, const char *rest,
                           const char *incremental);
void written_release(struct written *w);
