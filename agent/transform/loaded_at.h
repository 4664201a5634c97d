/* loaded_at.h - the time that a value of a `loaded_at_field` means: SQLite has no type for times, so
 * they come as text or numbers. Pure. */
#pragma once
#include "common/base/str.h"
#include "common/base/time.h"

/* Text: ISO 8601 with T or a space, fraction and zone optional ("2026-01-31 10:00", "20260131T100000Z",
 * "2026-01-31T10:00:00.5+0200", "... UTC"), or a date alone; no zone is UTC. Numbers: seconds,
 * milliseconds, microseconds or nanoseconds since 1970, told apart by their size, from 1973 on; eight
 * digits are a date. *ret_has_offset: a zone other than UTC was given, so that text does not sort by
 * time. False: none of these, or not a time that struct wall_time holds. */
MUST_CHECK bool loaded_at_read(struct str value, struct wall_time *ret, bool *ret_has_offset);
