#include "hub/store/freshness.h"

#include "hub_store_sql.h"

const char *freshness_word(enum freshness_word word)
{
    static const char *const words[] = {
        [FRESH_PASS] = "fresh",        [FRESH_LATE] = "late",        [FRESH_STALE] = "stale",
        [FRESH_FAILED] = "failed",     [FRESH_AWAY] = "device away", [FRESH_CLOCK] = "clock wrong",
        [FRESH_UNKNOWN] = "never made"};
    return words[word];
}

bool freshness_is_bad(enum freshness_word word)
{
    return word == FRESH_STALE || word == FRESH_FAILED || word == FRESH_AWAY || word == FRESH_CLOCK;
}

static bool has_wrong_clock(const struct freshness_facts *f)
{
    bool is_off = f->clock_offset_ms != HUB_UNKNOWN &&
                  (f->clock_offset_ms > CLOCK_WRONG_MS || f->clock_offset_ms < -CLOCK_WRONG_MS);
    return !f->is_clock_trusted || is_off;
}

/* A device that is away judges no more. What passed when it was last heard does until its window is
 * over; of a deadline nobody here knows whether it was met. */
static enum freshness_word judge_away(const struct freshness_facts *f, struct wall_time now)
{
    bool passed = str_eq(f->told, STR("pass")) || str_eq(f->told, STR("warn"));
    bool has_window = f->fail_after_ms != HUB_UNKNOWN && f->made.ns != 0;
    int64_t age_ms = (now.ns - f->made.ns) / NS_PER_MS;
    return passed && has_window && age_ms < f->fail_after_ms ? FRESH_PASS : FRESH_AWAY;
}

enum freshness_word freshness_judge(const struct freshness_facts *f, struct wall_time now)
{
    if (has_wrong_clock(f)) {
        return FRESH_CLOCK;
    }
    if (!f->is_online) {
        return judge_away(f, now);
    }
    if (str_eq(f->told, STR("pass"))) {
        return FRESH_PASS;
    }
    if (str_eq(f->told, STR("warn"))) {
        return FRESH_LATE;
    }
    if (!str_eq(f->told, STR("fail"))) {
        return f->is_failing ? FRESH_FAILED : FRESH_UNKNOWN;
    }
    return f->is_failing ? FRESH_FAILED : FRESH_STALE;
}

static int64_t number_of(const struct db_query *q, int col)
{
    return db_col_is_null(q, col) ? HUB_UNKNOWN : db_col_i64(q, col);
}

static struct wall_time time_of(const struct db_query *q, int col)
{
    const int64_t most = INT64_MAX / NS_PER_MS;
    int64_t ms = db_col_is_null(q, col) ? 0 : db_col_i64(q, col);
    ms = ms > most ? most : ms < 0 ? 0 : ms;
    return (struct wall_time){ms * NS_PER_MS};
}

bool hub_each_freshness(struct db *db, const struct hub_filter *filter, struct wall_time now,
                        void (*on_row)(void *ctx, const struct hub_freshness *row), void *ctx,
                        struct err *err)
{
    /* One statement each: a parameter that may be NULL finds no index. */
    static const int statements[] = {HUB_STORE_LIST_FRESHNESS, HUB_STORE_LIST_FRESHNESS_OF_ASSET,
                                     HUB_STORE_LIST_FRESHNESS_OF_DEVICE,
                                     HUB_STORE_LIST_FRESHNESS_OF_PAIR};
    bool of_device = !str_is_empty(filter->device);
    bool of_asset = !str_is_empty(filter->asset);
    struct db_query q = db_query(db, statements[(of_device ? 2 : 0) + (of_asset ? 1 : 0)]);
    if (of_device) {
        db_bind_str(&q, ":device", filter->device);
    }
    if (of_asset) {
        db_bind_str(&q, ":asset", filter->asset);
    }
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct hub_freshness row = {.device = db_col_str(&q, 0),
                                    .asset = db_col_str(&q, 1),
                                    .told = db_col_str(&q, 2),
                                    .told_at = time_of(&q, 3)};
        const struct freshness_facts facts = {
            .told = row.told,
            .is_failing = db_col_i64(&q, 4) != 0,
            .made = time_of(&q, 5),
            .is_online = db_col_i64(&q, 6) != 0,
            .is_clock_trusted = db_col_i64(&q, 7) != 0,
            .clock_offset_ms = number_of(&q, 8),
            .fail_after_ms = number_of(&q, 9),
        };
        row.word = freshness_judge(&facts, now);
        on_row(ctx, &row);
    }
    return ok;
}
