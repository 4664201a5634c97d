/* store_retention_test.c - what is forgotten, and what never is. */
#include "agent/store/retention.h"

#include "common/db/db.h"
#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

#define DAY_NS (86400 * NS_PER_SEC)

static struct store_fixture f;
static struct retention retention;
static char removed[4096]; /* names, each behind a space */

static int begin(void **state)
{
    (void)state;
    removed[0] = '\0';
    retention = (struct retention){.runs = 1000000, .output_bytes = INT64_MAX};
    store_fixture_begin(&f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    store_fixture_end(&f);
    return 0;
}

static void note_removed(void *ctx, struct str run)
{
    size_t len = strlen(removed);
    (void)ctx;
    (void)snprintf(removed + len, sizeof(removed) - len, " " STR_FMT, STR_ARG(run));
}

static bool expire(void)
{
    struct retention_port port = {.remove_output = note_removed};
    bool has_more = false;
    if (!store_expire(f.store, &retention, &port, f.now, &has_more, &f.err)) {
        fail_msg("%s", f.err.msg);
    }
    return has_more;
}

static void say(struct record r)
{
    r.at = f.now;
    store_fixture_say(&f, &r);
}

static void say_run(int number, enum event_type last)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "r%04d", number);
    say((struct record){.type = EVENT_RUN_ENQUEUED, .run = str_from(name)});
    if (last != EVENT_RUN_ENQUEUED) {
        say((struct record){.type = last, .run = str_from(name)});
    }
}

static int64_t count(const char *table)
{
    struct db *db = NULL;
    struct db_options options = {.path = f.options.path, .flags = DB_READ_ONLY | DB_NO_CHECK};
    char sql[64];
    int64_t rows = 0;
    bool found = false;
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    assert_true(db_open(&db, &options, &f.err));
    assert_true(db_scalar_i64(db, sql, &rows, &found, &f.err));
    db_close(db);
    return rows;
}

static void old_ended_runs_go_beyond_their_number(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        say_run(i, i == 1 ? EVENT_RUN_START : EVENT_RUN_SUCCESS); /* an open one never goes */
    }
    store_fixture_flush(&f);
    retention.runs = 7;
    assert_false(expire());
    assert_string_equal(removed, " r0000 r0002");
    assert_false(expire());
    assert_string_equal(removed, " r0000 r0002");
    retention.runs = 0;
    assert_false(expire());
    assert_int_equal(count("run"), 1);
}

static void many_go_in_pieces(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        say_run(i, EVENT_RUN_SUCCESS);
    }
    store_fixture_flush(&f);
    retention.runs = 10;
    assert_true(expire());
    assert_int_equal(count("run"), 300 - RETENTION_AT_ONCE);
    assert_false(expire());
    assert_int_equal(count("run"), 10);
}

static void old_ones_go_by_age_but_never_the_newest(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        say_run(i, EVENT_RUN_FAILURE);
    }
    store_fixture_flush(&f);
    retention.runs_age_ns = DAY_NS;
    assert_false(expire());
    assert_int_equal(count("run"), 30);
    f.now.ns += 2 * DAY_NS;
    assert_false(expire());
    assert_int_equal(count("run"), RETENTION_NEWEST);
    f.now.ns = NS_PER_SEC; /* a clock that is not set makes nothing old */
    assert_false(expire());
    assert_int_equal(count("run"), RETENTION_NEWEST);
}

static void output_goes_before_its_run(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        char name[16];
        say_run(i, i == 0 ? EVENT_RUN_START : EVENT_RUN_SUCCESS);
        (void)snprintf(name, sizeof(name), "r%04d", i);
        say((struct record){.type = EVENT_LOGS_CAPTURED, .run = str_from(name), .bytes_kept = 60});
        say((struct record){.type = EVENT_LOGS_CAPTURED, .run = str_from(name), .bytes_kept = 40});
    }
    store_fixture_flush(&f);
    retention.output_bytes = 250;
    assert_false(expire());
    assert_string_equal(removed, " r0001"); /* r0000 is still open */
    assert_int_equal(count("run"), 4);
    assert_false(expire());
    assert_string_equal(removed, " r0001");
}

static void ticks_go_by_age_but_the_newest_of_each_stay(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("often"), STR_INIT("seldom")};
    for (int i = 0; i < 50; i++) {
        f.now.ns += DAY_NS / 24;
        for (size_t n = 0; n < (i < 3 ? 2U : 1U); n++) {
            say((struct record){.type = EVENT_TICK,
                                .kind = STR("schedule"),
                                .name = names[n],
                                .status = STR("skipped"),
                                .nominal = f.now});
        }
    }
    store_fixture_flush(&f);
    retention.ticks_age_ns = DAY_NS;
    assert_false(expire());
    assert_int_equal(count("tick"), 24 + 1 + 3); /* those of a day, and the three that are seldom */
    f.now.ns += 2 * DAY_NS;
    assert_false(expire()); /* which counts for an hour and a half: it may have been a jump */
    assert_int_equal(count("tick"), 22 + 1 + 3);
}

static void say_tick(struct wall_time nominal)
{
    say((struct record){.type = EVENT_TICK,
                        .kind = STR("schedule"),
                        .name = STR("often"),
                        .status = STR("started"),
                        .run = STR("r"),
                        .nominal = nominal});
}

/* A clock that is wrong for a while must not make ticks that are still to come forgotten. */
static void a_jump_of_the_clock_forgets_no_ticks(void **state)
{
    (void)state;
    struct wall_time right = f.now;
    retention.ticks_age_ns = 30 * DAY_NS;
    f.now.ns += 5 * DAY_NS; /* days ahead */
    for (int i = 0; i < 100; i++) {
        f.now.ns += 60 * NS_PER_SEC;
        say_tick(f.now);
    }
    f.now.ns = right.ns + 1500 * DAY_NS; /* years ahead */
    for (int i = 0; i < 100; i++) {
        f.now.ns += 60 * NS_PER_SEC;
        say_tick(f.now);
    }
    store_fixture_flush(&f);
    assert_false(expire());
    assert_int_equal(count("tick"), 200);
    f.now.ns = right.ns; /* and back */
    assert_false(expire());
    assert_int_equal(count("tick"), 200);
    for (int i = 0; i < 40 * 24; i++) { /* of those of days ahead, and then the newest */
        f.now.ns += 3600 * NS_PER_SEC;
        say_tick(f.now);
    }
    store_fixture_flush(&f);
    while (expire()) {
    }
    assert_int_equal(count("tick"), 100 + 30 * 24 + 1); /* those of years ahead are still to come */
}

static void acknowledged_events_go_by_age_and_no_others(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        say((struct record){.type = EVENT_DEVICE});
        f.now.ns += DAY_NS;
    }
    store_fixture_flush(&f);
    assert_true(store_acknowledge(f.store, 6, &f.err));
    retention.events_age_ns = DAY_NS / 2;
    assert_false(expire());
    struct store_position at = store_fixture_position(&f);
    assert_int_equal(at.history_bytes, 0);
    assert_int_equal(at.waiting_events, 4);
    assert_int_equal(count("event"), 4);
    assert_true(store_acknowledge(f.store, 10, &f.err));
    retention.events_age_ns = 2 * DAY_NS + DAY_NS / 2;
    assert_false(expire());
    assert_int_equal(count("event"), 2); /* of the last two days */
    store_fixture_reopen(&f);
    at = store_fixture_position(&f);
    assert_int_equal(at.last_seq, 10);
    assert_true(at.history_bytes > 0);
}

static void what_is_known_of_assets_stays(void **state)
{
    (void)state;
    say_run(1, EVENT_RUN_START);
    say((struct record){
        .type = EVENT_ASSET_MATERIALIZATION, .run = STR("r0001"), .asset = STR("a")});
    say((struct record){.type = EVENT_RUN_SUCCESS, .run = STR("r0001")});
    store_fixture_flush(&f);
    retention.runs = 0;
    assert_false(expire());
    assert_int_equal(count("run"), 0);
    assert_int_equal(count("asset"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_ended_runs_go_beyond_their_number, begin, end),
        cmocka_unit_test_setup_teardown(many_go_in_pieces, begin, end),
        cmocka_unit_test_setup_teardown(old_ones_go_by_age_but_never_the_newest, begin, end),
        cmocka_unit_test_setup_teardown(output_goes_before_its_run, begin, end),
        cmocka_unit_test_setup_teardown(ticks_go_by_age_but_the_newest_of_each_stay, begin, end),
        cmocka_unit_test_setup_teardown(a_jump_of_the_clock_forgets_no_ticks, begin, end),
        cmocka_unit_test_setup_teardown(acknowledged_events_go_by_age_and_no_others, begin, end),
        cmocka_unit_test_setup_teardown(what_is_known_of_assets_stays, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
