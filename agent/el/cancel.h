/* cancel.h - SIGTERM and SIGINT end the step: at the next row or piece of a statement, rolled back
 * and reported; and where that is not reached within CANCEL_GRACE_MS (a blocked read, a wait for a
 * lock), at once, which is as safe as a kill. Process-wide. */
#pragma once
#include "common/base/err.h"

enum { CANCEL_GRACE_MS = 60, CANCEL_EXIT = 143 };

MUST_CHECK bool cancel_install(struct err *err);
bool cancel_requested(void);
/* From now on the end may take `ms` instead of CANCEL_GRACE_MS: another program is to be told to
 * stop, and waited for. */
void cancel_allow(int ms);
/* `ms` more, from now: for what has to stop something elsewhere first. */
void cancel_extend(int ms);
bool cancel_check(void *ctx); /* the same, as db_on_progress() wants it */
/* ERR_CANCELLED; always false. */
bool cancel_error(struct err *err);
