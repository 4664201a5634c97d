/* pg_ask.h - one value of a query, in a transaction that cannot change anything. */
#pragma once
#include "agent/el/schema.h"

/* target_ops.ask: names without a schema are those of the load first, where `options` tell one. */
MUST_CHECK bool postgres_ask(const void *options, struct str sql, struct arena *arena,
                             struct value *ret, struct err *err);
