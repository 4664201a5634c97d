/* dbt_database.h - the database that a step's nodes run in, as its options give it. */
#pragma once
#include "agent/el/request.h"
#include "agent/transform/database.h"
#include "common/dbt/spec.h"

/* A text member of it; empty: not there. */
struct str dbt_database_text(const struct dbt_options *options, const char *key);
/* ERR_INVALID: there is none, or it is of a type that runs no nodes here. */
MUST_CHECK bool dbt_database_open(const struct dbt_options *options, struct arena *arena,
                                  struct database **ret, struct err *err);
/* What may run here is decided for this database. */
MUST_CHECK bool dbt_database_host(const struct dbt_options *options, struct database *db,
                                  struct arena *arena, struct dbt_host *ret, struct err *err);
