/* api_questions_test.c - questions of hub/api/sql that find their rows by a detour answer as the plain ones do. */
#include "common/platform/files.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"

enum { SQL_BYTES_MAX = 64 << 10, COLUMNS_MAX = 12 };

static struct db *store;
static struct err err;

struct value { /* of a parameter; NULL where it has neither */
    const char *name, *text;
    bool is_number;
    int64_t number;
};

static void bind(struct db_query *q, const struct value *v)
{
    if (v->is_number) {
        db_bind_i64(q, v->name, v->number);
    } else if (v->text == NULL) {
        db_bind_opt(q, v->name, STR_NONE);
    } else {
        db_bind_str(q, v->name, str_from(v->text));
    }
}

/* All rows as text; of the last row what the next page begins behind. How many there were. */
static int64_t ask(struct str sql, const struct value *values, size_t count, int columns,
                   struct buf *out, int64_t *ret_last)
{
    struct db_query q;
    bool ok = true;
    int64_t rows = 0;
    assert_true(db_prepare(store, sql, &q, &err));
    for (size_t i = 0; i < count; i++) {
        bind(&q, &values[i]);
    }
    for (; db_each(&q, &ok, &err); rows++) {
        for (int i = 0; i < columns; i++) {
            buf_addf(out, STR_FMT "|", STR_ARG(db_col_str(&q, i)));
        }
        buf_add_text(out, "\n");
        for (int i = 0; ret_last != NULL && i < 3; i++) {
            ret_last[i] = db_col_i64(&q, (const int[]){4, 7, 8}[i]);
        }
    }
    if (!ok) {
        fail_msg("%s", err.msg);
    }
    db_finish(&q);
    return rows;
}

static void read_question(const char *path, struct buf *ret)
{
    *ret = buf_growing(SQL_BYTES_MAX);
    assert_true(files_read(path, ret, &err));
}

/* --- evaluations of checks ----------------------------------------------------------------------- */

/* One of nine databases says a third of all; times are often the same. */
static const char evaluations[] =
    "INSERT INTO stream SELECT value, 'd' || (value % 5), printf('%016x', value), value, 1000, 1"
    " FROM json_each('[1,2,3,4,5,6,7,8,9]');"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
    "INSERT INTO check_history SELECT iif(i % 3 = 0, 1, 1 + i * 7 % 9), i, 'a' || (i % 2),"
    " 'c' || (i % 3), i * i * 31 % 97, i % 4 > 0, 'error', 'r' || i FROM n;"
    "INSERT INTO event (stream_id, seq, type, at_ms, received_ms, body)"
    " SELECT stream_id, seq, 'x', 1, 1, '{\"metadata\":{\"n\":' || seq || '}}'"
    " FROM check_history WHERE seq % 2 = 0";

static const char plain_history[] =
    "SELECT s.device, c.name, c.passed, c.severity, c.at_ms, c.run, json_extract(e.body, "
    "'$.metadata'),"
    " c.stream_id, c.seq FROM check_history c JOIN stream s ON s.id = c.stream_id"
    " LEFT JOIN event e ON e.stream_id = c.stream_id AND e.seq = c.seq"
    " WHERE c.asset = :asset AND (:device IS NULL OR s.device = :device)"
    " AND (:name IS NULL OR c.name = :name)"
    " ORDER BY c.at_ms DESC, c.stream_id DESC, c.seq DESC";

static int64_t expect_history(struct str question, const char *device, const char *name,
                              int64_t limit)
{
    AUTO(buf) expected = buf_growing(1 << 20);
    AUTO(buf) found = buf_growing(1 << 20);
    int64_t last[3] = {INT64_MAX, INT64_MAX, INT64_MAX};
    struct value values[] = {
        {.name = ":asset", .text = "a1"},       {.name = ":device", .text = device},
        {.name = ":name", .text = name},        {.name = ":at", .is_number = true},
        {.name = ":stream", .is_number = true}, {.name = ":seq", .is_number = true},
        {.name = ":limit", .is_number = true}};
    int64_t rows = ask(str_from(plain_history), values, 3, 9, &expected, NULL);
    values[6].number = limit;
    do {
        for (int i = 0; i < 3; i++) {
            values[3 + i].number = last[i];
        }
    } while (ask(question, values, COUNT_OF(values), 9, &found, last) == limit);
    assert_string_equal(buf_cstr(&found), buf_cstr(&expected));
    return rows;
}

static void the_history_of_checks_is_that_of_all_databases(void **state)
{
    (void)state;
    static const char *const devices[] = {NULL, "d1", "nobody"};
    static const char *const names[] = {NULL, "c2"};
    static const int64_t limits[] = {1, 3, 10, 1000};
    struct buf question;
    int64_t rows = 0;
    read_question("hub/api/sql/check_history.sql", &question);
    assert_true(db_exec(store, evaluations, &err));
    for (size_t i = 0; i < COUNT_OF(devices) * COUNT_OF(names) * COUNT_OF(limits); i++) {
        rows += expect_history(buf_str(&question), devices[i % 3], names[i / 3 % 2], limits[i / 6]);
    }
    assert_true(rows > 800);
    buf_release(&question);
}

/* --- why an asset is stale ------------------------------------------------------------------------ */

/* Of two devices; every asset that another is made from differs in something: external or not, with a
 * version of its code or without, made or seen last, known at all or not. */
static const char made_from[] =
    "INSERT INTO stream VALUES (1, 'd1', '00000000000000e1', 1, 90, 1),"
    " (2, 'd2', '00000000000000e2', 2, 90, 1), (3, 'd1', '00000000000000e0', 0, 90, 1);"
    "INSERT INTO definitions VALUES ('d1', 'h', 1, 1, '00000000000000e1', 7),"
    " ('d2', 'h', 1, 2, '00000000000000e2', 7);"
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39)"
    "INSERT INTO asset_definition (device, asset, code_version, is_external)"
    " SELECT 'd' || (1 + i % 2), 'a' || (i / 2), iif(i / 2 % 3 = 0, NULL, iif(i / 2 % 3 = 1, '', "
    "'1')),"
    " i / 2 % 5 = 0 FROM n WHERE i / 2 <> 7;"
    "INSERT INTO edge SELECT device, 'a1', asset FROM asset_definition;"
    "INSERT INTO edge VALUES ('d1', 'a1', 'a7'), ('d1', 'a1', 'nowhere');"
    "INSERT INTO asset_history SELECT iif(device = 'd1', 1, 2), asset, 3, 7, 'v' || asset"
    " FROM asset_definition WHERE asset <> 'a4';"
    "INSERT INTO asset_history SELECT 3, asset, 3, 7, 'other' FROM asset_definition"
    " WHERE device = 'd1';"
    "INSERT INTO asset_state (device, asset, at_ms, data_version, stream_id, stream_ms, epoch, seq)"
    " SELECT device, asset, 1000 + rowid_, 'dv' || rowid_, iif(device = 'd1', 1, 2), 1, 'e', rowid_"
    " FROM (SELECT *, row_number() OVER () AS rowid_ FROM asset_definition) WHERE rowid_ % 7 > 0;"
    "INSERT INTO event (stream_id, seq, type, at_ms, received_ms, body)"
    " SELECT stream_id, seq, 'asset_materialization', 1, 1, '{\"n\":' || seq || '}' FROM "
    "asset_state"
    " WHERE seq % 4 > 0;"
    "INSERT INTO asset_observed SELECT device, asset, 2000, 'seen', 1, 'e', 20 FROM "
    "asset_definition"
    " WHERE asset IN ('a0', 'a1', 'a5', 'a10', 'a12')";

static const char plain_why[] =
    "SELECT w.asset, n.code_version, coalesce(n.is_external, 0), h.version, a.at_ms, "
    "a.data_version,"
    " CASE WHEN w.asset = :asset OR (coalesce(n.code_version, '') = '' AND"
    "   coalesce(n.is_external, 0) = 0) THEN e.body END,"
    " CASE WHEN n.is_external THEN o.at_ms END, CASE WHEN n.is_external THEN o.data_version END,"
    " CASE WHEN a.seq IS NULL THEN 1 WHEN n.is_external THEN"
    "   (o.stream_ms, o.epoch, o.seq) > (a.stream_ms, a.epoch, a.seq) END"
    " FROM (SELECT :asset AS asset UNION SELECT upstream FROM edge WHERE device = :device"
    "   AND downstream = :asset) w"
    " LEFT JOIN asset_definition n ON n.device = :device AND n.asset = w.asset"
    " LEFT JOIN asset_history h ON h.stream_id = :stream AND h.asset = w.asset AND h.last_seq = "
    ":seq"
    " LEFT JOIN asset_state a ON a.device = :device AND a.asset = w.asset"
    " LEFT JOIN event e ON e.stream_id = a.stream_id AND e.seq = a.seq"
    " LEFT JOIN asset_observed o ON o.device = :device AND o.asset = w.asset ORDER BY w.asset";

static void what_an_asset_is_made_from_is_told_with_all_that_matters(void **state)
{
    (void)state;
    AUTO(buf) sorted = buf_growing(SQL_BYTES_MAX);
    struct buf question;
    int64_t rows = 0;
    read_question("hub/api/sql/why_assets.sql", &question);
    buf_addf(&sorted, "SELECT * FROM (%s) ORDER BY asset", buf_cstr(&question));
    assert_true(db_exec(store, made_from, &err));
    for (int64_t i = 1; i <= 2; i++) {
        AUTO(buf) expected = buf_growing(1 << 16);
        AUTO(buf) found = buf_growing(1 << 16);
        const struct value values[] = {{.name = ":asset", .text = "a1"},
                                       {.name = ":device", .text = i == 1 ? "d1" : "d2"},
                                       {.name = ":stream", .is_number = true, .number = i},
                                       {.name = ":seq", .is_number = true, .number = 7}};
        rows += ask(str_from(plain_why), values, COUNT_OF(values), 10, &expected, NULL);
        (void)ask(buf_str(&sorted), values, COUNT_OF(values), 10, &found, NULL);
        assert_string_equal(buf_cstr(&found), buf_cstr(&expected));
    }
    assert_int_equal(rows, 40);
    buf_release(&question);
}

/* --- the fleet at a glance ------------------------------------------------------------------------ */

static const char a_fleet[] =
    "INSERT INTO stream VALUES (1, 'd1', '00000000000000e1', 1, 90, 1),"
    " (2, 'd1', '00000000000000e2', 2, 40, 1), (3, 'd2', '00000000000000e1', 0, 70, 1),"
    " (4, 'nobody', '00000000000000e1', 0, 70, 1);"
    "INSERT INTO device (id, status, status_ms, enrolled_ms, cert_serial, cert_fingerprint,"
    " key_fingerprint, not_after_ms) SELECT value, 'enrolled', 1, 1, value, value, value, 9"
    " FROM json_each('[\"d1\",\"d2\",\"d3\"]');"
    "INSERT INTO connection (device, is_online, since_ms, last_seen_ms, epoch, last_seq) VALUES"
    " ('d1', 1, 1, 1, '00000000000000e2', 50), ('d2', 0, 1, 1, '00000000000000e1', 60),"
    " ('d3', 1, 1, 1, '00000000000000e1', 5)";

static void devices_are_counted_once_and_waiting_events_of_the_present_database(void **state)
{
    (void)state;
    static const char *const paths[] = {"hub/api/sql/devices_known.sql",
                                        "hub/api/sql/overview.sql"};
    AUTO(buf) found = buf_growing(1 << 16);
    const struct value recent = {.name = ":recent", .text = ""};
    assert_true(db_exec(store, a_fleet, &err));
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct buf question;
        read_question(paths[i], &question);
        assert_int_equal(ask(buf_str(&question), &recent, i, i == 0 ? 1 : 9, &found, NULL), 1);
        buf_release(&question);
    }
    assert_string_equal(buf_cstr(&found), "4|\n2|0|1|0|0|0|0|0|10|\n");
}

static int begin(void **state)
{
    (void)state;
    err = (struct err){0};
    store = world_store();
    return 0;
}

static int end(void **state)
{
    (void)state;
    db_close(store);
    return 0;
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_history_of_checks_is_that_of_all_databases),
        T(what_an_asset_is_made_from_is_told_with_all_that_matters),
        T(devices_are_counted_once_and_waiting_events_of_the_present_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
