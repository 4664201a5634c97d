/* answer.h - what a sensor's program answered: JSON lines on its standard output, one member each.
 *   {"run": {"run_key": "a", "partition": "2026-01-01", "tags": {"k": "v"}}}
 *   {"skip": "nothing new"}
 *   {"cursor": "42"}
 *   {"add_partitions": {"set": "customers", "keys": ["a", "b"]}}
 * Pure. docs/reference/sensors.md */
#pragma once
#include "common/json/fields.h"

enum {
    ANSWER_BYTES_MAX = 1 << 20,
    ANSWER_LINE_BYTES_MAX = 64 << 10,
    ANSWER_ARENA_BYTES = 16 << 20,
    ANSWER_RUNS_MAX = 1000,
    ANSWER_SETS_MAX = 100,
    ANSWER_KEYS_MAX = 10000, /* of one line */
    RUN_KEY_BYTES_MAX = 1024,
};
struct answer_run {
    struct str run_key; /* empty = none */
    struct str partition;
    struct str_map tags;
};
struct answer_partitions {
    struct str set;
    struct str_list keys;
};
struct answer {
    struct answer_run *runs; /* no run key twice: the first counts */
    size_t run_count;
    struct answer_partitions *sets;
    size_t set_count;
    struct str skip; /* why nothing is to be done; empty = not said */
    bool has_cursor;
    struct str cursor;
};
/* The whole of it or nothing: ERR_INVALID and ERR_FULL name the line. */
MUST_CHECK bool answer_parse(struct str text, struct arena *arena, struct answer *ret,
                             struct err *err);
