/* labels.h - labels as people type them: "site=berlin" sets one, "line-" takes it off. */
#pragma once
#include "hub/fleet/targets.h"
#include "hub/registry/registry.h"

/* Borrows from `text`. ERR_INVALID with an example. */
MUST_CHECK bool label_parse(struct str text, bool may_clear, struct label_change *ret,
                            struct err *err);
