/* deploy_waves_test.c - how a deployment goes on, told by examples, then with fleets of simulated
 * devices that answer late, fail, roll back or stay away. */
#include "common/platform/rng.h"
#include "hub/deploy/waves.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/sample.h"
#include <stdio.h>
#include <string.h>

#define S NS_PER_SEC

static const struct {
    const char *text;
    const char *error; /* NULL: it is good */
} waves[] = {
    {"100%", NULL},
    {"1,10%,50%,100%", NULL},
    {" 1 , 5 , 100 %", NULL},
    {"1%,1,100%", "waves: wave 2 is not larger"},
    {"5,5,100%", "waves: wave 2 is not larger"},
    {"50%,10%,100%", "waves: wave 2 is not larger"},
    {"1,10%", "waves: the last one leaves devices out"},
    {"", "waves: \"\" is no size"},
    {"0,100%", "waves: \"0\" is no size"},
    {"1,,100%", "waves: \"\" is no size"},
    {"101%", "waves: \"101%\" is no size"},
    {"-1,100%", "waves: \"-1\" is no size"},
    {"1%,2%,3%,4%,5%,6%,7%,8%,9%,10%,11%,12%,13%,14%,15%,16%,17%,18%,19%,20%,100%",
     "waves: more than 20"},
};

static void sizes_of_waves(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(waves); i++) {
        struct wave_sizes sizes;
        struct err err = {0};
        print_message("%s: ", waves[i].text);
        bool ok = wave_sizes_parse(str_from(waves[i].text), &sizes, &err);
        print_message("%s\n", err.msg);
        assert_int_equal(ok, waves[i].error == NULL);
        if (!ok) {
            assert_true(str_starts(str_from(err.msg), str_from(waves[i].error)));
            assert_true(err.hint[0] != '\0');
        }
    }
}

static const struct {
    const char *text;
    int rules; /* -1: refused */
} rules[] = {
    {"failed > 2%", 1},
    {"failed>2%", 1},
    {"rolled_back > 0 or away > 10", 2},
    {"never", 0},
    {"failed > 2% or", -1},
    {"or failed > 2%", -1},
    {"failed", -1},
    {"failed < 2%", -1},
    {"broken > 2%", -1},
    {"failed > 101%", -1},
    {"failed > 2% and away > 1", -1},
    {"", -1},
};

static void conditions_to_abort(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct wave_rules r;
        struct err err = {0};
        print_message("%s: ", rules[i].text);
        bool ok = wave_rules_parse(str_from(rules[i].text), &r, &err);
        print_message("%s\n", err.msg);
        assert_int_equal(ok, rules[i].rules >= 0);
        if (ok) {
            assert_int_equal(r.count, rules[i].rules);
        } else {
            assert_true(str_starts(str_from(err.msg), STR("abort-if: ")));
        }
    }
}

/* --- a fleet ----------------------------------------------------------------------------------- */

enum { DEVICES_MAX = 300 };
struct fleet {
    struct arena arena;
    struct str names[DEVICES_MAX];
    int64_t waves[DEVICES_MAX];
    struct wave_device devices[DEVICES_MAX];
    struct wall_time answers_at[DEVICES_MAX]; /* 0 = never */
    enum wave_answer will[DEVICES_MAX];
    size_t count;
    struct wave_sizes sizes;
    struct wave_plan plan;
    struct wall_time now;
    uint64_t random;
    bool is_aborted, is_done;
};

static uint64_t below(struct fleet *f, uint64_t n)
{
    f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (f->random >> 33) % n;
}

static void assign(struct fleet *f, const char *sizes, const char *deployment)
{
    struct err err = {0};
    assert_true(wave_sizes_parse(str_from(sizes), &f->sizes, &err));
    assert_true(waves_assign(&f->sizes, str_from(deployment), f->names, f->count, &f->arena,
                             f->waves, &err));
    for (size_t i = 0; i < f->count; i++) {
        f->devices[i] = (struct wave_device){.wave = f->waves[i]};
    }
}

static void make(struct fleet *f, size_t count, const char *sizes, const char *rules_text,
                 uint64_t seed)
{
    struct err err = {0};
    *f = (struct fleet){.arena = arena_new(1 << 20), .count = count, .random = seed * 2 + 1};
    for (size_t i = 0; i < count; i++) {
        f->names[i] = arena_printf(&f->arena, "device-%zu", i);
    }
    assign(f, sizes, "0192");
    f->plan = (struct wave_plan){.soak_ns = 60 * S, .patience_ns = 600 * S};
    assert_true(wave_rules_parse(str_from(rules_text), &f->plan.rules, &err));
    f->now = (struct wall_time){INT64_C(1795400000) * S};
}

static void release(struct fleet *f)
{
    arena_release(&f->arena);
}

static int64_t in_wave(const struct fleet *f, int64_t wave)
{
    int64_t n = 0;
    for (size_t i = 0; i < f->count; i++) {
        n += f->waves[i] == wave;
    }
    return n;
}

static void who_is_in_which_wave(void **state)
{
    (void)state;
    struct fleet f;
    int64_t first[DEVICES_MAX];
    make(&f, 200, "1,10%,50%,100%", "never", 1);
    assert_int_equal(in_wave(&f, 1), 1);
    assert_int_equal(in_wave(&f, 2), 19);
    assert_int_equal(in_wave(&f, 3), 80);
    assert_int_equal(in_wave(&f, 4), 100);
    memcpy(first, f.waves, sizeof(first));
    assign(&f, "1,10%,50%,100%", "0192");
    assert_memory_equal(first, f.waves, 200 * sizeof(first[0])); /* the same again */
    assign(&f, "1,10%,50%,100%", "0193");
    assert_memory_not_equal(first, f.waves,
                            200 * sizeof(first[0])); /* others are first next time */
    release(&f);
    make(&f, 3, "1,10%,50%,100%", "never", 1); /* a wave may be empty */
    assert_int_equal(in_wave(&f, 1) + in_wave(&f, 3) + in_wave(&f, 4), 3);
    assert_int_equal(in_wave(&f, 1), 1);
    release(&f);
}

static struct wave_decision look(struct fleet *f)
{
    struct wave_decision d = waves_decide(&f->plan, f->devices, f->count, f->now);
    f->plan.settled = d.settled;
    if (d.step == WAVES_BEGIN) {
        assert_true(d.wave > f->plan.wave);
        f->plan.wave = d.wave;
        for (size_t i = 0; i < f->count; i++) {
            if (f->waves[i] == d.wave) {
                f->devices[i].asked = f->now;
            }
        }
    }
    f->is_aborted = d.step == WAVES_ABORT;
    f->is_done = d.step == WAVES_DONE;
    return d;
}

static void answer_wave(struct fleet *f, int64_t wave, enum wave_answer answer)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->waves[i] == wave) {
            f->devices[i].answer = answer;
        }
    }
}

static void a_wave_follows_when_the_one_before_it_is_judged_and_has_soaked(void **state)
{
    (void)state;
    struct fleet f;
    make(&f, 10, "2,100%", "failed > 0", 1);
    assert_int_equal(look(&f).step, WAVES_BEGIN);
    f.now.ns += 3600 * S; /* no clock alone begins a wave: these two are passed over */
    answer_wave(&f, 1, WAVE_IS_HEALTHY);
    struct wave_decision d = look(&f);
    assert_int_equal(d.step, WAVES_WAIT);
    assert_int_equal(d.at.ns, f.now.ns + 60 * S);
    f.now.ns += 59 * S;
    assert_int_equal(look(&f).step, WAVES_WAIT);
    f.now.ns += 1 * S;
    d = look(&f);
    assert_int_equal(d.step, WAVES_BEGIN);
    assert_int_equal(d.wave, 2);
    assert_int_equal(look(&f).step, WAVES_WAIT);
    answer_wave(&f, 2, WAVE_IS_HEALTHY);
    assert_int_equal(look(&f).step, WAVES_DONE);
    release(&f);
}

static void a_bad_bundle_stops_in_the_first_wave(void **state)
{
    (void)state;
    struct fleet f;
    make(&f, 100, "1,100%", "failed > 2%", 1);
    (void)look(&f);
    answer_wave(&f, 1, WAVE_WAS_ROLLED_BACK);
    struct wave_decision d = look(&f);
    assert_int_equal(d.step, WAVES_ABORT);
    assert_string_equal(d.reason,
                        "1 of 1 devices asked could not take it or took it back, more than 2%");
    release(&f);
}

static void who_does_not_answer_is_passed_over_and_counted(void **state)
{
    (void)state;
    struct fleet f;
    make(&f, 10, "2,100%", "away > 2", 1);
    (void)look(&f);
    struct wave_decision d = look(&f);
    assert_int_equal(d.step, WAVES_WAIT);
    assert_int_equal(d.at.ns, f.now.ns + 600 * S);
    f.now.ns += 600 * S;
    assert_int_equal(look(&f).step, WAVES_WAIT); /* soaks */
    f.now.ns += 60 * S;
    assert_int_equal(look(&f).step, WAVES_BEGIN);
    answer_wave(&f, 1, WAVE_IS_HEALTHY); /* they came back: what they say counts */
    struct wave_tally t = waves_count(&f.plan, f.devices, f.count, 1, f.now);
    assert_int_equal(t.away, 0);
    assert_int_equal(t.healthy, 2);
    f.now.ns += 600 * S;
    assert_int_equal(look(&f).step, WAVES_ABORT); /* eight of the second */
    release(&f);
}

/* --- any fleet --------------------------------------------------------------------------------- */

static void ask_devices(struct fleet *f, int64_t wave)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->waves[i] == wave) {
            bool stays_away = below(f, 20) == 0;
            f->answers_at[i].ns = stays_away ? 0 : f->now.ns + (int64_t)below(f, 900) * S;
        }
    }
}

static void devices_act(struct fleet *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->answers_at[i].ns != 0 && f->answers_at[i].ns <= f->now.ns) {
            f->devices[i].answer = f->will[i];
        }
    }
}

static int64_t asked(const struct fleet *f)
{
    return waves_count(&f->plan, f->devices, f->count, 0, f->now).asked;
}

/* Written apart from the core: what must hold before a wave begins. */
static void assert_may_begin(const struct fleet *f, const struct wave_plan *before)
{
    int64_t bad = 0;
    int64_t were_asked = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct wave_device *d = &f->devices[i];
        if (d->wave > before->wave) {
            continue;
        }
        were_asked++;
        bad += d->answer == WAVE_HAS_FAILED || d->answer == WAVE_WAS_ROLLED_BACK;
        bool is_waited_for = d->answer < WAVE_IS_HEALTHY && f->now.ns < d->asked.ns + 600 * S;
        assert_false(is_waited_for);
    }
    assert_true(bad * 100 <= 10 * were_asked);
    if (before->wave > 0) {
        assert_true(before->settled.ns != 0 && f->now.ns >= before->settled.ns + 60 * S);
    }
}

static void run_fleet(uint64_t seed)
{
    struct fleet f;
    static const char *const shapes[] = {"1,10%,50%,100%", "100%", "5,100%", "1,2,3,100%"};
    make(&f, 1 + seed % DEVICES_MAX, shapes[seed % COUNT_OF(shapes)], "failed > 10%", seed);
    uint64_t badness = below(&f, 4); /* of 20 devices so many fail */
    for (size_t i = 0; i < f.count; i++) {
        f.will[i] = below(&f, 20) >= badness ? WAVE_IS_HEALTHY
                    : below(&f, 2) == 0      ? WAVE_HAS_FAILED
                                             : WAVE_WAS_ROLLED_BACK;
    }
    int steps = 0;
    int64_t reached_at_abort = -1;
    while (!f.is_done && steps++ < 20000) {
        devices_act(&f);
        struct wave_plan before = f.plan;
        struct wave_decision d = look(&f);
        if (d.step == WAVES_BEGIN) {
            assert_may_begin(&f, &before);
            ask_devices(&f, d.wave);
        } else if (d.step == WAVES_ABORT) {
            reached_at_abort = asked(&f);
            break;
        }
        f.now.ns += (int64_t)below(&f, 40) * S;
    }
    assert_true(f.is_done || f.is_aborted); /* it converges */
    struct wave_tally t = waves_count(&f.plan, f.devices, f.count, 0, f.now);
    if (f.is_done) {
        assert_int_equal(t.asked, f.count);
        assert_int_equal(t.healthy + t.failed + t.rolled_back + t.away, t.devices);
        assert_true((t.failed + t.rolled_back) * 100 <= 10 * t.asked);
    } else {
        assert_true((t.failed + t.rolled_back) * 100 > 10 * t.asked);
        assert_int_equal(asked(&f), reached_at_abort);
    }
    release(&f);
}

static void any_fleet(void **state)
{
    (void)state;
    uint8_t bytes[4] = {0};
    struct rng rng = rng_system();
    rng.fill(rng.ctx, bytes, sizeof(bytes));
    uint64_t seed = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[1] << 8 | bytes[2];
    int64_t fleets = sample_stride(300, 20000);
    print_message("%lld fleets from seed %llu\n", (long long)fleets, (unsigned long long)seed);
    for (int64_t i = 0; i < fleets; i++) {
        run_fleet(seed + (uint64_t)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_waves),
        cmocka_unit_test(conditions_to_abort),
        cmocka_unit_test(who_is_in_which_wave),
        cmocka_unit_test(a_wave_follows_when_the_one_before_it_is_judged_and_has_soaked),
        cmocka_unit_test(a_bad_bundle_stops_in_the_first_wave),
        cmocka_unit_test(who_does_not_answer_is_passed_over_and_counted),
        cmocka_unit_test(any_fleet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
