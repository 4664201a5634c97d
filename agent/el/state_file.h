/* state_file.h - the state of a load whose target has no place for it: "<folder>/<state id>.json",
 * replaced as a whole, with the last states of earlier runs behind the present one:
 *
 *   {"state_id": "shop/sales", "states": [{"at": "2026-11-29T00:40:00.000Z", "value": {...}}, ...]}
 *
 * Bytes of the id that are not letters, digits, '.', '_' or '-' are written as %2F in the name. */
#pragma once
#include "agent/el/state_history.h"
#include "common/base/arena.h"
#include "common/platform/clock.h"

enum { STATE_FILE_BYTES_MAX = 32 << 20 };
/* A target may tell a state at every moment; flash wears. Until it is written, a crash costs the
 * rows since the one before, which come again. */
#define STATE_FILE_EVERY (5 * NS_PER_SEC)

struct state_file {
    const char *path;
    struct str state_id;
    struct clock clock;
    struct state_history kept;
    bool is_dirty;
    struct mono_time written;
};

/* Makes the folder. ERR_CORRUPT when the file is no state file; ERR_EXISTS when it is another
 * id's. */
MUST_CHECK bool state_file_open(struct state_file *ret, struct str folder, struct str state_id,
                                struct arena *arena, struct err *err);
/* `value` is JSON. Written at once, or after STATE_FILE_EVERY. */
MUST_CHECK bool state_file_set(struct state_file *s, struct str value, struct err *err);
/* `value` becomes the state, empty: there is none; what it was is kept. Written at once. */
MUST_CHECK bool state_file_replace(struct state_file *s, struct str value, struct err *err);
/* Writes what was not written yet. */
MUST_CHECK bool state_file_flush(struct state_file *s, struct err *err);
/* Writes it whether it has changed or not, so that `at` tells this load from the one before. */
MUST_CHECK bool state_file_renew(struct state_file *s, struct err *err);
void state_file_release(struct state_file *s); /* without a flush; fits AUTO(state_file) */
