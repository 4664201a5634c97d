/* backup.h - all that a hub cannot make again, in one file, and back. Works beside a running hub. */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"
#include "hub/config/config.h"

struct backup_counts {
    int64_t files, bytes;
};
/* The database as of one moment, and every file below the state folder but what is made again (the
 * broker's, sockets, the lock) into `path`, which is replaced when it is whole. `settings` is the settings
 * file, which comes along as hub.yaml. The archive has the CA's key: it is readable by its owner
 * alone. */
MUST_CHECK bool backup_write(const struct hub_config *config, const char *settings,
                             const char *path, struct wall_time now, struct backup_counts *ret,
                             struct err *err);
/* Checks all of `path` before anything is written. ERR_EXISTS when there is a database in the state
 * folder. The settings go to `settings` unless that is there; *ret_kept_settings says so. */
MUST_CHECK bool backup_restore(const struct hub_config *config, const char *settings,
                               const char *path, struct backup_counts *ret, bool *ret_kept_settings,
                               struct err *err);
