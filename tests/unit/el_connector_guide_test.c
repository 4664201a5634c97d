/* el_connector_guide_test.c - the tap of docs/how-to/write-a-connector.md, built from the page, loads. */
#include "agent/el/connectors.h"
#include "agent/el/extract_load.h"
#include "common/db/db.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>

extern const struct tap_ops tap_onewire; /* of the page */

enum { ARENA_BYTES = 16 << 20 };

static void put(struct temp_dir *dir, const char *name, const char *content)
{
    struct err err = {0};
    char sensor[128];
    char file[160];
    (void)snprintf(sensor, sizeof(sensor), "%s/%s", dir->path, name);
    (void)snprintf(file, sizeof(file), "%s/temperature", sensor);
    assert_true(files_make_dirs(sensor, 0755, &err));
    assert_true(files_write(file, str_from(content), 0644, &err));
}

/* A load of it as a step would ask for it: the tap's row in connectors.c is what the page adds. */
static bool load(struct temp_dir *dir, struct arena *arena, const char *more,
                 struct materialization *ret, struct err *err)
{
    char step[600];
    struct request request;
    struct report report;
    struct problems problems = {.arena = arena};
    struct json *tap = NULL;
    (void)snprintf(
        step, sizeof(step),
        "{\"kind\":\"extract_load\",\"asset\":\"a\",\"tap\":{\"type\":\"csv\",\"path\":\"x\"},"
        "\"target\":{\"type\":\"sqlite\",\"path\":\"%s/shop.db\",\"mode\":\"append\"}}",
        dir->path);
    assert_true(request_parse(str_from(step), arena, &request, err));
    (void)snprintf(step, sizeof(step), "{\"type\":\"onewire\",\"path\":\"%s\"%s}", dir->path, more);
    assert_true(json_parse(str_from(step), sizeof(step), arena, &tap, err));
    void *options = arena_alloc(arena, tap_onewire.options->size);
    assert_true(fields_read(tap, tap_onewire.options, STR("tap"), arena, &problems, options));
    request.tap = &tap_onewire;
    request.tap_options = options;
    report_init_silent(&report);
    bool ok = extract_load(&request, NULL, arena, &report, ret, err);
    report_release(&report);
    return ok;
}

static int64_t ask(struct temp_dir *dir, const char *sql)
{
    struct db *db = NULL;
    struct err err = {0};
    int64_t n = 0;
    bool found = false;
    const struct db_options options = {.path = temp_dir_path(dir, "shop.db"),
                                       .flags = DB_FOREIGN_FILE | DB_READ_ONLY};
    assert_true(db_open(&db, &options, &err));
    assert_true(db_scalar_i64(db, sql, &n, &found, &err));
    db_close(db);
    return n;
}

static void each_sensor_is_a_row(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct materialization m;
    struct err err = {0};
    put(&dir, "28-0316a2795c1f", "21375\n");
    put(&dir, "28-0316a2795c20", "-18500\n");
    put(&dir, "28-0316a2795c21", ""); /* no answer */
    put(&dir, "10-000000000000", "99999\n");
    assert_true(load(&dir, &arena, ",\"samples\":3,\"every\":\"1ms\"", &m, &err));
    assert_int_equal(m.rows_read, 9);
    assert_int_equal(ask(&dir, "SELECT count(*) FROM onewire"), 9);
    assert_int_equal(ask(&dir, "SELECT count(DISTINCT sensor) FROM onewire"), 3);
    assert_int_equal(ask(&dir, "SELECT count(*) FROM onewire WHERE celsius IN (21.375, -18.5)"), 6);
    assert_int_equal(
        ask(&dir, "SELECT count(*) FROM onewire WHERE celsius IS NULL AND sensor LIKE '%21'"), 3);
}

static void an_empty_bus_is_told(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct materialization m;
    struct err err = {0};
    assert_false(load(&dir, &arena, "", &m, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "no thermometer on the bus"));
    err = (struct err){0};
    assert_false(load(&dir, &arena, ",\"samples\":2", &m, &err));
    assert_non_null(strstr(err.msg, "tap onewire"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sensor_is_a_row),
        cmocka_unit_test(an_empty_bus_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
