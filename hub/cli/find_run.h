/* find_run.h - the run that an id, or the beginning of one, stands for. */
#pragma once
#include "hub/cli/screen.h"

enum { FOUND_RUN_SIZE = LIMIT_ASSET_KEY_BYTES + 1 };
struct found_run {
    char device[FOUND_RUN_SIZE];
    char run[FOUND_RUN_SIZE];
};
/* `wanted` empty: the newest; `device` empty: of any. ERR_NOT_FOUND; ERR_INVALID when several begin so. */
MUST_CHECK bool find_run(struct screen *screen, struct str wanted, struct str device,
                         struct found_run *ret, struct err *err);
