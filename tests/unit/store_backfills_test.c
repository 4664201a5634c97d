/* store_backfills_test.c - parts of backfills move with the runs that are recorded for them. */
#include "agent/store/backfills.h"

#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static struct store_fixture f;

static int begin(void **state)
{
    (void)state;
    store_fixture_begin(&f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    store_fixture_end(&f);
    return 0;
}

static void ask_for(const char *id, const char *keys, int64_t total)
{
    struct record r = {.type = EVENT_BACKFILL,
                       .at = f.now,
                       .backfill = str_from(id),
                       .status = STR("requested"),
                       .selection = STR("pos/sales"),
                       .tags = STR("{\"team\":\"pos\"}"),
                       .parent = STR("earlier"),
                       .keys = str_from(keys),
                       .steps = total,
                       .per_run = 2,
                       .runs_max = 3,
                       .leg = 1,
                       .newest_first = true};
    store_fixture_say(&f, &r);
}

static void say_status(const char *id, const char *status, const char *reason)
{
    struct record r = {.type = EVENT_BACKFILL,
                       .at = {f.now.ns + 5},
                       .backfill = str_from(id),
                       .status = str_from(status),
                       .reason = str_from(reason)};
    store_fixture_say(&f, &r);
    store_fixture_flush(&f);
}

static void enqueue(const char *run, const char *backfill, const char *first, const char *last)
{
    struct record r = {.type = EVENT_RUN_ENQUEUED,
                       .at = f.now,
                       .run = str_from(run),
                       .backfill = str_from(backfill),
                       .partition = str_from(first),
                       .partition_end = str_from(last)};
    store_fixture_say(&f, &r);
    store_fixture_flush(&f);
}

static void end_run(const char *run, enum event_type type)
{
    struct record r = {.type = type, .at = f.now, .run = str_from(run)};
    store_fixture_say(&f, &r);
    store_fixture_flush(&f);
}

static bool add_part(void *ctx, const struct stored_part *part)
{
    buf_addf(ctx, "%lld:" STR_FMT "=" STR_FMT, (long long)part->number, STR_ARG(part->partition),
             STR_ARG(part->status));
    if (!str_is_empty(part->run)) {
        buf_addf(ctx, "(" STR_FMT ")", STR_ARG(part->run));
    }
    buf_add_char(ctx, ' ');
    return true;
}

static void assert_parts(const char *id, const char *status, const char *expected)
{
    char memory[1024];
    struct buf text = buf_fixed(memory, sizeof(memory));
    assert_true(
        store_backfill_parts(f.store, str_from(id), str_from(status), add_part, &text, &f.err));
    assert_string_equal(buf_cstr(&text), expected);
}

static void assert_facts(const char *id, bool has_waiting, int64_t open_runs, bool has_failed)
{
    struct stored_backfill_facts facts;
    assert_true(store_backfill_facts(f.store, str_from(id), &facts, &f.err));
    assert_int_equal(facts.has_waiting, has_waiting);
    assert_int_equal(facts.open_runs, open_runs);
    assert_int_equal(facts.has_failed, has_failed);
}

static void parts_move_with_their_runs(void **state)
{
    (void)state;
    ask_for("b1", "{\"-3\":\"d\",\"-2\":\"c\",\"0\":\"a\"}", 3);
    store_fixture_flush(&f);
    assert_parts("b1", "", "-3:d=waiting -2:c=waiting 0:a=waiting ");
    assert_facts("b1", true, 0, false);
    enqueue("r1", "b1", "c", "d"); /* the earlier one first, whatever the order of the parts */
    assert_parts("b1", "", "-3:d=requested(r1) -2:c=requested(r1) 0:a=waiting ");
    assert_facts("b1", true, 1, false);
    enqueue("r2", "b1", "a", "");
    assert_facts("b1", false, 2, false);
    end_run("r1", EVENT_RUN_FAILURE);
    assert_facts("b1", false, 1, true);
    end_run("r2", EVENT_RUN_SUCCESS);
    assert_parts("b1", "", "-3:d=failure(r1) -2:c=failure(r1) 0:a=success(r2) ");
    assert_parts("b1", "success", "0:a=success(r2) ");
    /* Tried again, by policy or by hand: the parts follow the new run. */
    enqueue("r3", "b1", "c", "d");
    assert_facts("b1", false, 1, false);
    end_run("r1", EVENT_RUN_FAILURE);
    assert_facts("b1", false, 1, false);
    end_run("r3", EVENT_RUN_CANCELED);
    assert_parts("b1", "canceled", "-3:d=canceled(r3) -2:c=canceled(r3) ");
}

static void what_ends_asks_for_no_more(void **state)
{
    (void)state;
    ask_for("b1", "[\"a\",\"b\",\"c\"]", 3);
    ask_for("b2", "[\"a\"]", 1);
    enqueue("r1", "b1", "a", "");
    say_status("b1", "canceling", "");
    assert_parts("b1", "", "0:a=requested(r1) 1:b=canceled 2:c=canceled ");
    assert_parts("b2", "", "0:a=waiting ");
    end_run("r1", EVENT_RUN_CANCELED);
    say_status("b1", "canceled", "by hand");
    bool found = false;
    struct stored_backfill b;
    assert_true(store_load_backfill(f.store, STR("b1"), &f.arena, &b, &found, &f.err));
    assert_true(found);
    assert_true(str_eq(b.status, STR("canceled")));
    assert_true(str_eq(b.reason, STR("by hand")));
    assert_int_equal(b.ended_at.ns, f.now.ns + 5);
    assert_true(store_load_backfill(f.store, STR("b9"), &f.arena, &b, &found, &f.err));
    assert_false(found);
}

static void open_ones_survive_a_restart(void **state)
{
    (void)state;
    struct stored_backfill *open = NULL;
    struct str *runs = NULL;
    size_t count = 1;
    assert_true(store_open_backfills(f.store, &f.arena, &open, &count, &f.err));
    assert_int_equal(count, 0);
    ask_for("b1", "[\"a\",\"b\"]", 5);
    ask_for("b1", "{\"2\":\"c\"}", 5); /* more of the same */
    ask_for("b2", "[\"a\"]", 1);
    enqueue("r1", "b1", "a", "b");
    enqueue("r2", "b1", "c", "");
    say_status("b2", "completed_success", "");
    store_fixture_reopen(&f);
    assert_true(store_open_backfills(f.store, &f.arena, &open, &count, &f.err));
    assert_int_equal(count, 1);
    assert_true(str_eq(open[0].id, STR("b1")));
    assert_true(str_eq(open[0].selection, STR("pos/sales")));
    assert_true(str_eq(open[0].status, STR("requested")));
    assert_true(str_eq(open[0].tags, STR("{\"team\":\"pos\"}")));
    assert_true(str_eq(open[0].after, STR("earlier")));
    assert_int_equal(open[0].per_run, 2);
    assert_int_equal(open[0].runs_max, 3);
    assert_int_equal(open[0].leg, 1);
    assert_true(open[0].newest_first);
    assert_int_equal(open[0].total, 5);
    assert_int_equal(open[0].recorded, 3);
    assert_true(store_backfill_runs(f.store, STR("b1"), &f.arena, &runs, &count, &f.err));
    assert_int_equal(count, 2);
    AUTO(arena) small = arena_new(64);
    assert_false(store_open_backfills(f.store, &small, &open, &count, &f.err));
    assert_int_equal(f.err.code, ERR_NO_MEMORY);
    assert_false(store_backfill_runs(f.store, STR("b1"), &small, &runs, &count, &f.err));
    assert_int_equal(f.err.code, ERR_NO_MEMORY);
}

/* Assets without partitions are a backfill's business as well: one part without a name. */
static void a_part_without_a_key(void **state)
{
    (void)state;
    ask_for("b1", "[\"\"]", 1);
    enqueue("r1", "b1", "", "");
    enqueue("r2", "", "", ""); /* of no backfill */
    assert_parts("b1", "", "0:=requested(r1) ");
    end_run("r2", EVENT_RUN_FAILURE);
    end_run("r1", EVENT_RUN_SUCCESS);
    assert_parts("b1", "", "0:=success(r1) ");
}

/* --- the command line's view --- */

static bool add_backfill(void *ctx, const struct view_backfill *b)
{
    buf_addf(ctx, STR_FMT " " STR_FMT " %lld %lld %lld %lld %lld\n", STR_ARG(b->facts.id),
             STR_ARG(b->facts.status), (long long)b->waiting, (long long)b->requested,
             (long long)b->succeeded, (long long)b->failed, (long long)b->canceled);
    return true;
}

static void looked_at_from_outside(void **state)
{
    (void)state;
    struct view *view = NULL;
    char memory[1024];
    struct buf text = buf_fixed(memory, sizeof(memory));
    ask_for("aa1", "[\"a\",\"b\",\"c\",\"d\"]", 4);
    ask_for("aa2", "[\"a\"]", 1);
    enqueue("r1", "aa1", "a", "");
    end_run("r1", EVENT_RUN_SUCCESS);
    enqueue("r2", "aa1", "b", "");
    end_run("r2", EVENT_RUN_FAILURE);
    enqueue("r3", "aa1", "c", "");
    say_status("aa2", "canceled", "");
    assert_true(view_open(&view, f.options.path, &f.err));
    assert_true(view_backfills(view, STR_NONE, 10, add_backfill, &text, &f.err));
    assert_string_equal(buf_cstr(&text), "aa2 canceled 0 0 0 0 1\naa1 requested 1 1 1 1 0\n");
    buf_reset(&text);
    assert_true(view_backfills(view, STR("aa1"), 1, add_backfill, &text, &f.err));
    assert_string_equal(buf_cstr(&text), "aa1 requested 1 1 1 1 0\n");
    buf_reset(&text);
    assert_true(view_find_backfill(view, STR("aa1"), &text, &f.err));
    assert_string_equal(buf_cstr(&text), "aa1");
    assert_false(view_find_backfill(view, STR("aa"), &text, &f.err));
    assert_int_equal(f.err.code, ERR_INVALID);
    assert_false(view_find_backfill(view, STR("b"), &text, &f.err));
    assert_int_equal(f.err.code, ERR_NOT_FOUND);
    buf_reset(&text);
    assert_true(view_backfill_parts(view, STR("aa1"), STR("failure"), add_part, &text, &f.err));
    assert_string_equal(buf_cstr(&text), "1:b=failure(r2) ");
    view_close(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parts_move_with_their_runs, begin, end),
        cmocka_unit_test_setup_teardown(what_ends_asks_for_no_more, begin, end),
        cmocka_unit_test_setup_teardown(open_ones_survive_a_restart, begin, end),
        cmocka_unit_test_setup_teardown(a_part_without_a_key, begin, end),
        cmocka_unit_test_setup_teardown(looked_at_from_outside, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
