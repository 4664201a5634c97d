/* queries.c - see queries.h. Columns are taken in the order of the SELECT in sql/list_*.sql. */
#include "hub/store/queries.h"
#include "hub_store_sql.h"

/* A row being read: one column after the other. */
struct row {
    const struct db_query *q;
    int col;
};

static struct str take_str(struct row *r)
{
    return db_col_str(r->q, r->col++);
}

static int64_t take_i64(struct row *r)
{
    int col = r->col++;
    return db_col_is_null(r->q, col) ? HUB_UNKNOWN : db_col_i64(r->q, col);
}

static bool take_bool(struct row *r)
{
    return db_col_i64(r->q, r->col++) != 0;
}

static struct wall_time take_time(struct row *r)
{
    return (struct wall_time){db_col_i64(r->q, r->col++) * NS_PER_MS}; /* NULL reads as 0 */
}

enum wants {
    WANTS_DEVICE = 1,
    WANTS_ASSET = 2,
    WANTS_RUN = 4,
    WANTS_STATUS = 8,
    WANTS_FAILING = 16,
    WANTS_LIMIT = 32,
    WANTS_AFTER = 64,
    WANTS_AFTER_2 = 128,
    WANTS_AFTER_3 = 256,
};

/* Before everything; behind every id of a run. */
static struct str or_first(struct str s)
{
    return str_is_empty(s) ? STR("") : s;
}

static struct str or_last(struct str s)
{
    return str_is_empty(s) ? STR("\xf4\x8f\xbf\xbf") : s;
}

static struct db_query begin(struct db *db, int sql_id, const struct hub_filter *f, unsigned wants)
{
    struct db_query q = db_query(db, sql_id);
    if ((wants & WANTS_DEVICE) != 0) {
        db_bind_opt(&q, ":device", f->device);
    }
    if ((wants & WANTS_ASSET) != 0) {
        db_bind_opt(&q, ":asset", f->asset);
    }
    if ((wants & WANTS_RUN) != 0) {
        db_bind_opt(&q, ":run", f->run);
    }
    if ((wants & WANTS_STATUS) != 0) {
        db_bind_opt(&q, ":status", f->status);
    }
    if ((wants & WANTS_FAILING) != 0) {
        db_bind_i64(&q, ":failing", f->only_failing ? 1 : 0);
    }
    if ((wants & WANTS_LIMIT) != 0) {
        db_bind_i64(&q, ":limit", f->limit > 0 ? f->limit : -1);
    }
    if ((wants & WANTS_AFTER) != 0) {
        db_bind_str(&q, ":after", or_first(f->after[0]));
    }
    if ((wants & (WANTS_AFTER_2 | WANTS_AFTER_3)) != 0) {
        db_bind_str(&q, ":after2", or_first(f->after[1]));
    }
    if ((wants & WANTS_AFTER_3) != 0) {
        db_bind_str(&q, ":after3", or_first(f->after[2]));
    }
    return q;
}

bool hub_each_device(struct db *db, const struct hub_filter *filter,
                     void (*on_row)(void *ctx, const struct hub_device *row), void *ctx,
                     struct err *err)
{
    bool is_one = !str_is_empty(filter->device);
    struct db_query q = begin(db, HUB_STORE_LIST_DEVICES, filter, WANTS_LIMIT | WANTS_AFTER);
    bool ok = true;
    db_bind_str(&q, ":first", is_one ? filter->device : or_first(filter->after[0]));
    db_bind_str(&q, ":last", or_last(filter->device));
    db_bind_i64(&q, ":counts", filter->without_counts ? 0 : 1);
    while (db_each(&q, &ok, err)) {
        struct row r = {.q = &q};
        struct hub_device row = {0};
        row.id = take_str(&r);
        row.status = take_str(&r);
        row.version = take_str(&r);
        row.board = take_str(&r);
        row.is_online = take_bool(&r);
        row.since = take_time(&r);
        row.last_seen = take_time(&r);
        row.offline_reason = take_str(&r);
        row.refusal = take_str(&r);
        row.clock_offset_ms = take_i64(&r);
        row.enrolled = take_time(&r);
        row.not_after = take_time(&r);
        row.cert_fingerprint = take_str(&r);
        row.last_received = take_time(&r);
        row.waiting = take_i64(&r);
        row.assets = take_i64(&r);
        row.failing = take_i64(&r);
        row.runs_open = take_i64(&r);
        row.events = take_i64(&r);
        row.lost_events = take_i64(&r);
        row.definitions_hash = take_str(&r);
        row.definitions_at = take_time(&r);
        row.display_name = take_str(&r);
        row.status_reason = take_str(&r);
        row.status_since = take_time(&r);
        row.serial_number = take_str(&r);
        row.labels = take_str(&r);
        on_row(ctx, &row);
    }
    return ok;
}

struct str hub_device_presence(const struct hub_device *d)
{
    bool is_out = !str_eq(d->status, STR("enrolled")) && !str_eq(d->status, STR("unknown"));
    if (is_out && !(d->is_online && str_eq(d->status, STR("replacing")))) {
        return d->status;
    }
    if (d->is_online) {
        return STR("online");
    }
    return d->since.ns == 0 ? STR("never seen") : STR("away");
}

struct wall_time hub_device_last_seen(const struct hub_device *d)
{
    return d->last_received.ns > d->last_seen.ns ? d->last_received : d->last_seen;
}

static void read_device_asset(struct row *r, struct hub_device_asset *row)
{
    row->device = take_str(r);
    row->asset = take_str(r);
    row->is_defined = take_bool(r);
    row->is_external = take_bool(r);
    row->is_failing = take_bool(r);
    row->group = take_str(r);
    row->kinds = take_str(r);
    row->tags = take_str(r);
    row->owners = take_str(r);
    row->checks = take_str(r);
    row->description = take_str(r);
    row->code_version = take_str(r);
    row->materializations = take_i64(r);
    row->failures = take_i64(r);
    row->at = take_time(r);
    row->run = take_str(r);
    row->row_count = take_i64(r);
    row->byte_count = take_i64(r);
    row->duration_ms = take_i64(r);
    row->data_version = take_str(r);
    row->metadata = take_str(r);
    row->failed_at = take_time(r);
    row->failed_run = take_str(r);
    row->failed_error = take_str(r);
}

/* A parameter that may be NULL finds no index. */
static struct db_query begin_device_assets(struct db *db, const struct hub_filter *filter)
{
    const unsigned list = WANTS_ASSET | WANTS_FAILING | WANTS_LIMIT | WANTS_AFTER_2;
    if (str_is_empty(filter->asset)) {
        return begin(db,
                     str_is_empty(filter->device) ? HUB_STORE_LIST_DEVICE_ASSETS
                                                  : HUB_STORE_LIST_ASSETS_OF_DEVICE,
                     filter, list | WANTS_DEVICE | WANTS_AFTER);
    }
    struct db_query q = begin(db, HUB_STORE_LIST_DEVICES_OF_ASSET, filter, list);
    db_bind_str(&q, ":first", or_first(filter->device));
    db_bind_str(&q, ":last", or_last(filter->device));
    return q;
}

bool hub_each_device_asset(struct db *db, const struct hub_filter *filter,
                           void (*on_row)(void *ctx, const struct hub_device_asset *row), void *ctx,
                           struct err *err)
{
    struct db_query q = begin_device_assets(db, filter);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct row r = {.q = &q};
        struct hub_device_asset row = {0};
        read_device_asset(&r, &row);
        on_row(ctx, &row);
    }
    return ok;
}

bool hub_each_asset_wording(struct db *db,
                            void (*on_row)(void *ctx, const struct hub_device_asset *row),
                            void *ctx, struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_LIST_ASSET_WORDS);
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        struct row r = {.q = &q};
        struct hub_device_asset row = {0};
        row.asset = take_str(&r);
        row.group = take_str(&r);
        row.kinds = take_str(&r);
        row.tags = take_str(&r);
        row.owners = take_str(&r);
        row.is_external = take_bool(&r);
        on_row(ctx, &row);
    }
    return false;
}

bool hub_each_edge_once(struct db *db, void (*on_row)(void *ctx, const struct hub_edge *row),
                        void *ctx, struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_LIST_EDGES_ONCE);
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        struct hub_edge row = {.upstream = db_col_str(&q, 0), .downstream = db_col_str(&q, 1)};
        on_row(ctx, &row);
    }
    return false;
}

bool hub_each_edge(struct db *db, const struct hub_filter *filter,
                   void (*on_row)(void *ctx, const struct hub_edge *row), void *ctx,
                   struct err *err)
{
    bool is_fleet = str_is_empty(filter->device);
    struct db_query q = is_fleet ? begin(db, HUB_STORE_LIST_FLEET_EDGES, filter, 0)
                                 : begin(db, HUB_STORE_LIST_DEVICE_EDGES, filter, WANTS_DEVICE);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct row r = {.q = &q};
        struct hub_edge row = {0};
        row.upstream = take_str(&r);
        row.downstream = take_str(&r);
        row.devices = take_i64(&r);
        row.declared_by = take_str(&r);
        on_row(ctx, &row);
    }
    return ok;
}

/* Behind the cursor, or what is before `until`: whatever is further on. */
static void bind_span(struct db_query *q, const struct hub_filter *filter)
{
    bool is_until = !str_is_empty(filter->until) && (str_is_empty(filter->after[0]) ||
                                                     str_cmp(filter->until, filter->after[0]) <= 0);
    db_bind_str(q, ":after", is_until ? filter->until : or_last(filter->after[0]));
    db_bind_str(q, ":after2", is_until ? or_last(STR_NONE) : or_first(filter->after[1]));
    db_bind_str(q, ":since", or_first(filter->since));
}

/* A parameter that may be NULL finds no index: one statement for each that has one. */
static struct db_query begin_runs(struct db *db, const struct hub_filter *filter)
{
    bool has_device = !str_is_empty(filter->device);
    bool has_asset = !str_is_empty(filter->asset);
    bool is_few = !str_is_empty(filter->status) && !str_eq(filter->status, STR("success"));
    if (!str_is_empty(filter->run)) {
        return begin(db, HUB_STORE_LIST_RUN, filter, WANTS_DEVICE | WANTS_RUN | WANTS_LIMIT);
    }
    int statement = has_device  ? HUB_STORE_LIST_RUNS_OF_DEVICE
                    : is_few    ? HUB_STORE_LIST_RUNS_NOT_WELL
                    : has_asset ? HUB_STORE_LIST_RUNS_OF_ASSET
                                : HUB_STORE_LIST_RUNS;
    struct db_query q = begin(db, statement, filter,
                              WANTS_STATUS | WANTS_LIMIT | (has_device ? WANTS_DEVICE : 0) |
                                  (statement != HUB_STORE_LIST_RUNS ? WANTS_ASSET : 0));
    bind_span(&q, filter);
    db_bind_opt(&q, ":job", filter->job);
    return q;
}

bool hub_each_run(struct db *db, const struct hub_filter *filter,
                  void (*on_row)(void *ctx, const struct hub_run *row), void *ctx, struct err *err)
{
    struct db_query q = begin_runs(db, filter);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct row r = {.q = &q};
        struct hub_run row = {0};
        row.device = take_str(&r);
        row.run = take_str(&r);
        row.status = take_str(&r);
        row.job = take_str(&r);
        row.cause = take_str(&r);
        row.cause_name = take_str(&r);
        row.selection = take_str(&r);
        row.tags = take_str(&r);
        row.enqueued = take_time(&r);
        row.started = take_time(&r);
        row.ended = take_time(&r);
        row.error = take_str(&r);
        row.steps = take_i64(&r);
        row.steps_success = take_i64(&r);
        row.steps_failure = take_i64(&r);
        row.steps_skipped = take_i64(&r);
        on_row(ctx, &row);
    }
    return ok;
}

bool hub_each_run_like(struct db *db, struct str prefix, const struct hub_filter *filter,
                       void (*on_row)(void *ctx, struct str device, struct str run), void *ctx,
                       struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_RUN_LIKE, filter, WANTS_DEVICE | WANTS_LIMIT);
    db_bind_str(&q, ":prefix", prefix);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        on_row(ctx, db_col_str(&q, 0), db_col_str(&q, 1));
    }
    return ok;
}

bool hub_each_step(struct db *db, const struct hub_filter *filter,
                   void (*on_row)(void *ctx, const struct hub_step *row), void *ctx,
                   struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_LIST_STEPS, filter, WANTS_DEVICE | WANTS_RUN);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct row r = {.q = &q};
        struct hub_step row = {0};
        row.device = take_str(&r);
        row.run = take_str(&r);
        row.step = take_str(&r);
        row.asset = take_str(&r);
        row.status = take_str(&r);
        row.attempt = take_i64(&r);
        row.started = take_time(&r);
        row.ended = take_time(&r);
        row.duration_ms = take_i64(&r);
        row.retry_at = take_time(&r);
        row.error = take_str(&r);
        row.exit = take_str(&r);
        row.reason = take_str(&r);
        on_row(ctx, &row);
    }
    return ok;
}

/* A list of one asset begins before its first check, at whatever name and device. */
static struct db_query begin_checks(struct db *db, const struct hub_filter *filter)
{
    bool is_of_device = !str_is_empty(filter->device) && str_is_empty(filter->asset);
    bool is_failing = filter->only_failing && !is_of_device;
    struct hub_filter f = *filter;
    if (str_is_empty(f.after[0])) {
        f.after[0] = f.asset;
    }
    struct db_query q = begin(db,
                              is_of_device ? HUB_STORE_LIST_CHECKS_OF_DEVICE
                              : is_failing ? HUB_STORE_LIST_CHECKS_FAILING
                                           : HUB_STORE_LIST_CHECKS,
                              &f,
                              WANTS_DEVICE | (is_failing ? 0 : WANTS_FAILING) | WANTS_LIMIT |
                                  WANTS_AFTER | WANTS_AFTER_3);
    db_bind_str(&q, ":last", or_last(f.asset));
    return q;
}

bool hub_each_check(struct db *db, const struct hub_filter *filter,
                    void (*on_row)(void *ctx, const struct hub_check *row), void *ctx,
                    struct err *err)
{
    struct db_query q = begin_checks(db, filter);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct row r = {.q = &q};
        struct hub_check row = {0};
        row.device = take_str(&r);
        row.asset = take_str(&r);
        row.name = take_str(&r);
        row.passed = take_bool(&r);
        row.severity = take_str(&r);
        row.at = take_time(&r);
        row.run = take_str(&r);
        row.metadata = take_str(&r);
        on_row(ctx, &row);
    }
    return ok;
}

bool hub_each_materialized_at(struct db *db, struct str device, struct wall_time at,
                              void (*on_row)(void *ctx, const struct hub_materialized_at *row),
                              void *ctx, struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_LIST_MATERIALIZED_AT);
    db_bind_opt(&q, ":device", device);
    db_bind_i64(&q, ":at", at.ns / NS_PER_MS);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct row r = {.q = &q};
        struct hub_materialized_at row = {0};
        row.asset = take_str(&r);
        row.at = take_time(&r);
        row.materializations = take_i64(&r);
        on_row(ctx, &row);
    }
    return ok;
}

bool hub_each_run_count(struct db *db, struct wall_time since,
                        void (*on_row)(void *ctx, struct str status, int64_t runs), void *ctx,
                        struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_COUNT_RUNS);
    db_bind_i64(&q, ":since", since.ns / NS_PER_MS);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        on_row(ctx, db_col_str(&q, 0), db_col_i64(&q, 1));
    }
    return ok;
}

bool hub_each_refusal(struct db *db, const struct hub_filter *filter,
                      void (*on_row)(void *ctx, const struct hub_refusal *row), void *ctx,
                      struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_LIST_REFUSALS, filter, WANTS_LIMIT);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct row r = {.q = &q};
        struct hub_refusal row = {0};
        row.at = take_time(&r);
        row.peer = take_str(&r);
        row.what = take_str(&r);
        row.why = take_str(&r);
        on_row(ctx, &row);
    }
    return ok;
}

bool hub_read_quarantined(struct db *db, int64_t id, struct buf *payload, struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_QUARANTINE_GET);
    bool has_row = false;
    db_bind_i64(&q, ":id", id);
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (!has_row) {
        return err_set(err, ERR_NOT_FOUND, "no batch %lld is in quarantine", (long long)id);
    }
    buf_add(payload, db_col_blob(&q, 0));
    db_reset(&q);
    return !payload->overflow || err_set(err, ERR_NO_MEMORY, "quarantine: out of memory");
}

bool hub_each_cut_off(struct db *db, const struct hub_filter *filter,
                      void (*on_row)(void *ctx, const struct hub_cut_off *row), void *ctx,
                      struct err *err)
{
    struct db_query q = begin(db, HUB_STORE_CUT_OFF_LIST, filter, WANTS_DEVICE);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct row r = {.q = &q};
        struct hub_cut_off row = {0};
        row.device = take_str(&r);
        row.epoch = take_str(&r);
        row.at = take_time(&r);
        row.why = take_str(&r);
        on_row(ctx, &row);
    }
    return ok;
}

bool hub_clear_cut_off(struct db *db, struct str device, struct str epoch, int64_t *ret_count,
                       struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_CUT_OFF_CLEAR);
    db_bind_str(&q, ":device", device);
    db_bind_opt(&q, ":epoch", epoch);
    if (!db_run(&q, err)) {
        return false;
    }
    *ret_count = db_changes(db);
    return true;
}

bool hub_read_totals(struct db *db, struct hub_totals *ret, struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_FLEET_TOTALS);
    bool has_row = false;
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    struct row r = {.q = &q};
    struct hub_totals t = {0};
    t.devices = take_i64(&r);
    t.online = take_i64(&r);
    t.assets = take_i64(&r);
    t.device_assets = take_i64(&r);
    t.failing = take_i64(&r);
    t.materializations = take_i64(&r);
    t.row_count = take_i64(&r);
    t.runs = take_i64(&r);
    t.runs_success = take_i64(&r);
    t.runs_failure = take_i64(&r);
    t.runs_open = take_i64(&r);
    t.checks_failing = take_i64(&r);
    t.events = take_i64(&r);
    t.lost_events = take_i64(&r);
    db_reset(&q);
    *ret = t;
    return true;
}
