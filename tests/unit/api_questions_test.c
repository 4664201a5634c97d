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

/* --- schedules, folded ---------------------------------------------------------------------------- */

static const char schedules[] =
    "INSERT INTO named_text VALUES ('v0', '{\"starts_paused\":true}'), ('v1', '{\"x\":1}');"
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 239)"
    "INSERT INTO named_definition SELECT iif(i < 120, 'schedule', 'sensor'), 'n' || (i % 4),"
    " 'd' || (i / 4 % 30), iif(i % 11 = 0, '', 'v' || (i % 7 % 2)), i % 5 FROM n;"
    "INSERT INTO instigator SELECT device, kind, name, CASE rowid_ % 3 WHEN 0 THEN 'paused'"
    " WHEN 1 THEN 'running' END, NULL, 1, 1, 'e', 1, NULL FROM (SELECT *, row_number() OVER () AS "
    "rowid_"
    " FROM named_definition) WHERE rowid_ % 4 = 0;"
    "INSERT INTO tick SELECT device, kind, name, iif(rowid_ % 2, 'failed', 'started'), NULL, "
    "rowid_,"
    " NULL, NULL, 1, 'e', 1, rowid_, 1 FROM (SELECT *, row_number() OVER () AS rowid_"
    " FROM named_definition) WHERE rowid_ % 5 < 3;"
    "INSERT INTO desired_device SELECT 'd' || value, 2, 'h', CASE value % 3 WHEN 0 THEN"
    " '{\"pauses\":{\"schedules\":[\"n1\",\"n2\"]}}' WHEN 1 THEN "
    "'{\"pauses\":{\"schedules\":[\"*\"]}}'"
    " ELSE '{}' END, 'h', '', NULL, 1, 1 FROM json_each('[1,3,4,7,8,9,12]');"
    "INSERT INTO device_desired SELECT device, 2, 'applied', NULL, iif(device = 'd3', 1, 2), 'h', "
    "1,"
    " 1, 'e', 1 FROM desired_device";

static const char plain_folded[] =
    "SELECT n.name, n.version, x.body, count(*), min(n.device), max(n.device), max(n.assets),"
    " sum(EXISTS (SELECT 1 FROM desired_device w JOIN device_desired t ON t.device = w.device"
    "   AND t.applied = w.revision, json_each(w.body, '$.pauses.' || :kind || 's') p"
    "   WHERE w.device = n.device AND p.value IN (n.name, '*'))"
    "  OR coalesce(i.status, iif(json_extract(x.body, '$.starts_paused'), 'paused', 'running'))"
    "   = 'paused'),"
    " max(k.at_ms), sum(k.ticks), sum(k.started), sum(k.status = 'failed')"
    " FROM named_definition n LEFT JOIN named_text x ON x.version = n.version"
    " LEFT JOIN instigator i ON i.device = n.device AND i.kind = n.kind AND i.name = n.name"
    " LEFT JOIN tick k ON k.device = n.device AND k.kind = n.kind AND k.name = n.name"
    " WHERE n.kind = :kind AND (n.name, n.version) > (:after, :after2)"
    " AND (:name IS NULL OR n.name = :name)"
    " GROUP BY n.name, n.version ORDER BY n.name, n.version LIMIT :limit";

static void folded_schedules_say_how_many_are_paused(void **state)
{
    (void)state;
    struct buf question;
    read_question("hub/api/sql/folded_instigators.sql", &question);
    assert_true(db_exec(store, schedules, &err));
    static const struct {
        const char *kind, *name, *after, *after2;
    } cases[] = {{"schedule", NULL, "", ""},
                 {"sensor", NULL, "", ""},
                 {"schedule", "n2", "", ""},
                 {"schedule", NULL, "n1", "v0"}};
    for (size_t i = 0; i < COUNT_OF(cases) * 2; i++) {
        AUTO(buf) expected = buf_growing(1 << 16);
        AUTO(buf) found = buf_growing(1 << 16);
        const struct value values[] = {
            {.name = ":kind", .text = cases[i / 2].kind},
            {.name = ":name", .text = cases[i / 2].name},
            {.name = ":after", .text = cases[i / 2].after},
            {.name = ":after2", .text = cases[i / 2].after2},
            {.name = ":limit", .is_number = true, .number = i % 2 == 0 ? 2 : 100}};
        assert_true(ask(str_from(plain_folded), values, 5, COLUMNS_MAX, &expected, NULL) > 0);
        (void)ask(buf_str(&question), values, 5, COLUMNS_MAX, &found, NULL);
        assert_string_equal(buf_cstr(&found), buf_cstr(&expected));
    }
    buf_release(&question);
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
        T(folded_schedules_say_how_many_are_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
