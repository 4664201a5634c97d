#include "agent/cli/last_tick.h"

#include "agent/store/ticks.h"

enum { OUTCOME_BYTES_MAX = 64 << 10 };

struct reader {
    struct arena *arena;
    struct last_tick *last;
};

static bool on_tick(void *ctx, const struct view_tick *tick)
{
    const struct reader *reader = ctx;
    *reader->last = (struct last_tick){.at = tick->at,
                                       .nominal = tick->nominal,
                                       .status = arena_copy(reader->arena, tick->status),
                                       .run = arena_copy(reader->arena, tick->run),
                                       .reason = arena_copy(reader->arena, tick->reason)};
    return false;
}

static bool on_run(void *ctx, const struct view_run *run)
{
    const struct reader *reader = ctx;
    reader->last->run_status = arena_copy(reader->arena, run->status);
    return false;
}

bool last_tick_read(struct view *view, struct str kind, struct str name, struct arena *arena,
                    struct last_tick *ret, struct err *err)
{
    struct reader reader = {arena, ret};
    struct view_tick_filter ticks = {.kind = kind, .name = name, .limit = 1};
    *ret = (struct last_tick){0};
    if (!view_ticks(view, &ticks, on_tick, &reader, err)) {
        return false;
    }
    struct view_run_filter runs = {.run = ret->run, .limit = 1};
    return str_is_empty(ret->run) || view_runs(view, &runs, on_run, &reader, err);
}

void last_tick_write(const struct last_tick *last, struct json_writer *w)
{
    jw_member_opt(w, "last_status", last->status);
    jw_member_opt(w, "last_run", last->run);
    jw_member_opt(w, "last_run_status", last->run_status);
    jw_member_opt(w, "last_reason", last->reason);
}

void last_tick_cell(const struct last_tick *last, struct table *table)
{
    AUTO(buf) out = buf_growing(OUTCOME_BYTES_MAX);
    bool is_bad = str_eq(last->status, STR("failed")) || str_eq(last->run_status, STR("failure"));
    if (!str_is_empty(last->run)) {
        buf_add(&out, str_is_empty(last->run_status) ? STR("started") : last->run_status);
    } else {
        buf_add(&out, last->status);
        buf_add(&out, str_is_empty(last->reason) ? STR("") : STR(": "));
        buf_add(&out, last->reason);
    }
    table_tone(table, is_bad ? CLI_BAD : CLI_PLAIN, buf_str(&out));
}
