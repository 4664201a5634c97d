/* el_work.h - incremental loads in this process, from a source that keeps changing, with source and
 * SQLite target on a disk in memory (power_vfs.h) and other targets in a folder whose power can be
 * cut (power_files.h). Each change of a row has a number of its own, `at`, which only grows: the
 * rows that a state speaks of are known. The clock goes on by 20 us each time it is asked, so that a
 * seed repeats everything. */
#pragma once
#include "agent/el/request.h"
#include "common/db/db.h"
#include "tests/support/power_files.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"

struct el_work;
/* One pair of tap and target. */
struct el_setup {
    const char *name;
    const char *step; /* JSON; each $ is the folder */
    bool is_in_files; /* the target is in the folder, else in shop.db on the disk in memory */
    bool is_packed;   /* as gzip */
    bool has_updates; /* the source changes rows, else it only gets new ones */
    bool writes_csv;  /* new rows are also appended to the file $/in.csv, which is not at risk */
    /* Fails the test when the target is not what it may be; `is_whole`: all must be there. */
    void (*check)(struct el_work *w, bool is_whole);
};
extern const struct el_setup el_setups[];
extern const size_t el_setups_count;

enum { EL_KNOWN_MAX = 64 };
/* The source as it was when a load began. */
struct el_snapshot {
    int64_t at;
    struct buf lines;
};
struct el_work {
    const struct el_setup *setup;
    uint64_t seed;
    int cut; /* of this life; for messages */
    struct seeded_rng rng;
    struct power_vfs *vfs;
    struct temp_dir dir;
    struct temp_dir source_dir;
    const char *csv_path, *out_path, *state_path;
    struct buf step;
    int64_t at;                             /* the latest change */
    int64_t rows;                           /* of the source */
    struct el_snapshot known[EL_KNOWN_MAX]; /* what an overwrite may have left, oldest first */
    size_t known_count;
};

void el_work_init(struct el_work *w, const struct el_setup *setup, uint64_t seed);
void el_work_release(struct el_work *w);
uint64_t el_work_below(struct el_work *w, uint64_t bound);
void el_work_change(struct el_work *w); /* the source */
MUST_CHECK bool el_work_load(struct el_work *w, struct err *err);
void el_work_fail(const struct el_work *w, const char *what, const char *text);
