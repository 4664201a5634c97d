/* pg_discovery.h - the tables and views of a PostgreSQL schema as streams; see tap.h. */
#pragma once
#include "agent/el/tap.h"

MUST_CHECK bool postgres_discover(const struct tap_context *context,
                                  const struct found_taker *taker, struct err *err);
MUST_CHECK bool postgres_choose(void *options, const struct stream_choice *choice,
                                enum load_mode *ret_mode, struct err *err);
