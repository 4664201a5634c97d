#include "run_work.h"

#include "agent/store/retention.h"
#include "agent/store/runs.h"
#include "common/base/arena.h"
#include "common/db/db.h"
#include "common/model/run_state.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

/* STAGES: a run's turns of life, see stages[]. RUNS_KEPT: ended ones, by an expiry. */
enum { STAGES = 9, EXPIRE_EVERY = 9, RUNS_KEPT = 5, PARTS = 6 };
#define START_NS (INT64_C(1795000000) * NS_PER_SEC)

void run_work_init(struct run_work *w, const char *path, const char *vfs)
{
    memset(w, 0, sizeof(*w));
    w->turns = RUN_WORK_TURNS;
    store_fixture_init(&w->fixture, path, vfs);
}

void run_work_close(struct run_work *w)
{
    store_fixture_close(&w->fixture);
    w->said = 0;
}

void run_work_release(struct run_work *w)
{
    run_work_close(w);
}

bool run_work_open(struct run_work *w, struct err *err)
{
    struct store_fixture *f = &w->fixture;
    if (f->store == NULL && !store_open(&f->store, &f->options, f->now, NULL, err)) {
        f->store = NULL;
        return false;
    }
    return true;
}

/* --- what happens in a turn ------------------------------------------------------------------- */

static struct wall_time turn_time(int turn)
{
    return (struct wall_time){START_NS + turn * NS_PER_SEC};
}

static void add(struct run_work *w, struct record r)
{
    assert_true(w->count < RUN_WORK_RECORDS_MAX);
    r.at = turn_time(w->turn);
    w->records[w->count++] = r;
}

static struct str name(struct run_work *w, const char *what, int number)
{
    assert_true(w->name_count < RUN_WORK_NAMES_MAX);
    char *text = w->names[w->name_count++];
    (void)snprintf(text, RUN_WORK_NAME_BYTES, "%s-%03d", what, number);
    return str_from(text);
}

/* Every third run is of the backfill, as long as that has parts. */
static bool is_of_backfill(int n)
{
    return n % 3 == 0 && n / 3 < PARTS;
}

static void enqueue(struct run_work *w, int n, struct str run)
{
    bool is_backfill = is_of_backfill(n);
    add(w, (struct record){.type = EVENT_RUN_ENQUEUED,
                           .run = run,
                           .job = STR("job"),
                           .cause = is_backfill ? STR("backfill") : STR("schedule"),
                           .cause_name = is_backfill ? STR_NONE : STR("second"),
                           .selection = STR("*"),
                           .keys = STR("[\"a\",\"b\",\"c\"]"),
                           .tags = STR("{\"why\":\"test\"}"),
                           .backfill = is_backfill ? STR("fill") : STR_NONE,
                           .partition = is_backfill ? name(w, "p", n / 3) : STR_NONE,
                           .steps = 3,
                           .priority = n % 5});
    add(w, (struct record){.type = EVENT_TICK,
                           .kind = STR("schedule"),
                           .name = STR("second"),
                           .status = is_backfill ? STR("skipped") : STR("started"),
                           .run = is_backfill ? STR_NONE : run,
                           .reason = is_backfill ? STR("a run is open") : STR_NONE,
                           .nominal = turn_time(w->turn)});
}

static void start(struct run_work *w, int n, struct str run)
{
    static const struct str assets[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c")};
    (void)n;
    add(w, (struct record){.type = EVENT_RUN_DEQUEUED, .run = run, .job = STR("job")});
    for (size_t i = 0; i < COUNT_OF(assets); i++) {
        add(w, (struct record){.type = EVENT_ASSET_MATERIALIZATION_PLANNED,
                               .run = run,
                               .step = assets[i],
                               .asset = assets[i]});
    }
    add(w, (struct record){.type = EVENT_RUN_START, .run = run, .job = STR("job")});
}

/* What is of one step; the rest is the caller's. */
static void add_step(struct run_work *w, struct str run, struct str asset, struct record r)
{
    r.run = run;
    r.step = asset;
    r.asset = asset;
    add(w, r);
}

static void first_step(struct run_work *w, int n, struct str run)
{
    (void)n;
    add_step(w, run, STR("a"), (struct record){.type = EVENT_STEP_START, .attempt = 1});
}

static void first_made(struct run_work *w, int n, struct str run)
{
    add_step(w, run, STR("a"),
             (struct record){.type = EVENT_ASSET_MATERIALIZATION,
                             .partition = is_of_backfill(n) ? name(w, "p", n / 3) : STR_NONE,
                             .data_version = name(w, "v", n),
                             .code_version = STR("1"),
                             .metadata = STR("{\"rows\":3}")});
    add_step(w, run, STR("a"),
             (struct record){.type = EVENT_ASSET_CHECK_EVALUATION,
                             .check = STR("rows"),
                             .severity = STR("error"),
                             .passed = n % 2 == 0});
    add_step(w, run, STR("a"), (struct record){.type = EVENT_STEP_SUCCESS, .attempt = 1});
    add_step(w, run, STR("a"), (struct record){.type = EVENT_LOGS_CAPTURED, .bytes_kept = 100});
    add_step(w, run, STR("b"), (struct record){.type = EVENT_STEP_START, .attempt = 1});
}

static void second_fails(struct run_work *w, int n, struct str run)
{
    (void)n;
    add_step(w, run, STR("b"),
             (struct record){.type = EVENT_STEP_UP_FOR_RETRY,
                             .attempt = 1,
                             .retry_at = turn_time(w->turn + 1),
                             .error_code = STR("failed"),
                             .error_message = STR("no")});
}

static void second_again(struct run_work *w, int n, struct str run)
{
    (void)n;
    add_step(w, run, STR("b"), (struct record){.type = EVENT_STEP_RESTARTED, .attempt = 2});
}

/* The run fails, and in the same flush the one that tries it again is queued. */
static void run_fails(struct run_work *w, int n, struct str run)
{
    struct str partition = is_of_backfill(n) ? name(w, "p", n / 3) : STR_NONE;
    add_step(w, run, STR("b"),
             (struct record){.type = EVENT_STEP_FAILURE,
                             .attempt = 2,
                             .error_code = STR("failed"),
                             .error_message = STR("no")});
    add_step(w, run, STR("b"),
             (struct record){.type = EVENT_ASSET_FAILED_TO_MATERIALIZE,
                             .partition = partition,
                             .error_message = STR("no")});
    add_step(w, run, STR("c"), (struct record){.type = EVENT_STEP_SKIPPED, .reason = STR("b")});
    add(w, (struct record){.type = EVENT_RUN_FAILURE,
                           .run = run,
                           .job = STR("job"),
                           .error_code = STR("failed"),
                           .error_message = STR("1 step failed")});
    add(w, (struct record){.type = EVENT_RUN_ENQUEUED,
                           .run = name(w, "retry", n),
                           .job = STR("job"),
                           .cause = STR("retry"),
                           .cause_name = run,
                           .selection = STR("*"),
                           .keys = STR("[\"b\",\"c\"]"),
                           .parent = run,
                           .root = run,
                           .backfill = is_of_backfill(n) ? STR("fill") : STR_NONE,
                           .partition = partition,
                           .not_before = turn_time(w->turn + 1),
                           .steps = 2,
                           .retry_number = 1});
}

static void retry_starts(struct run_work *w, int n, struct str run)
{
    struct str retry = name(w, "retry", n);
    (void)run;
    add(w, (struct record){.type = EVENT_RUN_DEQUEUED, .run = retry, .job = STR("job")});
    add(w, (struct record){.type = EVENT_RUN_START, .run = retry, .job = STR("job")});
    add_step(w, retry, STR("b"), (struct record){.type = EVENT_STEP_START, .attempt = 1});
    if (n % 2 == 0) {
        add(w, (struct record){.type = EVENT_RUN_CANCELING, .run = retry, .job = STR("job")});
    }
}

static void retry_ends(struct run_work *w, int n, struct str run)
{
    struct str retry = name(w, "retry", n);
    bool is_canceled = n % 2 == 0;
    (void)run;
    if (is_canceled) {
        add_step(w, retry, STR("b"),
                 (struct record){.type = EVENT_STEP_FAILURE,
                                 .attempt = 1,
                                 .error_code = STR("canceled"),
                                 .error_message = STR("canceled")});
    } else {
        add_step(w, retry, STR("b"), (struct record){.type = EVENT_ASSET_MATERIALIZATION});
        add_step(w, retry, STR("b"), (struct record){.type = EVENT_STEP_SUCCESS, .attempt = 1});
    }
    add(w, (struct record){.type = is_canceled ? EVENT_RUN_CANCELED : EVENT_RUN_SUCCESS,
                           .run = retry,
                           .job = STR("job")});
}

static void (*const stages[STAGES])(struct run_work *w, int n, struct str run) = {
    enqueue,      start,     first_step, first_made,   second_fails,
    second_again, run_fails, NULL,       retry_starts,
};

/* Of the device: partitions that come and go, a schedule that is paused, the backfill itself. */
static void add_others(struct run_work *w)
{
    int turn = w->turn;
    if (turn == 0) {
        add(w, (struct record){.type = EVENT_BACKFILL,
                               .backfill = STR("fill"),
                               .selection = STR("*"),
                               .status = STR("requested"),
                               .keys = STR("{\"0\":\"p-000\",\"1\":\"p-001\",\"2\":\"p-002\","
                                           "\"3\":\"p-003\",\"4\":\"p-004\",\"5\":\"p-005\"}"),
                               .steps = PARTS,
                               .per_run = 1});
    }
    if (turn == RUN_WORK_TURNS - 4) {
        add(w, (struct record){.type = EVENT_BACKFILL,
                               .backfill = STR("fill"),
                               .status = STR("completed_failed")});
    }
    if (turn % 4 == 3) {
        add(w, (struct record){.type = EVENT_INSTIGATOR,
                               .kind = STR("sensor"),
                               .name = STR("files"),
                               .status = turn % 8 == 3 ? STR("paused") : STR("running")});
        add(w, (struct record){.type = EVENT_DYNAMIC_PARTITIONS,
                               .set = STR("shops"),
                               .partition = name(w, "shop", turn / 8),
                               .status = turn % 8 == 3 ? STR("added") : STR("deleted")});
    }
    if (turn % 4 == 1) {
        add(w, (struct record){.type = EVENT_TICK,
                               .kind = STR("sensor"),
                               .name = STR("files"),
                               .status = STR("started"),
                               .run = name(w, "run", turn),
                               .run_key = name(w, "key", turn),
                               .cursor = name(w, "at", turn)});
    }
}

/* What the hub wants: applied with the schedule that it begins, refused, degraded, and applied again.
 * The body in force and the event that tells it are there together, or neither is. */
static void add_desired(struct run_work *w)
{
    static const struct str statuses[] = {STR_INIT("applied"), STR_INIT("refused"),
                                          STR_INIT("applied"), STR_INIT("degraded")};
    int stage = w->turn / 2 % (int)COUNT_OF(statuses);
    int round = w->turn / 2 / (int)COUNT_OF(statuses);
    if (w->turn % 2 == 1) {
        return;
    }
    bool is_degraded = stage == 3;
    int revision = 1 + 3 * round + (is_degraded ? 2 : stage);
    add(w, (struct record){.type = EVENT_DESIRED,
                           .revision = revision,
                           .status = statuses[stage],
                           .reason = stage % 2 == 1 ? STR("there is no job x") : STR_NONE,
                           .keys = is_degraded ? STR_NONE : name(w, "body", revision)});
    if (stage % 2 == 0) {
        add(w, (struct record){.type = EVENT_INSTIGATOR,
                               .kind = STR("schedule"),
                               .name = STR("of the hub"),
                               .cursor = name(w, "times", revision),
                               .nominal = turn_time(w->turn)});
    }
}

static void compose(struct run_work *w)
{
    w->count = 0;
    w->name_count = 0;
    add_others(w);
    add_desired(w);
    for (int stage = 0; stage < STAGES && stage <= w->turn; stage++) {
        int n = w->turn - stage;
        if (stages[stage] != NULL) {
            stages[stage](w, n, name(w, "run", n));
        }
    }
    if (w->turn >= STAGES) {
        retry_ends(w, w->turn - STAGES, STR_NONE);
    }
}

/* --- turns ------------------------------------------------------------------------------------ */

bool run_work_expires_next(const struct run_work *w)
{
    return w->turn % EXPIRE_EVERY == EXPIRE_EVERY - 1;
}

static void remove_nothing(void *ctx, struct str run)
{
    (void)ctx;
    (void)run;
}

/* An expiry has its turn's records first, so that no turn is without any. */
static bool expire(struct run_work *w, struct err *err)
{
    const struct retention retention = {
        .runs = RUNS_KEPT, .output_bytes = 300, .ticks_age_ns = NS_PER_SEC};
    const struct retention_port port = {.remove_output = remove_nothing};
    bool more = true;
    while (more) {
        if (!store_expire(w->fixture.store, &retention, &port, w->fixture.now, &more, err)) {
            return false;
        }
    }
    return true;
}

static bool say(struct run_work *w, struct err *err)
{
    while (w->said < w->count) {
        if (!store_record(w->fixture.store, &w->records[w->said], err)) {
            return false;
        }
        w->said++;
    }
    return store_flush(w->fixture.store, w->fixture.now, err);
}

bool run_work_turn(struct run_work *w, struct err *err)
{
    if (w->said == 0) {
        compose(w);
    }
    w->fixture.now = turn_time(w->turn);
    if (!run_work_open(w, err) || !say(w, err) || (run_work_expires_next(w) && !expire(w, err))) {
        return false;
    }
    w->said = 0;
    w->turn++;
    return true;
}

bool run_work_run(struct run_work *w, struct err *err)
{
    while (w->turn < w->turns) {
        if (!run_work_turn(w, err)) {
            return false;
        }
    }
    return true;
}

/* --- looking ---------------------------------------------------------------------------------- */

static void check_ok(bool ok, const struct err *err, const char *what)
{
    if (!ok) {
        fail_msg("%s: %s %s", what, err_code_name(err->code), err->msg);
    }
}

static struct db *look(const struct run_work *w)
{
    struct db_options options = {.path = w->fixture.options.path,
                                 .flags = DB_READ_ONLY | DB_NO_CHECK,
                                 .vfs = w->fixture.options.vfs};
    struct db *db = NULL;
    struct err err = {0};
    check_ok(db_open(&db, &options, &err), &err, "look into the database");
    return db;
}

/* Rows as lines, columns parted by |. */
static void dump_rows(struct db *db, struct str sql, struct buf *ret)
{
    AUTO(db_query) q = {0};
    struct err err = {0};
    check_ok(db_prepare(db, sql, &q, &err), &err, "dump");
    for (bool row = true; row;) {
        check_ok(db_next(&q, &row, &err), &err, "dump");
        for (int i = 0; row && i < db_col_count(&q); i++) {
            buf_add(ret, db_col_str(&q, i));
            buf_add_char(ret, i + 1 < db_col_count(&q) ? '|' : '\n');
        }
    }
}

void run_work_dump(struct run_work *w, struct buf *ret)
{
    /* Not `buffer`, which has the random epoch. */
    static const char *const tables[] = {
        "run",        "step",    "asset",   "asset_partition", "asset_check",
        "instigator", "tick",    "run_key", "backfill_part",   "dynamic_partition",
        "backfill",   "desired", "event",
    };
    struct db *db = look(w);
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        AUTO(buf) sql = buf_growing(100);
        buf_addf(&sql, "SELECT * FROM %s ORDER BY 1, 2", tables[i]);
        buf_addf(ret, "%s:\n", tables[i]);
        dump_rows(db, buf_str(&sql), ret);
    }
    db_close(db);
    assert_false(ret->overflow);
}

static void expect_none(struct db *db, const char *what, const char *sql)
{
    int64_t count = 0;
    bool found = false;
    struct err err = {0};
    check_ok(db_scalar_i64(db, sql, &count, &found, &err), &err, what);
    if (!found || count != 0) {
        fail_msg("%lld of: %s", (long long)count, what);
    }
}

#define ENDED "('success', 'failure', 'canceled')"
static const struct {
    const char *what;
    const char *sql;
} never[] = {
    {"desired states in force that are not what was told last",
     "SELECT count(*) FROM desired d WHERE slot = 'applied' AND revision <> (SELECT "
     "max(json_extract(e.body, '$.revision')) FROM event e WHERE e.type = 'desired' AND "
     "json_extract(e.body, '$.status') <> 'refused')"},
    {"schedules of the hub that are not of the revision in force",
     "SELECT count(*) FROM desired d JOIN instigator i ON i.name = 'of the hub' WHERE d.slot = "
     "'applied' AND (i.cursor <> printf('times-%03d', d.revision) OR d.body <> "
     "printf('body-%03d', d.revision))"},
    {"refused states that are over",
     "SELECT count(*) FROM desired r JOIN desired a ON a.slot = 'applied' WHERE r.slot = 'refused' "
     "AND r.revision <= a.revision"},
    {"steps of no run", "SELECT count(*) FROM step WHERE run NOT IN (SELECT id FROM run)"},
    {"open steps of a run that failed or succeeded",
     "SELECT count(*) FROM step s JOIN run r ON r.id = s.run WHERE r.status IN " ENDED
     " AND s.status IN ('waiting', 'started', 'up_for_retry')"},
    {"steps of a run that waits",
     "SELECT count(*) FROM step s JOIN run r ON r.id = s.run WHERE r.status = 'queued'"},
    {"runs without the time of what they are",
     "SELECT count(*) FROM run WHERE (status IN " ENDED ") <> (ended_at IS NOT NULL)"
     " OR (status = 'started' AND started_at IS NULL)"},
    {"parts of no backfill",
     "SELECT count(*) FROM backfill_part WHERE backfill NOT IN (SELECT id FROM backfill)"},
    {"parts that are another run's, or have another status than their run",
     "SELECT count(*) FROM backfill_part p JOIN run r ON r.id = p.run WHERE r.partition <> "
     "p.partition OR CASE WHEN r.status IN " ENDED " THEN r.status ELSE 'requested' END <> "
     "p.status"},
    {"ticks twice", "SELECT count(*) - count(DISTINCT nominal) FROM tick WHERE kind = 'schedule'"},
    {"ticks in another order than decided",
     "SELECT count(*) FROM tick a JOIN tick b ON b.id > a.id AND b.kind = a.kind WHERE a.kind = "
     "'schedule' AND b.nominal <= a.nominal"},
    {"schedules that stand elsewhere than their last tick",
     "SELECT count(*) FROM instigator i WHERE kind = 'schedule' AND decided <> (SELECT "
     "max(nominal) FROM tick t WHERE t.kind = i.kind AND t.name = i.name)"},
    {"run keys without their tick's run",
     "SELECT count(*) FROM run_key k WHERE NOT EXISTS (SELECT 1 FROM tick t WHERE t.run = k.run)"
     " AND (SELECT count(*) FROM tick WHERE kind = 'sensor') < 20"},
    {"holes between the events",
     "SELECT (SELECT last_seq FROM buffer) - (SELECT count(*) FROM event)"},
};

static void check_steps(struct run_work *w, const struct stored_run *run, struct arena *arena)
{
    struct stored_step *steps = NULL;
    size_t count = 0;
    struct err err = {0};
    enum step_state state = STEP_WAITING;
    check_ok(store_run_steps(w->fixture.store, run->id, arena, &steps, &count, &err), &err,
             "steps");
    for (size_t i = 0; i < count; i++) {
        assert_true(step_state_from(steps[i].status, &state));
        assert_int_equal(steps[i].retry_at.ns != 0, state == STEP_UP_FOR_RETRY);
    }
}

void run_work_check(struct run_work *w)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run *runs = NULL;
    size_t count = 0;
    struct err err = {0};
    enum run_state state = RUN_QUEUED;
    check_ok(store_open_runs(w->fixture.store, &arena, &runs, &count, &err), &err, "open runs");
    for (size_t i = 0; i < count; i++) {
        assert_true(run_state_from(runs[i].status, &state));
        assert_false(run_state_is_finished(state));
        check_steps(w, &runs[i], &arena);
    }
    struct db *db = look(w);
    for (size_t i = 0; i < COUNT_OF(never); i++) {
        expect_none(db, never[i].what, never[i].sql);
    }
    db_close(db);
}
