/* store.h - the device's database: records become events and state in one transaction, grouped; the
 * events wait here for the hub's acknowledgement. Design: docs/decisions/0006-agent-store.md
 *
 * DESIGN: store_record() only copies into memory; store_flush() writes all that waits in one
 * transaction and fsyncs. A record is *recorded* when a flush that included it returned true;
 * whoever acts on the outside world because of a record (starts a child, reports a result) flushes
 * first. When a flush fails nothing of it is stored, and the records stay in memory for the next
 * attempt: the disk may be full for a while, nothing is lost, and the bound on the memory stops
 * intake. One writer per database (files_lock by the caller), one thread. */
#pragma once
#include "agent/store/record.h"
#include "common/base/arena.h"
#include "common/platform/rng.h"
#include "common/wire/batch.h"

struct store;
struct store_options {
    const char *path;
    /* Of events that wait; beyond it the oldest are given up and a gap record says so. */
    int64_t quota_bytes;
    int64_t history_bytes;    /* acknowledged events kept for `logs`; then the oldest are deleted */
    size_t pending_bytes_max; /* memory for records not yet flushed; 0 = 1.5 MiB */
    const struct rng *rng;    /* for the epoch of a new database */
    const char *vfs;          /* NULL; tests give the power-cut VFS */
};
/* Creates the database when it is not there. A damaged file is moved aside as <path>.damaged-<n>
 * and a new one begun, with a new epoch: *ret_damage then holds what was wrong. With ret_damage
 * NULL it is refused. */
MUST_CHECK bool store_open(struct store **ret, const struct store_options *options,
                           struct wall_time now, struct err *ret_damage, struct err *err);
void store_close(struct store *store); /* what was not flushed is dropped; NULL is allowed */

/* Queues a record (copied). ERR_FULL when pending_bytes_max is reached: the caller stops taking in
 * new work. ERR_INVALID when it is larger than any event may be (record.h). */
MUST_CHECK bool store_record(struct store *store, const struct record *record, struct err *err);
/* Writes what waits; true when nothing waits any more and all of it is durable. */
MUST_CHECK bool store_flush(struct store *store, struct wall_time now, struct err *err);
size_t store_pending(const struct store *store); /* records not yet flushed */
size_t store_pending_bytes(const struct store *store);
/* Bytes that are left for records not yet flushed: who records several things that belong together
 * looks first. Each takes the length of its texts and STORE_RECORD_BYTES. */
size_t store_room(const struct store *store);
enum { STORE_RECORD_BYTES = sizeof(struct record) + 512 };

struct store_position {
    char epoch[EPOCH_TEXT_SIZE];
    int64_t first_seq; /* oldest event that waits; last_seq + 1 when none does */
    int64_t last_seq;
    int64_t acked_seq;
    int64_t waiting_events;
    int64_t waiting_bytes;
    int64_t history_bytes;
    int64_t dropped; /* events given up for the quota, ever */
};
int64_t store_last_seq(const struct store *store); /* newest recorded; cheap */
/* The same counted over all epochs: never goes back. */
int64_t store_last_order(const struct store *store);
int64_t store_acked_seq(const struct store *store);
struct str store_epoch(const struct store *store); /* borrowed until store_begin_epoch() */
/* Counts what waits: for people, not for every turn. */
MUST_CHECK bool store_position(struct store *store, struct store_position *ret, struct err *err);

/* Appends the lines of events from `from` on: at most `max_events` and LIMIT_BATCH_BYTES, at least
 * one. header->first is `from`, or lower when a gap record spans it; header->prev tells of what stands
 * before it, if that is still there. False with ERR_NOT_FOUND when
 * nothing is there. */
MUST_CHECK bool store_read_batch(struct store *store, int64_t from, int max_events,
                                 struct batch_header *ret_header, struct buf *lines,
                                 struct err *err);
/* The hub has merged everything up to `seq`. Lower than before is not an error and changes nothing.
 * ERR_INVALID when it was never recorded here. */
MUST_CHECK bool store_acknowledge(struct store *store, int64_t seq, struct err *err);

/* event_check() of the event at `seq`; *ret_found false when there is none, or a gap record. */
MUST_CHECK bool store_read_check(struct store *store, int64_t seq, int64_t *ret_check,
                                 bool *ret_found, struct err *err);
/* For a database that was put back to an earlier state, whose numbers the hub has seen with other
 * events: what waits is numbered from 1 under a new epoch, the acknowledged events are deleted. All
 * or nothing, and durable. Flush before: what a record says of events by their numbers would be
 * wrong. Rewrites everything that waits: some seconds for a full quota. */
MUST_CHECK bool store_begin_epoch(struct store *store, const struct rng *rng, struct err *err);

/* The last nominal time decided on; *ret_found false when the schedule has none. */
MUST_CHECK bool store_last_tick(struct store *store, struct str schedule, struct wall_time *ret,
                                bool *ret_found, struct err *err);
MUST_CHECK bool store_get_setting(struct store *store, struct str name, struct buf *ret,
                                  bool *ret_found, struct err *err);
MUST_CHECK bool store_set_setting(struct store *store, struct str name, struct str value,
                                  struct err *err);
/* Bytes of SQLite heap now and at peak. */
void store_memory(int64_t *ret_now, int64_t *ret_peak);
/* Bounds SQLite's heap in this process: beyond it a write fails with ERR_NO_MEMORY and is tried again. */
void store_limit_memory(int64_t bytes);
