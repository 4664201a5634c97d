/* postgres_shape.h - a table of PostgreSQL that is to take rows: made, or given what it lacks. */
#pragma once
#include "agent/el/postgres_sink.h"

/* Makes the table (mode overwrite: what will take its place), or gives it what it needs to take the rows; columns that
 * stay as they are hold the rows to what they take (`held`). Within the link's transaction. */
MUST_CHECK bool postgres_shape(struct postgres_sink *t, const struct schema *schema,
                               struct err *err);
/* Fills names, types, kinds and forms: how the table calls the rows' columns, which it may have in other
 * letters of the same name. ERR_INTERNAL: a column was not made. */
MUST_CHECK bool postgres_map_columns(struct postgres_sink *t, const struct schema *schema,
                                     struct err *err);
