/* summary_internal.h - what read.c and summary.c share. */
#pragma once
#include "common/db/db.h"
#include "hub/summary/summary.h"
#include "hub_summary_sql.h"

struct summary {
    struct loop *loop;
    struct loop_timer look;
    struct db *db;
    struct db_query version;
    struct counts *counts;
    int64_t seen_version; /* of the database; -1: none */
    int64_t position;     /* in the log: counted up to here */
    int64_t times;        /* that the views had been derived */
    bool is_behind;       /* there is more in the log */
    bool is_begun;
    struct arena names; /* of devices that are to be read */
    struct str *devices;
    size_t device_count, device_next;
    struct mono_time peers_at, failed_at;
    bool are_peers_due, has_warned;
};
/* Notes where the log is, and which devices there are. */
MUST_CHECK bool summary_begin(struct summary *s, struct err *err);
MUST_CHECK bool summary_read_device(struct summary *s, struct str device, struct wall_time now,
                                    struct err *err);
MUST_CHECK bool summary_read_peers(struct summary *s, struct wall_time now, struct err *err);
/* A part of what the log has behind the position. *ret_again: the views were derived anew, or the log put back. */
MUST_CHECK bool summary_read_log(struct summary *s, struct wall_time now, bool *ret_again,
                                 struct err *err);
