/* stamp FILE - a step that does nothing but tell when it began: CLOCK_MONOTONIC in nanoseconds. */
#include "tests/bench/bench.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct bench_counters now = bench_now();
    FILE *file = fopen(bench_text_arg(argc, argv, 1), "we");
    if (file == NULL) {
        bench_die("%s: cannot be written", argv[1]);
    }
    (void)fprintf(file, "%lld\n", (long long)now.wall_ns);
    (void)fclose(file);
    return 0;
}
