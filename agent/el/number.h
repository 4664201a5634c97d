/* number.h - is this text a number, and would it survive being stored as one? Pure. */
#pragma once
#include "agent/el/schema.h"

/* What to store text as when nobody said. INTEGER: fits int64 and reads back as the same text (no
 * leading zeros, no plus). REAL: a decimal number with a point, of at most 17 significant digits.
 * TEXT: everything else, such as "007", "1e5", "12345678901234567890", "0.1234567890123456789". */
enum column_kind number_kind(struct str text);
/* The text as a number, for a column that is known to hold numbers: any finite decimal number
 * without leading zeros; beyond int64 and beyond 17 digits it is rounded. */
MUST_CHECK bool number_parse(struct str text, struct value *ret);
/* Whether `real`, which was read from the finite decimal number `text`, still says it: written with
 * as many digits it is the same. */
bool number_is_exact(struct str text, double real);
