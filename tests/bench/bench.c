#include "tests/bench/bench.h"

#include "common/base/time.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static int64_t written_bytes(void)
{
    char line[128];
    int64_t bytes = 0;
    FILE *f = fopen("/proc/self/io", "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        struct str name;
        struct str value;
        if (str_cut(str_trim(str_from(line)), ':', &name, &value) &&
            str_eq(name, STR("write_bytes")) &&
            !str_to_i64(str_trim(value), 0, INT64_MAX, &bytes)) {
            bench_die("/proc/self/io: not a number: %s", line);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return bytes;
}

struct bench_counters bench_now(void)
{
    return (struct bench_counters){.written_bytes = written_bytes(),
                                   .cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID),
                                   .wall_ns = read_clock(CLOCK_MONOTONIC)};
}

void bench_print(const char *name, int64_t value)
{
    (void)printf("%s %lld\n", name, (long long)value);
}

void bench_print_since(const struct bench_counters *start)
{
    struct bench_counters now = {.wall_ns = read_clock(CLOCK_MONOTONIC),
                                 .cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID),
                                 .written_bytes = written_bytes()};
    bench_print("wall_ns", now.wall_ns - start->wall_ns);
    bench_print("cpu_ns", now.cpu_ns - start->cpu_ns);
    bench_print("written_bytes", now.written_bytes - start->written_bytes);
}

void bench_die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

void bench_check(bool ok, const struct err *err)
{
    if (!ok) {
        bench_die("%s", err->msg);
    }
}

const char *bench_text_arg(int argc, char **argv, int index)
{
    if (index >= argc) {
        bench_die("%s: argument %d is missing", argv[0], index);
    }
    return argv[index];
}

int64_t bench_count_arg(int argc, char **argv, int index)
{
    int64_t value = 0;
    if (!str_to_i64(str_from(bench_text_arg(argc, argv, index)), 1, 1000000000, &value)) {
        bench_die("%s: argument %d is not a count: %s", argv[0], index, argv[index]);
    }
    return value;
}
