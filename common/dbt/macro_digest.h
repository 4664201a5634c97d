/* macro_digest.h - what the macros come to that a node calls, and those that they call: one digest of
 * all their texts, where the texts themselves are not kept (a bundle, what a device built last). Internal
 * to common/dbt. */
#pragma once
#include "common/dbt/project.h"

struct macro_digests;
enum { MACRO_DIGEST_SIZE = 41 };

/* Reads the macros of a manifest. In `arena`: a few words for each and for each call. Errors as of
 * dbt_project_open(). */
MUST_CHECK bool macro_digests_make(const struct dbt_project *project, struct arena *arena,
                                   struct macro_digests **ret, struct err *err);
/* SHA-1 in hex over names and texts, of a node's whole object; empty when it calls none. */
void macro_digest_of(struct macro_digests *d, const struct json *node, char ret[MACRO_DIGEST_SIZE]);
