/* postgres_refused.h - rows of a postgres_sink that cannot be sent, or that the server refuses: into
 * the rejects, when these are on. */
#pragma once
#include "agent/el/postgres_sink.h"

/* `err` says why the row cannot be a line; false: it still does. */
MUST_CHECK bool postgres_refused_row(struct postgres_sink *t, const struct value *row,
                                     struct err *err);
/* For postgres_batch: the line is the `index`th of t->lines. */
MUST_CHECK bool postgres_refused_line(void *ctx, struct str line, size_t index, struct err *why,
                                      struct err *err);
