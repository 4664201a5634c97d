/* model_automation_test.c - what is requested at which tick. That the conditions are Dagster's is
 * compared by tests/interop/automation_test.py; here are the limits, the cursor and the reasons. */
#include "common/base/limits.h"
#include "common/model/automation_eval.h"
#include "tests/support/cmocka_all.h"
#include <stdlib.h>
#include <string.h>

/* raw -> mid -> top; raw (external) -> hourly, mid -> hourly; lone */
enum { RAW, MID, TOP, HOURLY, LONE, NODES };

static const struct partitions days = {.kind = PARTITION_TIME};
static const struct partitions colours = {.kind = PARTITION_STATIC};

struct world {
    struct arena arena; /* of the graph */
    struct arena tick_arena;
    struct graph g;
    struct automation conditions[NODES];
    struct automation_asset assets[NODES];
    struct automation_facts facts[NODES];
    char cursors[NODES][512];
    struct automation_result *results;
    int64_t seq;
    struct wall_time now;
    bool is_in_order;
};

static void look(const void *ctx, uint32_t node, uint32_t root, struct automation_facts *ret)
{
    const struct world *w = ctx;
    const struct graph_node *n = &w->g.nodes[root];
    bool is_near = node == root;
    for (size_t i = 0; i < n->dep_count; i++) {
        is_near = is_near || n->deps[i] == node;
    }
    assert_true(is_near); /* as the header says */
    *ret = w->facts[node];
}

static void set(struct world *w, uint32_t node, enum automation_kind kind, const char *cron)
{
    struct automation *a = &w->conditions[node];
    struct err err = {0};
    *a = (struct automation){.kind = kind};
    if (kind == AUTOMATION_ON_CRON) {
        a->cron_text = str_from(cron);
        a->timezone = STR("UTC");
        a->tz = tz_utc();
        assert_true(cron_parse(a->cron_text, &a->cron, &err));
    }
    w->assets[node].condition = a;
}

static void world_init(struct world *w)
{
    static const struct str raw[] = {STR_INIT("raw")};
    static const struct str mid[] = {STR_INIT("mid")};
    static const struct str both[] = {STR_INIT("raw"), STR_INIT("mid")};
    /* defined in another order than they are made in */
    const struct graph_input input[NODES] = {
        [RAW] = {STR("raw"), NULL, 0},   [MID] = {STR("mid"), raw, 1},
        [TOP] = {STR("top"), mid, 1},    [HOURLY] = {STR("hourly"), both, 2},
        [LONE] = {STR("lone"), NULL, 0},
    };
    *w = (struct world){.arena = arena_new(1 << 20), .tick_arena = arena_new(1 << 20)};
    struct err err = {0};
    assert_true(graph_build(&w->arena, input, NODES, NULL, &w->g, &err));
    assert_true(wall_parse(STR("2026-03-01T00:10:00"), &w->now));
    w->assets[RAW].is_external = true;
    for (size_t i = 0; i < NODES; i++) {
        w->assets[i].wants_tree = true;
        w->facts[i].is_missing = true;
    }
    set(w, MID, AUTOMATION_EAGER, NULL);
    set(w, TOP, AUTOMATION_EAGER, NULL);
    set(w, HOURLY, AUTOMATION_ON_CRON, "0 * * * *");
    set(w, LONE, AUTOMATION_ON_MISSING, NULL);
}

static void world_release(struct world *w)
{
    arena_release(&w->arena);
    arena_release(&w->tick_arena);
}

static void pass(struct world *w, int64_t minutes)
{
    w->now.ns += minutes * 60 * NS_PER_SEC;
}

/* Made alone, or together with `other` in one run. */
static void make(struct world *w, uint32_t node, uint32_t other)
{
    static uint32_t together[NODES][2];
    together[node][0] = node < other ? node : other;
    together[node][1] = node < other ? other : node;
    w->facts[node] = (struct automation_facts){
        .updated_seq = ++w->seq,
        .made_at = w->now,
        .made_with = together[node],
        .made_with_count = 2,
    };
}

/* The keys that are requested. */
static const char *tick(struct world *w)
{
    static char memory[128];
    struct buf out = buf_fixed(memory, sizeof(memory));
    const struct automation_tick t = {.g = &w->g,
                                      .assets = w->assets,
                                      .look = look,
                                      .ctx = w,
                                      .now = w->now,
                                      .seq = w->seq,
                                      .is_in_order = w->is_in_order};
    struct err err = {0};
    arena_reset(&w->tick_arena);
    assert_true(automation_evaluate(&t, &w->tick_arena, &w->results, &err));
    for (uint32_t i = 0; i < NODES; i++) {
        const struct automation_result *r = &w->results[i];
        struct buf cursor = buf_fixed(w->cursors[i], sizeof(w->cursors[i]));
        buf_add(&cursor, r->cursor);
        assert_false(cursor.overflow);
        w->assets[i].cursor = buf_str(&cursor);
        if (r->is_requested) {
            buf_addf(&out, "%s" STR_FMT, out.len > 0 ? " " : "", STR_ARG(w->g.nodes[i].key));
        }
    }
    return buf_cstr(&out);
}

static void the_first_tick_requests_nothing(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    assert_string_equal(tick(&w), "");
    pass(&w, 1);
    assert_string_equal(tick(&w), ""); /* nor what was missing then */
    assert_false(w.results[RAW].is_evaluated);
    assert_null(w.results[RAW].tree);
    assert_int_equal(w.results[RAW].cursor.len, 0);
    assert_true(w.results[MID].is_evaluated);
    world_release(&w);
}

static void a_chain_is_requested_as_one(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    (void)tick(&w);
    make(&w, RAW, LONE);
    /* top although mid is missing: it will be made first, in the same run */
    assert_string_equal(tick(&w), "mid top");
    assert_string_equal(tick(&w), ""); /* handled */
    /* as long as it runs nothing is asked for again, whatever comes */
    w.facts[MID].is_in_progress = true;
    w.facts[TOP].is_in_progress = true;
    make(&w, RAW, LONE);
    assert_string_equal(tick(&w), "");
    make(&w, MID, TOP);
    make(&w, TOP, MID);
    /* raw was made meanwhile: but mid was made after that */
    assert_string_equal(tick(&w), "");
    world_release(&w);
}

/* What mid's run makes as well does not hang on mid any more. */
static void made_together_is_no_update(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make(&w, RAW, LONE);
    make(&w, MID, TOP);
    make(&w, TOP, MID);
    (void)tick(&w);
    make(&w, MID, TOP);
    assert_string_equal(tick(&w), "");
    make(&w, MID, RAW);
    assert_string_equal(tick(&w), "top");
    world_release(&w);
}

static void what_is_missing_or_in_progress_holds_back(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.assets[MID].condition = NULL;
    make(&w, TOP, TOP);
    (void)tick(&w);
    make(&w, MID, MID);
    w.facts[MID].is_in_backfill = true;
    assert_string_equal(tick(&w), "");
    assert_string_equal(tick(&w), "");
    w.facts[MID].is_in_backfill = false;
    assert_string_equal(tick(&w), "top"); /* the update is not forgotten */
    world_release(&w);
}

static void what_becomes_missing_is_requested(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make(&w, LONE, LONE);
    (void)tick(&w);
    w.facts[LONE] = (struct automation_facts){.is_missing = true};
    assert_string_equal(tick(&w), "lone");
    assert_string_equal(tick(&w), "");
    world_release(&w);
}

static void a_cron_waits_for_all_deps(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    set(&w, MID, AUTOMATION_NONE, NULL);
    w.assets[TOP].condition = NULL;
    (void)tick(&w);
    make(&w, RAW, RAW); /* before the tick of the cron: does not count */
    pass(&w, 60);       /* 01:10 */
    assert_string_equal(tick(&w), "");
    make(&w, MID, MID);
    pass(&w, 1);
    assert_string_equal(tick(&w), "");
    make(&w, RAW, RAW);
    pass(&w, 1);
    assert_string_equal(tick(&w), "hourly");
    pass(&w, 1);
    assert_string_equal(tick(&w), "");
    /* 02:08, all between two looks: the tick at 02:00, and then both */
    pass(&w, 50);
    make(&w, RAW, RAW);
    make(&w, MID, MID);
    pass(&w, 5);
    assert_string_equal(tick(&w), "hourly");
    world_release(&w);
}

static void another_cron_begins_anew(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    set(&w, MID, AUTOMATION_NONE, NULL);
    w.assets[TOP].condition = NULL;
    (void)tick(&w);
    pass(&w, 60);
    make(&w, RAW, RAW);
    assert_string_equal(tick(&w), "");
    assert_true(
        str_ends(w.assets[HOURLY].cursor, STR("since=1 partitioned=0\n\n0 * * * * UTC\nraw\n")));
    set(&w, HOURLY, AUTOMATION_ON_CRON, "0 *  * * *");
    make(&w, MID, MID);
    assert_string_equal(tick(&w), "");
    pass(&w, 60);
    make(&w, RAW, RAW);
    assert_string_equal(tick(&w), "");
    make(&w, MID, MID);
    assert_string_equal(tick(&w), "hourly");
    world_release(&w);
}

static void the_latest_partition_is_meant(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.assets[LONE].partitions = &days;
    assert_string_equal(tick(&w), "");
    assert_string_equal(tick(&w), ""); /* no day is over yet */
    w.assets[LONE].partition = STR("2026-03-01");
    assert_string_equal(tick(&w), "lone");
    assert_string_equal(tick(&w), "");
    w.assets[LONE].partition = STR("2026-03-02");
    assert_string_equal(tick(&w), "lone");
    /* without partitions it is another asset: as if first evaluated */
    w.assets[LONE].partitions = NULL;
    assert_string_equal(tick(&w), "");
    world_release(&w);
}

static void other_partitions_are_not_evaluated(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.assets[LONE].partitions = &colours;
    (void)tick(&w);
    assert_false(w.results[LONE].is_evaluated);
    world_release(&w);
}

/* A run has one partition: what has others is not made in it. */
static void chains_have_equal_partitions(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.assets[TOP].partitions = &days;
    w.assets[TOP].partition = STR("2026-03-01");
    (void)tick(&w);
    make(&w, RAW, RAW);
    assert_string_equal(tick(&w), "mid");
    make(&w, MID, MID);
    assert_string_equal(tick(&w), "top");
    world_release(&w);
}

/* What came since the last tick: in Dagster the reset wins, in order the later one does. */
static void what_comes_within_a_tick_counts_in_its_order(void **state)
{
    (void)state;
    for (int is_in_order = 0; is_in_order < 2; is_in_order++) {
        struct world w;
        world_init(&w);
        w.is_in_order = is_in_order == 1;
        make(&w, RAW, RAW);
        make(&w, MID, MID);
        make(&w, TOP, TOP);
        assert_string_equal(tick(&w), ""); /* the first evaluation comes after all of it */
        make(&w, RAW, RAW);
        make(&w, MID, MID); /* of the new raw */
        make(&w, TOP, TOP);
        assert_string_equal(tick(&w), "");
        make(&w, MID, MID);
        make(&w, RAW, RAW); /* later: mid is not of it */
        make(&w, TOP, TOP);
        assert_string_equal(tick(&w), is_in_order ? "mid top" : "");
        assert_string_equal(tick(&w), "");
        make(&w, RAW, RAW);
        assert_string_equal(tick(&w), "mid top");
        make(&w, RAW, RAW); /* after the request, before the tick that sees it */
        assert_string_equal(tick(&w), is_in_order ? "mid top" : "");
        assert_string_equal(tick(&w), "");
        world_release(&w);
    }
}

static void the_tree_says_why(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    make(&w, TOP, TOP);
    (void)tick(&w);
    make(&w, MID, MID);
    w.facts[MID].is_in_progress = true;
    (void)tick(&w);
    AUTO(buf) json = buf_growing(1 << 16);
    automation_write_tree(w.results[TOP].tree, &json);
    const char *text = buf_cstr(&json);
    assert_non_null(strstr(text,
                           "{\"name\":\"AND\",\"label\":\"eager\",\"operator\":\"and\",\"true\":"
                           "false,\"candidate\":true,\"children\":["));
    /* the update was seen, nothing is missing, but mid is on its way */
    assert_non_null(strstr(text, "{\"name\":\"SINCE\",\"operator\":\"identity\",\"true\":true,"));
    assert_non_null(strstr(text,
                           "\"label\":\"any_deps_missing\",\"operator\":\"or\",\"true\":false,"
                           "\"candidate\":true,\"children\":[{\"name\":\"mid\""));
    assert_non_null(strstr(text,
                           "\"label\":\"any_deps_in_progress\",\"operator\":\"or\",\"true\":true,"
                           "\"candidate\":true,\"children\":[{\"name\":\"mid\""));
    assert_non_null(strstr(text, "{\"name\":\"run_in_progress\",\"operator\":\"identity\",\"true\":"
                                 "false,\"candidate\":false}"));
    buf_reset(&json);
    automation_write_tree(w.results[HOURLY].tree, &json);
    text = buf_cstr(&json);
    assert_non_null(strstr(text, "\"label\":\"on_cron(0 * * * *, UTC)\""));
    assert_non_null(
        strstr(text, "\"name\":\"cron_tick_passed(cron_schedule=0 * * * *, cron_timezone=UTC)\""));
    buf_reset(&json);
    automation_write_nodes(w.results[TOP].tree, &json);
    text = buf_cstr(&json);
    assert_non_null(strstr(text, "{\"nodes\":[{\"depth\":0,\"name\":\"AND\",\"label\":\"eager\","));
    assert_non_null(strstr(text, "\"candidate\":true},{\"depth\":1,\"name\":"));
    assert_null(strstr(text, "children"));
    world_release(&w);
}

static void a_tree_only_when_wanted(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    (void)tick(&w);
    size_t with_trees = w.tick_arena.used;
    for (size_t i = 0; i < NODES; i++) {
        w.assets[i].wants_tree = false;
    }
    (void)tick(&w);
    assert_null(w.results[MID].tree);
    assert_true(w.tick_arena.used < with_trees / 2);
    world_release(&w);
}

static void a_damaged_cursor_counts_as_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "v2 1 2 eager requested=0 missing=0 since=1 partitioned=0\n\n",
        "v1",
        "v1 1",
        "v1 1 2 lazy",
        "v1 x 2 eager requested=0 missing=0 since=1 partitioned=0\n\n",
        "v1 1 2 eager requested=2 missing=0 since=1 partitioned=0\n\n",
        "v1 1 2 eager requested=0 missing=0 since=1\n\n",
        "v1 1 2 eager asked=0 missing=0 since=1 partitioned=0\n\n",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct world w;
        world_init(&w);
        w.assets[LONE].cursor = str_from(texts[i]);
        assert_string_equal(tick(&w), ""); /* the first tick: missing is not news */
        world_release(&w);
    }
    struct world w;
    world_init(&w);
    w.assets[LONE].cursor =
        STR("v1 1 2 on_missing requested=0 missing=0 since=0 partitioned=0\n\n");
    assert_string_equal(tick(&w), "lone");
    world_release(&w);
}

static void every_lack_of_memory_is_reported(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    (void)tick(&w);
    pass(&w, 60);
    make(&w, RAW, RAW);
    (void)tick(&w);
    bool done = false;
    size_t failures = 0;
    for (size_t max = 0; !done; max += 128) {
        AUTO(arena) arena = arena_new(max);
        struct automation_result *results = NULL;
        struct err err = {0};
        const struct automation_tick t = {
            .g = &w.g, .assets = w.assets, .look = look, .ctx = &w, .now = w.now, .seq = w.seq};
        done = automation_evaluate(&t, &arena, &results, &err);
        assert_true(done != arena.exhausted);
        assert_true(done || (err.code == ERR_NO_MEMORY && results == NULL));
        failures += !done;
    }
    assert_true(failures > 20);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_tick_requests_nothing),
        cmocka_unit_test(a_chain_is_requested_as_one),
        cmocka_unit_test(made_together_is_no_update),
        cmocka_unit_test(what_is_missing_or_in_progress_holds_back),
        cmocka_unit_test(what_becomes_missing_is_requested),
        cmocka_unit_test(a_cron_waits_for_all_deps),
        cmocka_unit_test(another_cron_begins_anew),
        cmocka_unit_test(the_latest_partition_is_meant),
        cmocka_unit_test(other_partitions_are_not_evaluated),
        cmocka_unit_test(chains_have_equal_partitions),
        cmocka_unit_test(what_comes_within_a_tick_counts_in_its_order),
        cmocka_unit_test(the_tree_says_why),
        cmocka_unit_test(a_tree_only_when_wanted),
        cmocka_unit_test(a_damaged_cursor_counts_as_none),
        cmocka_unit_test(every_lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
