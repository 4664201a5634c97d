/* cursor.h - how far a sensor has come, as text: what people read and set, and how it is kept. Pure.
 *
 *   files        a time: files that changed since then; empty = all that are there
 *   mqtt         what was seen last on each topic (messages.h); not for people
 *   asset        the number of the newest event that was decided on, as is
 *   run_status
 *   command      whatever the program says
 *
 * The database keeps it with a word before it that says of which kind it is, so that a sensor that
 * became one of another kind under the same name does not take it for its own. The numbers of
 * events in it count over all epochs of the database: store_last_order(). */
#pragma once
#include "agent/definitions/definitions.h"

enum { CURSOR_BYTES_MAX = 16 << 10 };

/* Appends what is kept; it is never empty. */
void cursor_write(enum sensor_type type, struct str text, struct buf *out);
/* The text in what was kept. False: there is none, or it is of another kind. */
bool cursor_read(enum sensor_type type, struct str kept, struct str *ret_text);
/* Whether a person may set it to this. */
MUST_CHECK bool cursor_check(enum sensor_type type, struct str text, struct err *err);
