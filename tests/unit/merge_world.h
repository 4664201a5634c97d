/* merge_world.h - a hub store in memory, devices that tell plausible stories, and what the tables
 * hold as text. */
#pragma once
#include "common/wire/batch.h"
#include "hub/merge/merge.h"

enum { STORY_EVENTS_MAX = 4500 };

/* What one database of one device recorded: line i has seq numbers that follow line i - 1. */
struct story {
    const char *device;
    const char *epoch;
    struct buf text;
    size_t start[STORY_EVENTS_MAX]; /* of each line in text */
    int64_t first[STORY_EVENTS_MAX];
    int64_t last[STORY_EVENTS_MAX];
    size_t count;
    uint64_t random;
    int64_t clock_ms;
};
struct story story_new(const char *device, const char *epoch, int64_t start_ms, uint64_t seed);
void story_release(struct story *s);
uint64_t story_random(struct story *s, uint64_t below);
/* Adds an event that begins at seq + 1; `members` without braces, may be empty. */
PRINTF_LIKE(3, 4) void story_add(struct story *s, const char *type, const char *members, ...);
/* Adds a gap from..seq. */
void story_add_gap(struct story *s, int64_t from, int64_t seq);
/* The first `count` lines of it, and another life after them. */
struct story story_restored(const struct story *s, size_t count, uint64_t seed);
/* Device, definitions in parts, runs that fail, retry and succeed, checks, ticks, gaps: about
 * `runs` x 12 events. */
void story_tell(struct story *s, int runs);
/* The payload of the lines [from, to). */
struct buf story_batch(const struct story *s, size_t from, size_t to);

struct db *world_store(void);
struct merge *world_merge(struct db *store);
/* One batch in a transaction of its own. */
struct merge_result world_send(struct merge *m, const struct story *s, size_t from, size_t to);
struct merge_result world_send_bytes(struct merge *m, const char *device, struct str payload);
/* The only acknowledgement of the last commit. */
struct message_ack world_ack(const struct merge *m);
/* Log and views, with streams by name instead of by number: equal stores give equal text. */
struct buf world_dump(struct db *store);
/* The first column of the first row; fails the test when there is none. */
int64_t world_number(struct db *store, const char *sql);
void world_expect_text(struct db *store, const char *sql, const char *expected);
/* Fails the test unless rebuild gives the same tables. */
void world_expect_rebuildable(struct db *store);
