/* dbt_open MANIFEST - opens a dbt project, as an agent does at its start, and closes it. */
#include "common/dbt/project.h"
#include "tests/bench/bench.h"

int main(int argc, char **argv)
{
    const struct dbt_open open = {.path = bench_text_arg(argc, argv, 1)};
    struct dbt_project *project = NULL;
    struct err err = {0};
    struct bench_counters start = bench_now();
    bench_check(dbt_project_open(&open, &project, &err), &err);
    bench_print_since(&start);
    bench_print("nodes", (int64_t)project->count);
    bench_print("kept_bytes",
                (int64_t)(project->arena.used + project->count * sizeof(*project->nodes)));
    dbt_project_close(project);
    return 0;
}
