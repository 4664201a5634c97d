/* bundle_node.h - what a bundle keeps of a node, and its hash. Internal to common/dbt. */
#pragma once
#include "common/dbt/dbt_files.h"
#include "common/json/json_writer.h"

/* What a bundle has beside a node of the manifest; texts that are not given are none. */
struct bundle_more {
    struct str incremental; /* compiled_code of the second compilation; ptr NULL: none */
    struct str seed_text;   /* the seed's file; ptr NULL: none */
    struct str macros;      /* of macro_digest_of() */
};
/* Of a tree from dbt_project_read(), which is changed. New members live in `arena`; so do the texts given,
 * or longer. */
MUST_CHECK bool bundle_trim(const struct dbt_node *node, struct json *tree,
                            const struct bundle_more *more, struct arena *arena, struct err *err);
/* The same, and without what `state:` does not compare. Also of a bundle's node. */
MUST_CHECK bool bundle_trim_compared(const struct dbt_node *node, struct json *tree,
                                     struct str macros, struct arena *arena, struct err *err);

/* In which object of a manifest nodes of a type stand; all of these, NULL at the end. */
const char *bundle_section_of(enum dbt_type type);
extern const char *const bundle_sections[];
/* The member `metadata`, which is left open for more. */
void bundle_write_metadata(const struct dbt_project *project, struct json_writer *w);

/* ERR_CORRUPT when the file does not end with the hash of what it has. */
MUST_CHECK bool bundle_check_hash(const struct dbt_file *file, struct err *err);
