/* live_internal.h - what the files of this folder share. */
#pragma once
#include "common/base/strmap.h"
#include "common/db/db.h"
#include "hub/live/live.h"
#include "hub/live/ring.h"
#include "hub_live_sql.h"

enum { LIVE_BOOT_SIZE = 13, LIVE_KINDS = 4 };

/* What a table said of one thing when it was last looked at. */
struct watched {
    struct arena arena;
    struct strmap by_key;
    struct watched_row {
        uint64_t mark;
    } * rows;
    size_t count;
    bool is_known; /* it was looked at before */
};
struct live {
    struct live_options options;
    struct db *db;
    struct db_query version;
    int64_t seen_version; /* -1: none */
    int64_t position;     /* in the log: told up to here */
    bool are_tables_due;
    struct mono_time tables_at;
    struct watched watched[LIVE_KINDS];
    struct ring *ring;
    char boot[LIVE_BOOT_SIZE];
    struct arena arena; /* of a look */
    struct strmap told; /* of a look */
    struct buf text;
    struct loop_timer look, ping;
    struct live_listener *listeners;
    size_t listener_count;
};

/* Into the ring: {"type": ...} of one thing, once a look. `data` is a JSON object. */
void live_tell(struct live *live, const char *type, struct str data);
/* What the log has, behind the position. */
MUST_CHECK bool live_read_log(struct live *live, struct err *err);
/* What else has changed. */
MUST_CHECK bool live_read_tables(struct live *live, struct err *err);
