/* report_make.h - a whole report, from the database to its bytes: for what the web process
 * starts. */
#pragma once
#include "hub/report/report_write.h"

struct report_form {
    enum report_format format;
    enum report_section section; /* of CSV */
};
enum { REPORT_BYTES_MAX = 64 << 20 };

/* Blocks as report_read() does. ERR_FULL when it is longer than REPORT_BYTES_MAX. */
MUST_CHECK bool report_make(struct db *store, const struct report_question *question,
                            const struct report_form *form, struct buf *out, struct err *err);
