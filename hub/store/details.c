/* details.c - see details.h. Columns are taken in the order of the SELECT in sql/device_*.sql. */
#include "hub/store/details.h"
#include "hub_store_sql.h"

static int64_t number(const struct db_query *q, int col)
{
    return db_col_is_null(q, col) ? HUB_UNKNOWN : db_col_i64(q, col);
}

static struct wall_time time_of(const struct db_query *q, int col)
{
    return (struct wall_time){db_col_i64(q, col) * NS_PER_MS}; /* NULL reads as 0 */
}

static struct db_query begin(struct db *db, int sql_id, struct str device)
{
    struct db_query q = db_query(db, sql_id);
    db_bind_str(&q, ":device", device);
    return q;
}

bool hub_find_device(struct db *db, struct str name, struct buf *ret, struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_DEVICE_FIND, name);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no device " STR_FMT,
                      STR_ARG(str_clip(name, 80)));
        return err_hint(err, "list them: selvedge-hub devices");
    }
    buf_add(ret, db_col_str(&q, 0));
    db_reset(&q);
    return true;
}

bool hub_read_device_detail(struct db *db, struct str device,
                            void (*on_row)(void *ctx, const struct hub_device_detail *row),
                            void *ctx, struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_DEVICE_DETAIL, device);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    const struct hub_device_detail detail = {.key_fingerprint = db_col_str(&q, 0),
                                             .status_since = time_of(&q, 1),
                                             .epoch = db_col_str(&q, 2),
                                             .boot_id = db_col_str(&q, 3),
                                             .clock_trusted = number(&q, 4),
                                             .refusal_at = time_of(&q, 5),
                                             .definitions_told = db_col_str(&q, 6),
                                             .starts = number(&q, 7),
                                             .clock_steps = number(&q, 8),
                                             .health_at = time_of(&q, 9),
                                             .health = db_col_str(&q, 10),
                                             .certificate_cause = db_col_str(&q, 11),
                                             .certificate_issued = time_of(&q, 12),
                                             .epochs = number(&q, 13),
                                             .bundle_wanted = db_col_str(&q, 14),
                                             .has_wish = db_col_i64(&q, 15) != 0,
                                             .deployment = db_col_str(&q, 16),
                                             .bundle_told = db_col_str(&q, 17),
                                             .bundle_status = db_col_str(&q, 18),
                                             .bundle_current = db_col_str(&q, 19),
                                             .bundle_reason = db_col_str(&q, 20),
                                             .bundle_at = time_of(&q, 21),
                                             .cut_off = number(&q, 22),
                                             .quarantined = number(&q, 23)};
    on_row(ctx, &detail);
    db_reset(&q);
    return true;
}

bool hub_each_device_command(struct db *db, struct str device,
                             void (*on_row)(void *ctx, const struct hub_device_command *row),
                             void *ctx, struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_DEVICE_COMMANDS, device);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        const struct hub_device_command command = {.id = db_col_str(&q, 0),
                                                   .verb = db_col_str(&q, 1),
                                                   .status = db_col_str(&q, 2),
                                                   .given = time_of(&q, 3),
                                                   .expires = time_of(&q, 4),
                                                   .sent = db_col_i64(&q, 5)};
        on_row(ctx, &command);
    }
    return ok;
}

bool hub_each_device_alert(struct db *db, struct str device,
                           void (*on_row)(void *ctx, const struct hub_device_alert *row), void *ctx,
                           struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_DEVICE_ALERTS, device);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        const struct hub_device_alert alert = {
            .kind = db_col_str(&q, 0), .opened = time_of(&q, 1), .detail = db_col_str(&q, 2)};
        on_row(ctx, &alert);
    }
    return ok;
}

bool hub_each_device_pool(struct db *db, struct str device,
                          void (*on_row)(void *ctx, const struct hub_device_pool *row), void *ctx,
                          struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_DEVICE_POOLS, device);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        const struct hub_device_pool pool = {
            .pool = db_col_str(&q, 0), .wanted = db_col_i64(&q, 1), .granted = db_col_i64(&q, 2)};
        on_row(ctx, &pool);
    }
    return ok;
}
