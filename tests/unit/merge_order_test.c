/* merge_order_test.c - promise P3: the tables are a function of the set of events. In each world several
 * devices, some of them wiped once or twice, tell stories: definitions that change, runs, checks, gaps,
 * freshness, health. Their batches arrive in any interleaving, split anyhow, repeated, with holes and
 * restarts of the hub; a restored image of one device, whose numbers say something else, sends in
 * between. The tables are those of batches that came one after another, and rebuild gives them again.
 *
 * An ordinary run takes WORLDS worlds from a fresh seed, which it prints; SELVEDGE_LONG=1 takes 10,000,
 * SELVEDGE_SEED=N begins with that one. */
#include "hub/merge/merge.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WORLDS = 40, WORLDS_LONG = 10000, STORIES_MAX = 8, REBUILT_EACH = 4 };

struct cast {
    struct story stories[STORIES_MAX];
    char epochs[STORIES_MAX][EPOCH_TEXT_SIZE];
    size_t count;
    struct story restored; /* of one of them: equal up to `fork`, then not */
    size_t original, fork;
    size_t merged[STORIES_MAX];
    int64_t quarantined;
};

static int64_t quarantined_in_all;

static void make_cast(struct cast *c, struct story *dice)
{
    static const char *const devices[] = {"berlin", "oslo", "paris"};
    static const int64_t starts[] = {INT64_C(1795000000000), INT64_C(1795000000000),
                                     INT64_C(1795200000000), 0, INT64_C(4102444800000)};
    c->count = 2 + story_random(dice, STORIES_MAX - 1);
    for (size_t i = 0; i < c->count; i++) {
        (void)snprintf(c->epochs[i], EPOCH_TEXT_SIZE, "%08llx%08zx",
                       (unsigned long long)story_random(dice, UINT32_MAX), i);
        c->stories[i] =
            story_new(devices[story_random(dice, COUNT_OF(devices))], c->epochs[i],
                      starts[story_random(dice, COUNT_OF(starts))], story_random(dice, 1 << 20));
        story_tell(&c->stories[i], (int)story_random(dice, 4));
    }
    c->original = story_random(dice, c->count);
    c->fork = 1 + story_random(dice, c->stories[c->original].count - 1);
    c->restored = story_restored(&c->stories[c->original], c->fork, story_random(dice, 1 << 20));
    for (int i = 0; i < 40; i++) {
        story_add(&c->restored, "tick", "\"schedule\":\"other\",\"status\":\"started\"");
    }
}

static void release_cast(struct cast *c)
{
    for (size_t i = 0; i < c->count; i++) {
        story_release(&c->stories[i]);
    }
    story_release(&c->restored);
}

static struct buf merged_one_after_another(const struct cast *c)
{
    struct db *store = world_store();
    struct merge *m = world_merge(store);
    for (size_t i = 0; i < c->count; i++) {
        (void)world_send(m, &c->stories[i], 0, c->stories[i].count);
    }
    struct buf dump = world_dump(store);
    merge_close(m);
    db_close(store);
    return dump;
}

/* A random piece of a random story; true when that one is merged whole then. */
static bool send_piece(struct merge *m, struct cast *c, struct story *dice)
{
    size_t which = story_random(dice, c->count);
    const struct story *s = &c->stories[which];
    size_t *merged = &c->merged[which];
    size_t from = story_random(dice, *merged + 3);
    size_t to = from + 1 + story_random(dice, 12);
    to = to > s->count ? s->count : to;
    if (from >= to) {
        return false;
    }
    struct merge_result r = world_send(m, s, from, to);
    if (r.outcome == MERGE_QUARANTINED) {
        fail_msg("%s: " STR_FMT, r.why.msg,
                 STR_ARG(str_slice(buf_str(&s->text), s->start[from > 0 ? from - 1 : 0],
                                   s->start[to - 1])));
    }
    assert_int_equal(r.outcome, from > *merged  ? MERGE_GAP
                                : to <= *merged ? MERGE_DUPLICATE
                                                : MERGE_MERGED);
    if (r.outcome != MERGE_MERGED) {
        return false;
    }
    assert_int_equal(r.events, (int64_t)(to - *merged));
    *merged = to;
    return to == s->count;
}

/* The image sends what begins within what is merged of its other life, or follows it at once. */
static void send_restored(struct merge *m, struct cast *c, struct story *dice)
{
    const struct story *s = &c->restored;
    size_t merged = c->merged[c->original];
    if (merged <= c->fork) {
        return;
    }
    int64_t merged_seq = c->stories[c->original].last[merged - 1];
    size_t from = c->fork + story_random(dice, 12);
    size_t to = from + 1 + story_random(dice, 8);
    if (to > s->count || s->first[from] > merged_seq + 1) {
        return;
    }
    assert_int_equal(world_send(m, s, from, to).outcome, MERGE_QUARANTINED);
    c->quarantined++;
}

static struct buf merged_at_random(struct cast *c, struct story *dice, bool is_rebuilt)
{
    struct db *store = world_store();
    struct merge *m = world_merge(store);
    for (size_t open = c->count; open > 0;) {
        open -= send_piece(m, c, dice) ? 1 : 0;
        if (story_random(dice, 4) == 0) {
            send_restored(m, c, dice);
        }
        if (story_random(dice, 30) == 0) { /* the hub restarts */
            merge_close(m);
            m = world_merge(store);
        }
    }
    struct buf dump = world_dump(store);
    if (is_rebuilt) {
        world_expect_rebuildable(store);
    }
    merge_close(m);
    db_close(store);
    return dump;
}

static void expect_same(const struct buf *dump, const struct buf *expected, uint64_t seed)
{
    if (str_eq(buf_str(dump), buf_str(expected))) {
        return;
    }
    size_t at = 0;
    while (at < dump->len && at < expected->len && dump->ptr[at] == expected->ptr[at]) {
        at++;
    }
    at = at > 200 ? at - 200 : 0;
    fail_msg("SELVEDGE_SEED=%llu differs at:\n" STR_FMT "\nexpected:\n" STR_FMT,
             (unsigned long long)seed, STR_ARG(str_slice(buf_str(dump), at, at + 400)),
             STR_ARG(str_slice(buf_str(expected), at, at + 400)));
}

static void try_world(uint64_t seed)
{
    struct cast *c = calloc(1, sizeof(*c));
    struct story dice = story_new("", "", 0, seed);
    assert_non_null(c);
    make_cast(c, &dice);
    AUTO(buf) expected = merged_one_after_another(c);
    AUTO(buf) dump = merged_at_random(c, &dice, seed % REBUILT_EACH == 0);
    expect_same(&dump, &expected, seed);
    quarantined_in_all += c->quarantined;
    release_cast(c);
    story_release(&dice);
    free(c);
}

static void every_order_gives_the_same_tables(void **state)
{
    (void)state;
    const char *given = getenv("SELVEDGE_SEED");
    int worlds = getenv("SELVEDGE_LONG") != NULL ? WORLDS_LONG : WORLDS;
    int64_t first = (int64_t)time(NULL) * 100000;
    assert_true(given == NULL || str_to_i64(str_from(given), 0, INT64_MAX / 2, &first));
    print_message("SELVEDGE_SEED=%lld, %d worlds\n", (long long)first, worlds);
    for (int i = 0; i < worlds; i++) {
        try_world((uint64_t)(first + i));
    }
    assert_true(quarantined_in_all > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_order_gives_the_same_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
