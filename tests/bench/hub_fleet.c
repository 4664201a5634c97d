/* hub_fleet make DATABASE DEVICES ASSETS - a fleet's batches through hub/merge into a new database: every device
 * defines the same assets in layers, has made each, and runs jobs. What the registry knows is the caller's.
 * hub_fleet load DATABASE DEVICES ASSETS SECONDS RATE - goes on: ticks and runs of those devices at RATE events a second
 * (1: as fast as it goes), committed every 50 ms as the hub does. */
#include "common/base/uuid.h"
#include "common/platform/clock.h"
#include "common/wire/batch.h"
#include "hub/merge/merge.h"
#include "hub/store/store.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCH_EVENTS = 200,
    PART_ASSETS = 100,
    LAYERS = 10,
    RUNS = 20,          /* small ones of a device, an asset each */
    FAILING_EVERY = 97, /* of those runs */
    CHECKS = 20,
    EVALUATIONS = 10, /* of each check */
    SCHEDULES = 20,
    PARTITIONS = 120,    /* of one asset, a day each */
    FRESHNESS_EVERY = 5, /* asset has a policy */
    COMMIT_MS = 50,
    MAKE_BATCHES = 1500, /* of a transaction while the database is made */
    LINE_BYTES = 96 << 10,
};
#define DAY_MS (INT64_C(86400) * 1000)

struct fleet {
    struct db *db;
    struct merge *merge;
    struct clock clock;
    int64_t devices, assets, now_ms, events;
    int64_t batches; /* of the transaction */
    bool is_new;
    struct buf lines, payload;
};
struct speaker { /* one database of one device, on its way into the hub */
    struct fleet *fleet;
    char device[32];
    struct batch_header header; /* of the batch at hand */
    int64_t number, seq, at_ms;
};

/* --- lines --------------------------------------------------------------------------------- */

static void send(struct speaker *s)
{
    struct fleet *f = s->fleet;
    struct err err = {0};
    struct merge_result result;
    if (s->header.last < s->header.first) {
        return;
    }
    buf_reset(&f->payload);
    bench_check(batch_encode(&s->header, buf_str(&f->lines), &f->payload, &err), &err);
    bool is_full = f->is_new ? f->batches == MAKE_BATCHES : merge_is_full(f->merge);
    if (is_full) {
        f->batches = 0;
        bench_check(merge_commit(f->merge, &err) && merge_begin(f->merge, &err), &err);
    }
    f->batches++;
    bench_check(merge_add(f->merge, str_from(s->device), buf_str(&f->payload),
                          clock_wall(&f->clock), &result, &err),
                &err);
    if (result.outcome != MERGE_MERGED) {
        bench_die("a batch was not merged: %s", result.why.msg);
    }
    f->events += s->header.last - s->header.first + 1;
    s->header.first = s->header.last + 1;
    buf_reset(&f->lines);
}

/* The members that every event has; the caller adds its own and calls end_line(). */
static void begin_line(struct speaker *s, const char *type)
{
    char at[WALL_TEXT_SIZE];
    struct buf *out = &s->fleet->lines;
    wall_format((struct wall_time){s->at_ms++ * NS_PER_MS}, at);
    buf_addf(out, "{\"seq\":%lld,\"at\":\"%s\",\"type\":\"%s\"", (long long)++s->seq, at, type);
}

static void end_line(struct speaker *s)
{
    buf_add_text(&s->fleet->lines, "}\n");
    s->header.last = s->seq;
    if (s->header.last - s->header.first + 1 >= BATCH_EVENTS || s->fleet->lines.len > LINE_BYTES) {
        send(s);
    }
}

static void add_key(struct buf *out, int64_t asset)
{
    buf_addf(out, "layer%lld/asset_%05lld", (long long)asset % LAYERS, (long long)asset);
}

static void add_asset_member(struct speaker *s, int64_t asset)
{
    buf_add_text(&s->fleet->lines, ",\"asset\":\"");
    add_key(&s->fleet->lines, asset);
    buf_add_text(&s->fleet->lines, "\"");
}

/* `step`: NULL where it has the asset's name. */
static void add_step_members(struct speaker *s, int64_t asset, const char *step)
{
    add_asset_member(s, asset);
    buf_add_text(&s->fleet->lines, ",\"attempt\":1,\"step\":\"");
    if (step == NULL) {
        add_key(&s->fleet->lines, asset);
    } else {
        buf_add_text(&s->fleet->lines, step);
    }
    buf_add_text(&s->fleet->lines, "\"");
}

/* --- what a device says -------------------------------------------------------------------- */

static void define_asset(struct speaker *s, int64_t asset)
{
    static const char *const kinds[] = {"meltano", "dbt", "sql"};
    struct buf *out = &s->fleet->lines;
    buf_add_text(out, "{\"key\":\"");
    add_key(out, asset);
    buf_addf(out, "\",\"group\":\"group_%lld\",\"kinds\":[\"%s\"],\"owners\":[\"team:%lld\"]",
             (long long)asset / 50, kinds[asset % 3], (long long)asset % 7);
    buf_addf(out,
             ",\"tags\":{\"tier\":\"%lld\"},\"description\":\"Table number %lld of the shop.\"",
             (long long)asset % 3, (long long)asset);
    if (asset % LAYERS > 0) {
        buf_add_text(out, ",\"deps\":[\"");
        add_key(out, asset - 1);
        if (asset >= 2 * LAYERS) {
            buf_add_text(out, "\",\"");
            add_key(out, asset - LAYERS - 1);
        }
        buf_add_text(out, "\"]");
    }
    if (asset % FRESHNESS_EVERY == 0) {
        buf_add_text(out,
                     ",\"freshness\":{\"warn_after_ms\":90000000,\"fail_after_ms\":172800000}");
    }
    if (asset == 0) {
        buf_add_text(out, ",\"partitions\":{\"kind\":\"time\",\"cron\":\"0 0 * * *\",\"timezone\":"
                          "\"UTC\",\"start\":\"2026-01-01\",\"format\":\"%Y-%m-%d\"}");
    }
    /* A tenth is of an older version on every third device. */
    buf_addf(out, ",\"jobs\":[\"nightly\"],\"schedules\":[\"nightly\"],\"code_version\":\"%d\"}",
             s->number % 3 == 0 && asset % 10 == 0 ? 1 : 2);
}

static void define_named(struct buf *out)
{
    buf_add_text(out, ",\"jobs\":[{\"name\":\"nightly\",\"assets\":1},{\"name\":\"hourly\","
                      "\"assets\":1}],\"schedules\":[");
    for (int i = 0; i < SCHEDULES; i++) {
        buf_addf(
            out,
            "%s{\"name\":\"hourly_%02d\",\"job\":\"hourly\",\"assets\":1,\"cron\":\"%d * * * *\"}",
            i > 0 ? "," : "", i, i);
    }
    buf_add_text(out, "]");
}

static void define(struct speaker *s)
{
    struct fleet *f = s->fleet;
    int64_t parts = (f->assets + PART_ASSETS - 1) / PART_ASSETS;
    for (int64_t part = 0; part < parts; part++) {
        begin_line(s, "definitions");
        buf_addf(&f->lines,
                 ",\"hash\":\"%064llx\",\"project\":\"shop\",\"part\":%lld,\"parts\":%lld",
                 (long long)s->number % 3, (long long)part + 1, (long long)parts);
        if (part == 0) {
            define_named(&f->lines);
        }
        buf_add_text(&f->lines, ",\"assets\":[");
        for (int64_t i = part * PART_ASSETS; i < f->assets && i < (part + 1) * PART_ASSETS; i++) {
            buf_add_text(&f->lines, i % PART_ASSETS > 0 ? "," : "");
            define_asset(s, i);
        }
        buf_add_text(&f->lines, "]");
        end_line(s);
    }
}

static void begin_run(struct speaker *s, int64_t number, const char *job, int64_t steps,
                      char ret_run[UUID_TEXT_SIZE])
{
    uint8_t rest[10] = {0};
    memcpy(rest, &s->number, 4);
    memcpy(rest + 4, &number, 6);
    uuid7_format((struct wall_time){s->at_ms * NS_PER_MS}, rest, ret_run);
    begin_line(s, "run_enqueued");
    buf_addf(&s->fleet->lines,
             ",\"run\":\"%s\",\"job\":\"%s\",\"steps\":%lld,\"cause\":{\"type\":\"schedule\","
             "\"name\":\"nightly\"}",
             ret_run, job, (long long)steps);
    end_line(s);
    begin_line(s, "run_start");
    buf_addf(&s->fleet->lines, ",\"run\":\"%s\"", ret_run);
    end_line(s);
}

static void end_run(struct speaker *s, const char *type, const char *run)
{
    begin_line(s, type);
    buf_addf(&s->fleet->lines, ",\"run\":\"%s\"", run);
    end_line(s);
}

/* `day`: of the asset that is made by the day, as many before today; 0: none. */
static void add_partition_member(struct speaker *s, int64_t day)
{
    char key[WALL_TEXT_SIZE];
    if (day > 0) {
        wall_format((struct wall_time){(s->fleet->now_ms - day * DAY_MS) * NS_PER_MS}, key);
        buf_addf(&s->fleet->lines, ",\"partition\":\"%.10s\"", key);
    }
}

static void materialize(struct speaker *s, const char *run, int64_t asset, const char *step)
{
    bool is_of_yesterday = asset == 0 && !s->fleet->is_new;
    begin_line(s, "asset_materialization");
    buf_addf(&s->fleet->lines, ",\"run\":\"%s\"", run);
    add_step_members(s, asset, step);
    add_partition_member(s, is_of_yesterday ? 1 : 0);
    buf_addf(&s->fleet->lines,
             ",\"metadata\":{\"dagster/row_count\":{\"type\":\"int\",\"raw_value\":%lld},"
             "\"rows_written\":{\"type\":\"int\",\"raw_value\":%lld}}",
             (long long)(asset * 17 + s->number) % 90000, (long long)asset % 255);
    end_line(s);
}

static void step(struct speaker *s, const char *type, const char *run, int64_t asset,
                 const char *more)
{
    begin_line(s, type);
    buf_addf(&s->fleet->lines, ",\"run\":\"%s\"", run);
    add_step_members(s, asset, NULL);
    buf_add_text(&s->fleet->lines, more);
    end_line(s);
}

/* Seven events, as of a run of one asset. */
static void run_one(struct speaker *s, int64_t number, int64_t asset)
{
    static const char error[] =
        ",\"exit\":\"exit code 1\",\"error\":{\"code\":\"exit\",\"message\":\"the command ended "
        "with 1\"}";
    char run[UUID_TEXT_SIZE];
    bool fails = (s->number + number) % FAILING_EVERY == 0;
    begin_run(s, number, "hourly", 1, run);
    step(s, "asset_materialization_planned", run, asset, "");
    step(s, "step_start", run, asset, "");
    if (fails) {
        step(s, "asset_failed_to_materialize", run, asset, error);
        step(s, "step_failure", run, asset, error);
    } else {
        materialize(s, run, asset, NULL);
        step(s, "step_success", run, asset, ",\"duration_ms\":180");
    }
    end_run(s, fails ? "run_failure" : "run_success", run);
}

static void make_partitions(struct speaker *s)
{
    for (int64_t i = PARTITIONS; i > 0; i--) {
        begin_line(s, "asset_materialization");
        add_asset_member(s, 0);
        add_partition_member(s, i);
        end_line(s);
    }
}

static void judge(struct speaker *s)
{
    for (int64_t n = 0; s->fleet->assets > 0 && n < CHECKS * EVALUATIONS; n++) {
        int64_t i = n % CHECKS % s->fleet->assets;
        begin_line(s, "asset_check_evaluation");
        add_asset_member(s, i);
        buf_addf(&s->fleet->lines, ",\"check\":\"has_rows\",\"severity\":\"error\",\"passed\":%s",
                 (s->number + i) % FAILING_EVERY == 0 ? "false" : "true");
        end_line(s);
    }
    for (int64_t i = 0; i < s->fleet->assets; i += FRESHNESS_EVERY) {
        begin_line(s, "freshness_state_change");
        add_asset_member(s, i);
        buf_addf(&s->fleet->lines, ",\"status\":\"%s\"",
                 (s->number + i) % 50 == 0 ? "fail" : "pass");
        end_line(s);
    }
}

static void tick(struct speaker *s, int schedule, const char *status)
{
    begin_line(s, "tick");
    buf_addf(&s->fleet->lines, ",\"schedule\":\"hourly_%02d\",\"status\":\"%s\"", schedule, status);
    end_line(s);
}

static void tell_day(struct speaker *s)
{
    struct fleet *f = s->fleet;
    char run[UUID_TEXT_SIZE];
    begin_line(s, "device");
    buf_add_text(&f->lines, ",\"version\":\"1.0.0\",\"board\":\"generic\",\"boot_id\":\"bench\"");
    end_line(s);
    define(s);
    begin_run(s, 0, "nightly", f->assets, run);
    for (int64_t i = 0; i < f->assets; i++) {
        materialize(s, run, i, "nightly"); /* a step that makes them all */
    }
    end_run(s, "run_success", run);
    begin_line(s, "tick");
    buf_addf(&f->lines, ",\"schedule\":\"nightly\",\"status\":\"started\",\"run\":\"%s\"", run);
    end_line(s);
    for (int i = 0; i < SCHEDULES; i++) {
        tick(s, i, "skipped");
    }
    make_partitions(s);
    judge(s);
    for (int64_t i = 1; i <= RUNS; i++) {
        s->at_ms += DAY_MS / (RUNS + 2);
        run_one(s, i, (s->number * 13 + i) % f->assets);
    }
    send(s);
}

/* --- modes --------------------------------------------------------------------------------- */

static void speaker_init(struct speaker *s, struct fleet *f, int64_t number, int64_t life)
{
    *s = (struct speaker){.fleet = f, .number = number, .header = {.first = 1}};
    (void)snprintf(s->device, sizeof(s->device), "shop-%06lld", (long long)number);
    (void)snprintf(s->header.epoch, sizeof(s->header.epoch), "%08llx%08llx",
                   (unsigned long long)life & 0xffffffff, (unsigned long long)number);
}

static void make(struct fleet *f)
{
    struct speaker s;
    for (int64_t i = 1; i <= f->devices; i++) {
        speaker_init(&s, f, i, 1);
        s.at_ms = f->now_ms - DAY_MS + i;
        tell_day(&s);
    }
}

static void commit(struct fleet *f)
{
    struct err err = {0};
    bench_check(merge_commit(f->merge, &err) && merge_begin(f->merge, &err), &err);
}

/* Devices one after the other, each in a database of its own since this began. */
static void load(struct fleet *f, int64_t seconds, int64_t rate)
{
    struct speaker *speakers = calloc((size_t)f->devices, sizeof(*speakers));
    int64_t begun = clock_mono(&f->clock).ns;
    int64_t last = begun;
    if (speakers == NULL) {
        bench_die("out of memory");
    }
    for (int64_t i = 0; i < f->devices; i++) {
        speaker_init(&speakers[i], f, i + 1, f->now_ms / 1000);
    }
    for (int64_t number = 0;; number++) {
        int64_t now = clock_mono(&f->clock).ns;
        int64_t due = rate > 1 ? begun + f->events * NS_PER_SEC / rate : now;
        if (now - last >= COMMIT_MS * NS_PER_MS) {
            commit(f);
            last = now;
        }
        if (now - begun >= seconds * NS_PER_SEC) {
            break;
        }
        if (due > now) {
            struct timespec wait = {.tv_nsec = 5 * NS_PER_MS};
            (void)nanosleep(&wait, NULL);
            continue;
        }
        struct speaker *s = &speakers[number % f->devices];
        s->at_ms = clock_wall(&f->clock).ns / NS_PER_MS;
        tick(s, (int)(number % SCHEDULES), "started");
        run_one(s, number, number * 31 % f->assets);
        send(s);
    }
    free(speakers);
}

int main(int argc, char **argv)
{
    struct str mode = str_from(bench_text_arg(argc, argv, 1));
    bool is_new = str_eq(mode, STR("make"));
    const struct hub_store_options options = {.path = bench_text_arg(argc, argv, 2),
                                              .flags = is_new ? DB_NORMAL_SYNC : DB_NO_CHECK};
    struct err err = {0};
    struct fleet f = {.clock = clock_system(),
                      .devices = bench_count_arg(argc, argv, 3),
                      .assets = bench_count_arg(argc, argv, 4),
                      .lines = buf_growing(4 << 20),
                      .payload = buf_growing(4 << 20)};
    f.now_ms = clock_wall(&f.clock).ns / NS_PER_MS;
    f.is_new = is_new;
    bench_check(hub_store_open(&f.db, &options, &err) && merge_open(f.db, &f.merge, &err), &err);
    if (is_new) { /* so large that each page is written a few times, not hundreds */
        bench_check(db_exec(f.db, "PRAGMA cache_size=-1000000", &err), &err);
    }
    bench_check(merge_begin(f.merge, &err), &err);
    struct bench_counters start = bench_now();
    if (is_new) {
        make(&f);
    } else {
        load(&f, bench_count_arg(argc, argv, 5), bench_count_arg(argc, argv, 6));
    }
    bench_check(merge_commit(f.merge, &err), &err);
    bench_print("events", f.events);
    bench_print_since(&start);
    merge_close(f.merge);
    db_close(f.db);
    buf_release(&f.lines);
    buf_release(&f.payload);
    return 0;
}
