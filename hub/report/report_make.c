#include "hub/report/report_make.h"

enum { ARENA_BYTES = 256 << 20 };

bool report_make(struct db *store, const struct report_question *question,
                 const struct report_form *form, struct buf *out, struct err *err)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct report report;
    if (!report_read(store, question, &arena, &report, err)) {
        return false;
    }
    if (form->format == REPORT_CSV) {
        report_write_csv(&report, form->section, out);
    } else {
        report_write(&report, form->format, out);
    }
    return !out->overflow ||
           err_set(err, ERR_FULL, "the report is longer than %d MiB", REPORT_BYTES_MAX >> 20);
}
