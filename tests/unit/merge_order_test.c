/* merge_order_test.c - promise P3: the tables are a function of the set of events. The same streams
 * of several devices and of several databases of one device arrive in random interleavings, with
 * repeats, overlaps, holes and restarts. */
#include "hub/merge/merge.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>

enum { STORIES = 6, ROUNDS = 12, RUNS = 5 };

static struct story stories[STORIES];

static int tell(void **state)
{
    (void)state;
    static const struct {
        const char *device;
        const char *epoch;
        int64_t start_ms;
    } of[STORIES] = {
        {"berlin", "00000000000000b3", INT64_C(1795000000000)},
        {"berlin", "00000000000000b1", INT64_C(1796000000000)},
        {"berlin", "00000000000000b2",
         INT64_C(1796000000000)}, /* begun in the same millisecond: the epoch decides */
        {"oslo", "00000000000000b1", INT64_C(1795000000000)},
        {"paris", "00000000000000c1", INT64_C(1795500000000)},
        {"paris", "00000000000000c2", INT64_C(1795400000000)},
    };
    for (size_t i = 0; i < STORIES; i++) {
        stories[i] = story_new(of[i].device, of[i].epoch, of[i].start_ms, i + 1);
        story_tell(&stories[i], RUNS);
    }
    return 0;
}

static int forget(void **state)
{
    (void)state;
    for (size_t i = 0; i < STORIES; i++) {
        story_release(&stories[i]);
    }
    return 0;
}

static struct buf merged_one_after_another(void)
{
    struct db *store = world_store();
    struct merge *m = world_merge(store);
    for (size_t i = 0; i < STORIES; i++) {
        (void)world_send(m, &stories[i], 0, stories[i].count);
    }
    struct buf dump = world_dump(store);
    merge_close(m);
    db_close(store);
    return dump;
}

/* Sends random pieces of random streams until all is merged, in transactions of random size. */
static struct buf merged_at_random(uint64_t seed)
{
    struct story dice = story_new("", "", 0, seed);
    struct db *store = world_store();
    struct merge *m = world_merge(store);
    size_t merged[STORIES] = {0};
    size_t open = STORIES;
    while (open > 0) {
        size_t which = story_random(&dice, STORIES);
        struct story *s = &stories[which];
        size_t from = story_random(&dice, merged[which] + 3);
        size_t to = from + 1 + story_random(&dice, 12);
        to = to > s->count ? s->count : to;
        if (from >= to) {
            continue;
        }
        struct merge_result r = world_send(m, s, from, to);
        assert_int_equal(r.outcome, from > merged[which]  ? MERGE_GAP
                                    : to <= merged[which] ? MERGE_DUPLICATE
                                                          : MERGE_MERGED);
        if (r.outcome == MERGE_MERGED) {
            assert_int_equal(r.events, (int64_t)(to - merged[which]));
            merged[which] = to;
            open -= to == s->count ? 1 : 0;
        }
        if (story_random(&dice, 30) == 0) { /* the hub restarts */
            merge_close(m);
            m = world_merge(store);
        }
    }
    struct buf dump = world_dump(store);
    world_expect_rebuildable(store);
    merge_close(m);
    db_close(store);
    return dump;
}

static void every_interleaving_gives_the_same_tables(void **state)
{
    (void)state;
    AUTO(buf) expected = merged_one_after_another();
    assert_true(expected.len > 10000);
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        AUTO(buf) dump = merged_at_random(seed);
        if (!str_eq(buf_str(&dump), buf_str(&expected))) {
            size_t at = 0;
            while (dump.ptr[at] == expected.ptr[at]) {
                at++;
            }
            at = at > 200 ? at - 200 : 0;
            fail_msg("seed=%llu differs at:\n" STR_FMT "\nexpected:\n" STR_FMT,
                     (unsigned long long)seed, STR_ARG(str_slice(buf_str(&dump), at, at + 400)),
                     STR_ARG(str_slice(buf_str(&expected), at, at + 400)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_interleaving_gives_the_same_tables, tell, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
