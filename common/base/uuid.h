/* uuid.h - UUID version 7 text (RFC 9562): sortable by creation time. */
#pragma once
#include "common/base/time.h"

enum { UUID_TEXT_SIZE = 37 };
/* `random` comes from the rng port. Writes 36 characters and a NUL. */
void uuid7_format(struct wall_time now, const uint8_t random[10], char ret_text[UUID_TEXT_SIZE]);
bool uuid_is_valid(struct str s);
