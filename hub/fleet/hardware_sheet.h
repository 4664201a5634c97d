/* hardware_sheet.h - a CSV file of hardware that may join by its serial number: its first line names the
 * columns serial, name and any labels. Pure. */
#pragma once
#include "common/base/arena.h"
#include "hub/registry/registry.h"

enum { HARDWARE_ROWS_MAX = 200000, HARDWARE_COLUMNS_MAX = LABELS_MAX + 2 };
struct hardware_sheet {
    struct preauthorisation *rows; /* texts in the arena, or borrowed from the file's */
    size_t count;
};
/* ERR_INVALID with the line; ERR_FULL beyond HARDWARE_ROWS_MAX. */
MUST_CHECK bool hardware_sheet_read(struct str text, struct arena *arena,
                                    struct hardware_sheet *ret, struct err *err);
