/* folder.h - a folder of reports: a file for each time, of which the newest are kept. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"

struct folder {
    struct str state_dir, directory; /* which is below the former unless it is absolute */
    struct str report;
    int64_t keep;
};
/* "monday-2026-11-30T060000Z.html": sorts by time. */
void folder_file_name(struct buf *out, struct str report, struct wall_time due,
                      const char *extension);
/* Whole or not at all, also when power is cut; then deletes what is too old. */
MUST_CHECK bool folder_put(const struct folder *folder, struct str file, struct str content,
                           struct err *err);
