/* number.h - is this text a number, and would it survive being stored as one? Pure. */
#pragma once
#include "agent/el/schema.h"

/* INTEGER: fits int64 and reads back as the same text (no leading zeros, no plus). REAL: a decimal
 * number of at most 17 significant digits without leading zeros. TEXT: everything else: "007",
 * "1e999", "0x10", "12345678901234567890". */
enum column_kind number_kind(struct str text);
/* The number as a value, by number_kind(); false when it is none. */
MUST_CHECK bool number_parse(struct str text, struct value *ret);
