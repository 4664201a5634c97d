/* select_match.h - wildcards as Python's fnmatch has them: `*`, `?`, `[a-z]`, `[!a-z]`, over whole
 * texts, by characters of UTF-8, upper and lower case different. Source:
 * https://docs.python.org/3/library/fnmatch.html and its translate(). Inside common/dbt only. */
#pragma once
#include "common/base/str.h"

/* Time is at most text times pattern; no memory, no recursion. */
bool select_matches(struct str text, struct str pattern);
