/* report_queries.c - see report_queries.h. Columns are taken in the order of sql/report_*.sql. */
#include "hub/store/report_queries.h"
#include "hub_store_sql.h"

static int64_t ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}

static int64_t number(const struct db_query *q, int col)
{
    return db_col_is_null(q, col) ? HUB_UNKNOWN : db_col_i64(q, col);
}

static struct wall_time when(const struct db_query *q, int col)
{
    return (struct wall_time){db_col_i64(q, col) * NS_PER_MS}; /* NULL reads as 0 */
}

static struct hub_load load(const struct db_query *q, int col)
{
    return (struct hub_load){db_col_i64(q, col), number(q, col + 1), number(q, col + 2)};
}

static struct db_query begin(struct db *db, int sql_id, const struct hub_span *span)
{
    struct db_query q = db_query(db, sql_id);
    db_bind_i64(&q, ":since", ms(span->since));
    db_bind_i64(&q, ":until", ms(span->until));
    return q;
}

bool hub_each_load(struct db *db, const struct hub_span *span,
                   void (*on_row)(void *ctx, const struct hub_asset_load *row), void *ctx,
                   struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_REPORT_LOADS, span);
    db_bind_i64(&q, ":before", ms(span->before));
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        const struct hub_asset_load row = {.asset = db_col_str(&q, 0),
                                           .device = db_col_str(&q, 1),
                                           .now = load(&q, 2),
                                           .before = load(&q, 5),
                                           .timed = db_col_i64(&q, 8),
                                           .duration_ms = number(&q, 9),
                                           .duration_max_ms = number(&q, 10)};
        on_row(ctx, &row);
    }
    return false;
}

bool hub_each_device_runs(struct db *db, const struct hub_span *span,
                          void (*on_row)(void *ctx, const struct hub_device_runs *row), void *ctx,
                          struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_REPORT_RUNS, span);
    db_bind_i64(&q, ":before", ms(span->before));
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        const struct hub_device_runs row = {.device = db_col_str(&q, 0),
                                            .status = db_col_str(&q, 1),
                                            .now = db_col_i64(&q, 2),
                                            .before = db_col_i64(&q, 3)};
        on_row(ctx, &row);
    }
    return false;
}

static struct db_query begin_slices(struct db *db, int sql_id, struct wall_time from,
                                    struct wall_time until)
{
    struct db_query q = db_query(db, sql_id);
    db_bind_i64(&q, ":from", ms(from));
    db_bind_i64(&q, ":until", ms(until));
    return q;
}

bool hub_each_slice(struct db *db, struct wall_time from, struct wall_time until,
                    void (*on_row)(void *ctx, const struct hub_slice *row), void *ctx,
                    struct err *err)
{
    struct db_query runs = begin_slices(db, HUB_STORE_REPORT_RUN_DAYS, from, until);
    bool has_row = true;
    while (has_row) {
        if (!db_next(&runs, &has_row, err)) {
            return false;
        }
        const struct hub_slice row = {.slice = has_row ? db_col_i64(&runs, 0) : 0,
                                      .status = has_row ? db_col_str(&runs, 1) : STR_NONE,
                                      .runs = has_row ? db_col_i64(&runs, 2) : 0};
        if (has_row) {
            on_row(ctx, &row);
        }
    }
    struct db_query loads = begin_slices(db, HUB_STORE_REPORT_LOAD_DAYS, from, until);
    while (db_next(&loads, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        const struct hub_slice row = {.slice = db_col_i64(&loads, 0), .load = load(&loads, 1)};
        on_row(ctx, &row);
    }
    return false;
}

bool hub_each_attempts(struct db *db, const struct hub_span *span,
                       void (*on_row)(void *ctx, const struct hub_attempts *row), void *ctx,
                       struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_REPORT_STEPS, span);
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        const struct hub_attempts row = {.asset = db_col_str(&q, 0),
                                         .steps = db_col_i64(&q, 1),
                                         .attempts = db_col_i64(&q, 2),
                                         .failed = db_col_i64(&q, 3),
                                         .succeeded = db_col_i64(&q, 4)};
        on_row(ctx, &row);
    }
    return false;
}

bool hub_each_failing_since(struct db *db,
                            void (*on_row)(void *ctx, const struct hub_failing_since *row),
                            void *ctx, struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_REPORT_FAILING_SINCE);
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        const struct hub_failing_since row = {
            .device = db_col_str(&q, 0), .asset = db_col_str(&q, 1), .since = when(&q, 2)};
        on_row(ctx, &row);
    }
    return false;
}

bool hub_each_gap(struct db *db, const struct hub_span *span,
                  void (*on_row)(void *ctx, const struct hub_gap *row), void *ctx, struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_REPORT_GAPS, span);
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        const struct hub_gap row = {.device = db_col_str(&q, 0),
                                    .reason = db_col_str(&q, 1),
                                    .gaps = db_col_i64(&q, 2),
                                    .events = db_col_i64(&q, 3),
                                    .at = when(&q, 4)};
        on_row(ctx, &row);
    }
    return false;
}

bool hub_each_alert(struct db *db, const struct hub_span *span,
                    void (*on_row)(void *ctx, const struct hub_alert *row), void *ctx,
                    struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_REPORT_ALERTS, span);
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        const struct hub_alert row = {.id = db_col_i64(&q, 0),
                                      .kind = db_col_str(&q, 1),
                                      .is_group = db_col_i64(&q, 2) != 0,
                                      .subject = db_col_str(&q, 3),
                                      .opened = when(&q, 4),
                                      .told = when(&q, 5),
                                      .resolved = when(&q, 6),
                                      .devices = db_col_i64(&q, 7),
                                      .troubles = db_col_i64(&q, 8),
                                      .detail = db_col_str(&q, 9)};
        on_row(ctx, &row);
    }
    return false;
}

bool hub_each_label(struct db *db, struct str key,
                    void (*on_row)(void *ctx, struct str device, struct str value), void *ctx,
                    struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_REPORT_LABELS);
    db_bind_str(&q, ":key", key);
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        on_row(ctx, db_col_str(&q, 0), db_col_str(&q, 1));
    }
    return false;
}
