/* schema_hash.h - one text for the columns of a table, so that a change of them shows: XXH64 over a
 * line "name TAB type LF" for each, in the order of the names' bytes, as 16 hexadecimal digits. The
 * types are those that the materialization tells. Pure. */
#pragma once
#include "agent/el/schema.h"

enum { SCHEMA_HASH_SIZE = 17 };
/* Borrowed from `text`. */
struct str schema_hash(const struct schema *schema, char text[SCHEMA_HASH_SIZE]);
/* The type as it is told: as declared, "ANY" where it is not. */
struct str schema_type_name(const struct column *column);
