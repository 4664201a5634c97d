/* plan_run ASSETS TIMES - plans a run of all of ASSETS assets with five deps each, TIMES times, until
 * its first steps may start; and parses the definitions once. Prints the median and the memory. */
#include "agent/run/run.h"
#include "tests/bench/bench.h"

#include <stdlib.h>

enum { DEPS = 5, PLAN_ARENA_BYTES = 64 << 20 };

static bool nothing(void *ctx, const char *path, struct buf *into, struct err *err)
{
    (void)ctx;
    (void)into;
    return err_set(err, ERR_NOT_FOUND, "%s is not read here", path);
}

static struct definitions *define(size_t count, struct arena *arena)
{
    const struct definitions_files files = {.read_file = nothing, .read_zone = nothing};
    struct problems problems = {.arena = arena};
    struct definitions *defs = NULL;
    struct err err = {0};
    AUTO(buf) text = buf_growing(16 << 20);
    buf_add(&text, STR("project: bench\nassets:\n"));
    for (size_t i = 0; i < count; i++) {
        buf_addf(&text, "- {key: a%zu, run: [x]", i);
        for (size_t d = 1; d <= DEPS && d <= i; d++) {
            /* spread over what was before, the same each time */
            buf_addf(&text, "%sa%zu", d == 1 ? ", deps: [" : ", ", (i * 7919 + d * 104729) % i);
        }
        buf_add(&text, i > 0 ? STR("]}\n") : STR("}\n"));
    }
    bench_check(
        definitions_parse(buf_str(&text), STR("selvedge.yaml"), &files, &problems, &defs, &err),
        &err);
    return defs;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
    size_t assets = (size_t)bench_count_arg(argc, argv, 1);
    size_t times = (size_t)bench_count_arg(argc, argv, 2);
    struct arena report = arena_new(1 << 20);
    int64_t *took = calloc(times, sizeof(*took));
    struct bench_counters start = bench_now();
    struct definitions *defs = define(assets, &report);
    bench_print("parse_ns", bench_now().wall_ns - start.wall_ns);
    size_t used = 0;
    for (size_t i = 0; took != NULL && i < times; i++) {
        struct arena arena = arena_new(PLAN_ARENA_BYTES);
        struct plan plan;
        struct run run;
        struct err err = {0};
        size_t cursor = 0;
        uint32_t step = 0;
        start = bench_now();
        bench_check(plan_make(defs, STR("*"), &arena, &plan, &err) &&
                        run_init(&run, defs, &plan, &arena, &err),
                    &err);
        if (!run_next(&run, (struct mono_time){1}, &cursor, &step)) {
            bench_die("nothing may start");
        }
        took[i] = bench_now().cpu_ns - start.cpu_ns;
        used = arena.used;
        arena_release(&arena);
    }
    if (took == NULL) {
        bench_die("out of memory");
    }
    qsort(took, times, sizeof(*took), compare);
    bench_print("plan_ns", took[times / 2]);
    bench_print("plan_bytes", (int64_t)used);
    definitions_close(defs);
    arena_release(&report);
    free(took);
    return 0;
}
