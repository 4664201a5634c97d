/* arrivals.h - files that a sensor has seen come or change, until each is whole and its run is
 * asked for. Pure: the shell looks at files and tells.
 *
 *   seen ---> RESTLESS --(looked at: as it was, `stable` long)--> STABLE --taken--> forgotten
 *               ^  |  (looked at: changed)                          |
 *               +--+ <----------------------------------------------+
 *
 * Only files that still have to be done are kept, ARRIVALS_MAX at most: which files were done is in
 * the database, as run keys. One that finds no place is missed, and the shell looks at the folder
 * again when there is room. So memory does not grow with the folder. */
#pragma once
#include "common/base/buf.h"
#include "common/base/time.h"

enum { ARRIVALS_MAX = 256, ARRIVAL_NAME_MAX = 255 };

/* What changes when a file does. */
struct file_facts {
    int64_t size;
    int64_t mtime_ns;
    uint64_t inode;
};
struct arrival {
    char name[ARRIVAL_NAME_MAX];
    uint8_t name_len;
    bool is_stable;
    struct file_facts facts;
    struct mono_time due; /* RESTLESS: when it has been as it is for long enough */
};
struct arrivals {
    int64_t stable_ns;
    bool has_missed; /* a file found no place; the shell clears it when it looks again */
    size_t count;
    struct arrival items[ARRIVALS_MAX];
};

/* It is there, as a scan or an event of the folder says. News begin its time anew. */
void arrivals_seen(struct arrivals *a, struct str name, const struct file_facts *facts,
                   struct mono_time now);
void arrivals_gone(struct arrivals *a, struct str name);
bool arrivals_has_room(const struct arrivals *a);
/* One that has to be looked at now. */
bool arrivals_due(const struct arrivals *a, struct mono_time now, struct str *ret_name);
/* The earliest such time; INT64_MAX = none. */
struct mono_time arrivals_wake(const struct arrivals *a);
/* What the look showed: NULL = it is not there, or no file. True: it is stable. */
bool arrivals_looked(struct arrivals *a, struct str name, const struct file_facts *facts,
                     struct mono_time now);
/* Of the stable ones the one that changed first; of equals by name. Borrowed until the next call. */
const struct arrival *arrivals_next(const struct arrivals *a);
struct str arrival_name(const struct arrival *arrival);

/* "PATH:MTIME:SIZE", with the time in nanoseconds: the same file is done once, for ever. */
void arrival_run_key(struct buf *out, struct str path, const struct file_facts *facts);
