/* power_files.h - a real folder whose power can be cut, for code that writes files without SQLite.
 * What a program does in it through open, write, fsync, fdatasync, ftruncate, rename, unlink is done
 * to real files and noted on a disk in memory (power_disk.h); after the cut the folder is made what
 * survived. Descriptors of the folder itself sync its entries. Links of the program to these calls
 * are the linker's to turn (target test_power_files).
 *
 * One folder at a time, one thread. Files must be made and written below it by the program under
 * test only, and by writes at the end or after an ftruncate and lseek. */
#pragma once
#include "tests/support/power_vfs.h"

/* An empty one, borrowed until power_files_end. Names like it with a number behind are used too. */
void power_files_begin(const char *folder);
void power_files_end(void);
/* The `nth` change from now on (0 is the next: a write, sync, truncation, new file, rename or
 * deletion) has the effect; with POWER_CUT all later ones fail too. */
void power_files_arm(int nth, enum power_effect effect);
/* No fault any more; whether the armed one happened. */
bool power_files_disarm(void);
int power_files_count(void); /* changes since the last arm */
/* Power is back; all descriptors must be closed. */
void power_files_reboot(uint64_t seed);
