/* bench.h - what the measuring programs share: arguments, clocks, the process's own counters, and
 * results as "name value" lines on stdout, read by run.py. A program that cannot go on says why in
 * one line and exits with 1. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdint.h>

struct bench_counters {
    int64_t wall_ns;
    int64_t cpu_ns;        /* of all threads, user and system */
    int64_t written_bytes; /* pages dirtied on their way to a block device, as /proc counts them */
};
struct bench_counters bench_now(void);

void bench_print(const char *name, int64_t value);
/* "wall_ns", "cpu_ns" and "written_bytes" since then. */
void bench_print_since(const struct bench_counters *start);

PRINTF_LIKE(1, 2) void bench_die(const char *fmt, ...) __attribute__((noreturn));
void bench_check(bool ok, const struct err *err); /* dies with the error's sentence */
/* Argument number `index` as a count from 1 on; dies without one. */
int64_t bench_count_arg(int argc, char **argv, int index);
const char *bench_text_arg(int argc, char **argv, int index);
