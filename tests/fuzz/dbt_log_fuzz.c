/* dbt_log_fuzz.c - what dbt writes: lines of its JSON log, and behind a line "--" a
 * run_results.json. Whatever it is, each node that is told to start is told to end. */
#include "agent/dbt/run_results.h"
#include "agent/transform/drive_nodes.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct ear {
    int64_t starts, ends;
};

static void on_start(void *ctx, struct str unique_id, int64_t index, int64_t total)
{
    (void)index;
    (void)total;
    assert(unique_id.len > 0 && str_is_utf8(unique_id));
    ((struct ear *)ctx)->starts++;
}

static void on_end(void *ctx, const struct node_end *end)
{
    assert(end->unique_id.len > 0 && end->result.status != DBT_NOT_RUN);
    assert(str_is_utf8(end->sql) && str_is_utf8(end->result.message));
    assert(end->err == NULL || end->err->msg[0] != '\0');
    assert(end->duration_ns >= -1 && end->result.rows_written >= -1);
    ((struct ear *)ctx)->ends++;
}

static void on_line(void *ctx, struct str unique_id, enum log_level level, struct str text)
{
    (void)ctx;
    (void)unique_id;
    assert(text.len > 0 && level != LOG_DEBUG);
}

static bool take_result(void *ctx, const struct dbt_outcome *outcome, struct err *err)
{
    assert(outcome->unique_id.len > 0 && outcome->has_status);
    return drive_nodes_reconcile(ctx, outcome, err);
}

static void take_lines(struct drive_nodes *nodes, struct str text)
{
    struct str line;
    struct err err = {0};
    struct arena arena = arena_new(1 << 20);
    struct mono_time now = {0};
    while (text.len > 0) {
        struct dbt_log_event event;
        (void)str_cut(text, '\n', &line, &text);
        now.ns++;
        if (!dbt_log_read(line, &arena, &event, &err) ||
            !drive_nodes_take(nodes, &event, now, &err)) {
            assert(err.code != ERR_NONE);
        }
        arena_reset(&arena);
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ear ear = {0};
    const struct node_listener listener = {on_start, on_end, on_line, &ear};
    struct drive_nodes *nodes = NULL;
    struct err err = {0};
    if (!drive_nodes_new(&listener, &nodes, &err)) {
        return 0;
    }
    struct str input = {(const char *)data, size};
    size_t cut = input.len;
    for (size_t i = 0; i + 4 <= input.len && cut == input.len; i++) {
        if (str_eq(str_slice(input, i, i + 4), STR("\n--\n"))) {
            cut = i;
        }
    }
    take_lines(nodes, str_slice(input, 0, cut));
    struct run_results results;
    run_results_init(&results, take_result, nodes);
    if (!run_results_read(&results, str_slice(input, cut + 4, input.len), &err) ||
        !run_results_end(&results, &err)) {
        assert(err.code != ERR_NONE);
    }
    run_results_release(&results);
    drive_nodes_end(nodes, NULL, (struct mono_time){1 << 30});
    const struct drive_counts counts = drive_nodes_counts(nodes);
    assert(counts.started == ear.starts && counts.ended <= ear.ends);
    assert(counts.started + counts.skipped >= counts.ended && counts.started <= counts.ended);
    assert(counts.lost <= counts.failed);
    drive_nodes_free(nodes);
    return 0;
}
