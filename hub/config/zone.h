/* zone.h - a time zone of this machine. */
#pragma once
#include "common/model/tz.h"

/* ERR_NOT_FOUND: the machine does not know it. */
MUST_CHECK bool zone_load(struct str name, struct arena *arena, const struct tz **ret,
                          struct err *err);
