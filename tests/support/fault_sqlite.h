/* fault_sqlite.h - makes one allocation inside SQLite fail. One thread. */
#pragma once
#include <stdbool.h>

/* Before anything else of SQLite is used in the process; aborts when it is too late. */
void fault_sqlite_install(void);
/* The allocation `nth` from now on fails, once: 0 is the next one. */
void fault_sqlite_arm(int nth);
/* No allocation fails any more. Returns whether one did since the last arm: a loop over nth ends
 * when it did not. */
bool fault_sqlite_disarm(void);
