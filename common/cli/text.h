/* text.h - text on a terminal: how wide it is, cutting it, making it harmless. Pure. */
#pragma once
#include "common/base/buf.h"
#include "common/base/time.h"

/* Terminal columns, nearly: combining marks 0, East Asian wide and emoji 2, all others 1. */
size_t text_width(struct str s);
/* With control characters as spaces and bad bytes as U+FFFD, so that data from elsewhere cannot
 * drive the terminal. */
void buf_add_harmless(struct buf *b, struct str s);
/* At most `width` columns; what is cut shows as an ellipsis. */
void buf_add_cut(struct buf *b, struct str s, size_t width);
/* "just now", "40 s ago", "3 min ago", "5 h ago", "12 d ago", from 30 days the date; "in 3 min" for
 * the future. */
void buf_add_ago(struct buf *b, struct wall_time at, struct wall_time now);
