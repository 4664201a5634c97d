#include "agent/el/discovery.h"

bool discovery_choose_key(const struct stream_choice *choice, struct str configured,
                          struct str *ret_key, enum load_mode *ret_mode, struct err *err)
{
    struct str key = choice->replication_key.len > 0 ? choice->replication_key : configured;
    if (choice->replication == REPLICATION_LOG) {
        err_set(err, ERR_INVALID,
                "stream \"" STR_FMT "\": LOG_BASED replication is not to be had here",
                STR_ARG(choice->stream));
        return err_hint(err, "use INCREMENTAL with a replication key, or FULL_TABLE");
    }
    if (choice->replication == REPLICATION_KEY && key.len == 0) {
        err_set(err, ERR_INVALID, "stream \"" STR_FMT "\": INCREMENTAL needs a \"replication-key\"",
                STR_ARG(choice->stream));
        return err_hint(err, "name a column that only grows in the catalog's metadata");
    }
    if (choice->replication == REPLICATION_FULL) {
        key = STR("");
    }
    *ret_key = key;
    *ret_mode = key.len > 0 ? MODE_UPSERT : MODE_OVERWRITE;
    return true;
}

bool discovery_choose_samples(void *options, const struct stream_choice *choice,
                              enum load_mode *ret_mode, struct err *err)
{
    (void)options;
    *ret_mode = MODE_APPEND;
    if (choice->replication == REPLICATION_NOT_SAID || choice->replication == REPLICATION_FULL) {
        return true;
    }
    err_set(err, ERR_INVALID, "stream \"" STR_FMT "\" is made of samples: it has FULL_TABLE only",
            STR_ARG(choice->stream));
    return err_hint(err, "leave replication-method out of the catalog's metadata");
}
