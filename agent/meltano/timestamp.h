/* timestamp.h - dates of YAML that stand without quotes, as Python's isoformat() writes them: that
 * is what a plugin of Meltano is given. Internal to agent/meltano. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"

/* "2020-08-05 1:02:03.5Z" -> "2020-08-05T01:02:03.500000+00:00". False: it is no timestamp. A date
 * without a time stays what it is. */
bool timestamp_iso(struct arena *a, struct str text, struct str *ret);
