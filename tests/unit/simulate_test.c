/* simulate_test.c - what simulated devices say (hub/simulate/script.h), and how times are counted
 * (histogram.h). */
#include "common/base/limits.h"
#include "common/wire/event.h"
#include "hub/simulate/histogram.h"
#include "hub/simulate/script.h"
#include "tests/support/cmocka_all.h"

#define HOUR_NS (3600 * NS_PER_SEC)

static struct script some_script(uint64_t seed)
{
    struct script s = {.seed = seed, .born = {INT64_C(1795312200) * NS_PER_SEC}};
    script_plan(&s, 0, s.born, HOUR_NS);
    script_plan(&s, 3, (struct wall_time){s.born.ns + 100 * HOUR_NS}, NS_PER_SEC);
    return s;
}

static void every_line_is_an_event(void **state)
{
    (void)state;
    struct script s = some_script(1);
    struct err err = {0};
    AUTO(buf) lines = buf_growing(1 << 20);
    assert_int_equal(script_lines(&s, 1, script_last_seq(40), 1 << 20, &lines),
                     script_last_seq(40));
    struct str rest = buf_str(&lines);
    struct str line = STR_NONE;
    int64_t seq = 0;
    int64_t made = 0;
    while (str_cut(rest, '\n', &line, &rest)) {
        struct event event;
        char asset[16];
        assert_true(event_parse(line, &event, &err));
        assert_int_equal(event.seq, ++seq);
        assert_int_not_equal(event.type, EVENT_UNKNOWN);
        int64_t run = script_run_of(seq);
        assert_int_equal(event.at.ns, run < 0 ? s.born.ns : script_time(&s, run).ns);
        if (event.type == EVENT_ASSET_MATERIALIZATION) {
            script_asset(run, asset);
            assert_true(str_eq(event.asset, str_from(asset)));
            assert_int_equal(seq, script_materialization_seq(run));
            made++;
        }
    }
    assert_int_equal(seq, script_last_seq(40));
    assert_int_equal(made, 40);
    assert_int_equal(script_time(&s, 2).ns, s.born.ns + 2 * HOUR_NS);
    assert_int_equal(script_time(&s, 4).ns, s.born.ns + 100 * HOUR_NS + NS_PER_SEC);
}

/* In whatever pieces it is sent, and sent again, an event is the same. */
static void pieces_are_parts_of_the_whole(void **state)
{
    (void)state;
    struct script s = some_script(2);
    AUTO(buf) whole = buf_growing(1 << 20);
    AUTO(buf) pieces = buf_growing(1 << 20);
    int64_t last = script_last_seq(30);
    (void)script_lines(&s, 1, last, 1 << 20, &whole);
    for (int64_t from = 1; from <= last;) {
        size_t before = pieces.len;
        int64_t to = script_lines(&s, from, last, 700, &pieces);
        assert_true(to >= from && (pieces.len - before <= 700 || to == from));
        from = to + 1;
    }
    assert_true(str_eq(buf_str(&whole), buf_str(&pieces)));
    struct script other = some_script(3);
    buf_reset(&pieces);
    (void)script_lines(&other, 1, last, 1 << 20, &pieces);
    assert_false(str_eq(buf_str(&whole), buf_str(&pieces)));
}

static void a_clock_that_lies(void **state)
{
    (void)state;
    struct script s = some_script(4);
    struct err err = {0};
    struct event event;
    AUTO(buf) line = buf_growing(LIMIT_EVENT_BYTES);
    s.lie_ns = -1000 * HOUR_NS;
    (void)script_lines(&s, 3, 3, LIMIT_EVENT_BYTES, &line);
    assert_true(event_parse(str_trim_end(buf_str(&line), '\n'), &event, &err));
    assert_int_equal(event.at.ns, s.born.ns - 1000 * HOUR_NS);
    assert_int_equal(script_time(&s, 0).ns, s.born.ns);
}

static void quantiles(void **state)
{
    (void)state;
    struct histogram h = {0};
    assert_int_equal(histogram_quantile(&h, 500000), 0);
    for (int64_t ms = 1; ms <= 1000; ms++) {
        histogram_add(&h, ms * NS_PER_MS, 1);
    }
    assert_int_equal(h.count, 1000);
    int64_t p50 = histogram_quantile(&h, 500000);
    int64_t p99 = histogram_quantile(&h, 990000);
    assert_in_range(p50, 500 * NS_PER_MS, 516 * NS_PER_MS);
    assert_in_range(p99, 990 * NS_PER_MS, 1000 * NS_PER_MS);
    assert_int_equal(histogram_quantile(&h, 1000000), 1000 * NS_PER_MS);
    histogram_add(&h, -5, 9000); /* a clock that went back */
    assert_true(histogram_quantile(&h, 500000) <= 1000);
    histogram_add(&h, INT64_MAX, 1);
    assert_true(histogram_quantile(&h, 1000000) > HOUR_NS);
    struct histogram small = {0};
    histogram_add(&small, 100 * 1000, 1); /* to 3 % */
    assert_int_equal(histogram_quantile(&small, 500000), 100 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_an_event),
        cmocka_unit_test(pieces_are_parts_of_the_whole),
        cmocka_unit_test(a_clock_that_lies),
        cmocka_unit_test(quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
