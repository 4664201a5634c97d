/* command_orders_test.c - commands as they stand in hub.db: given in signed parts, taken from a file,
 * withdrawn, shown with what devices answered; and the keys that devices trust. */
#include "common/db/db.h"
#include "common/wire/signed.h"
#include "hub/command/keyring.h"
#include "hub/command/orders.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>

enum { DEVICES = 40 };

static struct temp_dir dir;
static char path[256];
static struct orders *orders;
static struct db *db;
static struct rng rng;
static struct buf key, public, other, other_public;
static struct str names[DEVICES];
static char name_texts[DEVICES][16];
static struct err err;
static const struct wall_time now = {INT64_C(1795000000000) * NS_PER_MS};

static void check(bool ok)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err.code), err.msg);
    }
}

static void make_key(struct buf *private, struct buf *its_public)
{
    *private = buf_growing(64 << 10);
    *its_public = buf_growing(64 << 10);
    check(identity_make_key(&rng, private, &err) &&
          identity_public_key(&rng, buf_str(private), its_public, &err));
}

static int begin(void **state)
{
    (void)state;
    err = (struct err){0};
    rng = rng_system();
    dir = temp_dir_new();
    (void)snprintf(path, sizeof(path), "%s/hub.db", dir.path);
    check(hub_store_open(&db, &(struct hub_store_options){.path = path}, &err));
    check(orders_open(&orders, path, &err));
    make_key(&key, &public);
    make_key(&other, &other_public);
    for (int i = 0; i < DEVICES; i++) {
        (void)snprintf(name_texts[i], sizeof(name_texts[i]), "device-%02d", i);
        names[i] = str_from(name_texts[i]);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    orders_close(orders);
    db_close(db);
    buf_release(&key);
    buf_release(&public);
    buf_release(&other);
    buf_release(&other_public);
    temp_dir_release(&dir);
    return 0;
}

static struct order ping(size_t devices)
{
    return (struct order){.fleet = STR("main"),
                          .targets = STR("*"),
                          .devices = names,
                          .device_count = devices,
                          .verb = STR("ping"),
                          .args = STR("{}"),
                          .life_ns = 3600 * NS_PER_SEC};
}

static int64_t number(const char *sql)
{
    int64_t value = 0;
    bool found = false;
    check(db_scalar_i64(db, sql, &value, &found, &err));
    assert_true(found);
    return value;
}

/* --- giving ----------------------------------------------------------------------------------- */

static struct order_given give(size_t devices)
{
    struct order order = ping(devices);
    struct order_given given;
    check(orders_give(orders, &rng, buf_str(&key), &order, now, &given, &err));
    return given;
}

static void each_device_is_named_in_one_signed_message(void **state)
{
    (void)state;
    struct order_given given = give(DEVICES);
    assert_int_equal(given.devices, DEVICES);
    assert_int_equal(given.expires.ns, now.ns + 3600 * NS_PER_SEC);
    assert_int_equal(number("SELECT count(*) FROM command_message"), 3); /* 16 + 16 + 8 */
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    struct db_query q;
    check(db_prepare(db,
                     STR("SELECT d.device, m.message FROM command_device d JOIN command_message m "
                         "ON m.command = d.command AND m.part = d.part"),
                     &q, &err));
    int count = 0;
    for (bool row = true; row; count++) {
        check(db_next(&q, &row, &err));
        if (!row) {
            break;
        }
        struct str body;
        struct command c;
        char id[KEY_ID_SIZE];
        arena_reset(&arena);
        check(signed_open(db_col_str(&q, 1), buf_str(&public), &body, id, &err) &&
              command_decode(body, &arena, &c, &err));
        assert_true(command_is_for(&c, db_col_str(&q, 0)));
        assert_true(str_eq(c.id, str_from(given.id)));
        assert_in_range(c.to_count, 1, ORDER_PART_DEVICES);
    }
    db_finish(&q);
    assert_int_equal(count, DEVICES);
}

static void counters_rise_also_when_the_clock_does_not(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        (void)give(1);
    }
    assert_int_equal(number("SELECT count(DISTINCT counter) FROM command"), 5);
    assert_int_equal(number("SELECT min(counter) FROM command"), now.ns / NS_PER_MS);
    assert_int_equal(number("SELECT max(counter) FROM command"), now.ns / NS_PER_MS + 4);
}

static void what_a_device_would_refuse_is_refused_here(void **state)
{
    (void)state;
    struct order_given given;
    struct order order = ping(1);
    order.verb = STR("materialize");
    assert_false(orders_give(orders, &rng, buf_str(&key), &order, now, &given, &err));
    assert_int_equal(err.code, ERR_INVALID);
    order.args = STR("{\"selection\":\"a\",\"colour\":1}");
    assert_false(orders_give(orders, &rng, buf_str(&key), &order, now, &given, &err));
    order.verb = STR("dance");
    assert_false(orders_give(orders, &rng, buf_str(&key), &order, now, &given, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    order = ping(0);
    assert_false(orders_give(orders, &rng, buf_str(&key), &order, now, &given, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(number("SELECT count(*) FROM command"), 0);
}

static void there_is_an_end_to_open_commands(void **state)
{
    (void)state;
    struct order order = ping(1);
    struct order_given given;
    (void)give(1);
    check(db_exec(db,
                  "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
                  "INSERT INTO "
                  "command (id, verb, targets, key, counter, issued_ms, expires_ms, given_ms, "
                  "devices, at_once, "
                  "patience_ms, abort_failed, abort_percent, is_open) SELECT 'x' || i, 'ping', "
                  "'*', 'k', i, 1, 2, "
                  "1, 1, 0, 0, 0, 0, 1 FROM n",
                  &err));
    assert_false(orders_give(orders, &rng, buf_str(&key), &order, now, &given, &err));
    assert_int_equal(err.code, ERR_FULL);
}

static void who_reads_output_leaves_room_for_others(void **state)
{
    (void)state;
    struct order logs = ping(1);
    struct order_given given;
    logs.verb = STR("logs");
    logs.args = STR("{\"run\":\"r\",\"step\":\"s\"}");
    check(orders_give(orders, &rng, buf_str(&key), &logs, now, &given, &err));
    check(db_exec(db,
                  "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
                  "INSERT INTO "
                  "command (id, verb, targets, key, counter, issued_ms, expires_ms, given_ms, "
                  "devices, at_once, "
                  "patience_ms, abort_failed, abort_percent, is_open) SELECT 'x' || i, 'logs', "
                  "'*', 'k', i, 1, 2, "
                  "1, 1, 0, 0, 0, 0, 1 FROM n",
                  &err));
    assert_false(orders_give(orders, &rng, buf_str(&key), &logs, now, &given, &err));
    assert_int_equal(err.code, ERR_FULL);
    (void)give(1);
}

/* --- from a file ------------------------------------------------------------------------------ */

static struct buf sign(const char *to, int64_t counter, const char *id, struct buf *with)
{
    char body[1024];
    struct buf message = buf_growing(64 << 10);
    (void)snprintf(body, sizeof(body),
                   "{\"kind\":\"command\",\"v\":1,\"fleet\":\"main\",\"to\":[\"%s\"],\"id\":\"%s\","
                   "\"counter\":%lld,"
                   "\"issued_at\":\"2026-11-18T00:00:00Z\",\"expires_at\":\"2027-11-18T00:00:00Z\","
                   "\"verb\":\"ping\"}",
                   to, id, (long long)counter);
    check(signed_make(&rng, buf_str(with), str_from(body), &message, &err));
    return message;
}

static bool take(struct buf message, size_t devices)
{
    struct order order = ping(devices);
    struct order_given given;
    bool ok = orders_take(orders, buf_str(&message), buf_str(&public), &order, now, &given, &err);
    buf_release(&message);
    return ok;
}

static void what_was_signed_elsewhere_is_checked(void **state)
{
    (void)state;
    static const char id[] = "01a20425-dd00-753f-8b4a-fd392505ef1c";
    static const char id2[] = "01a20425-dd00-753f-8b4a-fd392505ef1d";
    assert_false(take(sign("device-00", 1, id, &other), 1));
    assert_int_equal(err.code, ERR_DENIED);
    assert_false(take(sign("device-07", 1, id, &key), 1)); /* does not name device-00 */
    assert_int_equal(err.code, ERR_INVALID);
    check(take(sign("device-00", 1, id, &key), 1));
    assert_false(take(sign("device-00", 2, id, &key), 1));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_false(take(sign("device-00", 1, id2, &key), 1)); /* the same counter */
    assert_int_equal(err.code, ERR_EXISTS);
    check(take(sign("*", 2, id2, &key), DEVICES));
    struct buf broken = sign("device-00", 3, "01a20425-dd00-753f-8b4a-fd392505ef1e", &key);
    broken.ptr[broken.len - 3] ^= 1;
    assert_false(take(broken, 1));
    assert_int_equal(err.code, ERR_DENIED);
}

/* --- what became of it ------------------------------------------------------------------------ */

struct seen {
    int64_t of[FATE_COUNT];
    struct wall_time at;
    struct str id;
};

static void see_device(void *ctx, const struct order_device *device)
{
    struct seen *s = ctx;
    s->of[device->fate]++;
}

static void see_fate(void *ctx, const struct order_fate_count *row)
{
    struct seen *s = ctx;
    s->of[row->fate] += row->devices;
}

/* Counted one by one and all together it comes to the same. */
static void see_order(void *ctx, const struct order_view *order)
{
    struct seen *s = ctx;
    struct seen counted = {0};
    check(orders_each_device(orders, order, s->at, see_device, s, &err));
    check(orders_each_fate(orders, order, s->at, see_fate, &counted, &err));
    assert_memory_equal(counted.of, s->of, sizeof(counted.of));
}

static struct seen look(const char *id, struct wall_time at)
{
    struct seen s = {.at = at, .id = str_from(id)};
    check(orders_each(orders, s.id, 1, see_order, &s, &err));
    return s;
}

static void answer(const char *id, const char *device, const char *status)
{
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO command_answer (command, device, is_taken, status, at_ms, "
                   "stream_ms, epoch, seq) VALUES "
                   "('%s', '%s', 1, '%s', 1, 1, 'e', 1)",
                   id, device, status);
    check(db_exec(db, sql, &err));
}

static void fates_are_what_devices_said_and_what_was_sent(void **state)
{
    (void)state;
    struct order_given given = give(8);
    const struct wall_time late = {given.expires.ns + 1};
    answer(given.id, "device-00", "received");
    answer(given.id, "device-01", "started");
    answer(given.id, "device-02", "succeeded");
    answer(given.id, "device-03", "failed");
    answer(given.id, "device-04", "refused");
    answer(given.id, "device-05", "of a newer agent");
    check(db_exec(db, "UPDATE command_device SET sent = 1 WHERE device = 'device-06'", &err));
    struct seen s = look(given.id, now);
    assert_int_equal(s.of[FATE_RECEIVED], 1);
    assert_int_equal(s.of[FATE_STARTED], 1);
    assert_int_equal(s.of[FATE_SUCCEEDED], 1);
    assert_int_equal(s.of[FATE_FAILED], 1);
    assert_int_equal(s.of[FATE_REFUSED], 1);
    assert_int_equal(s.of[FATE_SENT], 1);
    assert_int_equal(s.of[FATE_WAITING], 2);
    s = look(given.id, late);
    assert_int_equal(s.of[FATE_EXPIRED], 3);
    assert_int_equal(s.of[FATE_STARTED], 1); /* it was begun in time */
    check(db_exec(db,
                  "UPDATE command_device SET turn = 'overdue' WHERE device IN ('device-01', "
                  "'device-02', 'device-07')",
                  &err));
    s = look(given.id, now);
    assert_int_equal(s.of[FATE_OVERDUE], 2);
    assert_int_equal(s.of[FATE_SUCCEEDED], 1); /* late, and done all the same */
    int64_t unsent = 0;
    check(orders_withdraw(orders, str_from(given.id), STR_NONE, now, &unsent, &err));
    assert_int_equal(unsent, 7); /* of those that may still be sent to */
    s = look(given.id, now);
    assert_int_equal(s.of[FATE_WITHDRAWN], 2);
    assert_int_equal(s.of[FATE_RECEIVED], 1);
    assert_false(orders_withdraw(orders, str_from(given.id), STR_NONE, now, &unsent, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void ids_are_found_by_their_beginning(void **state)
{
    (void)state;
    char id[UUID_TEXT_SIZE];
    struct order_given first = give(1);
    check(orders_find(orders, STR("01"), id, &err));
    assert_string_equal(id, first.id);
    struct order_given second = give(1);
    assert_false(orders_find(orders, STR("01"), id, &err));
    assert_int_equal(err.code, ERR_INVALID);
    check(orders_find(orders, str_from(second.id), id, &err));
    assert_string_equal(id, second.id);
    assert_false(orders_find(orders, STR("ff"), id, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void only_the_last_keys_wait(void **state)
{
    (void)state;
    (void)give(2);
    check(orders_withdraw_verb(orders, STR("ping"), STR("another"), now, &err));
    assert_int_equal(number("SELECT count(*) FROM command WHERE is_open = 1"), 0);
    assert_int_equal(number("SELECT count(*) FROM command WHERE withdrawn_why = 'another'"), 1);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void keys_are_added_and_removed(void **state)
{
    (void)state;
    char id[KEY_ID_SIZE];
    AUTO(buf) both = buf_growing(64 << 10);
    AUTO(buf) one = buf_growing(64 << 10);
    AUTO(buf) none = buf_growing(64 << 10);
    check(
        keyring_add(&rng, buf_str(&public), buf_str(&other), &both, id, &err)); /* a private one */
    assert_false(str_contains(buf_str(&both), STR("PRIVATE")));
    check(signed_check_keys(buf_str(&both), &err));
    assert_true(signed_has_key(buf_str(&both), str_from(id)));
    assert_false(keyring_add(&rng, buf_str(&both), buf_str(&other_public), &none, id, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    check(keyring_remove(buf_str(&both), str_from(id), &one, &err));
    assert_true(str_eq(str_trim(buf_str(&one)), str_trim(buf_str(&public))));
    assert_false(keyring_remove(buf_str(&one), str_from(id), &none, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    check(identity_key_id(buf_str(&public), id, &err));
    buf_reset(&none);
    assert_false(keyring_remove(buf_str(&one), str_from(id), &none, &err)); /* the last */
    assert_int_equal(err.code, ERR_INVALID);
}

static void what_is_no_set_of_keys_is_refused(void **state)
{
    (void)state;
    AUTO(buf) many = buf_growing(64 << 10);
    for (int i = 0; i < SIGNED_KEYS_MAX + 1; i++) {
        struct buf private;
        struct buf more;
        make_key(&private, &more);
        buf_add(&many, buf_str(&more));
        buf_release(&private);
        buf_release(&more);
    }
    assert_false(signed_check_keys(buf_str(&many), &err));
    assert_int_equal(err.code, ERR_FULL);
    AUTO(buf) twice = buf_growing(64 << 10);
    buf_add(&twice, buf_str(&public));
    buf_add(&twice, buf_str(&public));
    assert_false(signed_check_keys(buf_str(&twice), &err));
    assert_false(signed_check_keys(STR(""), &err));
    assert_false(signed_check_keys(STR("hello"), &err));
    buf_reset(&twice);
    buf_add(&twice, buf_str(&public));
    buf_add(&twice, STR("and more"));
    assert_false(signed_check_keys(buf_str(&twice), &err));
}

static void note_order(void *ctx, const struct order_view *order)
{
    struct buf *ids = ctx;
    buf_addf(ids, "%lld ", (long long)order->number);
}

static void commands_of_a_device_are_found(void **state)
{
    (void)state;
    AUTO(buf) found = buf_growing(1024);
    (void)give(1);
    (void)give(3);
    (void)give(2);
    struct order_filter filter = {.before = INT64_MAX, .device = names[1], .limit = 10};
    check(orders_each_of(orders, &filter, note_order, &found, &err));
    assert_true(str_eq(buf_str(&found), STR("3 2 ")));
    buf_reset(&found);
    filter.before = 3;
    check(orders_each_of(orders, &filter, note_order, &found, &err));
    assert_true(str_eq(buf_str(&found), STR("2 ")));
    buf_reset(&found);
    filter = (struct order_filter){.before = INT64_MAX, .verb = STR("describe"), .limit = 10};
    check(orders_each_of(orders, &filter, note_order, &found, &err));
    assert_int_equal(found.len, 0);
    filter.verb = STR("ping");
    filter.limit = 2;
    check(orders_each_of(orders, &filter, note_order, &found, &err));
    assert_true(str_eq(buf_str(&found), STR("3 2 ")));
}

static void fetched_output_is_forgotten_after_a_day(void **state)
{
    (void)state;
    struct order logs = ping(1);
    struct order_given given;
    logs.verb = STR("logs");
    logs.args = STR("{\"run\":\"r\",\"step\":\"s\"}");
    check(orders_give(orders, &rng, buf_str(&key), &logs, now, &given, &err));
    (void)give(1);
    check(db_exec(db, "UPDATE command SET is_open = 0", &err));
    (void)give(1);
    assert_int_equal(number("SELECT count(*) FROM command"), 3);
    const struct wall_time next = {now.ns + 25 * 3600 * NS_PER_SEC};
    struct order order = ping(1);
    check(orders_give(orders, &rng, buf_str(&key), &order, next, &given, &err));
    assert_int_equal(number("SELECT count(*) FROM command WHERE verb = 'logs'"), 0);
    assert_int_equal(number("SELECT count(*) FROM command"), 3);
}

static void when_to_stop_is_read(void **state)
{
    (void)state;
    struct order_pace pace = {0};
    check(order_abort_parse(STR(" failed > 3 "), &pace, &err));
    assert_int_equal(pace.abort_failed, 3);
    check(order_abort_parse(STR("failed>2%"), &pace, &err));
    assert_int_equal(pace.abort_percent, 2);
    assert_int_equal(pace.abort_failed, 0);
    static const char *const wrong[] = {
        "", "failed", "failed > ", "failed > 0", "failed > 100%", "failed < 3", "away > 3"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(order_abort_parse(str_from(wrong[i]), &pace, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_device_is_named_in_one_signed_message),
        T(counters_rise_also_when_the_clock_does_not),
        T(what_a_device_would_refuse_is_refused_here),
        T(there_is_an_end_to_open_commands),
        T(who_reads_output_leaves_room_for_others),
        T(what_was_signed_elsewhere_is_checked),
        T(fates_are_what_devices_said_and_what_was_sent),
        T(ids_are_found_by_their_beginning),
        T(commands_of_a_device_are_found),
        T(when_to_stop_is_read),
        T(fetched_output_is_forgotten_after_a_day),
        T(only_the_last_keys_wait),
        T(keys_are_added_and_removed),
        T(what_is_no_set_of_keys_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
