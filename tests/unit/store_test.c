#include "store_fixture.h"

#include "agent_store_migrations.h"
#include "agent_store_sql.h"
#include "common/base/limits.h"
#include "common/db/db.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct store_fixture_event events[STORE_FIXTURE_EVENTS];
static struct store_fixture f;
static struct power_vfs *vfs;

static int begin(void **state)
{
    (void)state;
    vfs = power_vfs_new("store", 1);
    store_fixture_init(&f, "agent.db", "store");
    store_fixture_open(&f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    store_fixture_close(&f);
    power_vfs_free(vfs);
    return 0;
}

/* --- recording ---------------------------------------------------------------------------- */

static void a_new_database_is_empty_and_has_an_epoch(void **state)
{
    (void)state;
    struct store_position at = store_fixture_position(&f);
    assert_true(epoch_is_valid(str_from(at.epoch)));
    assert_true(str_eq(store_epoch(f.store), str_from(at.epoch)));
    assert_int_equal(at.first_seq, 1);
    assert_int_equal(at.last_seq, 0);
    assert_int_equal(at.waiting_events, 0);
    struct err err = {0};
    struct batch_header header;
    AUTO(buf) lines = buf_growing(1 << 20);
    assert_false(store_read_batch(f.store, 1, 10, &header, &lines, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void records_become_events_when_they_are_flushed(void **state)
{
    (void)state;
    AUTO(buf) reason = buf_growing(100);
    for (int i = 0; i < 3; i++) {
        struct record r = store_fixture_record(&f, i, 20, &reason);
        store_fixture_say(&f, &r);
    }
    assert_int_equal(store_pending(f.store), 3);
    assert_int_equal(store_last_seq(f.store), 0);
    assert_int_equal(store_fixture_waiting(&f, events), 0);
    store_fixture_flush(&f);
    assert_int_equal(store_last_seq(f.store), 3);
    assert_int_equal(store_fixture_waiting(&f, events), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(events[i].seq, i + 1);
        assert_int_equal(events[i].number, i);
    }
    store_fixture_flush(&f); /* nothing waits: nothing happens */
    assert_int_equal(store_last_seq(f.store), 3);
}

static void reopening_goes_on_where_the_last_flush_ended(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 5, 20);
    store_fixture_acknowledge(&f, 2);
    AUTO(buf) reason = buf_growing(100);
    struct record r = store_fixture_record(&f, 5, 20, &reason);
    store_fixture_say(&f, &r);
    struct store_position before = store_fixture_position(&f);
    store_fixture_reopen(&f);
    struct store_position after = store_fixture_position(&f);
    assert_string_equal(before.epoch, after.epoch);
    assert_int_equal(after.first_seq, 3);
    assert_int_equal(after.last_seq, 5);
    assert_int_equal(before.waiting_bytes, after.waiting_bytes);
    assert_int_equal(before.history_bytes, after.history_bytes);
    assert_int_equal(store_pending(f.store), 0);
    store_fixture_add(&f, 6, 1, 20);
    assert_int_equal(store_fixture_waiting(&f, events), 4);
    assert_int_equal(events[3].seq, 6);
    assert_int_equal(events[3].number, 6);
}

static void memory_for_what_waits_is_bounded(void **state)
{
    (void)state;
    store_fixture_close(&f);
    f.options.pending_bytes_max = 8 << 10;
    store_fixture_open(&f);
    AUTO(buf) reason = buf_growing(2000);
    struct err err = {0};
    struct record r = store_fixture_record(&f, 0, 1000, &reason);
    int taken = 0;
    while (store_record(f.store, &r, &err)) {
        taken++;
    }
    assert_int_equal(err.code, ERR_FULL);
    assert_true(taken >= 3 && taken <= 8);
    assert_int_equal(store_pending(f.store), taken);
    store_fixture_flush(&f);
    assert_int_equal(store_last_seq(f.store), taken);
    store_fixture_say(&f, &r);
}

static void a_record_without_room_leaves_the_room_to_others(void **state)
{
    (void)state;
    store_fixture_close(&f);
    f.options.pending_bytes_max = 8 << 10;
    store_fixture_open(&f);
    AUTO(buf) reason = buf_growing(10000);
    struct record large = store_fixture_record(&f, 0, 9000, &reason);
    struct err err = {0};
    for (int i = 0; i < 100; i++) {
        assert_false(store_record(f.store, &large, &err));
        assert_int_equal(err.code, ERR_FULL);
    }
    store_fixture_add(&f, 1, 1, 20);
    assert_int_equal(store_fixture_waiting(&f, NULL), 1);
}

static void what_can_never_be_written_is_refused_at_once(void **state)
{
    (void)state;
    static char text[LIMIT_EVENT_BYTES];
    memset(text, 'x', sizeof(text));
    struct err err = {0};
    struct record r = {.type = EVENT_DEVICE, .error_message = {text, sizeof(text)}};
    assert_false(store_record(f.store, &r, &err));
    assert_int_equal(err.code, ERR_INVALID);
    r.error_message.len = sizeof(text) - 200;
    memset(text, '"', sizeof(text)); /* twice as long as JSON */
    assert_false(store_record(f.store, &r, &err));
    assert_int_equal(err.code, ERR_INVALID);
    r.error_message.len = sizeof(text) / 2 - 200;
    store_fixture_say(&f, &r);
    store_fixture_add(&f, 1, 1, 20);
    assert_int_equal(store_last_seq(f.store), 2);
}

/* --- batches and acknowledgements --------------------------------------------------------- */

static void read_batch(int64_t from, int max_events, struct batch_header *header, struct buf *lines)
{
    struct err err = {0};
    buf_reset(lines);
    if (!store_read_batch(f.store, from, max_events, header, lines, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void a_batch_has_at_most_so_many_events(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 10, 20);
    AUTO(buf) lines = buf_growing(1 << 20);
    struct batch_header header;
    read_batch(3, 4, &header, &lines);
    assert_int_equal(header.first, 3);
    assert_int_equal(header.last, 6);
    read_batch(9, 4, &header, &lines);
    assert_int_equal(header.first, 9);
    assert_int_equal(header.last, 10);
    struct err err = {0};
    size_t len = lines.len;
    assert_false(store_read_batch(f.store, 11, 4, &header, &lines, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(lines.len, len);
}

static void a_batch_has_at_most_so_many_bytes(void **state)
{
    (void)state;
    enum { EACH = 60000 };
    store_fixture_add(&f, 0, 10, EACH);
    AUTO(buf) lines = buf_growing(1 << 20);
    struct batch_header header;
    read_batch(1, LIMIT_BATCH_EVENTS, &header, &lines);
    assert_true(lines.len <= LIMIT_BATCH_BYTES);
    assert_int_equal(header.last, 4);
    assert_int_equal(store_fixture_waiting(&f, NULL), 10);
}

static void lines_are_appended_to_what_is_there(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 1, 20);
    AUTO(buf) lines = buf_growing(1 << 20);
    buf_add(&lines, STR("before"));
    struct err err = {0};
    struct batch_header header;
    assert_true(store_read_batch(f.store, 1, 4, &header, &lines, &err));
    assert_true(str_starts(buf_str(&lines), STR("before{\"seq\":1,")));
    AUTO(buf) small = buf_growing(10);
    assert_false(store_read_batch(f.store, 1, 4, &header, &small, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
}

static void acknowledged_events_wait_no_more(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 10, 20);
    struct store_position all = store_fixture_position(&f);
    store_fixture_acknowledge(&f, 4);
    struct store_position at = store_fixture_position(&f);
    assert_int_equal(at.acked_seq, 4);
    assert_int_equal(store_acked_seq(f.store), 4);
    assert_int_equal(at.first_seq, 5);
    assert_int_equal(at.waiting_events, 6);
    assert_int_equal(at.waiting_bytes + at.history_bytes, all.waiting_bytes);
    assert_int_equal(store_fixture_waiting(&f, NULL), 6);

    store_fixture_acknowledge(&f, 3); /* an older word */
    assert_int_equal(store_acked_seq(f.store), 4);
    struct err err = {0};
    assert_false(store_acknowledge(f.store, 11, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(store_acked_seq(f.store), 4);

    store_fixture_acknowledge(&f, 10);
    at = store_fixture_position(&f);
    assert_int_equal(at.waiting_bytes, 0);
    assert_int_equal(at.first_seq, 11);
    assert_int_equal(at.history_bytes, all.waiting_bytes);
    AUTO(buf) lines = buf_growing(1 << 20); /* history is still there */
    struct batch_header header;
    read_batch(1, 100, &header, &lines);
    assert_int_equal(header.last, 10);
}

/* --- damage ------------------------------------------------------------------------------- */

static void garble(const char *path)
{
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    static const char garbage[4096] = "this is no database";
    assert_int_equal(fwrite(garbage, sizeof(garbage), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void a_damaged_file_is_moved_aside(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct store_fixture g;
    store_fixture_init(&g, temp_dir_path(&dir, "agent.db"), NULL);
    store_fixture_open(&g);
    store_fixture_add(&g, 0, 3, 20);
    char epoch[EPOCH_TEXT_SIZE];
    memcpy(epoch, store_epoch(g.store).ptr, sizeof(epoch));
    for (int n = 1; n <= 2; n++) {
        struct err damage = {0};
        struct err err = {0};
        char aside[32];
        store_fixture_close(&g);
        garble(g.options.path);
        assert_false(store_open(&g.store, &g.options, g.now, NULL, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
        assert_true(store_open(&g.store, &g.options, g.now, &damage, &err));
        assert_int_equal(damage.code, ERR_CORRUPT);
        assert_int_equal(store_last_seq(g.store), 0);
        assert_string_not_equal(store_epoch(g.store).ptr, epoch);
        (void)snprintf(aside, sizeof(aside), "agent.db.damaged-%d", n);
        assert_int_equal(access(temp_dir_path(&dir, aside), F_OK), 0);
    }
    store_fixture_close(&g);
}

static void another_programs_file_is_refused(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct store_fixture g;
    store_fixture_init(&g, temp_dir_path(&dir, "no/such/folder.db"), NULL);
    struct err damage = {0};
    struct err err = {0};
    assert_false(store_open(&g.store, &g.options, g.now, &damage, &err));
    assert_int_not_equal(err.code, ERR_NONE);
    assert_int_equal(damage.code, ERR_NONE);
}

/* --- what the device knows of itself ------------------------------------------------------ */

static void a_schedule_knows_its_last_tick(void **state)
{
    (void)state;
    struct err err = {0};
    struct wall_time last = {0};
    bool found = true;
    assert_true(store_last_tick(f.store, STR("nightly"), &last, &found, &err));
    assert_false(found);
    for (int64_t i = 1; i <= 2; i++) {
        struct record r = {.type = EVENT_TICK,
                           .at = f.now,
                           .kind = STR("schedule"),
                           .name = STR("nightly"),
                           .status = STR("started"),
                           .nominal = {i * 60 * NS_PER_SEC}};
        store_fixture_say(&f, &r);
    }
    store_fixture_flush(&f);
    store_fixture_reopen(&f);
    assert_true(store_last_tick(f.store, STR("nightly"), &last, &found, &err));
    assert_true(found);
    assert_int_equal(last.ns, 120 * NS_PER_SEC);
    assert_true(store_last_tick(f.store, STR("hourly"), &last, &found, &err));
    assert_false(found);
}

static void settings_are_kept(void **state)
{
    (void)state;
    struct err err = {0};
    bool found = true;
    AUTO(buf) value = buf_growing(100);
    assert_true(store_get_setting(f.store, STR("hash"), &value, &found, &err));
    assert_false(found);
    assert_true(store_set_setting(f.store, STR("hash"), STR("1"), &err));
    assert_true(store_set_setting(f.store, STR("hash"), STR("22"), &err));
    store_fixture_reopen(&f);
    assert_true(store_get_setting(f.store, STR("hash"), &value, &found, &err));
    assert_true(found);
    assert_string_equal(buf_cstr(&value), "22");
}

static void say_run(const char *run, enum event_type type)
{
    struct record r = {.type = type, .at = f.now, .run = str_from(run), .job = STR("nightly")};
    store_fixture_say(&f, &r);
}

/* Events and what they mean are one transaction: a projection that cannot be written takes its
 * event with it, and is said. */
static void an_event_without_its_meaning_is_not_recorded(void **state)
{
    (void)state;
    say_run("a", EVENT_RUN_ENQUEUED);
    say_run("a", EVENT_RUN_ENQUEUED); /* a program error: run ids are unique */
    struct err err = {0};
    assert_false(store_flush(f.store, f.now, &err));
    assert_true(str_contains(str_from(err.msg), STR("run_enqueued")));
    assert_int_equal(store_last_seq(f.store), 0);
    assert_int_equal(store_fixture_waiting(&f, NULL), 0);
    assert_int_equal(store_pending(f.store), 2);
}

static void every_statement_is_right(void **state)
{
    (void)state;
    struct db *db = NULL;
    struct err err = {0};
    const struct db_options options = {.path = "file::memory:",
                                       .flags = DB_URI,
                                       .migrations = agent_store_migrations,
                                       .migrations_count = AGENT_STORE_MIGRATIONS_COUNT,
                                       .sql = agent_store_sql,
                                       .sql_count = AGENT_STORE_SQL_COUNT};
    if (!db_open(&db, &options, &err)) {
        fail_msg("%s", err.msg);
    }
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_statement_is_right),
        cmocka_unit_test_setup_teardown(a_new_database_is_empty_and_has_an_epoch, begin, end),
        cmocka_unit_test_setup_teardown(records_become_events_when_they_are_flushed, begin, end),
        cmocka_unit_test_setup_teardown(reopening_goes_on_where_the_last_flush_ended, begin, end),
        cmocka_unit_test_setup_teardown(memory_for_what_waits_is_bounded, begin, end),
        cmocka_unit_test_setup_teardown(a_record_without_room_leaves_the_room_to_others, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_can_never_be_written_is_refused_at_once, begin, end),
        cmocka_unit_test_setup_teardown(a_batch_has_at_most_so_many_events, begin, end),
        cmocka_unit_test_setup_teardown(a_batch_has_at_most_so_many_bytes, begin, end),
        cmocka_unit_test_setup_teardown(lines_are_appended_to_what_is_there, begin, end),
        cmocka_unit_test_setup_teardown(acknowledged_events_wait_no_more, begin, end),
        cmocka_unit_test(a_damaged_file_is_moved_aside),
        cmocka_unit_test(another_programs_file_is_refused),
        cmocka_unit_test_setup_teardown(a_schedule_knows_its_last_tick, begin, end),
        cmocka_unit_test_setup_teardown(settings_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(an_event_without_its_meaning_is_not_recorded, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
