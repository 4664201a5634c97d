/* automation_look_test.c - conditions evaluated over a database: what the look tells the model, what
 * must be kept, and which runs come of it. */
#include "agent/assets/automation_look.h"

#include "agent/assets/automation_runs.h"
#include "definitions_fixture.h"
#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>

static struct temp_dir dir;
static struct store_fixture f;
static struct loaded loaded;
static struct arena arena; /* of one tick */
static struct err err;

static int begin(void **state)
{
    (void)state;
    dir = temp_dir_new();
    arena = arena_new(64 << 20);
    err = (struct err){0};
    store_fixture_init(&f, temp_dir_path(&dir, "agent.db"), NULL);
    f.options.quota_bytes = 64 << 20;
    store_fixture_open(&f);
    f.now.ns = INT64_C(1795000000) * NS_PER_SEC; /* 2026-11-18T11:06:40Z */
    return 0;
}

static int end(void **state)
{
    (void)state;
    store_fixture_close(&f);
    loaded_release(&loaded);
    arena_release(&arena);
    temp_dir_release(&dir);
    return 0;
}

static void check(bool ok)
{
    if (!ok) {
        fail_msg("%s", err.msg);
    }
}

static void define(const char *assets)
{
    AUTO(buf) text = buf_growing(4 << 20);
    buf_addf(&text, "project: p\nassets:\n%s", assets);
    load_text(&loaded, buf_cstr(&text));
    assert_loaded(&loaded);
}

static struct asset *asset(const char *key)
{
    uint32_t n = 0;
    check(definitions_find_asset(loaded.defs, str_from(key), &n, &err));
    return &loaded.defs->assets[n];
}

static void automate(const char *key, enum automation_kind kind, const char *cron)
{
    struct automation *a = &asset(key)->automation;
    *a = (struct automation){
        .kind = kind, .cron_text = str_from(cron), .timezone = STR("UTC"), .tz = tz_utc()};
    if (cron != NULL) {
        check(cron_parse(str_from(cron), &a->cron, &err));
    }
}

static void say(struct record r)
{
    f.now.ns += NS_PER_SEC;
    r.at = f.now;
    store_fixture_say(&f, &r);
    store_fixture_flush(&f);
}

static void make_part(const char *key, const char *run, const char *partition)
{
    say((struct record){.type = EVENT_ASSET_MATERIALIZATION,
                        .asset = str_from(key),
                        .run = str_from(run),
                        .partition = str_from(partition)});
}

static void make(const char *key, const char *run)
{
    make_part(key, run, "");
}

static void say_run(const char *run, enum event_type type, const char *keys)
{
    say((struct record){.type = type, .run = str_from(run), .keys = str_from(keys)});
}

static struct automation_look *look_now(void)
{
    struct automation_look *look = NULL;
    arena_reset(&arena);
    check(automation_look_open(&look, f.store, loaded.defs, f.now, &arena, &err));
    return look;
}

/* "b c [d]": what is asked for, what must be kept although it is not; '~': nothing at all. The
 * cursors are kept as the daemon keeps them. */
static const char *evaluate(struct automation_look *look)
{
    static char text[4096];
    struct buf out = buf_fixed(text, sizeof(text));
    struct automation_result *results = NULL;
    f.now.ns += NS_PER_SEC;
    check(automation_look_evaluate(look, &results, &err));
    for (size_t i = 0; i < loaded.defs->asset_count; i++) {
        struct str key = loaded.defs->assets[i].key;
        if (results[i].is_requested) {
            buf_addf(&out, STR_FMT " ", STR_ARG(key));
            assert_true(results[i].must_keep);
        } else if (results[i].must_keep) {
            buf_addf(&out, "[" STR_FMT "] ", STR_ARG(key));
        }
        if (results[i].must_keep) {
            check(store_keep_automation(f.store, key, results[i].cursor, f.now, &err));
        }
    }
    store_fixture_flush(&f);
    buf_add_text(&out, out.len == 0 ? "~" : "");
    return buf_cstr(&out);
}

static const char *tick(void)
{
    return evaluate(look_now());
}

#define CHAIN                                                                                      \
    "  - {key: x, external: true}\n"                                                               \
    "  - {key: a, run: [\"true\"]}\n"                                                              \
    "  - {key: b, run: [\"true\"], deps: [a, x]}\n"                                                \
    "  - {key: c, run: [\"true\"], deps: [b]}\n"                                                   \
    "  - {key: other, run: [\"true\"]}\n"

static void define_chain(void)
{
    define(CHAIN);
    automate("b", AUTOMATION_EAGER, NULL);
    automate("c", AUTOMATION_EAGER, NULL);
    make("a", "");
    say((struct record){
        .type = EVENT_ASSET_OBSERVATION, .asset = STR("x"), .data_version = STR("1")});
}

static void a_chain_is_asked_for_as_one_and_an_idle_device_keeps_nothing(void **state)
{
    (void)state;
    define_chain();
    assert_string_equal(tick(), "[b] [c] "); /* the first evaluation asks for nothing */
    assert_string_equal(tick(), "~");
    make("other", "");
    assert_string_equal(tick(), "~");
    make("a", "");
    assert_string_equal(tick(), "b c ");
    assert_string_equal(tick(), "[b] [c] "); /* asked for: not again */
    assert_string_equal(tick(), "~");
    assert_string_equal(tick(), "~");
}

/* In Dagster an update in the tick that sees the request is taken for handled; here the order of
 * what came counts. */
static void an_update_after_the_request_asks_again(void **state)
{
    (void)state;
    define_chain();
    assert_string_equal(tick(), "[b] [c] ");
    make("a", "");
    assert_string_equal(tick(), "b c ");
    make("a", "");
    assert_string_equal(tick(), "b c ");
    make("b", "");
    make("a", "");
    make("c", "");
    assert_string_equal(tick(), "b c ");
    make("a", "");
    make("b", "");
    make("c", "");
    assert_string_equal(tick(), "[b] [c] ");
    assert_string_equal(tick(), "~");
}

/* A new look of another process comes to the same: nothing but what was kept is remembered. */
static void what_was_not_kept_is_not_needed(void **state)
{
    (void)state;
    define_chain();
    assert_string_equal(tick(), "[b] [c] ");
    for (int i = 0; i < 3; i++) {
        assert_string_equal(tick(), "~");
    }
    store_fixture_reopen(&f);
    make("a", "");
    store_fixture_reopen(&f);
    assert_string_equal(tick(), "b c ");
    store_fixture_reopen(&f);
    assert_string_equal(tick(), "[b] [c] ");
}

static void external_assets_count_when_they_were_seen_to_have_changed(void **state)
{
    (void)state;
    define_chain();
    assert_string_equal(tick(), "[b] [c] ");
    say((struct record){
        .type = EVENT_ASSET_OBSERVATION, .asset = STR("x"), .data_version = STR("1")});
    assert_string_equal(tick(), "~");
    say((struct record){
        .type = EVENT_ASSET_OBSERVATION, .asset = STR("x"), .data_version = STR("2")});
    assert_string_equal(tick(), "b c ");
}

static void a_missing_dep_holds_it_back(void **state)
{
    (void)state;
    define(CHAIN);
    automate("b", AUTOMATION_EAGER, NULL);
    make("a", "");
    assert_string_equal(tick(), "[b] ");
    make("a", "");
    assert_string_equal(tick(), "[b] "); /* x was never seen: it is remembered that a was made */
    assert_string_equal(tick(), "~");
    say((struct record){.type = EVENT_ASSET_OBSERVATION, .asset = STR("x")});
    assert_string_equal(tick(), "b ");
}

static void what_is_being_made_holds_it_back(void **state)
{
    (void)state;
    define_chain();
    assert_string_equal(tick(), "[b] [c] ");
    say_run("r1", EVENT_RUN_ENQUEUED, "[\"b\"]");
    make("a", "");
    assert_string_equal(tick(), "[b] "); /* in the queue: b waits, and c with it */
    say_run("r1", EVENT_RUN_CANCELED, "");
    assert_string_equal(tick(), "b c ");
    assert_string_equal(tick(), "[b] [c] ");
    /* A run too large for a list of its assets. */
    make("a", "");
    say((struct record){.type = EVENT_RUN_ENQUEUED, .run = STR("r2"), .selection = STR("b+")});
    assert_string_equal(tick(), "[b] ");
    assert_string_equal(tick(), "~");
    say_run("r2", EVENT_RUN_CANCELED, "");
    assert_string_equal(tick(), "b c ");
}

/* b was made after a in the same run, as far as anybody can tell. */
static void what_was_made_in_one_run_starts_no_other(void **state)
{
    (void)state;
    define_chain();
    make("b", "");
    assert_string_equal(tick(), "[b] [c] ");
    say_run("r1", EVENT_RUN_ENQUEUED, "[\"a\",\"b\"]");
    make("a", "r1");
    make("b", "r1");
    say_run("r1", EVENT_RUN_SUCCESS, "");
    assert_string_equal(tick(), "[b] c ");
    assert_string_equal(tick(), "[c] ");
    say_run("r2", EVENT_RUN_ENQUEUED, "[\"a\"]");
    make("a", "r2");
    say_run("r2", EVENT_RUN_SUCCESS, "");
    assert_string_equal(tick(), "b c ");
    assert_string_equal(tick(), "[b] [c] ");
    make("a", "forgotten");
    assert_string_equal(tick(), "b c ");
}

static void on_cron_waits_for_the_tick_and_for_its_deps(void **state)
{
    (void)state;
    define(CHAIN);
    automate("c", AUTOMATION_ON_CRON, "0 * * * *"); /* 12:00 is 3200 s away */
    make("b", "");
    assert_string_equal(tick(), "[c] ");
    struct wall_time next = automation_next_time(loaded.defs, f.now);
    assert_int_equal(next.ns, INT64_C(1795003200) * NS_PER_SEC);
    assert_string_equal(tick(), "~");
    f.now.ns = next.ns + NS_PER_MS; /* as Dagster: at the very nanosecond it would pass twice */
    assert_string_equal(tick(), "[c] "); /* b was last made before it */
    assert_string_equal(tick(), "~");
    make("b", "");
    assert_string_equal(tick(), "c ");
    assert_string_equal(tick(), "[c] ");
    make("b", "");
    assert_string_equal(tick(), "[c] "); /* once for each tick of the cron */
    loaded_release(&loaded);
    define("  - {key: a, run: [\"true\"]}\n");
    assert_int_equal(automation_next_time(loaded.defs, f.now).ns, INT64_MAX);
    assert_false(automation_is_used(loaded.defs));
}

static void without_its_condition_an_asset_is_forgotten(void **state)
{
    (void)state;
    size_t count = 0;
    define_chain();
    assert_string_equal(tick(), "[b] [c] ");
    (void)automation_look_forgotten(look_now(), &count);
    assert_int_equal(count, 0);
    automate("b", AUTOMATION_NONE, NULL);
    const struct str *keys = automation_look_forgotten(look_now(), &count);
    assert_int_equal(count, 1);
    assert_true(str_eq(keys[0], STR("b")));
    check(store_keep_automation(f.store, STR("b"), STR_NONE, f.now, &err));
    store_fixture_flush(&f);
    (void)automation_look_forgotten(look_now(), &count);
    assert_int_equal(count, 0);
    automate("b", AUTOMATION_EAGER, NULL);
    make("a", "");
    assert_string_equal(tick(), "[b] "); /* begins anew */
}

static void the_tree_says_why(void **state)
{
    (void)state;
    define_chain();
    assert_string_equal(tick(), "[b] [c] ");
    struct automation_look *look = look_now();
    struct automation_result *results = NULL;
    automation_look_assets(look)[2].wants_tree = true;
    check(automation_look_evaluate(look, &results, &err));
    assert_non_null(results[2].tree);
    assert_null(results[3].tree);
    assert_true(str_eq(results[2].tree->label, STR("eager")));
    assert_false(results[2].tree->is_true);
}

/* --- partitions ----------------------------------------------------------------------------- */

static void partition_daily(const char *key, const char *start)
{
    struct partitions *p = &asset(key)->partitions;
    *p = (struct partitions){.kind = PARTITION_TIME,
                             .cron_text = STR("0 0 * * *"),
                             .timezone = STR("UTC"),
                             .tz = tz_utc(),
                             .format = STR("%Y-%m-%d")};
    check(cron_parse(p->cron_text, &p->cron, &err));
    assert_true(wall_parse(str_from(start), &p->start));
}

static void of_partitions_in_time_the_latest_is_looked_at(void **state)
{
    (void)state;
    define(CHAIN);
    partition_daily("a", "2026-11-01");
    partition_daily("b", "2026-11-01");
    automate("b", AUTOMATION_ON_MISSING, NULL);
    say((struct record){.type = EVENT_ASSET_OBSERVATION, .asset = STR("x")});
    make_part("a", "", "2026-11-17");
    assert_string_equal(tick(), "[b] "); /* first evaluated: not asked for, though it is missing */
    assert_string_equal(tick(), "~");
    struct wall_time midnight = automation_next_time(loaded.defs, f.now);
    assert_true(wall_parse(STR("2026-11-19"), &f.now));
    assert_int_equal(midnight.ns, f.now.ns);
    assert_string_equal(tick(), "[b] "); /* there is a new one, a's is still missing */
    make_part("a", "", "2026-11-16");
    assert_string_equal(tick(), "~");
    make_part("a", "", "2026-11-18");
    struct automation_look *look = look_now();
    assert_true(str_eq(automation_look_assets(look)[2].partition, STR("2026-11-18")));
    assert_string_equal(evaluate(look), "b ");
    make_part("b", "", "2026-11-18");
    assert_string_equal(tick(), "[b] ");
    assert_string_equal(tick(), "~");
}

static void a_run_of_another_partition_holds_nothing_back(void **state)
{
    (void)state;
    define(CHAIN);
    partition_daily("a", "2026-11-01");
    partition_daily("b", "2026-11-01");
    automate("b", AUTOMATION_EAGER, NULL);
    say((struct record){.type = EVENT_ASSET_OBSERVATION, .asset = STR("x")});
    make_part("a", "", "2026-11-17");
    assert_string_equal(tick(), "[b] ");
    make_part("a", "", "2026-11-17");
    static const struct {
        const char *first, *last, *expected;
    } runs[] = {{"2026-11-10", "2026-11-17", "[b] "},
                {"2026-11-17", "", "~"},
                {"2026-11-10", "2026-11-16", "b "}};
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        struct record enqueued = {.type = EVENT_RUN_ENQUEUED,
                                  .run = STR("r1"),
                                  .keys = STR("[\"b\"]"),
                                  .partition = str_from(runs[i].first),
                                  .partition_end = str_from(runs[i].last)};
        enqueued.run = (struct str){&"123"[i], 1};
        say(enqueued);
        assert_string_equal(tick(), runs[i].expected);
        say((struct record){.type = EVENT_RUN_CANCELED, .run = enqueued.run});
    }
}

static void all_partitions_matter_to_an_asset_without(void **state)
{
    (void)state;
    define(CHAIN);
    partition_daily("b", "2026-11-16");
    automate("c", AUTOMATION_EAGER, NULL);
    make_part("b", "", "2026-11-16");
    assert_string_equal(tick(), "[c] ");
    make_part("b", "", "2026-11-16");
    assert_string_equal(tick(), "[c] "); /* the 17th is missing */
    make_part("b", "", "2026-11-17");
    assert_string_equal(tick(), "c ");
}

static void say_backfill(const char *status, const char *keys)
{
    say((struct record){.type = EVENT_BACKFILL,
                        .backfill = STR("bf"),
                        .status = str_from(status),
                        .selection = STR("b"),
                        .keys = str_from(keys),
                        .steps = 2,
                        .per_run = 1});
}

static void what_a_backfill_has_yet_to_ask_for_is_in_progress(void **state)
{
    (void)state;
    define(CHAIN);
    partition_daily("a", "2026-11-01");
    partition_daily("b", "2026-11-01");
    automate("b", AUTOMATION_EAGER, NULL);
    automate("c", AUTOMATION_EAGER, NULL);
    say((struct record){.type = EVENT_ASSET_OBSERVATION, .asset = STR("x")});
    make_part("a", "", "2026-11-17");
    assert_string_equal(tick(), "[b] [c] ");
    say_backfill("requested", "{\"0\":\"2026-11-16\",\"1\":\"2026-11-17\"}");
    make_part("a", "", "2026-11-17");
    assert_string_equal(tick(), "[b] ");
    say_backfill("canceled", "");
    assert_string_equal(tick(), "b ");
    assert_string_equal(tick(), "[b] ");
    say((struct record){.type = EVENT_BACKFILL,
                        .backfill = STR("other"),
                        .status = STR("requested"),
                        .selection = STR("b"),
                        .keys = STR("{\"0\":\"2026-11-16\"}"),
                        .steps = 1,
                        .per_run = 1});
    make_part("a", "", "2026-11-17");
    assert_string_equal(tick(), "b "); /* of another partition */
}

static void dynamic_partitions_are_counted(void **state)
{
    (void)state;
    define(CHAIN);
    asset("b")->partitions = (struct partitions){.kind = PARTITION_DYNAMIC, .set = STR("shops")};
    automate("c", AUTOMATION_EAGER, NULL);
    for (int i = 0; i < 2; i++) {
        say((struct record){.type = EVENT_DYNAMIC_PARTITIONS,
                            .status = STR("added"),
                            .set = STR("shops"),
                            .partition = i == 0 ? STR("berlin") : STR("kiel")});
    }
    make_part("b", "", "berlin");
    assert_string_equal(tick(), "[c] ");
    make_part("b", "", "berlin");
    assert_string_equal(tick(), "[c] "); /* kiel is missing */
    make_part("b", "", "kiel");
    assert_string_equal(tick(), "c ");
}

/* --- runs ----------------------------------------------------------------------------------- */

static void equal_partitions_go_into_one_run(void **state)
{
    (void)state;
    struct automation_runs runs;
    define(CHAIN);
    partition_daily("a", "2026-11-01");
    partition_daily("c", "2026-11-01");
    for (size_t i = 0; i < loaded.defs->asset_count; i++) {
        loaded.defs->assets[i].automation.kind = AUTOMATION_EAGER;
    }
    struct automation_result results[5] = {[1] = {.is_requested = true},
                                           [2] = {.is_requested = true},
                                           [3] = {.is_requested = true},
                                           [4] = {.is_requested = true}};
    struct automation_choice choice = {.defs = loaded.defs,
                                       .assets = automation_look_assets(look_now()),
                                       .results = results,
                                       .room = 8 << 20};
    check(automation_runs_make(&choice, &arena, &runs, &err));
    assert_int_equal(runs.count, 2);
    assert_false(runs.has_more);
    assert_int_equal(runs.items[0].count, 2);
    assert_int_equal(runs.items[0].assets[0], 1);
    assert_int_equal(runs.items[0].assets[1], 3);
    assert_true(str_eq(runs.items[0].partition, STR("2026-11-17")));
    assert_int_equal(runs.items[1].count, 2);
    assert_int_equal(runs.items[1].assets[0], 2);
    assert_int_equal(runs.items[1].assets[1], 4);
    assert_int_equal(runs.items[1].partition.len, 0);
}

/* A long chain, each made from the one before, defined in the wrong order. */
static void what_has_no_room_is_left_for_the_next(void **state)
{
    (void)state;
    enum { ASSETS = AUTOMATION_RUN_ASSETS_MAX + 3 };
    static struct automation_result results[ASSETS];
    AUTO(buf) text = buf_growing(1 << 20);
    struct automation_runs runs;
    for (int i = ASSETS - 1; i > 0; i--) {
        buf_addf(&text, "  - {key: a%d, run: [\"true\"], deps: [a%d]}\n", i, i - 1);
    }
    buf_add_text(&text, "  - {key: a0, run: [\"true\"]}\n");
    define(buf_cstr(&text));
    struct automation_choice choice = {.defs = loaded.defs,
                                       .assets = automation_look_assets(look_now()),
                                       .results = results,
                                       .room = 8 << 20};
    check(automation_runs_make(&choice, &arena, &runs, &err));
    assert_int_equal(runs.count, 0);
    for (int i = 0; i < ASSETS; i++) {
        results[i] = (struct automation_result){.is_requested = i != ASSETS - 2};
    }
    check(automation_runs_make(&choice, &arena, &runs, &err));
    assert_int_equal(runs.count, 1);
    assert_true(runs.has_more);
    assert_int_equal(runs.items[0].count, AUTOMATION_RUN_ASSETS_MAX);
    assert_true(runs.is_left[0]); /* the end of the chain */
    assert_true(runs.is_left[1]);
    assert_false(runs.is_left[2]);
    assert_false(runs.is_left[ASSETS - 1]);
    choice.room = runs.bytes / 2;
    check(automation_runs_make(&choice, &arena, &runs, &err));
    assert_true(runs.bytes <= choice.room);
    assert_int_equal(runs.items[0].count, AUTOMATION_RUN_ASSETS_MAX / 2);
    choice.room = 0; /* one always goes: it would wait for ever */
    check(automation_runs_make(&choice, &arena, &runs, &err));
    assert_int_equal(runs.items[0].count, 1);
    assert_int_equal(runs.items[0].assets[0], ASSETS - 1);
    choice.room = 8 << 20;
    results[0].is_requested = false;
    results[1].is_requested = false;
    check(automation_runs_make(&choice, &arena, &runs, &err));
    assert_false(runs.has_more);
    assert_false(runs.is_left[0]);
}

/* Too little memory is an error, never a wrong answer. */
static void without_memory_it_fails(void **state)
{
    (void)state;
    struct automation_result *results = NULL;
    struct automation_look *look = NULL;
    int failures = 0;
    define_chain();
    assert_string_equal(tick(), "[b] [c] ");
    say_run("r1", EVENT_RUN_ENQUEUED, "[\"a\"]");
    make("a", "r1");
    say_run("r1", EVENT_RUN_SUCCESS, "");
    for (size_t max = 0;; max += 64) {
        AUTO(arena) small = arena_new(max);
        err = (struct err){0};
        if (automation_look_open(&look, f.store, loaded.defs, f.now, &small, &err) &&
            automation_look_evaluate(look, &results, &err)) {
            assert_true(results[2].is_requested && results[3].is_requested);
            break;
        }
        assert_int_equal(err.code, ERR_NO_MEMORY);
        failures++;
    }
    assert_true(failures > 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_chain_is_asked_for_as_one_and_an_idle_device_keeps_nothing),
        TEST(an_update_after_the_request_asks_again),
        TEST(what_was_not_kept_is_not_needed),
        TEST(external_assets_count_when_they_were_seen_to_have_changed),
        TEST(a_missing_dep_holds_it_back),
        TEST(what_is_being_made_holds_it_back),
        TEST(what_was_made_in_one_run_starts_no_other),
        TEST(on_cron_waits_for_the_tick_and_for_its_deps),
        TEST(without_its_condition_an_asset_is_forgotten),
        TEST(the_tree_says_why),
        TEST(of_partitions_in_time_the_latest_is_looked_at),
        TEST(a_run_of_another_partition_holds_nothing_back),
        TEST(all_partitions_matter_to_an_asset_without),
        TEST(what_a_backfill_has_yet_to_ask_for_is_in_progress),
        TEST(dynamic_partitions_are_counted),
        TEST(equal_partitions_go_into_one_run),
        TEST(what_has_no_room_is_left_for_the_next),
        TEST(without_memory_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
