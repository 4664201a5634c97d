#include "agent/store/view.h"

#include "agent/store/store_internal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool view_open(struct view **ret, const char *path, struct err *err)
{
    struct view *view = calloc(1, sizeof(*view));
    if (view == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open %s: out of memory", path);
    }
    struct db_options options = {.path = path,
                                 .flags = DB_READ_ONLY | DB_LATE,
                                 .sql = agent_store_sql,
                                 .sql_count = AGENT_STORE_SQL_COUNT};
    bool found = false;
    if (!db_open(&view->store.db, &options, err) ||
        !buffer_read_state(&view->store, &view->store.state, &found, err)) {
        if (err->code == ERR_NOT_FOUND) {
            (void)err_set(err, ERR_NOT_FOUND, "nothing was run here yet: %s is not there", path);
            (void)err_hint(
                err, "give the agent's state folder with --state-dir, or start the agent first");
        }
        view_close(view);
        return false;
    }
    *ret = view;
    return true;
}

void view_close(struct view *view)
{
    if (view == NULL) {
        return;
    }
    db_close(view->store.db);
    free(view);
}

struct store *view_store(struct view *view)
{
    return &view->store;
}

bool view_position(struct view *view, struct store_position *ret, struct err *err)
{
    return store_position(&view->store, ret, err);
}

bool view_runs(struct view *view, const struct view_run_filter *filter,
               bool (*on_run)(void *ctx, const struct view_run *run), void *ctx, struct err *err)
{
    struct db_query q = db_query(view->store.db, AGENT_STORE_RUN_LIST);
    db_bind_opt(&q, ":status", filter->status);
    db_bind_opt(&q, ":asset", filter->asset);
    db_bind_opt(&q, ":run", filter->run);
    db_bind_opt(&q, ":job", filter->job);
    db_bind_opt(&q, ":backfill", filter->backfill);
    db_bind_i64(&q, ":limit", filter->limit);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct view_run run = {.id = db_col_str(&q, 0),
                               .job = db_col_str(&q, 1),
                               .cause = db_col_str(&q, 2),
                               .cause_name = db_col_str(&q, 3),
                               .selection = db_col_str(&q, 4),
                               .status = db_col_str(&q, 5),
                               .steps = db_col_i64(&q, 6),
                               .created_at = {db_col_i64(&q, 7)},
                               .started_at = {db_col_i64(&q, 8)},
                               .ended_at = {db_col_i64(&q, 9)},
                               .error = db_col_str(&q, 10),
                               .succeeded = db_col_i64(&q, 11),
                               .failed = db_col_i64(&q, 12),
                               .parent = db_col_str(&q, 13),
                               .root = db_col_str(&q, 14),
                               .partition = db_col_str(&q, 15),
                               .partition_end = db_col_str(&q, 16),
                               .backfill = db_col_str(&q, 17),
                               .tags = db_col_str(&q, 18),
                               .priority = db_col_i64(&q, 19),
                               .retry_number = db_col_i64(&q, 20),
                               .error_code = db_col_str(&q, 21),
                               .not_before = {db_col_i64(&q, 22)}};
        if (!on_run(ctx, &run)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

static void read_span(const struct db_query *q, struct view_run_span *ret)
{
    struct str error = db_col_str(q, 4);
    (void)snprintf(ret->id, sizeof(ret->id), STR_FMT, STR_ARG(db_col_str(q, 0)));
    (void)snprintf(ret->status, sizeof(ret->status), STR_FMT, STR_ARG(db_col_str(q, 1)));
    (void)snprintf(ret->error, sizeof(ret->error), STR_FMT, STR_ARG(error));
    ret->first_seq = db_col_i64(q, 2);
    ret->last_seq = db_col_i64(q, 3);
    ret->steps = db_col_i64(q, 5);
}

bool view_find_run(struct view *view, struct str prefix, struct view_run_span *ret, struct err *err)
{
    bool by_prefix = !str_is_empty(prefix);
    struct db_query q =
        db_query(view->store.db, by_prefix ? AGENT_STORE_RUN_FIND : AGENT_STORE_RUN_LAST);
    if (by_prefix) {
        db_bind_str(&q, ":prefix", prefix);
    }
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        (void)err_set(err, ERR_NOT_FOUND,
                      by_prefix ? "no run begins with " STR_FMT : "no run yet" STR_FMT,
                      STR_ARG(prefix));
        return err_hint(err, by_prefix ? "list them: selvedge-agent runs"
                                       : "make one: selvedge-agent materialize");
    }
    read_span(&q, ret);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        db_reset(&q);
        return err_set(err, ERR_INVALID, "more than one run begins with " STR_FMT, STR_ARG(prefix));
    }
    return true;
}

bool view_run_is_over(const struct view_run_span *run)
{
    static const char *const ends[] = {"success", "failure", "canceled"};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        if (strcmp(run->status, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool view_steps(struct view *view, struct str run,
                bool (*on_step)(void *ctx, const struct view_step *step), void *ctx,
                struct err *err)
{
    struct db_query q = db_query(view->store.db, AGENT_STORE_RUN_STEPS);
    db_bind_str(&q, ":run", run);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct view_step step = {.step = db_col_str(&q, 0),
                                 .asset = db_col_str(&q, 1),
                                 .status = db_col_str(&q, 2),
                                 .attempt = db_col_i64(&q, 3),
                                 .started_at = {db_col_i64(&q, 4)},
                                 .ended_at = {db_col_i64(&q, 5)},
                                 .error = db_col_str(&q, 6),
                                 .retry_at = {db_col_i64(&q, 7)}};
        if (!on_step(ctx, &step)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

/* Reads on from `from` in pages, so that no read transaction is held while a slow terminal takes
 * its time. */
static bool each_event(struct view *view, int64_t from, int64_t last,
                       bool (*on_event)(void *ctx, struct str line), void *ctx, struct err *err)
{
    enum { PAGE = 200 };
    for (;;) {
        AUTO(buf) lines = buf_growing(SIZE_MAX / 2);
        struct db_query q = db_query(view->store.db, AGENT_STORE_EVENT_PAGE);
        db_bind_i64(&q, ":from", from);
        db_bind_i64(&q, ":count", PAGE);
        int64_t read = 0;
        for (bool row = false;;) {
            if (!db_next(&q, &row, err)) {
                return false;
            }
            if (!row || db_col_i64(&q, 0) > last) {
                break;
            }
            from = db_col_i64(&q, 0) + 1;
            buf_add(&lines, db_col_str(&q, 2));
            read++;
        }
        db_reset(&q);
        if (lines.overflow) {
            return err_set(err, ERR_NO_MEMORY, "read events from %" PRId64 ": out of memory", from);
        }
        struct str line = STR_NONE;
        struct str rest = buf_str(&lines);
        while (str_cut(rest, '\n', &line, &rest)) {
            if (!on_event(ctx, line)) {
                return true;
            }
        }
        if (read < PAGE) {
            return true;
        }
    }
}

struct run_events {
    struct str run;
    bool (*on_event)(void *ctx, struct str line);
    void *ctx;
};

static bool only_of_run(void *ctx, struct str line)
{
    const struct run_events *events = ctx;
    struct event event;
    struct err err = {0};
    if (event_parse(line, &event, &err) && str_eq(event.run, events->run)) {
        return events->on_event(events->ctx, line);
    }
    return true;
}

bool view_events(struct view *view, const struct view_run_span *run,
                 bool (*on_event)(void *ctx, struct str line), void *ctx, struct err *err)
{
    struct run_events events = {.run = str_from(run->id), .on_event = on_event, .ctx = ctx};
    int64_t last = view_run_is_over(run) ? run->last_seq : INT64_MAX;
    return each_event(view, run->first_seq, last, only_of_run, &events, err);
}

struct limited {
    int64_t left;
    bool (*on_event)(void *ctx, struct str line);
    void *ctx;
};

static bool up_to_limit(void *ctx, struct str line)
{
    struct limited *limited = ctx;
    return limited->left-- > 0 && limited->on_event(limited->ctx, line);
}

bool view_waiting(struct view *view, int64_t limit, bool (*on_event)(void *ctx, struct str line),
                  void *ctx, struct err *err)
{
    struct limited limited = {.left = limit, .on_event = on_event, .ctx = ctx};
    return each_event(view, view->store.state.acked_seq + 1, INT64_MAX, up_to_limit, &limited, err);
}

bool view_asset(struct view *view, struct str key, struct arena *arena, struct view_asset *ret,
                bool *ret_found, struct err *err)
{
    struct db_query q = db_query(view->store.db, AGENT_STORE_ASSET_GET);
    db_bind_str(&q, ":asset", key);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        *ret = (struct view_asset){.materialized_at = {db_col_i64(&q, 0)},
                                   .run = arena_copy(arena, db_col_str(&q, 1)),
                                   .materializations = db_col_i64(&q, 2),
                                   .metadata = arena_copy(arena, db_col_str(&q, 3)),
                                   .failed_at = {db_col_i64(&q, 4)},
                                   .error = arena_copy(arena, db_col_str(&q, 5))};
        db_reset(&q);
    }
    return true;
}
