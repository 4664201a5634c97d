/* document.h - what an operator wrote for a selection of devices: schedules, pauses and settings as
 * YAML, checked as far as that can be without a device's own definitions. Pure. */
#pragma once
#include "common/wire/desired.h"

enum { DOCUMENT_BYTES_MAX = 1 << 20 };

/* All problems are added; err is the first. Text and trees are in `arena`. */
MUST_CHECK bool document_read(struct str text, struct str name, struct arena *arena,
                              struct problems *problems, struct desired_content *ret,
                              struct err *err);
/* The same of an object that was parsed before, as a request has it. */
MUST_CHECK bool document_check(const struct json *root, struct arena *arena,
                               struct problems *problems, struct desired_content *ret,
                               struct err *err);
/* The same as one JSON object, as it is kept; what was kept is read again. */
void document_write(const struct desired_content *content, struct buf *out);
MUST_CHECK bool document_parse(struct str json, struct arena *arena, struct desired_content *ret,
                               struct err *err);
/* 1..63 of A-Z, a-z, 0-9, '_', '-', '.', a letter or digit first. */
bool document_name_is_valid(struct str name);

/* The members of a schedule, as a device reads them: a test compares this with the agent's table. */
extern const struct field_table document_schedule_table;
