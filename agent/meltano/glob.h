/* glob.h - the wildcards of Meltano, which are those of Python's fnmatch: `*`, `?`, `[a-z]` and
 * `[!a-z]`, with no escape. Internal to agent/meltano. */
#pragma once
#include "common/base/str.h"

/* Over the whole text, character by character of UTF-8; `*` takes dots and slashes too. Time:
 * text times pattern. */
bool glob_matches(struct str text, struct str pattern);
/* Whether there is a wildcard in it. */
bool glob_is_pattern(struct str text);
