/* hub_queries_test.c - hub/store/queries.h over a small fleet. */
#include "hub/store/queries.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static struct db *store;
static struct merge *merge;
static struct err err;
static struct buf seen;

static void tell(const char *device, const char *epoch, const char *run, bool is_failing)
{
    struct story s = story_new(device, epoch, INT64_C(1795314600000), 1);
    story_add(&s, "definitions",
              "\"hash\":\"h\",\"part\":1,\"parts\":1,\"assets\":[{\"key\":\"pos/"
              "sales\",\"deps\":[\"erp/prices\"],\"group\":"
              "\"pos\"},{\"key\":\"erp/prices\",\"external\":true}]");
    story_add(&s, "run_enqueued", "\"run\":\"%s\",\"job\":\"nightly\",\"steps\":1", run);
    story_add(&s, "step_start",
              "\"run\":\"%s\",\"step\":\"x\",\"asset\":\"pos/sales\",\"attempt\":1", run);
    story_add(&s, "asset_materialization",
              "\"run\":\"%s\",\"step\":\"x\",\"asset\":\"pos/sales\",\"metadata\":{\"dagster/"
              "row_count\":{\"type\":\"int\","
              "\"raw_value\":50}}",
              run);
    story_add(&s, "asset_check_evaluation",
              "\"run\":\"%s\",\"asset\":\"pos/sales\",\"check\":\"c\",\"passed\":%s", run,
              is_failing ? "false" : "true");
    story_add(&s, "step_success", "\"run\":\"%s\",\"step\":\"x\",\"attempt\":1,\"duration_ms\":12",
              run);
    story_add(&s, is_failing ? "run_failure" : "run_success", "\"run\":\"%s\"", run);
    if (is_failing) {
        story_add(&s, "asset_failed_to_materialize",
                  "\"run\":\"%s\",\"asset\":\"pos/sales\",\"error\":{\"message\":\"x\"}", run);
    }
    story_add(&s, "tick", "\"schedule\":\"nightly\",\"status\":\"started\"");
    assert_int_equal(world_send(merge, &s, 0, s.count).outcome, MERGE_MERGED);
    story_release(&s);
}

static int begin(void **state)
{
    (void)state;
    err = (struct err){0};
    store = world_store();
    merge = world_merge(store);
    seen = buf_growing(1 << 16);
    tell("berlin", "00000000000000b1", "run-1", false);
    tell("oslo", "00000000000000c1", "run-2", true);
    assert_true(
        db_exec(store,
                "INSERT INTO device (id, status, status_ms, enrolled_ms, cert_serial, "
                "cert_fingerprint, key_fingerprint, not_after_ms)"
                " VALUES ('paris', 'enrolled', 1, 1, 's', 'f', 'k', 2);"
                "INSERT INTO connection (device, is_online, since_ms, last_seen_ms, epoch, "
                "last_seq, version)"
                " VALUES ('berlin', 1, 1000, 2000, '00000000000000b1', 20, '0.1.0');"
                "INSERT INTO refusal (at_ms, peer, what, why) VALUES (1, 'x', 'events', 'bad')",
                &err));
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_release(&seen);
    merge_close(merge);
    db_close(store);
    return 0;
}

static void on_device(void *ctx, const struct hub_device *d)
{
    (void)ctx;
    buf_addf(&seen, STR_FMT ":" STR_FMT ":%d:%lld:%lld:%lld ", STR_ARG(d->id), STR_ARG(d->status),
             d->is_online, (long long)d->waiting, (long long)d->assets, (long long)d->failing);
}

static void devices_are_those_enrolled_and_those_in_the_log(void **state)
{
    (void)state;
    struct hub_filter all = {0};
    assert_true(hub_each_device(store, &all, on_device, NULL, &err));
    assert_string_equal(buf_cstr(&seen),
                        "berlin:unknown:1:12:2:0 oslo:unknown:0:0:2:1 paris:enrolled:0:0:0:0 ");
    buf_reset(&seen);
    assert_true(
        hub_each_device(store, &(struct hub_filter){.device = STR("oslo")}, on_device, NULL, &err));
    assert_string_equal(buf_cstr(&seen), "oslo:unknown:0:0:2:1 ");
    buf_reset(&seen);
    struct hub_filter behind = {.after = {STR("berlin")}, .limit = 1, .without_counts = true};
    assert_true(hub_each_device(store, &behind, on_device, NULL, &err));
    assert_string_equal(buf_cstr(&seen), "oslo:unknown:0:0:-9223372036854775808:"
                                         "-9223372036854775808 ");
}

static void on_device_asset(void *ctx, const struct hub_device_asset *a)
{
    (void)ctx;
    buf_addf(&seen, STR_FMT ":" STR_FMT ":%d:%lld:%lld ", STR_ARG(a->device), STR_ARG(a->asset),
             a->is_failing, (long long)(a->row_count == HUB_UNKNOWN ? -1 : a->row_count),
             (long long)(a->duration_ms == HUB_UNKNOWN ? -1 : a->duration_ms));
}

static void assets_of_a_device_and_those_that_fail(void **state)
{
    (void)state;
    struct hub_filter oslo = {.device = STR("oslo")};
    assert_true(hub_each_device_asset(store, &oslo, on_device_asset, NULL, &err));
    assert_string_equal(buf_cstr(&seen), "oslo:erp/prices:0:-1:-1 oslo:pos/sales:1:50:12 ");
    buf_reset(&seen);
    assert_true(hub_each_device_asset(store, &(struct hub_filter){.only_failing = true},
                                      on_device_asset, NULL, &err));
    assert_string_equal(buf_cstr(&seen), "oslo:pos/sales:1:50:12 ");
}

/* --- devices of an asset, as the list of all devices' assets has them ------------------------------- */

struct device_pages {
    const struct hub_filter *filter;
    struct buf text;
    char last[64];
    int64_t count;
};

static void on_device_of_asset(void *ctx, const struct hub_device_asset *a)
{
    struct device_pages *pages = ctx;
    const struct str texts[] = {a->device,      a->group,        a->kinds,       a->tags,
                                a->owners,      a->checks,       a->description, a->code_version,
                                a->run,         a->data_version, a->metadata,    a->failed_run,
                                a->failed_error};
    const int64_t numbers[] = {a->is_defined,  a->is_external, a->is_failing, a->materializations,
                               a->failures,    a->at.ns,       a->row_count,  a->byte_count,
                               a->duration_ms, a->failed_at.ns};
    if (!str_eq(a->asset, pages->filter->asset)) {
        return;
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        buf_addf(&pages->text, STR_FMT "|", STR_ARG(texts[i]));
    }
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        buf_addf(&pages->text, "%lld|", (long long)numbers[i]);
    }
    buf_add_text(&pages->text, "\n");
    (void)snprintf(pages->last, sizeof(pages->last), STR_FMT, STR_ARG(a->device));
    pages->count++;
}

static int64_t expect_devices(const char *asset, const char *device, bool only_failing)
{
    struct hub_filter filter = {.asset = str_from(asset),
                                .device = str_from(device),
                                .only_failing = only_failing,
                                .limit = 2};
    const struct hub_filter all = {.device = filter.device, .only_failing = only_failing};
    struct device_pages expected = {.filter = &filter, .text = buf_growing(1 << 18)};
    struct device_pages found = {.filter = &filter, .text = buf_growing(1 << 18)};
    int64_t rows = 0;
    assert_true(hub_each_device_asset(store, &all, on_device_of_asset, &expected, &err));
    do {
        found.count = 0;
        assert_true(hub_each_device_asset(store, &filter, on_device_of_asset, &found, &err));
        rows += found.count;
        filter.after[1] = str_from(found.last);
    } while (found.count == filter.limit);
    assert_string_equal(buf_cstr(&found.text), buf_cstr(&expected.text));
    buf_release(&expected.text);
    buf_release(&found.text);
    return rows;
}

static void devices_of_an_asset_are_those_that_define_or_made_it(void **state)
{
    (void)state;
    static const char *const devices[] = {"kyoto", "lima", "oslo", "paris", "rome"};
    static const char *const assets[] = {"pos/sales", "erp/prices", "pos/old", "nothing"};
    int64_t rows = 0;
    for (size_t i = 0; i < COUNT_OF(devices); i++) {
        char epoch[24];
        (void)snprintf(epoch, sizeof(epoch), "00000000000000e%zu", i);
        tell(devices[i], epoch, "run-3", i % 2 == 0);
        struct story s = story_new(devices[i], epoch, INT64_C(1795314700000), i);
        (void)snprintf(epoch, sizeof(epoch), "00000000000000f%zu", i);
        s.epoch = epoch; /* its next database: an asset that nobody defines */
        story_add(&s, i % 2 == 0 ? "asset_materialization" : "asset_failed_to_materialize",
                  "\"run\":\"r\",\"step\":\"pos/old\",\"asset\":\"pos/old\"");
        assert_int_equal(world_send(merge, &s, 0, s.count).outcome, MERGE_MERGED);
        story_release(&s);
    }
    for (size_t i = 0; i < COUNT_OF(assets); i++) {
        for (int failing = 0; failing < 2; failing++) {
            rows += expect_devices(assets[i], "", failing);
            rows += expect_devices(assets[i], "lima", failing);
        }
    }
    assert_true(rows > 20);
}

static void on_edge(void *ctx, const struct hub_edge *e)
{
    (void)ctx;
    buf_addf(&seen, STR_FMT ">" STR_FMT ":%lld:" STR_FMT " ", STR_ARG(e->upstream),
             STR_ARG(e->downstream), (long long)e->devices, STR_ARG(e->declared_by));
}

static void edges_say_who_declared_them(void **state)
{
    (void)state;
    assert_true(hub_each_edge(store, &(struct hub_filter){0}, on_edge, NULL, &err));
    assert_string_equal(buf_cstr(&seen), "erp/prices>pos/sales:2:berlin oslo ");
    buf_reset(&seen);
    assert_true(
        hub_each_edge(store, &(struct hub_filter){.device = STR("oslo")}, on_edge, NULL, &err));
    assert_string_equal(buf_cstr(&seen), "erp/prices>pos/sales:1:oslo ");
}

static void on_run(void *ctx, const struct hub_run *r)
{
    (void)ctx;
    buf_addf(&seen, STR_FMT ":" STR_FMT ":" STR_FMT ":%lld ", STR_ARG(r->device), STR_ARG(r->run),
             STR_ARG(r->status), (long long)r->steps_success);
}

static void runs_are_filtered(void **state)
{
    (void)state;
    static const struct {
        struct hub_filter filter;
        const char *expected;
    } cases[] = {
        {{.limit = 0}, "oslo:run-2:failure:1 berlin:run-1:success:1 "},
        {{.limit = 1}, "oslo:run-2:failure:1 "},
        {{.device = STR_INIT("berlin")}, "berlin:run-1:success:1 "},
        {{.status = STR_INIT("failure")}, "oslo:run-2:failure:1 "},
        {{.status = STR_INIT("success")}, "berlin:run-1:success:1 "},
        {{.status = STR_INIT("failure"), .after = {STR_INIT("run-2"), STR_INIT("oslo")}}, ""},
        {{.status = STR_INIT("failure"), .device = STR_INIT("berlin")}, ""},
        {{.job = STR_INIT("nightly"), .after = {STR_INIT("run-2"), STR_INIT("oslo")}},
         "berlin:run-1:success:1 "},
        {{.job = STR_INIT("nightly"), .device = STR_INIT("oslo")}, "oslo:run-2:failure:1 "},
        {{.job = STR_INIT("nothing"), .status = STR_INIT("failure")}, ""},
        {{.device = STR_INIT("oslo"), .after = {STR_INIT("run-2"), STR_INIT("oslo")}}, ""},
        {{.run = STR_INIT("run-1")}, "berlin:run-1:success:1 "},
        {{.run = STR_INIT("run-1"), .device = STR_INIT("oslo")}, ""},
        {{.asset = STR_INIT("pos/sales"), .device = STR_INIT("oslo")}, "oslo:run-2:failure:1 "},
        {{.asset = STR_INIT("nothing")}, ""},
        {{.asset = STR_INIT("pos/sales")}, "oslo:run-2:failure:1 berlin:run-1:success:1 "},
        {{.since = STR_INIT("run-2")}, "oslo:run-2:failure:1 "},
        {{.until = STR_INIT("run-2")}, "berlin:run-1:success:1 "},
        {{.since = STR_INIT("run-1"), .until = STR_INIT("run-1")}, ""},
        {{.until = STR_INIT("run-2"), .device = STR_INIT("oslo")}, ""},
        {{.since = STR_INIT("run-3"), .status = STR_INIT("failure")}, ""},
        {{.since = STR_INIT("run-2"), .asset = STR_INIT("pos/sales")}, "oslo:run-2:failure:1 "},
        /* The cursor is further on than `until`, and the other way round. */
        {{.until = STR_INIT("run-9"), .after = {STR_INIT("run-2"), STR_INIT("oslo")}},
         "berlin:run-1:success:1 "},
        {{.until = STR_INIT("run-2"), .after = {STR_INIT("run-9"), STR_INIT("")}},
         "berlin:run-1:success:1 "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_reset(&seen);
        assert_true(hub_each_run(store, &cases[i].filter, on_run, NULL, &err));
        assert_string_equal(buf_cstr(&seen), cases[i].expected);
    }
}

/* --- runs of an asset, as a look through all of them finds them -------------------------------------- */

enum { RUNS = 40, ASSETS = 4 };

/* `is_cut`: what stands before what it made is lost. */
static void tell_step(struct story *s, const char *run, unsigned long long asset, bool is_cut)
{
    bool is_several = story_random(s, 3) == 0;
    char step[24];
    (void)snprintf(step, sizeof(step), is_several ? "all" : "a%llu", asset);
    if (is_cut) {
        int64_t seq = s->count > 0 ? s->last[s->count - 1] : 0;
        story_add_gap(s, seq + 1, seq + 1 + (int64_t)story_random(s, 4));
    } else if (is_several) {
        story_add(s, "step_start", "\"run\":\"%s\",\"step\":\"all\",\"attempt\":1", run);
    } else {
        story_add(s, "step_start", "\"run\":\"%s\",\"step\":\"%s\",\"asset\":\"%s\",\"attempt\":1",
                  run, step, step);
    }
    for (uint64_t made = story_random(s, 3); made > 0; made--) { /* partitions, say */
        story_add(s, "asset_materialization", "\"run\":\"%s\",\"step\":\"%s\",\"asset\":\"a%llu\"",
                  run, step, asset);
    }
}

/* Runs of three devices, some with the id of another's. */
static void tell_runs(const char *device, const char *epoch, uint64_t seed)
{
    static const char *const ends[] = {"run_success", "run_failure", NULL};
    struct story s = story_new(device, epoch, INT64_C(1795314600000), seed);
    for (int i = 0; i < RUNS; i++) {
        char run[40];
        size_t from = s.count;
        const char *end = ends[story_random(&s, COUNT_OF(ends))];
        bool is_shared = story_random(&s, 4) == 0;
        (void)snprintf(run, sizeof(run), "many-%02d%s", i, is_shared ? "" : device);
        bool is_cut = end != NULL && story_random(&s, 5) == 0;
        if (!is_cut) {
            story_add(&s, "run_enqueued", "\"run\":\"%s\",\"job\":\"j%d\",\"steps\":1", run, i % 2);
        }
        tell_step(&s, run, story_random(&s, ASSETS), is_cut);
        if (story_random(&s, 2) == 0) {
            tell_step(&s, run, story_random(&s, ASSETS), false);
        }
        if (end != NULL) {
            story_add(&s, end, "\"run\":\"%s\"", run);
        }
        assert_int_equal(world_send(merge, &s, from, s.count).outcome, MERGE_MERGED);
    }
    story_release(&s);
}

static void look_through_runs(const struct hub_filter *f, struct buf *out)
{
    struct db_query q;
    bool ok = true;
    assert_true(db_prepare(
        store,
        STR("SELECT s.device, r.run, r.status FROM run r JOIN stream s ON s.id = r.stream_id"
            " WHERE (:device IS NULL OR s.device = :device) AND (:status IS NULL OR r.status = "
            ":status)"
            " AND (:job IS NULL OR r.job = :job) AND r.run >= :since"
            " AND (:until IS NULL OR r.run < :until)"
            " AND (EXISTS (SELECT 1 FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run"
            " AND t.asset = :asset) OR EXISTS (SELECT 1 FROM materialization m"
            " WHERE m.stream_id = r.stream_id AND m.run = r.run AND m.asset = :asset))"
            " ORDER BY r.run DESC, s.device"),
        &q, &err));
    db_bind_opt(&q, ":device", f->device);
    db_bind_opt(&q, ":status", f->status);
    db_bind_opt(&q, ":job", f->job);
    db_bind_opt(&q, ":until", f->until);
    db_bind_str(&q, ":since", f->since.ptr == NULL ? STR("") : f->since);
    db_bind_str(&q, ":asset", f->asset);
    while (db_each(&q, &ok, &err)) {
        buf_addf(out, STR_FMT ":" STR_FMT ":" STR_FMT " ", STR_ARG(db_col_str(&q, 0)),
                 STR_ARG(db_col_str(&q, 1)), STR_ARG(db_col_str(&q, 2)));
    }
    assert_true(ok);
    db_finish(&q);
}

struct run_pages {
    struct buf text;
    char last[2][64];
    int64_t count;
};

static void on_run_of_page(void *ctx, const struct hub_run *r)
{
    struct run_pages *pages = ctx;
    buf_addf(&pages->text, STR_FMT ":" STR_FMT ":" STR_FMT " ", STR_ARG(r->device), STR_ARG(r->run),
             STR_ARG(r->status));
    (void)snprintf(pages->last[0], sizeof(pages->last[0]), STR_FMT, STR_ARG(r->run));
    (void)snprintf(pages->last[1], sizeof(pages->last[1]), STR_FMT, STR_ARG(r->device));
    pages->count++;
}

static void expect_runs(struct hub_filter filter)
{
    AUTO(buf) expected = buf_growing(1 << 16);
    struct run_pages pages = {.text = buf_growing(1 << 16)};
    look_through_runs(&filter, &expected);
    filter.limit = 3;
    do {
        pages.count = 0;
        assert_true(hub_each_run(store, &filter, on_run_of_page, &pages, &err));
        filter.after[0] = str_from(pages.last[0]);
        filter.after[1] = str_from(pages.last[1]);
    } while (pages.count == filter.limit);
    assert_string_equal(buf_cstr(&pages.text), buf_cstr(&expected));
    buf_release(&pages.text);
}

static void runs_of_an_asset_are_all_that_touched_it(void **state)
{
    (void)state;
    static const char *const devices[] = {"", "berlin", "oslo", "paris"};
    static const char *const statuses[] = {"", "success", "failure", "started", "queued"};
    tell_runs("berlin", "00000000000000d1", 1);
    tell_runs("oslo", "00000000000000d2", 2);
    tell_runs("paris", "00000000000000d3", 3);
    for (int i = 0; i < ASSETS; i++) {
        char asset[] = {'a', (char)('0' + i), '\0'};
        for (size_t k = 0; k < COUNT_OF(devices) * COUNT_OF(statuses); k++) {
            struct hub_filter f = {.asset = str_from(asset),
                                   .device = str_from(devices[k % COUNT_OF(devices)]),
                                   .status = str_from(statuses[k / COUNT_OF(devices)])};
            expect_runs(f);
            f.job = STR("j1");
            f.since = STR("many-07");
            f.until = STR("many-33");
            expect_runs(f);
        }
    }
    assert_true(world_number(store, "SELECT count(*) FROM step WHERE asset IS NULL") > RUNS / 4);
}

static void on_step(void *ctx, const struct hub_step *s)
{
    (void)ctx;
    buf_addf(&seen, STR_FMT ":" STR_FMT ":%lld ", STR_ARG(s->step), STR_ARG(s->status),
             (long long)s->duration_ms);
}

static void a_run_shows_its_steps(void **state)
{
    (void)state;
    struct hub_filter run = {.run = STR("run-1")};
    assert_true(hub_each_step(store, &run, on_step, NULL, &err));
    assert_string_equal(buf_cstr(&seen), "x:success:12 ");
}

static void on_check(void *ctx, const struct hub_check *c)
{
    (void)ctx;
    buf_addf(&seen, STR_FMT ":" STR_FMT ":%d ", STR_ARG(c->device), STR_ARG(c->name), c->passed);
}

static void checks_are_filtered(void **state)
{
    (void)state;
    static const struct {
        struct hub_filter filter;
        const char *expected;
    } cases[] = {
        {{.limit = 0}, "berlin:c:1 oslo:c:0 "},
        {{.limit = 1}, "berlin:c:1 "},
        {{.after = {STR_INIT("pos/sales"), STR_INIT("c"), STR_INIT("berlin")}}, "oslo:c:0 "},
        {{.asset = STR_INIT("pos/sales")}, "berlin:c:1 oslo:c:0 "},
        {{.asset = STR_INIT("pos/sales"), .device = STR_INIT("oslo")}, "oslo:c:0 "},
        {{.asset = STR_INIT("pos/sales"),
          .after = {STR_INIT("pos/sales"), STR_INIT("c"), STR_INIT("berlin")}},
         "oslo:c:0 "},
        {{.asset = STR_INIT("pos")}, ""},
        {{.device = STR_INIT("berlin")}, "berlin:c:1 "},
        {{.device = STR_INIT("berlin"), .only_failing = true}, ""},
        {{.only_failing = true}, "oslo:c:0 "},
        {{.only_failing = true, .asset = STR_INIT("pos/sales"), .device = STR_INIT("berlin")}, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_reset(&seen);
        assert_true(hub_each_check(store, &cases[i].filter, on_check, NULL, &err));
        assert_string_equal(buf_cstr(&seen), cases[i].expected);
    }
}

static void on_refusal(void *ctx, const struct hub_refusal *r)
{
    (void)ctx;
    buf_addf(&seen, STR_FMT ":" STR_FMT " ", STR_ARG(r->peer), STR_ARG(r->why));
}

static void checks_and_refusals(void **state)
{
    (void)state;
    assert_true(
        hub_each_check(store, &(struct hub_filter){.only_failing = true}, on_check, NULL, &err));
    assert_true(hub_each_refusal(store, &(struct hub_filter){.limit = 5}, on_refusal, NULL, &err));
    assert_string_equal(buf_cstr(&seen), "oslo:c:0 x:bad ");
}

static void totals_add_up(void **state)
{
    (void)state;
    struct hub_totals t;
    assert_true(hub_read_totals(store, &t, &err));
    assert_int_equal(t.devices, 3);
    assert_int_equal(t.online, 1);
    assert_int_equal(t.assets, 2);
    assert_int_equal(t.device_assets, 4);
    assert_int_equal(t.failing, 1);
    assert_int_equal(t.materializations, 2);
    assert_int_equal(t.row_count, 100);
    assert_int_equal(t.runs, 2);
    assert_int_equal(t.runs_success, 1);
    assert_int_equal(t.runs_failure, 1);
    assert_int_equal(t.runs_open, 0);
    assert_int_equal(t.checks_failing, 1);
    assert_int_equal(t.events, 17);
    assert_int_equal(t.lost_events, 0);
}

static void refusals_are_bounded(void **state)
{
    (void)state;
    assert_true(
        db_exec(store,
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10500)"
                "INSERT INTO refusal (at_ms, peer, what, why) SELECT i, 'p', 'w', 'y' FROM n",
                &err));
    assert_int_equal(world_number(store, "SELECT count(*) FROM refusal"), 10000);
    assert_int_equal(world_number(store, "SELECT max(at_ms) FROM refusal"), 10500);
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(devices_are_those_enrolled_and_those_in_the_log),
        T(assets_of_a_device_and_those_that_fail),
        T(devices_of_an_asset_are_those_that_define_or_made_it),
        T(edges_say_who_declared_them),
        T(runs_are_filtered),
        T(runs_of_an_asset_are_all_that_touched_it),
        T(checks_are_filtered),
        T(a_run_shows_its_steps),
        T(checks_and_refusals),
        T(totals_add_up),
        T(refusals_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
