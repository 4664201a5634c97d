/* store_fixture.h - an agent's store for tests: on a disk in memory or in a folder, its events read
 * back whole, and the check that they leave no hole. */
#pragma once
#include "agent/store/store.h"
#include "common/base/limits.h"
#include "tests/support/power_vfs.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"

struct store_fixture {
    struct store *store;
    struct store_options options;
    struct seeded_rng seed;
    struct rng rng;
    struct wall_time now;
    /* For the test; of store_fixture_begin() only: */
    struct temp_dir dir;
    struct arena arena;
    struct err err;
};
enum {
    STORE_FIXTURE_QUOTA = 1 << 20,
    STORE_FIXTURE_LINES_MAX =
        2 * (LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES), /* of a batch, and some */
};

/* Quotas of 1 MiB each. `vfs` is of power_vfs.h, or NULL for the file system. Nothing is opened
 * yet. The fixture must not move. */
void store_fixture_init(struct store_fixture *f, const char *path, const char *vfs);
/* Fails the test when it cannot. */
void store_fixture_open(struct store_fixture *f);
/* A store that is open in a folder of its own, with an arena and an err; and all that is gone. */
void store_fixture_begin(struct store_fixture *f);
void store_fixture_end(struct store_fixture *f);
void store_fixture_check(const struct store_fixture *f, bool ok); /* fails with f->err */
void store_fixture_close(struct store_fixture *f);
void store_fixture_reopen(struct store_fixture *f);

/* An event whose reason is `reason_len` bytes long and tells `number`; every third is a clock_step,
 * a device and a tick, whose nominal time is `number` seconds. */
struct record store_fixture_record(struct store_fixture *f, int number, size_t reason_len,
                                   struct buf *reason);
/* Records and flushes `count` such events, numbered from `number` on. */
void store_fixture_add(struct store_fixture *f, int number, int count, size_t reason_len);
void store_fixture_flush(struct store_fixture *f);
void store_fixture_say(struct store_fixture *f, const struct record *record); /* without a flush */
struct store_position store_fixture_position(struct store_fixture *f);
void store_fixture_acknowledge(struct store_fixture *f, int64_t seq);

/* What one event is to a test. */
struct store_fixture_event {
    int64_t seq;
    int64_t from;   /* of a gap */
    int64_t number; /* of store_fixture_record() */
    char body[400]; /* clipped */
};
enum { STORE_FIXTURE_EVENTS = 4000 };
/* All waiting events, read in batches. Fails the test unless headers are right and the events cover
 * acked + 1 .. last without a hole, and each once. Returns their count; `ret` may be NULL. */
size_t store_fixture_waiting(struct store_fixture *f, struct store_fixture_event *ret);
/* The same, where all that was ever recorded are events numbered 0, 1, 2 ...: the event at seq has
 * the number seq - 1, a gap record states what it stands for, and the last tick is the last tick. */
void store_fixture_expect_exact(struct store_fixture *f);
/* A gap record whose range and counts per type are right for such events. */
void store_fixture_expect_gap(const struct store_fixture_event *gap, int64_t from, int64_t seq);
