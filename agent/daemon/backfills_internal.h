/* backfills_internal.h - what the files of backfills share. */
#pragma once
#include "agent/backfill/backfill.h"
#include "agent/daemon/backfills.h"
#include "agent/run/tags.h"
#include "agent/store/backfills.h"

enum {
    BACKFILL_PLAN_ARENA_BYTES = 64 << 20, /* of a request for PARTITIONS_MAX partitions */
    BACKFILL_OPEN_ARENA_BYTES = 4 << 20,  /* of one: its texts, the assets of its leg */
    BACKFILL_SMALL_ARENA_BYTES = 1 << 20,
};

/* Of a backfill that was asked for just now: parts that are not in the database yet. */
struct unwritten {
    struct arena arena;
    struct backfill_parts parts; /* all of them */
    size_t done;
};

struct open_backfill {
    struct arena arena;
    struct stored_backfill facts;
    enum backfill_status status;
    struct backfill_policy policy;
    struct str_map tags;    /* of its runs */
    const uint32_t *assets; /* of its leg in the present definitions; NULL = not looked up yet */
    size_t asset_count;
    bool is_refused;
    char reason[sizeof(((struct err *)NULL)->msg)];
    struct unwritten unwritten;
    struct open_backfill *next;
};

struct backfills {
    struct backfills_options options;
    struct definitions *defs;    /* shared */
    struct open_backfill *first; /* as they were asked for */
    size_t count;
    struct loop_task task; /* decides what comes next for each */
    struct loop_timer timer;
    bool is_stopping;
};

struct wall_time backfills_now(const struct backfills *b);
/* Takes it up: copies the facts of one that is recorded. */
MUST_CHECK bool backfills_add(struct backfills *b, const struct stored_backfill *facts,
                              struct err *err);
void backfills_remove(struct backfills *b, struct open_backfill *open);
struct open_backfill *backfills_find(const struct backfills *b, struct str id);
struct record backfills_status(const struct backfills *b, const struct open_backfill *open,
                               enum backfill_status status);

/* --- backfills_write.c --- */
static inline bool backfills_is_writing(const struct open_backfill *open)
{
    return open->unwritten.done < open->unwritten.parts.count;
}
/* Copies the parts, and records as many as one record takes: the others wait for write_more. */
MUST_CHECK bool backfills_write_begin(struct backfills *b, struct open_backfill *open,
                                      const struct backfill_parts *parts, struct err *err);
/* One record more, while it is writing. */
MUST_CHECK bool backfills_write_more(struct backfills *b, struct open_backfill *open,
                                     struct err *err);
void backfills_write_end(struct open_backfill *open); /* forgets what is not written */
/* All that is left, at once: one request at a time is in memory. */
MUST_CHECK bool backfills_write_all(struct backfills *b, struct err *err);
