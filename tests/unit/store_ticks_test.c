/* store_ticks_test.c - agent/store/ticks.h and instigators.h */
#include "agent/store/ticks.h"

#include "agent/store/instigators.h"
#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"

static struct temp_dir dir;
static struct store_fixture f;
static struct view *view;

static void say_tick(const char *kind, const char *name, int64_t nominal_s, const char *run)
{
    bool has_run = run[0] != '\0';
    struct record tick = {.type = EVENT_TICK,
                          .at = f.now,
                          .kind = str_from(kind),
                          .name = str_from(name),
                          .nominal = {nominal_s * NS_PER_SEC},
                          .status = has_run ? STR("started") : STR("skipped"),
                          .run = str_from(run),
                          .run_key = nominal_s == 0 ? STR("file-1") : STR_NONE,
                          .cursor = STR("here"),
                          .reason = has_run ? STR_NONE : STR("busy")};
    store_fixture_say(&f, &tick);
}

static void say_status(const char *kind, const char *name, const char *status, int64_t begins_s)
{
    struct record state = {.type = EVENT_INSTIGATOR,
                           .at = f.now,
                           .kind = str_from(kind),
                           .name = str_from(name),
                           .status = str_from(status),
                           .nominal = {begins_s * NS_PER_SEC}};
    store_fixture_say(&f, &state);
}

static int begin(void **state)
{
    (void)state;
    struct err err = {0};
    dir = temp_dir_new();
    store_fixture_init(&f, temp_dir_path(&dir, "agent.db"), NULL);
    store_fixture_open(&f);
    say_tick("schedule", "nightly", 1000, "r1");
    say_tick("schedule", "hourly", 1000, "");
    say_tick("sensor", "nightly", 0, "r2");
    say_tick("schedule", "nightly", 2000, "");
    store_fixture_flush(&f);
    return view_open(&view, f.options.path, &err) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    view_close(view);
    store_fixture_close(&f);
    temp_dir_release(&dir);
    return 0;
}

struct list {
    struct buf text;
    int left; /* before the callback says that it is enough */
};

static bool on_tick(void *ctx, const struct view_tick *tick)
{
    struct list *list = ctx;
    buf_addf(&list->text, STR_FMT "/" STR_FMT ":%lld:" STR_FMT ":" STR_FMT STR_FMT STR_FMT " ",
             STR_ARG(tick->kind), STR_ARG(tick->name), (long long)(tick->nominal.ns / NS_PER_SEC),
             STR_ARG(tick->status), STR_ARG(tick->run), STR_ARG(tick->run_key),
             STR_ARG(tick->reason));
    assert_int_equal(tick->at.ns, f.now.ns);
    return --list->left > 0;
}

static void expect_ticks(const char *kind, const char *name, int64_t limit, int enough,
                         const char *expected)
{
    struct err err = {0};
    struct list list = {.text = buf_growing(4096), .left = enough};
    struct view_tick_filter filter = {str_from(kind), str_from(name), limit};
    assert_true(view_ticks(view, &filter, on_tick, &list, &err));
    assert_string_equal(list.text.len == 0 ? "" : buf_cstr(&list.text), expected);
    buf_release(&list.text);
}

static void ticks_are_listed_newest_first(void **state)
{
    (void)state;
    expect_ticks("", "", 10, 10,
                 "schedule/nightly:2000:skipped:busy sensor/nightly:0:started:r2file-1 "
                 "schedule/hourly:1000:skipped:busy schedule/nightly:1000:started:r1 ");
    expect_ticks("", "", 1, 10, "schedule/nightly:2000:skipped:busy ");
    expect_ticks("", "", 10, 1, "schedule/nightly:2000:skipped:busy ");
    expect_ticks("sensor", "", 10, 10, "sensor/nightly:0:started:r2file-1 ");
    expect_ticks("schedule", "nightly", 10, 10,
                 "schedule/nightly:2000:skipped:busy schedule/nightly:1000:started:r1 ");
    expect_ticks("schedule", "nightly", 1, 10, "schedule/nightly:2000:skipped:busy ");
    expect_ticks("schedule", "none", 10, 10, "");
}

static void expect_started(const char *schedule, int64_t nominal_s, bool expected)
{
    struct err err = {0};
    bool has = !expected;
    assert_true(store_tick_has_started(f.store, str_from(schedule),
                                       (struct wall_time){nominal_s * NS_PER_SEC}, &has, &err));
    assert_int_equal(has, expected);
}

static void a_tick_that_started_a_run_is_found(void **state)
{
    (void)state;
    expect_started("nightly", 1000, true);
    expect_started("nightly", 2000, false); /* was skipped */
    expect_started("nightly", 0, false);    /* is a sensor's */
    expect_started("hourly", 1000, false);
}

static bool on_instigator(void *ctx, const struct instigator *instigator)
{
    struct list *list = ctx;
    buf_addf(&list->text, STR_FMT ":" STR_FMT ":" STR_FMT ":%lld ", STR_ARG(instigator->name),
             STR_ARG(instigator->status), STR_ARG(instigator->cursor),
             (long long)(instigator->decided.ns / NS_PER_SEC));
    return --list->left > 0;
}

static void expect_instigators(const char *kind, int enough, const char *expected)
{
    struct err err = {0};
    struct list list = {.text = buf_growing(4096), .left = enough};
    assert_true(view_instigators(view, str_from(kind), on_instigator, &list, &err));
    assert_string_equal(list.text.len == 0 ? "" : buf_cstr(&list.text), expected);
    buf_release(&list.text);
}

static void what_is_remembered_follows_the_records(void **state)
{
    (void)state;
    expect_instigators("schedule", 10, "hourly::here:1000 nightly::here:2000 ");
    expect_instigators("schedule", 1, "hourly::here:1000 ");
    expect_instigators("sensor", 10, "nightly::here:0 ");
    expect_instigators("automation", 10, "");
    /* A pause forgets what was decided on, a beginning sets it, also to an earlier time. */
    say_status("schedule", "nightly", "paused", 0);
    say_status("schedule", "hourly", "", 500);
    store_fixture_flush(&f);
    expect_instigators("schedule", 10, "hourly::here:500 nightly:paused:here:0 ");
    /* A tick never does. */
    say_tick("schedule", "hourly", 400, "");
    store_fixture_flush(&f);
    expect_instigators("schedule", 1, "hourly::here:500 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_listed_newest_first),
        cmocka_unit_test(a_tick_that_started_a_run_is_found),
        cmocka_unit_test(what_is_remembered_follows_the_records),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
