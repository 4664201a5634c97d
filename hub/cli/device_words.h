/* device_words.h - what lists and cards of devices say in the same words. */
#pragma once
#include "hub/client/item.h"

/* "ok", "3 s fast"; nothing where it is not known. True: not ok. */
bool device_clock_words(struct buf *out, int64_t offset_ms);
/* Why it is silent, or what was refused of it; may be empty. */
struct str device_note(const struct json *device, struct wall_time now);
