/* figures_test.c - hub/summary: partitions over all devices, and schedules folded over them, follow the log and are what the tables
 * give: late events, devices that were wiped or put back, other definitions, ranges, keys that come and go, pauses of people and
 * of the hub. And what they take is bounded. */
#include "common/platform/files.h"
#include "figures_plain.h"
#include "hub/merge/rebuild.h"
#include "hub/store/store.h"
#include "hub/summary/named.h"
#include "hub/summary/summary_internal.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORLDS = 4, WORLDS_LONG = 60, STORIES = 8, EVENTS = 90, STEPS = 70, LIST_BYTES = 1 << 20 };
#define DAY_MS   (INT64_C(86400) * 1000)
#define BEGIN_MS INT64_C(1795000000000) /* 2026-11-18T11:06:40Z */

static struct err err;
static const char *const devices[] = {"berlin", "oslo", "paris", "rome"};

/* A clock that goes on by `reading_ns` each time that it is read; the days are the test's. */
static int64_t mono_ns, wall_ns, reading_ns;

static struct mono_time read_mono(void *ctx)
{
    (void)ctx;
    mono_ns += reading_ns;
    return (struct mono_time){mono_ns};
}

static struct wall_time read_wall(void *ctx)
{
    (void)ctx;
    return (struct wall_time){wall_ns};
}

/* --- what devices say ----------------------------------------------------------------------------- */

/* Of five rules, one of them none; most devices say the first two. */
static const char *const rules[] = {
    "{\"kind\":\"time\",\"cron\":\"0 0 * * "
    "*\",\"timezone\":\"UTC\",\"start\":\"2026-11-10\",\"format\":"
    "\"%Y-%m-%d\"}",
    "{\"kind\":\"static\",\"keys\":[\"k3\",\"k1\",\"k2\",\"k5\",\"k4\"]}",
    "{\"kind\":\"dynamic\",\"set\":\"files\"}",
    "{\"kind\":\"time\",\"cron\":\"0 0 * * "
    "*\",\"timezone\":\"UTC\",\"start\":\"2026-11-15\",\"format\":"
    "\"%Y-%m-%d\"}",
    NULL};

static void tell_definitions(struct story *s, size_t rule)
{
    char cut[300] = "";
    char named[600] = "";
    char lists[800] = "";
    int len = 0;
    bool is_old = story_random(s, 5) == 0; /* tells names only, with the assets */
    if (rules[rule] != NULL) {
        (void)snprintf(cut, sizeof(cut), ",\"partitions\":%s", rules[rule]);
    }
    for (int i = 0; i < 3; i++) {
        unsigned long long dice = story_random(s, 4);
        if (dice < 3) {
            len += snprintf(named + len, sizeof(named) - (size_t)len,
                            "%s{\"name\":\"n%d\",\"assets\":%llu,\"cron\":\"%llu * * * *\"%s}",
                            len > 0 ? "," : "", i, (unsigned long long)story_random(s, 4), dice,
                            dice == 0 ? ",\"starts_paused\":true" : "");
        }
    }
    if (!is_old) {
        (void)snprintf(
            lists, sizeof(lists),
            "\"jobs\":[],\"schedules\":[%s],\"sensors\":[{\"name\":\"n0\",\"assets\":1}],", named);
    }
    story_add(s, "definitions",
              "\"hash\":\"h%llu\",\"part\":1,\"parts\":1,%s\"assets\":[%s{\"key\":\"a1\","
              "\"schedules\":[\"n0\",\"n1\"]%s},{\"key\":\"a2\",\"schedules\":[\"n%d\"],"
              "\"partitions\":%s}]",
              (unsigned long long)story_random(s, 1000), lists,
              story_random(s, 6) == 0 ? "" : "{\"key\":\"a0\"}," /* in a moment with rules */, cut,
              (int)story_random(s, 3), rules[2]);
}

static void key_of(struct story *s, char key[16])
{
    if (story_random(s, 2) == 0) {
        (void)snprintf(key, 16, "2026-11-%02d", 12 + (int)story_random(s, 8));
    } else {
        (void)snprintf(key, 16, "k%d", 1 + (int)story_random(s, 6));
    }
}

static void tell_partition(struct story *s)
{
    char first[16];
    char last[16];
    char end[64] = "";
    const char *type =
        story_random(s, 3) == 0 ? "asset_failed_to_materialize" : "asset_materialization";
    key_of(s, first);
    key_of(s, last);
    s->clock_ms += story_random(s, 8) == 0 ? -INT64_C(600000) : 0; /* a clock that was set back */
    if (story_random(s, 5) == 0) {
        (void)snprintf(end, sizeof(end), ",\"partition_end\":\"%s\"", last);
    }
    story_add(s, type, "\"asset\":\"a%d\",\"partition\":\"%s\"%s%s", (int)story_random(s, 3), first,
              end, story_random(s, 9) == 0 ? ",\"partial\":true" : "");
}

static void tell_named(struct story *s)
{
    static const char *const kinds[] = {"schedule", "sensor"};
    static const char *const did[] = {"started", "skipped", "failed"};
    static const char *const states[] = {",\"status\":\"paused\"", ",\"status\":\"running\"", ""};
    const char *kind = kinds[story_random(s, 2)];
    int name = (int)story_random(s, 3);
    if (story_random(s, 2) == 0) {
        story_add(s, "tick", "\"%s\":\"n%d\",\"status\":\"%s\"", kind, name,
                  did[story_random(s, 3)]);
    } else if (story_random(s, 2) == 0) {
        story_add(s, "instigator", "\"%s\":\"n%d\"%s", kind, name, states[story_random(s, 3)]);
    } else {
        int revision = 1 + (int)story_random(s, 4);
        story_add(s, "desired", "\"status\":\"applied\",\"revision\":%d,\"applied\":%d", revision,
                  revision);
    }
}

static void tell_event(struct story *s)
{
    switch (story_random(s, 8)) {
    case 0:
        tell_definitions(s, story_random(s, 2) == 0 ? story_random(s, 2)
                                                    : story_random(s, COUNT_OF(rules)));
        break;
    case 1:
        story_add(s, "dynamic_partitions",
                  "\"set\":\"files\",\"partition\":\"k%d\",\"status\":\"%s\"",
                  1 + (int)story_random(s, 6), story_random(s, 3) == 0 ? "deleted" : "added");
        break;
    case 2:
    case 3:
        tell_named(s);
        break;
    default:
        tell_partition(s);
        break;
    }
}

/* Two databases of each device; the second is not always the newer. */
static void make_stories(struct story stories[STORIES], struct story *dice)
{
    static const char *const epochs[STORIES] = {
        "00000000000000a1", "00000000000000a2", "00000000000000a3", "00000000000000a4",
        "00000000000000a5", "00000000000000a6", "00000000000000a7", "00000000000000a8"};
    for (size_t i = 0; i < STORIES; i++) {
        int64_t start = BEGIN_MS + (int64_t)story_random(dice, 100) * 1000000;
        stories[i] = story_new(devices[i % COUNT_OF(devices)], epochs[i], start,
                               story_random(dice, 1U << 30));
        tell_definitions(&stories[i], story_random(dice, 2));
        for (int k = 0; k < EVENTS; k++) {
            tell_event(&stories[i]);
        }
    }
}

/* What the hub wants is no event. */
static void want(struct db *store, struct story *dice)
{
    static const char *const pauses[] = {
        "{}", "{\"pauses\":{\"schedules\":[\"n1\"],\"sensors\":[\"*\"]}}",
        "{\"pauses\":{\"schedules\":[\"*\"]}}"};
    char sql[400];
    int revision = 1 + (int)story_random(dice, 4);
    (void)snprintf(
        sql, sizeof(sql),
        "INSERT OR REPLACE INTO desired_device (device, revision, content_hash, body, hash, "
        "conflicts, issued_ms) VALUES ('%s', %d, 'h', '%s', 'h', '', 1)",
        devices[story_random(dice, COUNT_OF(devices))], revision,
        pauses[revision % 3] /* a body for each revision */);
    assert_true(db_exec(store, sql, &err));
}

/* --- what the tables give -------------------------------------------------------------------------- */

static void ask(struct db *store, const char *sql, const char *asset, const char *device,
                struct buf *out)
{
    struct db_query q;
    bool ok = true;
    char today[WALL_TEXT_SIZE];
    wall_format((struct wall_time){wall_ns}, today);
    assert_true(db_prepare(store, str_from(sql), &q, &err));
    if (asset != NULL) {
        db_bind_str(&q, ":asset", str_from(asset));
        db_bind_opt(&q, ":device", device == NULL ? STR_NONE : str_from(device));
        db_bind_str(&q, ":today", str_slice(str_from(today), 0, 10));
    }
    while (db_each(&q, &ok, &err)) {
        buf_addf(out, STR_FMT "\n", STR_ARG(db_col_str(&q, 0)));
    }
    if (!ok) {
        fail_msg("%s", err.msg);
    }
    db_finish(&q);
}

/* --- what the figures give -------------------------------------------------------------------------- */

static void finish_reading(struct summary *s)
{
    for (bool is_done = false; !is_done;) {
        assert_true(summary_step(s, &is_done, &err));
    }
}

static void list_partitions(const struct partition_figures *f, struct buf *out)
{
    for (size_t i = 0; i < partition_figures_count(f); i++) {
        struct partition_item item;
        size_t place = 0;
        partition_figures_get(f, i, &item);
        assert_true(partition_figures_find(f, item.key, &place) && place == i);
        buf_addf(out, STR_FMT " %lld %lld of %lld at %lld " STR_FMT "\n", STR_ARG(item.key),
                 (long long)item.made, (long long)item.failed,
                 (long long)partition_figures_devices(f), (long long)(item.at.ns / NS_PER_MS),
                 STR_ARG(item.run));
    }
}

/* NULL: nobody defines it. */
static struct partition_figures *get(struct summary *s, const char *asset)
{
    struct partition_figures *f = NULL;
    for (int i = 0; f == NULL; i++) {
        finish_reading(s);
        assert_true(i < 1000);
        if (!summary_partitions(s, str_from(asset), &f, &err)) {
            assert_int_equal(err.code, ERR_NOT_FOUND);
            return NULL;
        }
    }
    return f;
}

static void expect_partitions(struct summary *s, struct db *store, const char *asset,
                              const char *device)
{
    char sql[4000];
    AUTO(buf) tables = buf_growing(LIST_BYTES);
    AUTO(buf) figures = buf_growing(LIST_BYTES);
    struct partition_figures *f = NULL;
    (void)snprintf(sql, sizeof(sql), plain_sql, rule_sql);
    ask(store, sql, asset, device, &tables);
    if (device == NULL) {
        f = get(s, asset);
    } else if (!summary_partitions_of(s, str_from(asset), str_from(device), &f, &err)) {
        assert_int_equal(err.code, ERR_NOT_FOUND);
    }
    if (f != NULL) {
        list_partitions(f, &figures);
    }
    if (device != NULL) {
        partition_figures_close(f);
    }
    assert_string_equal(buf_cstr(&figures), buf_cstr(&tables));
}

/* As the API asks it. */
static bool starts_paused(struct db *store, struct str version)
{
    AUTO(buf) question = buf_growing(LIST_BYTES);
    struct db_query q;
    bool has_row = false;
    assert_true(files_read("hub/api/sql/named_text.sql", &question, &err));
    assert_true(db_prepare(store, buf_str(&question), &q, &err));
    db_bind_str(&q, ":version", version);
    assert_true(db_next(&q, &has_row, &err));
    bool starts = has_row && db_col_i64(&q, 1) != 0;
    db_finish(&q);
    return starts;
}

static void list_folds(struct db *store, struct folds *folds, enum fold_kind kind, const char *word,
                       struct buf *out)
{
    const struct fold_list list = folds_list(folds, kind);
    for (size_t i = 0; i < list.count; i++) {
        const struct fold *f = &list.items[i];
        int64_t untouched = starts_paused(store, f->version) ? f->untouched : 0;
        buf_addf(out,
                 "%s " STR_FMT " " STR_FMT " on %lld such as " STR_FMT
                 " assets %lld paused %lld ticked ",
                 word, STR_ARG(f->name), STR_ARG(f->version), (long long)f->devices,
                 STR_ARG(f->device), (long long)f->assets, (long long)(f->paused + untouched));
        if (f->has_ticked) {
            buf_add_i64(out, f->ticked_ms);
        } else {
            buf_add_text(out, "never");
        }
        buf_addf(out, " %lld %lld %lld\n", (long long)f->ticks, (long long)f->started,
                 (long long)f->failed);
        assert_int_equal(folds_behind(&list, f->name, f->version), i + 1);
    }
}

static void expect_folds(struct summary *s, struct db *store)
{
    AUTO(buf) tables = buf_growing(LIST_BYTES);
    AUTO(buf) figures = buf_growing(LIST_BYTES);
    struct folds *folds = NULL;
    for (int i = 0; folds == NULL; i++) {
        assert_true(i < 1000);
        finish_reading(s);
        assert_true(summary_named(s, &folds, &err));
    }
    ask(store, folds_sql, NULL, NULL, &tables);
    list_folds(store, folds, FOLD_SCHEDULE, "schedule", &figures);
    list_folds(store, folds, FOLD_SENSOR, "sensor", &figures);
    assert_string_equal(buf_cstr(&figures), buf_cstr(&tables));
}

static void expect_all(struct summary *s, struct db *store)
{
    expect_folds(s, store);
    expect_partitions(s, store, "a0", NULL);
    expect_partitions(s, store, "a1", NULL);
    expect_partitions(s, store, "a2", NULL);
    expect_partitions(s, store, "a1", devices[mono_ns / 1000 % (int64_t)COUNT_OF(devices)]);
}

/* --- a world that changes --------------------------------------------------------------------------- */

struct world {
    struct temp_dir dir;
    struct db *store;
    struct merge *merge;
    struct loop *loop;
    const char *path;
};

static void world_begin(struct world *w)
{
    const struct clock clock = {.mono = read_mono, .wall = read_wall};
    w->dir = temp_dir_new();
    w->path = temp_dir_path(&w->dir, "hub.db");
    const struct hub_store_options options = {.path = w->path, .flags = DB_NORMAL_SYNC};
    assert_true(hub_store_open(&w->store, &options, &err));
    w->merge = world_merge(w->store);
    mono_ns = NS_PER_SEC;
    wall_ns = BEGIN_MS * NS_PER_MS;
    reading_ns = NS_PER_MS;
    assert_true(loop_open(&w->loop, clock, &err));
}

static void world_end(struct world *w)
{
    merge_close(w->merge);
    db_close(w->store);
    loop_close(w->loop);
    temp_dir_release(&w->dir);
}

static void send_some(struct world *w, struct story *s, size_t *sent, size_t most)
{
    size_t to = *sent + most > s->count ? s->count : *sent + most;
    if (*sent < to) {
        assert_int_equal(world_send(w->merge, s, *sent, to).outcome, MERGE_MERGED);
        *sent = to;
    }
}

static void derive_anew(struct world *w)
{
    int64_t events = 0;
    assert_true(rebuild_views(w->store, NULL, &events, &err));
}

static void follow_one_world(uint64_t seed)
{
    struct world w;
    struct summary *early = NULL;
    struct story stories[STORIES];
    size_t sent[STORIES] = {0};
    struct story dice = story_new("dice", "", 0, seed);
    world_begin(&w);
    reading_ns = (int64_t)story_random(&dice, 3) * NS_PER_MS; /* slices of much, or of one thing */
    assert_true(summary_open(&early, w.loop, w.path, &err));
    make_stories(stories, &dice);
    for (int step = 0; step < STEPS; step++) {
        size_t i = story_random(&dice, STORIES);
        send_some(&w, &stories[i], &sent[i], 1 + story_random(&dice, 14));
        if (story_random(&dice, 4) == 0) {
            want(w.store, &dice);
        }
        if (story_random(&dice, 20) == 0) {
            derive_anew(&w);
        }
        wall_ns += story_random(&dice, 8) == 0 ? DAY_MS * NS_PER_MS : 0;
        if (story_random(&dice, 3) == 0) {
            expect_all(early, w.store);
        }
    }
    struct summary *late = NULL;
    assert_true(summary_open(&late, w.loop, w.path, &err));
    expect_all(late, w.store);
    expect_all(early, w.store);
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

/* --- what it may take ------------------------------------------------------------------------------- */

/* Many partitions of an asset, one event each. */
static void make_many(struct world *w, const char *asset, int keys)
{
    static int number;
    char epoch[17];
    (void)snprintf(epoch, sizeof(epoch), "%016x", ++number);
    struct story s = story_new("berlin", epoch, BEGIN_MS + number * 1000000, 1);
    size_t sent = 0;
    for (int i = 0; i < keys; i++) {
        story_add(&s, "asset_materialization", "\"asset\":\"%s\",\"partition\":\"key-%05d\"", asset,
                  i);
    }
    while (sent < s.count) {
        send_some(w, &s, &sent, 200);
    }
    story_release(&s);
}

/* Assets x0, x1 ... of partitions that are added; each has one, and the first two have so many. */
static void define_many(struct world *w, int assets, const int keys[2])
{
    struct story s = story_new("berlin", "00000000000000ff", BEGIN_MS + INT64_C(900000000), 1);
    size_t sent = 0;
    char list[2000] = "";
    int len = 0;
    for (int i = 0; i < assets; i++) {
        len += snprintf(list + len, sizeof(list) - (size_t)len,
                        "%s{\"key\":\"x%d\",\"partitions\":{\"kind\":\"dynamic\",\"set\":\"s%d\"}}",
                        i > 0 ? "," : "", i, i);
    }
    story_add(&s, "definitions", "\"hash\":\"h\",\"part\":1,\"parts\":1,\"assets\":[%s]", list);
    for (int i = 0; i < assets; i++) {
        for (int k = 0; k < (i < 2 ? keys[i] : 1); k++) {
            story_add(&s, "dynamic_partitions",
                      "\"set\":\"s%d\",\"partition\":\"key-%05d\",\"status\":\"added\"", i, k);
        }
    }
    while (sent < s.count) {
        send_some(w, &s, &sent, 200);
    }
    story_release(&s);
}

static size_t bytes_kept(const struct summary *s)
{
    size_t bytes = 0;
    for (const struct partition_figures *f = s->partitions; f != NULL; f = f->next) {
        bytes += f->cells != NULL ? cells_bytes(f->cells) : 0;
    }
    return bytes;
}

static void what_does_not_fit_says_so(void **state)
{
    (void)state;
    struct world w;
    struct summary *s = NULL;
    struct partition_figures *f = NULL;
    bool is_given = true;
    world_begin(&w);
    make_many(&w, "x0", 3000);
    make_many(&w, "x1", 3);
    define_many(&w, 2, (const int[]){3000, 5});
    assert_true(summary_open(&s, w.loop, w.path, &err));
    s->partitions_bytes_max = 200 << 10;
    for (int i = 0; i < 1000 && is_given; i++) {
        is_given = summary_partitions(s, STR("x0"), &f, &err);
        assert_null(f);
    }
    assert_false(is_given);
    assert_int_equal(err.code, ERR_FULL);
    assert_non_null(strstr(err.msg, "the partitions of x0 on all devices do not fit"));
    assert_true(bytes_kept(s) < 200 << 10);
    expect_partitions(s, w.store, "x1", NULL);
    /* It is tried again after a while. */
    s->partitions_bytes_max = PARTITIONS_BYTES_MAX;
    assert_false(summary_partitions(s, STR("x0"), &f, &err));
    mono_ns += (SUMMARY_AGAIN_S + 1) * NS_PER_SEC;
    expect_partitions(s, w.store, "x0", NULL);
    summary_close(s);
    world_end(&w);
}

static void the_longest_unasked_gives_way(void **state)
{
    (void)state;
    enum { ASSETS = PARTITIONS_ASSETS_MAX + 5 };
    struct world w;
    struct summary *s = NULL;
    world_begin(&w);
    define_many(&w, ASSETS, (const int[]){1000, 1000});
    make_many(&w, "x0", 1000);
    make_many(&w, "x1", 1000);
    assert_true(summary_open(&s, w.loop, w.path, &err));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < ASSETS; i++) {
            char asset[16];
            (void)snprintf(asset, sizeof(asset), "x%d", i);
            expect_partitions(s, w.store, asset, NULL);
            assert_true(s->partition_assets <= PARTITIONS_ASSETS_MAX);
        }
    }
    /* Two that do not fit beside each other. */
    s->partitions_bytes_max = 300 << 10;
    for (int i = 0; i < 4; i++) {
        expect_partitions(s, w.store, i % 2 == 0 ? "x0" : "x1", NULL);
        assert_true(bytes_kept(s) <= s->partitions_bytes_max);
    }
    /* All at once: none has another dropped that is still waited for. */
    size_t given = 0;
    bool has_been_given[ASSETS] = {false};
    s->partitions_bytes_max = PARTITIONS_BYTES_MAX;
    mono_ns += (PARTITIONS_UNASKED_S + 1) * NS_PER_SEC;
    for (int turn = 0; turn < 10000 && given < ASSETS; turn++) {
        char asset[16];
        int i = turn % ASSETS;
        struct partition_figures *f = NULL;
        (void)snprintf(asset, sizeof(asset), "x%d", i);
        if (!has_been_given[i]) {
            assert_true(summary_partitions(s, str_from(asset), &f, &err));
            has_been_given[i] = f != NULL;
            given += f != NULL ? 1 : 0;
        }
    }
    assert_int_equal(given, ASSETS);
    summary_close(s);
    world_end(&w);
}

/* A device may say what it likes of partitions that there are not: it takes little, and is there when there are. */
static void what_there_is_not_takes_little(void **state)
{
    (void)state;
    struct world w;
    struct summary *s = NULL;
    world_begin(&w);
    define_many(&w, 2, (const int[]){1, 1});
    make_many(&w, "x0", 4000);
    make_many(&w, "x1", 100);
    assert_true(summary_open(&s, w.loop, w.path, &err));
    for (int key = 1; key < 4100; key += 500) {
        struct story more = story_new("oslo", "00000000000000f0", BEGIN_MS, 1);
        char epoch[17];
        (void)snprintf(epoch, sizeof(epoch), "00000000000%05d", key);
        more.epoch = epoch;
        story_add(&more, "dynamic_partitions",
                  "\"set\":\"s0\",\"partition\":\"key-%05d\",\"status\":\"added\"", key);
        story_add(&more, "asset_materialization", "\"asset\":\"x0\",\"partition\":\"key-%05d\"",
                  key + 400);
        assert_int_equal(world_send(w.merge, &more, 0, more.count).outcome, MERGE_MERGED);
        story_release(&more);
        expect_partitions(s, w.store, "x0", NULL);
        expect_partitions(s, w.store, "x1", NULL);
    }
    assert_true(bytes_kept(s) < 600 << 10);
    summary_close(s);
    world_end(&w);
}

static void what_nobody_asks_for_is_forgotten(void **state)
{
    (void)state;
    struct world w;
    struct summary *s = NULL;
    world_begin(&w);
    define_many(&w, 2, (const int[]){1, 1});
    assert_true(summary_open(&s, w.loop, w.path, &err));
    expect_partitions(s, w.store, "x0", NULL);
    expect_folds(s, w.store);
    assert_non_null(s->named);
    assert_int_equal(s->partition_assets, 1);
    mono_ns += (PARTITIONS_UNASKED_S + 1) * NS_PER_SEC;
    finish_reading(s);
    assert_null(s->named);
    assert_int_equal(s->partition_assets, 0);
    /* What nobody defines takes no place. */
    assert_null(get(s, "nobodys"));
    assert_int_equal(s->partition_assets, 0);
    summary_close(s);
    world_end(&w);
}

static void on_ready(void *ctx)
{
    (*(int *)ctx)++;
}

static void who_waits_is_told(void **state)
{
    (void)state;
    struct world w;
    struct summary *s = NULL;
    struct partition_figures *f = NULL;
    struct folds *folds = NULL;
    int times = 0;
    world_begin(&w);
    loop_close(w.loop);
    assert_true(loop_open(&w.loop, clock_system(), &err));
    define_many(&w, 1, (const int[]){1, 1});
    assert_true(summary_open(&s, w.loop, w.path, &err));
    summary_on_ready(s, on_ready, &times);
    while (f == NULL || folds == NULL) {
        int before = times;
        assert_true(f != NULL || summary_partitions(s, STR("x0"), &f, &err));
        assert_true(folds != NULL || summary_named(s, &folds, &err));
        while ((f == NULL || folds == NULL) && times == before) {
            assert_true(loop_turn(w.loop, -1, &err));
        }
    }
    assert_true(times > 0);
    summary_close(s);
    world_end(&w);
}

static void schedules_that_do_not_fit_say_so(void **state)
{
    (void)state;
    enum { ROWS = 1000, DEVICES_MAX = 3000 };
    static struct fold_row rows[ROWS];
    struct folds *folds = folds_new();
    assert_non_null(folds);
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (struct fold_row){.name = STR("n"), .version = STR("v"), .ticks = i};
    }
    int device = 0;
    for (; device < DEVICES_MAX && !folds_has_failed(folds); device++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "d%d", device);
        folds_put(folds, str_from(name), rows, ROWS);
    }
    assert_in_range(device, FOLDS_BYTES_MAX / ROWS / 50, FOLDS_BYTES_MAX / ROWS / 40);
    folds_free(folds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_follow_the_log),
        cmocka_unit_test(what_does_not_fit_says_so),
        cmocka_unit_test(the_longest_unasked_gives_way),
        cmocka_unit_test(what_there_is_not_takes_little),
        cmocka_unit_test(what_nobody_asks_for_is_forgotten),
        cmocka_unit_test(who_waits_is_told),
        cmocka_unit_test(schedules_that_do_not_fit_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
