/* zones.h - time zones of this machine, each read once. */
#pragma once
#include "common/model/tz.h"

enum { ZONES_MAX = 32 };

/* *ret is in `arena`, which must outlive every other call. ERR_INVALID: no such name. */
MUST_CHECK bool zones_load(struct str name, struct arena *arena, const struct tz **ret,
                           struct err *err);
