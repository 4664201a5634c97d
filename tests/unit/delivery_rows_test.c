/* delivery_rows_test.c - what of a delivery stands in hub.db: nobody undoes what another has done. */
#include "common/platform/files.h"
#include "hub/delivery/delivery_rows.h"
#include "hub/delivery/folder.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>

#define SEC(n_) ((struct wall_time){INT64_C(n_) * NS_PER_SEC})

static const struct delivery_key scheduled = {STR_INIT("monday"), DELIVERY_SCHEDULED};
static const struct delivery_key asked = {STR_INIT("monday"), DELIVERY_ASKED};

struct world {
    struct temp_dir dir;
    struct db *db;
    struct arena arena;
};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static int set_up(void **state)
{
    static struct world w;
    struct err err = {0};
    struct db *store = NULL;
    char path[512];
    w = (struct world){.dir = temp_dir_new(), .arena = arena_new(1 << 20)};
    (void)snprintf(path, sizeof(path), "%s/hub.db", w.dir.path);
    assert_false(delivery_rows_open(&w.db, path, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    const struct hub_store_options options = {.path = path};
    check(hub_store_open(&store, &options, &err), &err);
    db_close(store);
    check(delivery_rows_open(&w.db, path, &err), &err);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    db_close(w->db);
    arena_release(&w->arena);
    temp_dir_release(&w->dir);
    return 0;
}

static struct delivery_row find(struct world *w, struct delivery_key key)
{
    struct err err = {0};
    struct delivery_row row;
    check(delivery_rows_find(w->db, key, &w->arena, &row, &err), &err);
    return row;
}

static bool put(struct world *w, struct delivery_key key, struct delivery was, struct delivery is)
{
    struct err err = {0};
    bool done = false;
    const struct delivery_change change = {
        .schedule = STR("0 7 * * mon UTC"), .was = &was, .is = &is};
    check(delivery_rows_put(w->db, key, &change, &done, &err), &err);
    return done;
}

static void expect_returning(struct world *w, struct wall_time now, int64_t expected)
{
    struct err err = {0};
    int64_t count = -1;
    check(delivery_rows_returning(w->db, now, 60 * NS_PER_SEC, &count, &err), &err);
    assert_int_equal(count, expected);
}

static void who_was_cut_off_by_the_start_is_waited_for(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    expect_returning(w, SEC(100), 0);
    check(db_exec(
              w->db,
              "INSERT INTO connection (device, is_online, since_ms, last_seen_ms, offline_reason) "
              "VALUES "
              "('a', 0, 100000, 1, 'the hub restarted'), ('b', 0, 100000, 1, 'the hub restarted'), "
              "('c', 0, 100000, 1, 'connection lost'), ('d', 1, 100000, 1, NULL)",
              &err),
          &err);
    expect_returning(w, SEC(101), 2);
    expect_returning(w, SEC(160), 2);
    expect_returning(w, SEC(161), 0);
    expect_returning(w, SEC(99), 0); /* the clock was set back */
    check(db_exec(w->db,
                  "UPDATE connection SET is_online = 1, offline_reason = NULL WHERE device = 'a'",
                  &err),
          &err);
    expect_returning(w, SEC(101), 1);
}

static void what_another_has_settled_stays(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    const struct delivery none = {0};
    const struct delivery due = {.settled = SEC(10), .due = SEC(20), .since = SEC(21)};
    assert_false(find(w, scheduled).is_there);
    assert_true(put(w, scheduled, none, (struct delivery){.settled = SEC(10)}));
    assert_true(put(w, scheduled, (struct delivery){.settled = SEC(10)}, due));
    /* The child of an earlier hub is done; the new hub, which has read before, counts an attempt. */
    check(delivery_rows_settle(w->db, scheduled, SEC(20), SEC(25), &err), &err);
    struct delivery attempt = due;
    attempt.attempts = 1;
    assert_false(put(w, scheduled, due, attempt));
    struct delivery_row row = find(w, scheduled);
    assert_int_equal(row.delivery.settled.ns, SEC(20).ns);
    assert_int_equal(row.delivery.due.ns, 0);
    assert_int_equal(row.delivered.ns, SEC(25).ns);
    assert_int_equal(row.delivered_for.ns, SEC(20).ns);
    assert_true(str_eq(row.schedule, STR("0 7 * * mon UTC")));
    /* An end that is told of another time changes nothing. */
    check(delivery_rows_settle(w->db, scheduled, SEC(19), SEC(99), &err), &err);
    check(delivery_rows_fail(w->db, scheduled, SEC(20), SEC(99), STR("late"), &err), &err);
    row = find(w, scheduled);
    assert_int_equal(row.delivered.ns, SEC(25).ns);
    assert_int_equal(row.failed.ns, 0);
}

static void a_failure_is_kept_until_it_is_delivered(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    const struct delivery due = {.settled = SEC(10), .due = SEC(20), .since = SEC(21)};
    assert_true(put(w, scheduled, (struct delivery){0}, due));
    check(delivery_rows_fail(w->db, scheduled, SEC(20), SEC(22), STR("refused"), &err), &err);
    struct delivery_row row = find(w, scheduled);
    assert_true(str_eq(row.error, STR("refused")));
    assert_int_equal(row.delivery.due.ns, SEC(20).ns);
    check(delivery_rows_settle(w->db, scheduled, SEC(20), SEC(30), &err), &err);
    row = find(w, scheduled);
    assert_int_equal(row.failed.ns, 0);
    assert_int_equal(row.error.len, 0);
}

static void what_is_asked_for_is_tried_once(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    check(delivery_rows_ask(w->db, STR("monday"), SEC(100), &err), &err);
    assert_false(delivery_rows_ask(w->db, STR("monday"), SEC(101), &err));
    assert_int_equal(err.code, ERR_BUSY);
    check(delivery_rows_fail(w->db, asked, SEC(100), SEC(105), STR("no"), &err), &err);
    struct delivery_row row = find(w, asked);
    assert_int_equal(row.delivery.due.ns, 0);
    assert_int_equal(row.failed.ns, SEC(105).ns);
    /* Again; and one that nobody works on any more gives way to the next. */
    check(delivery_rows_ask(w->db, STR("monday"), SEC(200), &err), &err);
    assert_int_equal(find(w, asked).error.len, 0);
    check(delivery_rows_ask(w->db, STR("monday"), SEC(2000), &err), &err);
    assert_int_equal(find(w, asked).delivery.due.ns, SEC(2000).ns);
}

static void note_asked(void *ctx, const struct delivery_attempt *a)
{
    *(bool *)ctx = str_eq(a->cause, STR("asked")) && str_eq(a->result, STR("failed"));
}

static void a_start_forgets_and_ends(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    const struct delivery_key gone = {STR("gone"), DELIVERY_SCHEDULED};
    assert_true(put(w, gone, (struct delivery){0}, (struct delivery){.settled = SEC(10)}));
    assert_true(put(w, scheduled, (struct delivery){0}, (struct delivery){.settled = SEC(10)}));
    check(delivery_rows_ask(w->db, STR("monday"), SEC(100), &err), &err);
    struct delivery was = find(w, asked).delivery;
    struct delivery begun = was;
    begun.attempts = 1;
    assert_true(put(w, asked, was, begun));
    check(delivery_rows_begin(w->db, STR("[\"monday\"]"), SEC(110), &err), &err);
    assert_false(find(w, gone).is_there);
    assert_true(find(w, scheduled).is_there);
    struct delivery_row row = find(w, asked);
    assert_int_equal(row.delivery.due.ns, 0);
    assert_true(str_contains(row.error, STR("started anew")));
    struct err none = {0};
    bool was_told = false;
    check(delivery_rows_attempts(w->db, STR("monday"), 1, note_asked, &was_told, &none), &none);
    assert_true(was_told);
}

struct told {
    int64_t count, newest, oldest; /* ids */
    char results[512];             /* of the newest: "failed 1: refused;" */
};

static void add_told(void *ctx, const struct delivery_attempt *a)
{
    struct told *told = ctx;
    size_t len = strlen(told->results);
    told->newest = told->count == 0 ? a->id : told->newest;
    told->oldest = a->id;
    told->count++;
    if (told->count <= 5) {
        (void)snprintf(told->results + len, sizeof(told->results) - len,
                       STR_FMT " " STR_FMT " %lld%s" STR_FMT "; ", STR_ARG(a->cause),
                       STR_ARG(a->result), (long long)a->attempt,
                       str_is_empty(a->error) ? "" : ": ", STR_ARG(a->error));
    }
}

static struct told tell(struct world *w, const char *report, int64_t limit)
{
    struct err err = {0};
    struct told told = {0};
    check(delivery_rows_attempts(w->db, str_from(report), limit, add_told, &told, &err), &err);
    return told;
}

static void what_came_of_attempts_is_kept(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct delivery due = {.settled = SEC(10), .due = SEC(20), .since = SEC(21), .attempts = 1};
    assert_true(put(w, scheduled, (struct delivery){0}, due));
    check(delivery_rows_fail(w->db, scheduled, SEC(20), SEC(22), STR("refused"), &err), &err);
    struct delivery again = due;
    again.attempts = 2;
    assert_true(put(w, scheduled, due, again));
    check(delivery_rows_settle(w->db, scheduled, SEC(20), SEC(30), &err), &err);
    /* What is told of another time is none of it. */
    check(delivery_rows_settle(w->db, scheduled, SEC(20), SEC(31), &err), &err);
    check(delivery_rows_fail(w->db, scheduled, SEC(19), SEC(31), STR("late"), &err), &err);
    assert_string_equal(tell(w, "monday", 10).results,
                        "schedule delivered 2; schedule failed 1: refused; ");
    /* Given up: in the change that goes on to the next time, or not at all. */
    const struct delivery was = find(w, scheduled).delivery;
    struct delivery next = {.settled = SEC(20), .due = SEC(40), .since = SEC(41), .attempts = 3};
    const struct delivery over = {.settled = SEC(40)};
    bool done = false;
    assert_true(put(w, scheduled, was, next));
    struct delivery_change change = {
        .schedule = STR("s"), .was = &was, .is = &over, .given_up = SEC(99)};
    check(delivery_rows_put(w->db, scheduled, &change, &done, &err), &err);
    assert_false(done);
    change.was = &next;
    check(delivery_rows_put(w->db, scheduled, &change, &done, &err), &err);
    assert_true(done);
    assert_string_equal(tell(w, "monday", 1).results, "schedule given up 3; ");
    assert_int_equal(tell(w, "monday", 10).count, 3);
}

static void so_many_attempts_are_kept(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    const struct delivery_key other = {STR("other"), DELIVERY_SCHEDULED};
    const struct delivery due = {.due = SEC(20), .since = SEC(21), .attempts = 1};
    assert_true(put(w, scheduled, (struct delivery){0}, due));
    assert_true(put(w, other, (struct delivery){0}, due));
    check(delivery_rows_fail(w->db, other, SEC(20), SEC(22), STR("no"), &err), &err);
    for (int i = 0; i < DELIVERY_ATTEMPTS_KEPT + 5; i++) {
        check(delivery_rows_fail(w->db, scheduled, SEC(20), SEC(22), STR("no"), &err), &err);
    }
    struct told all = tell(w, "monday", 1000);
    assert_int_equal(all.count, DELIVERY_ATTEMPTS_KEPT);
    assert_int_equal(all.newest - all.oldest, DELIVERY_ATTEMPTS_KEPT - 1);
    assert_int_equal(tell(w, "other", 10).count, 1);
    check(delivery_rows_begin(w->db, STR("[\"monday\"]"), SEC(110), &err), &err);
    assert_int_equal(tell(w, "other", 10).count, 0);
}

static void a_folder_keeps_the_newest(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    const struct folder folder = {.state_dir = str_from(w->dir.path),
                                  .directory = STR("out"),
                                  .report = STR("day"),
                                  .keep = 3};
    char path[600];
    static const char *const others[] = {"day-late-2020-01-01T000000Z.html", "notes.txt", "day-x"};
    for (int i = 0; i < 6; i++) {
        char memory[128];
        struct buf name = buf_fixed(memory, sizeof(memory));
        folder_file_name(&name, STR("day"), (struct wall_time){(int64_t)i * 86400 * NS_PER_SEC},
                         "html");
        check(folder_put(&folder, buf_str(&name), STR("page"), &err), &err);
        for (size_t k = 0; i == 0 && k < COUNT_OF(others); k++) {
            check(folder_put(&folder, str_from(others[k]), STR("other"), &err), &err);
        }
    }
    for (int i = 0; i < 6; i++) {
        (void)snprintf(path, sizeof(path), "%s/out/day-1970-01-%02dT000000Z.html", w->dir.path,
                       i + 1);
        assert_int_equal(files_exist(path), i >= 3);
    }
    for (size_t k = 0; k < COUNT_OF(others); k++) {
        (void)snprintf(path, sizeof(path), "%s/out/%s", w->dir.path, others[k]);
        assert_true(files_exist(path));
    }
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_another_has_settled_stays),  TEST(a_failure_is_kept_until_it_is_delivered),
        TEST(what_is_asked_for_is_tried_once), TEST(a_start_forgets_and_ends),
        TEST(a_folder_keeps_the_newest),       TEST(what_came_of_attempts_is_kept),
        TEST(so_many_attempts_are_kept),       TEST(who_was_cut_off_by_the_start_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
