/* sqlite_discovery.h - the tap sqlite as a Singer program: each table and view is a stream. */
#pragma once
#include "agent/el/tap.h"

/* As tap_ops says. With the option "table" that one is the only stream. */
MUST_CHECK bool sqlite_discover(const struct tap_context *context, const struct found_taker *taker,
                                struct err *err);
MUST_CHECK bool sqlite_choose(void *options, const struct stream_choice *choice,
                              enum load_mode *ret_mode, struct err *err);
