/* rejects.h - records that a load does not take: how many there may be, what is kept of each until
 * the target's quarantine takes it, and what the step says of them. Pure. */
#pragma once
#include "agent/el/schema.h"
#include "common/base/buf.h"

enum {
    REJECT_RECORD_BYTES = 4096, /* of a record that are kept; it is cut behind them */
    REJECT_TEXT_BYTES = 256,    /* of its place and of its reason */
    REJECTS_WAITING_MAX = 64,   /* until the quarantine has to take them */
    REJECT_SHARE_AFTER = 1000,  /* records before a share says anything, but for the end */
};

/* "0", "250", "1%", "0.05%". Count 0: the first bad record fails the step, and nothing is kept. */
struct reject_limit {
    bool is_share;
    int64_t count; /* records, or hundredths of a percent of those read */
};
MUST_CHECK bool reject_limit_read(struct str text, struct reject_limit *ret, struct err *err);
bool reject_limit_is_passed(const struct reject_limit *limit, int64_t rejected, int64_t read,
                            bool is_end);

/* One of them. Text is borrowed. */
struct reject {
    struct str stream; /* may be empty: it was not even a message */
    struct str place;  /* "orders.jsonl:12", "row 12" */
    struct str reason;
    struct str record;    /* UTF-8 without NUL, at most REJECT_RECORD_BYTES */
    int64_t record_bytes; /* of the whole */
};
/* The same with the memory of its place and reason. */
struct bad_record {
    struct reject reject;
    struct err why;
    char place[REJECT_TEXT_BYTES];
};
/* A record of `label` (a file, a program), its line `number`; `why` is void then. */
void bad_record_set(struct bad_record *b, struct str label, int64_t number, struct str record,
                    struct err *why);

struct rejects {
    struct reject_limit limit;
    struct str limit_text;             /* as it was written */
    int64_t count;                     /* of this step */
    int64_t read;                      /* records that were read, set by the loop */
    char first[REJECT_TEXT_BYTES * 2]; /* place and reason of the first one */
    bool is_passed;                    /* the limit is, and the step fails */
    struct buf text;                   /* of those that wait */
    struct reject_slot {
        size_t stream, place, reason, record, end; /* where each begins in `text` */
        int64_t record_bytes;
    } slots[REJECTS_WAITING_MAX];
    size_t waiting;
    /* Of the loop: has the quarantine take those that wait. */
    bool (*flush)(void *ctx, struct err *err);
    void *flush_ctx;
};
MUST_CHECK bool rejects_init(struct rejects *r, struct str limit, struct err *err);
void rejects_release(struct rejects *r); /* fits AUTO(rejects) */
/* Bad records are taken out, and do not fail the step at once. */
bool rejects_are_on(const struct rejects *r);
bool rejects_are_full(const struct rejects *r);
/* Counts it and keeps it; of the oldest that wait when it is full, the older give way. False: the
 * limit is passed, err says so. */
MUST_CHECK bool rejects_add(struct rejects *r, const struct reject *reject, struct err *err);
/* At the end a share is judged whatever was read. False: the limit is passed. */
MUST_CHECK bool rejects_end(struct rejects *r, struct err *err);
/* Room for one more, where the target is not in the middle of something. */
MUST_CHECK bool rejects_make_room(struct rejects *r, struct err *err);
/* The i-th that waits, until the next rejects_add(). */
struct reject rejects_get(const struct rejects *r, size_t i);
void rejects_taken(struct rejects *r); /* none waits any more */

/* A row as one JSON object, for `record`. */
void reject_write_row(const struct schema *schema, const struct value *row, struct buf *out);
