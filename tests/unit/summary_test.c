/* summary_test.c - hub/summary: figures that follow the log are those that the tables give, whatever came in between: other
 * definitions, older databases, devices that go and come, views that were derived anew. */
#include "hub/merge/rebuild.h"
#include "hub/rows/freshness_list.h"
#include "hub/store/store.h"
#include "hub/summary/summary.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WORLDS = 6, WORLDS_LONG = 300, STORIES = 6, EVENTS = 60, ASSETS = 6, LIST_BYTES = 1 << 20 };

static struct err err;

/* --- a world that changes -------------------------------------------------------------------------- */

static void tell_definitions(struct story *s)
{
    char assets[1500];
    int len = 0;
    for (int i = 0; i < ASSETS; i++) {
        unsigned long long dice = story_random(s, 4);
        if (dice == 0) {
            continue;
        }
        len +=
            snprintf(assets + len, sizeof(assets) - (size_t)len,
                     "%s{\"key\":\"a%d\",\"group\":\"g%llu\",\"kinds\":[\"k%llu\"],"
                     "\"tags\":{\"t\":\"%llu\"},\"owners\":[\"o%llu\"],\"external\":%s"
                     ",\"freshness\":{\"warn_after_ms\":1,\"fail_after_ms\":%s}}",
                     len > 0 ? "," : "", i, dice, (unsigned long long)story_random(s, 2),
                     (unsigned long long)story_random(s, 2), (unsigned long long)story_random(s, 2),
                     story_random(s, 5) == 0 ? "true" : "false",
                     story_random(s, 2) == 0 ? "1" : "9000000000000");
    }
    story_add(s, "definitions", "\"hash\":\"h%llu\",\"part\":1,\"parts\":1,\"assets\":[%s]",
              (unsigned long long)story_random(s, 1000), len > 0 ? assets : "");
}

static void tell_event(struct story *s)
{
    static const char *const states[] = {"pass", "warn", "fail", "unknown", "not_applicable"};
    unsigned long long asset = story_random(s, ASSETS);
    switch (story_random(s, 6)) {
    case 0:
        tell_definitions(s);
        break;
    case 1:
        story_add(s, "asset_failed_to_materialize",
                  "\"run\":\"r\",\"asset\":\"a%llu\",\"error\":{\"message\":\"m\"}", asset);
        break;
    case 2:
        story_add(s, "freshness_state_change", "\"asset\":\"a%llu\",\"status\":\"%s\"", asset,
                  states[story_random(s, COUNT_OF(states))]);
        break;
    case 3:
        story_add(s, "asset_materialization", "\"run\":\"r\",\"asset\":\"a%llu\"", asset);
        break;
    default:
        story_add(s, "asset_materialization",
                  "\"run\":\"r\",\"asset\":\"a%llu\",\"metadata\":{\"dagster/row_count\":{\"type\":"
                  "\"int\",\"raw_value\":%llu}}",
                  asset, (unsigned long long)story_random(s, 1000));
        break;
    }
}

/* Three devices with two databases each; the second is not always the newer. */
static void make_stories(struct story stories[STORIES], struct story *dice)
{
    static const char *const devices[] = {"berlin", "oslo", "paris"};
    static const char *const epochs[] = {"00000000000000a1", "00000000000000a2",
                                         "00000000000000a3", "00000000000000a4",
                                         "00000000000000a5", "00000000000000a6"};
    for (size_t i = 0; i < STORIES; i++) {
        int64_t start = INT64_C(1795000000000) + (int64_t)story_random(dice, 100) * 1000000;
        stories[i] = story_new(devices[i % 3], epochs[i], start, story_random(dice, 1U << 30));
        for (int k = 0; k < EVENTS; k++) {
            tell_event(&stories[i]);
        }
    }
}

static void connect_device(struct db *store, struct story *dice)
{
    char sql[300];
    static const char *const devices[] = {"berlin", "oslo", "paris"};
    (void)snprintf(sql, sizeof(sql),
                   "INSERT OR REPLACE INTO connection (device, is_online, since_ms, last_seen_ms, "
                   "clock_offset_ms, clock_trusted) VALUES ('%s', %d, 1, 1, %d, %d)",
                   devices[story_random(dice, 3)], story_random(dice, 2) == 0,
                   story_random(dice, 4) == 0 ? 100000 : 5, story_random(dice, 6) != 0);
    assert_true(db_exec(store, sql, &err));
}

/* --- two ways to count ----------------------------------------------------------------------------- */

static void add_fresh(struct buf *out, const int64_t of[FRESH_COUNT])
{
    for (int i = 0; of != NULL && i < FRESH_COUNT; i++) {
        buf_addf(out, " %lld", (long long)of[i]);
    }
    buf_addf(out, "%s\n", of == NULL ? " 0 0 0 0 0 0 0" : "");
}

static void add_asset(struct buf *out, const struct hub_fleet_asset *a)
{
    buf_addf(out,
             STR_FMT ": devices %lld failing %lld external %d group " STR_FMT " kinds " STR_FMT
                     " tags " STR_FMT " owners " STR_FMT " made %lld rows %lld at %lld fresh",
             STR_ARG(a->asset), (long long)a->devices, (long long)a->failing, a->is_external,
             STR_ARG(a->group), STR_ARG(a->kinds), STR_ARG(a->tags), STR_ARG(a->owners),
             (long long)a->materializations, (long long)a->row_count,
             (long long)(a->at.ns / NS_PER_MS));
}

struct listing {
    struct buf *out;
    struct freshness_list fresh; /* by the tables */
    const struct counts *counts;
};

static void list_assets(struct db *store, struct listing *l)
{
    static const char sql[] =
        "SELECT asset, sum(is_defined), sum(is_failing), max(is_external), max(group_name), "
        "max(kinds), max(tags), max(owners), sum(materializations), CAST(sum(CAST(row_count AS "
        "REAL)) AS INTEGER), max(at_ms) FROM device_asset GROUP BY asset ORDER BY asset";
    struct db_query q;
    bool ok = true;
    assert_true(db_prepare(store, str_from(sql), &q, &err));
    while (db_each(&q, &ok, &err)) {
        const struct hub_fleet_asset a = {.asset = db_col_str(&q, 0),
                                          .devices = db_col_i64(&q, 1),
                                          .failing = db_col_i64(&q, 2),
                                          .is_external = db_col_i64(&q, 3) != 0,
                                          .group = db_col_str(&q, 4),
                                          .kinds = db_col_str(&q, 5),
                                          .tags = db_col_str(&q, 6),
                                          .owners = db_col_str(&q, 7),
                                          .materializations = db_col_i64(&q, 8),
                                          .row_count = db_col_is_null(&q, 9) ? HUB_UNKNOWN
                                                                             : db_col_i64(&q, 9),
                                          .at = {db_col_i64(&q, 10) * NS_PER_MS}};
        const struct freshness_counts *counts = freshness_list_find(&l->fresh, a.asset);
        add_asset(l->out, &a);
        add_fresh(l->out, counts != NULL ? counts->of : NULL);
    }
    assert_true(ok);
    db_finish(&q);
}

static void on_device(void *ctx, const struct hub_device *d)
{
    struct listing *l = ctx;
    const struct freshness_counts *counts = freshness_list_find(&l->fresh, d->id);
    buf_addf(l->out, STR_FMT ": assets %lld failing %lld fresh", STR_ARG(d->id),
             (long long)d->assets, (long long)d->failing);
    add_fresh(l->out, counts != NULL ? counts->of : NULL);
}

static void list_tables(struct db *store, struct buf *out)
{
    const struct hub_filter all = {0};
    AUTO(arena) arena = arena_new(LIST_BYTES);
    struct listing l = {.out = out, .fresh = {.arena = &arena}};
    struct wall_time now = {INT64_C(1795400000000) * NS_PER_MS}; /* as long as windows are, any */
    assert_true(freshness_list_read(&l.fresh, store, &all, now, &err));
    list_assets(store, &l);
    l.fresh = (struct freshness_list){.arena = &arena, .is_by_device = true};
    assert_true(freshness_list_read(&l.fresh, store, &all, now, &err));
    assert_true(hub_each_device(store, &all, on_device, &l, &err));
    buf_addf(out, "failing %lld on %lld, pairs %lld\n",
             (long long)world_number(store, "SELECT count(*) FROM device_asset WHERE is_failing"),
             (long long)world_number(
                 store, "SELECT count(DISTINCT device) FROM device_asset WHERE is_failing"),
             (long long)world_number(store, "SELECT count(*) FROM asset_definition"));
}

static void on_counted_device(void *ctx, const struct hub_device *d)
{
    struct counts_of_device of = {0};
    struct listing *l = ctx;
    (void)counts_of_device(l->counts, d->id, &of);
    buf_addf(l->out, STR_FMT ": assets %lld failing %lld fresh", STR_ARG(d->id),
             (long long)of.assets, (long long)of.failing);
    add_fresh(l->out, of.fresh.of);
}

static void list_counts(struct summary *summary, struct db *store, struct buf *out)
{
    const struct hub_filter all = {.without_counts = true};
    struct counts *counts = NULL;
    bool is_done = false;
    while (!is_done) {
        assert_true(summary_step(summary, &is_done, &err));
    }
    assert_true(summary_get(summary, &counts, &err));
    const struct counts_fleet *fleet = counts_fleet(counts);
    for (size_t i = 0; i < fleet->count; i++) {
        size_t place = 0;
        add_asset(out, &fleet->assets[i]);
        add_fresh(out, fleet->fresh[i].of);
        assert_true(counts_find_asset(fleet, fleet->assets[i].asset, &place) && place == i);
    }
    struct listing l = {.out = out, .counts = counts};
    assert_true(hub_each_device(store, &all, on_counted_device, &l, &err));
    buf_addf(out, "failing %lld on %lld, pairs %lld\n", (long long)fleet->failing_pairs,
             (long long)fleet->failing_devices, (long long)fleet->pairs);
}

static void expect_equal(struct summary *summary, struct db *store)
{
    AUTO(buf) counted = buf_growing(LIST_BYTES);
    AUTO(buf) tables = buf_growing(LIST_BYTES);
    list_counts(summary, store, &counted);
    list_tables(store, &tables);
    assert_string_equal(buf_cstr(&counted), buf_cstr(&tables));
}

/* --- tests ----------------------------------------------------------------------------------------- */

struct world {
    struct temp_dir dir;
    struct db *store;
    struct merge *merge;
    struct loop *loop;
    const char *path;
};

static void world_begin(struct world *w)
{
    w->dir = temp_dir_new();
    w->path = temp_dir_path(&w->dir, "hub.db");
    const struct hub_store_options options = {.path = w->path, .flags = DB_NORMAL_SYNC};
    assert_true(hub_store_open(&w->store, &options, &err));
    w->merge = world_merge(w->store);
    assert_true(loop_open(&w->loop, clock_system(), &err));
}

static void world_end(struct world *w)
{
    merge_close(w->merge);
    db_close(w->store);
    loop_close(w->loop);
    temp_dir_release(&w->dir);
}

static void follow_one_world(uint64_t seed)
{
    struct world w;
    struct summary *early = NULL;
    struct story stories[STORIES];
    size_t sent[STORIES] = {0};
    struct story dice = story_new("dice", "", 0, seed);
    world_begin(&w);
    assert_true(summary_open(&early, w.loop, w.path, &err));
    make_stories(stories, &dice);
    for (int step = 0; step < 60; step++) {
        size_t i = story_random(&dice, STORIES);
        size_t to = sent[i] + 1 + story_random(&dice, 12);
        to = to > stories[i].count ? stories[i].count : to;
        if (sent[i] < to) {
            assert_int_equal(world_send(w.merge, &stories[i], sent[i], to).outcome, MERGE_MERGED);
            sent[i] = to;
        }
        if (story_random(&dice, 3) == 0) {
            connect_device(w.store, &dice);
        }
        if (story_random(&dice, 2) == 0) {
            expect_equal(early, w.store);
        }
    }
    struct summary *late = NULL;
    assert_true(summary_open(&late, w.loop, w.path, &err));
    expect_equal(late, w.store);
    expect_equal(early, w.store);
    summary_close(late);
    summary_close(early);
    for (size_t i = 0; i < STORIES; i++) {
        story_release(&stories[i]);
    }
    story_release(&dice);
    world_end(&w);
}

static void figures_follow_the_log(void **state)
{
    (void)state;
    const char *given = getenv("SELVEDGE_SEED");
    bool is_long = getenv("SELVEDGE_LONG") != NULL;
    int64_t seed = (int64_t)time(NULL);
    assert_true(given == NULL || str_to_i64(str_from(given), 0, INT64_MAX, &seed));
    for (int i = 0; i < (is_long ? WORLDS_LONG : WORLDS); i++) {
        print_message("SELVEDGE_SEED=%lld\n", (long long)seed + i);
        follow_one_world((uint64_t)(seed + i));
    }
}

static void views_derived_anew_are_counted_anew(void **state)
{
    (void)state;
    struct world w;
    struct summary *summary = NULL;
    int64_t events = 0;
    struct story s = story_new("berlin", "00000000000000a1", INT64_C(1795000000000), 7);
    world_begin(&w);
    tell_definitions(&s);
    story_add(&s, "asset_materialization", "\"run\":\"r\",\"asset\":\"a1\"");
    assert_int_equal(world_send(w.merge, &s, 0, s.count).outcome, MERGE_MERGED);
    assert_true(summary_open(&summary, w.loop, w.path, &err));
    expect_equal(summary, w.store);
    /* As by a fault of an earlier version, which left no trace in the log. */
    assert_true(db_exec(w.store, "UPDATE asset_state SET materializations = 70", &err));
    assert_true(rebuild_views(w.store, NULL, &events, &err));
    expect_equal(summary, w.store);
    summary_close(summary);
    story_release(&s);
    world_end(&w);
}

static void the_newest_failures_come_first(void **state)
{
    (void)state;
    struct world w;
    struct summary *summary = NULL;
    struct counts *counts = NULL;
    struct summary_failing failing[COUNTS_NEWEST];
    size_t count = 0;
    AUTO(arena) arena = arena_new(LIST_BYTES);
    struct story s = story_new("berlin", "00000000000000a1", INT64_C(1795000000000), 7);
    world_begin(&w);
    for (int i = 0; i < COUNTS_NEWEST + 5; i++) {
        story_add(&s, "asset_failed_to_materialize",
                  "\"run\":\"r%d\",\"asset\":\"f%02d\",\"error\":{\"message\":\"m%d\"}", i, i, i);
    }
    story_add(&s, "asset_materialization", "\"run\":\"r\",\"asset\":\"f%02d\"", COUNTS_NEWEST + 4);
    assert_int_equal(world_send(w.merge, &s, 0, s.count).outcome, MERGE_MERGED);
    assert_true(summary_open(&summary, w.loop, w.path, &err));
    assert_true(summary_get(summary, &counts, &err));
    assert_int_equal(counts_fleet(counts)->failing_pairs, COUNTS_NEWEST + 4);
    assert_true(summary_newest_failing(summary, &arena, failing, &count, &err));
    assert_int_equal(count, COUNTS_NEWEST);
    assert_true(str_eq(failing[0].asset, STR("f23")) && str_eq(failing[0].run, STR("r23")));
    assert_true(str_eq(failing[0].error, STR("{\"message\":\"m23\"}")));
    assert_true(str_eq(failing[COUNTS_NEWEST - 1].asset, STR("f04")));
    summary_close(summary);
    story_release(&s);
    world_end(&w);
}

/* --- counting alone ------------------------------------------------------------------------------- */

static void a_window_ends_while_a_device_is_away(void **state)
{
    (void)state;
    struct counts *c = counts_new();
    const struct counts_row row = {.asset = STR("a"),
                                   .freshness = STR("pass"),
                                   .is_defined = true,
                                   .row_count = HUB_UNKNOWN,
                                   .at_ms = 1000,
                                   .fail_after_ms = 500};
    assert_non_null(c);
    uint32_t device = counts_device(c, STR("oslo"));
    counts_put(c, device, &row, (struct wall_time){1200 * NS_PER_MS});
    assert_int_equal(counts_word(c, STR("oslo"), STR("a")), FRESH_PASS);
    counts_tick(c, (struct wall_time){1499 * NS_PER_MS});
    assert_int_equal(counts_word(c, STR("oslo"), STR("a")), FRESH_PASS);
    counts_tick(c, (struct wall_time){1500 * NS_PER_MS});
    assert_int_equal(counts_word(c, STR("oslo"), STR("a")), FRESH_AWAY);
    assert_int_equal(counts_fleet(c)->words.of[FRESH_AWAY], 1);
    assert_int_equal(counts_fleet(c)->words.of[FRESH_PASS], 0);
    counts_free(c);
}

static void sums_stop_at_the_largest_number(void **state)
{
    (void)state;
    struct counts *c = counts_new();
    struct counts_row row = {.asset = STR("a"),
                             .row_count = INT64_MAX,
                             .fail_after_ms = HUB_UNKNOWN,
                             .at_ms = INT64_MAX};
    assert_non_null(c);
    struct wall_time now = {0};
    counts_put(c, counts_device(c, STR("berlin")), &row, now);
    counts_put(c, counts_device(c, STR("oslo")), &row, now);
    assert_true(counts_fleet(c)->assets[0].row_count == INT64_MAX);
    row.row_count = 5;
    row.at_ms = 3;
    counts_put(c, counts_device(c, STR("berlin")), &row, now);
    counts_remove(c, counts_device(c, STR("oslo")), STR("a"));
    assert_int_equal(counts_fleet(c)->assets[0].row_count, 5);
    assert_int_equal(counts_fleet(c)->assets[0].at.ns, 3 * NS_PER_MS);
    counts_remove(c, counts_device(c, STR("berlin")), STR("a"));
    counts_remove(c, counts_device(c, STR("berlin")), STR("a"));
    assert_int_equal(counts_fleet(c)->count, 0);
    assert_false(counts_has_failed(c));
    counts_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_follow_the_log),
        cmocka_unit_test(views_derived_anew_are_counted_anew),
        cmocka_unit_test(the_newest_failures_come_first),
        cmocka_unit_test(a_window_ends_while_a_device_is_away),
        cmocka_unit_test(sums_stop_at_the_largest_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
