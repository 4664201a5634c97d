/* backfill_test.c - what a backfill does next, and the partitions of one run. A whole backfill is
 * played against a table of parts that stands for the database, with restarts in between. */
#include "agent/backfill/backfill.h"

#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"
#include <stdio.h>
#include <string.h>

static void names(void **state)
{
    (void)state;
    for (int i = 0; i < BACKFILL_STATUS_COUNT; i++) {
        const char *name = backfill_status_name((enum backfill_status)i);
        assert_int_equal(backfill_status_from(str_from(name)), i);
    }
    assert_string_equal(backfill_status_name(BACKFILL_COMPLETED_SUCCESS), "completed_success");
    assert_int_equal(backfill_status_from(STR("of tomorrow")), BACKFILL_CANCELED);
    assert_false(backfill_is_finished(BACKFILL_REQUESTED));
    assert_false(backfill_is_finished(BACKFILL_CANCELING));
    assert_true(backfill_is_finished(BACKFILL_COMPLETED_FAILED));
}

static void decisions(void **state)
{
    (void)state;
    static const struct {
        struct backfill_facts facts;
        struct backfill_decision expected;
    } cases[] = {
        {{.has_waiting = true}, {.action = BACKFILL_REQUEST_RUNS, .runs = 3}},
        {{.has_waiting = true, .open_runs = 2}, {.action = BACKFILL_REQUEST_RUNS, .runs = 1}},
        {{.has_waiting = true, .open_runs = 3}, {.action = BACKFILL_WAIT}},
        {{.has_waiting = true, .open_runs = 5}, {.action = BACKFILL_WAIT}},
        {{.has_waiting = true, .has_failed = true}, {.action = BACKFILL_REQUEST_RUNS, .runs = 3}},
        {{.open_runs = 1}, {.action = BACKFILL_WAIT}},
        {{.has_waiting = false}, {.action = BACKFILL_END, .status = BACKFILL_COMPLETED_SUCCESS}},
        {{.has_failed = true}, {.action = BACKFILL_END, .status = BACKFILL_COMPLETED_FAILED}},
        {{.has_waiting = true, .is_refused = true, .open_runs = 1}, {.action = BACKFILL_WAIT}},
        {{.has_waiting = true, .is_refused = true},
         {.action = BACKFILL_END, .status = BACKFILL_COMPLETED_FAILED}},
        {{.has_waiting = true, .before = BACKFILL_BEFORE_OPEN}, {.action = BACKFILL_WAIT}},
        {{.has_waiting = true, .before = BACKFILL_BEFORE_FAILED},
         {.action = BACKFILL_END, .status = BACKFILL_CANCELED}},
        {{.status = BACKFILL_CANCELING, .open_runs = 2}, {.action = BACKFILL_CANCEL_RUNS}},
        {{.status = BACKFILL_CANCELING, .has_waiting = true},
         {.action = BACKFILL_END, .status = BACKFILL_CANCELED}},
        {{.status = BACKFILL_CANCELING, .before = BACKFILL_BEFORE_OPEN},
         {.action = BACKFILL_END, .status = BACKFILL_CANCELED}},
        {{.status = BACKFILL_COMPLETED_FAILED, .has_waiting = true}, {.action = BACKFILL_WAIT}},
    };
    static const struct backfill_policy policy = {.per_run = 1, .runs_max = 3};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct backfill_decision d = backfill_decide(&policy, &cases[i].facts);
        if (d.action != cases[i].expected.action || d.runs != cases[i].expected.runs ||
            d.status != cases[i].expected.status) {
            fail_msg("case %zu: %d %lld %d", i, d.action, (long long)d.runs, d.status);
        }
    }
}

/* Takes parts 'a', 'b', ... by number until one begins another run. */
static void assert_chunk(const struct backfill_policy *policy, const int64_t *numbers, size_t count,
                         const char *expected)
{
    struct backfill_chunk chunk = {0};
    char text[2 * sizeof(chunk.first) + 32];
    for (size_t i = 0; i < count; i++) {
        char key[2] = {(char)('a' + i), '\0'};
        if (!backfill_chunk_add(&chunk, policy, numbers[i], str_from(key))) {
            break;
        }
    }
    (void)snprintf(text, sizeof(text), "%s..%s %lld", chunk.first, chunk.last,
                   (long long)chunk.count);
    assert_string_equal(text, expected);
}

static void partitions_of_one_run(void **state)
{
    (void)state;
    static const int64_t numbers[] = {4, 5, 6, 8, 9};
    static const int64_t backwards[] = {-9, -8, -7, -5};
    struct backfill_policy policy = {.per_run = 1, .runs_max = 1};
    assert_chunk(&policy, numbers, 5, "a..a 1");
    policy.per_run = 2;
    assert_chunk(&policy, numbers, 5, "a..b 2");
    assert_chunk(&policy, numbers, 1, "a..a 1");
    policy.per_run = 0;
    assert_chunk(&policy, numbers, 5, "a..c 3"); /* the next is no neighbour */
    policy.newest_first = true;
    assert_chunk(&policy, backwards, 4, "c..a 3"); /* a run's range is in the order of time */
    policy.per_run = 2;
    assert_chunk(&policy, backwards, 4, "b..a 2");
}

static void a_run_has_limits(void **state)
{
    (void)state;
    static const struct backfill_policy policy = {.per_run = 0, .runs_max = 1};
    struct backfill_chunk chunk = {0};
    char key[PARTITION_KEY_BYTES_MAX];
    int64_t number = 0;
    while (backfill_chunk_add(&chunk, &policy, number, STR("2026-01-01"))) {
        number++;
    }
    assert_int_equal(number, LIMIT_RUN_PARTITIONS);
    memset(key, 'k', sizeof(key));
    chunk = (struct backfill_chunk){0};
    for (number = 0; backfill_chunk_add(&chunk, &policy, number, (struct str){key, sizeof(key)});
         number++) {
    }
    assert_int_equal(number, LIMIT_RUN_PARTITION_BYTES / PARTITION_KEY_BYTES_MAX);
    assert_int_equal(strlen(chunk.last), PARTITION_KEY_BYTES_MAX);
}

/* --- a whole backfill ------------------------------------------------------------------------- */

enum { PARTS = 120 };
enum part { WAITING, REQUESTED, SUCCESS, FAILURE, CANCELED };
struct world {
    enum part part[PARTS];
    int run[PARTS]; /* that took it; from 1 */
    bool is_there[PARTS];
    enum backfill_status status;
    int runs; /* so far */
    int canceled_at;
};

static struct backfill_facts look(const struct world *w)
{
    struct backfill_facts facts = {.status = w->status};
    int last_run = 0;
    for (int i = 0; i < PARTS; i++) {
        if (!w->is_there[i]) {
            continue;
        }
        facts.has_waiting = facts.has_waiting || w->part[i] == WAITING;
        facts.has_failed = facts.has_failed || w->part[i] >= FAILURE;
        if (w->part[i] == REQUESTED && w->run[i] != last_run) {
            last_run = w->run[i];
            facts.open_runs++;
        }
    }
    return facts;
}

static void request(struct world *w, const struct backfill_policy *policy, int64_t runs)
{
    for (; runs > 0; runs--) {
        struct backfill_chunk chunk = {0};
        w->runs++;
        for (int i = 0; i < PARTS; i++) {
            char key[8];
            (void)snprintf(key, sizeof(key), "%d", i);
            if (!w->is_there[i] || w->part[i] != WAITING) {
                continue;
            }
            if (!backfill_chunk_add(&chunk, policy, i, str_from(key))) {
                break;
            }
            w->part[i] = REQUESTED;
            w->run[i] = w->runs;
        }
        assert_true(policy->per_run == 0 || chunk.count <= policy->per_run);
    }
}

static void end_run(struct world *w, int run, enum part how)
{
    for (int i = 0; i < PARTS; i++) {
        if (w->is_there[i] && w->part[i] == REQUESTED && w->run[i] == run) {
            w->part[i] = how;
        }
    }
}

/* What became of one run at random; true when one was open. */
static bool end_some_run(struct world *w, struct rng *rng)
{
    int open[PARTS];
    int count = 0;
    for (int i = 0; i < PARTS; i++) {
        bool is_new = w->is_there[i] && w->part[i] == REQUESTED &&
                      (count == 0 || open[count - 1] != w->run[i]);
        if (is_new) {
            open[count++] = w->run[i];
        }
    }
    if (count == 0) {
        return false;
    }
    end_run(w, open[rng_u64(rng) % (uint64_t)count], rng_u64(rng) % 4 == 0 ? FAILURE : SUCCESS);
    return true;
}

static void play(const struct backfill_policy *policy, struct rng *rng)
{
    struct world w = {.canceled_at = rng_u64(rng) % 3 == 0 ? (int)(rng_u64(rng) % 60) : -1};
    for (int i = 0; i < PARTS; i++) {
        w.is_there[i] = rng_u64(rng) % 5 != 0;
    }
    for (int turn = 0; !backfill_is_finished(w.status); turn++) {
        assert_true(turn < 10 * PARTS);
        if (turn == w.canceled_at) {
            w.status = BACKFILL_CANCELING;
            for (int i = 0; i < PARTS; i++) {
                w.part[i] = w.part[i] == WAITING ? CANCELED : w.part[i];
            }
        }
        struct backfill_facts facts =
            look(&w); /* nothing else is remembered: every turn a restart */
        struct backfill_decision d = backfill_decide(policy, &facts);
        switch (d.action) {
        case BACKFILL_REQUEST_RUNS:
            request(&w, policy, d.runs);
            assert_true(look(&w).open_runs <= policy->runs_max);
            break;
        case BACKFILL_CANCEL_RUNS:
        case BACKFILL_WAIT:
            assert_true(end_some_run(&w, rng)); /* or it would wait for ever */
            break;
        case BACKFILL_END:
            w.status = d.status;
            break;
        }
    }
    bool has_failed = false;
    for (int i = 0; i < PARTS; i++) {
        assert_true(!w.is_there[i] || w.part[i] >= SUCCESS);
        has_failed = has_failed || (w.is_there[i] && w.part[i] != SUCCESS);
    }
    assert_true(w.status == BACKFILL_CANCELED ||
                (w.status == BACKFILL_COMPLETED_FAILED) == has_failed);
    assert_true(w.canceled_at >= 0 || w.status != BACKFILL_CANCELED);
}

static void every_part_gets_its_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct seeded_rng seeded = seeded_rng_new(seed);
        struct rng rng = seeded_rng_port(&seeded);
        struct backfill_policy policy = {.per_run = (int64_t)(rng_u64(&rng) % 5),
                                         .runs_max = 1 + (int64_t)(rng_u64(&rng) % 6)};
        play(&policy, &rng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(decisions),
        cmocka_unit_test(partitions_of_one_run),
        cmocka_unit_test(a_run_has_limits),
        cmocka_unit_test(every_part_gets_its_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
