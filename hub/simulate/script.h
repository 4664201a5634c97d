/* script.h - what one simulated device says: first that it started and what its definitions hold (20
 * assets), then runs of one asset each, seven events a run, as agent/run records them. An event is
 * a function of seed, device and seq, so nothing is kept and what is sent again is the same. Pure. */
#pragma once
#include "common/base/buf.h"
#include "common/base/time.h"
#include "common/wire/batch.h"

enum {
    SCRIPT_ASSETS = 20,
    SCRIPT_PROLOGUE = 2, /* events before the first run */
    SCRIPT_RUN = 7,      /* events of a run */
    SCRIPT_PARTS_MAX = 4,
};
/* Runs from number `first` on happen every `step_ns`, the first at `begin`. */
struct script_part {
    int64_t first;
    struct wall_time begin;
    int64_t step_ns;
};
struct script {
    uint64_t seed; /* of this device */
    struct wall_time born;
    int64_t lie_ns; /* how far the device's clock is off */
    struct script_part part[SCRIPT_PARTS_MAX];
    size_t parts;
};
uint64_t script_mix(uint64_t x); /* splitmix64: one good number from each number */

/* From run `first` on, until the next part; not beyond SCRIPT_PARTS_MAX. */
void script_plan(struct script *s, int64_t first, struct wall_time begin, int64_t step_ns);
/* When that run happened, by a clock that does not lie. */
struct wall_time script_time(const struct script *s, int64_t run);
/* -1: of the prologue. */
int64_t script_run_of(int64_t seq);
int64_t script_last_seq(int64_t runs); /* after so many runs */

/* Appends the events from..to as lines; stops before `bytes_max` is passed, but not before one. The
 * last seq that it appended. */
int64_t script_lines(const struct script *s, int64_t from, int64_t to, size_t bytes_max,
                     struct buf *out);
/* Where run number `run` stands in the views: its materialization, and of which asset. */
int64_t script_materialization_seq(int64_t run);
void script_asset(int64_t run, char ret[16]);
/* The hash that its birth and its definitions carry. */
void script_definitions_hash(char ret[65]);
