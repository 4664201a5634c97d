/* health_test.c - agent/daemon/health.h: what a device says of itself, and how often. */
#include "agent/daemon/health.h"
#include "common/base/limits.h"
#include "common/platform/files.h"
#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static struct store_fixture fixture;
static struct buf lines;

static int begin(void **state)
{
    (void)state;
    store_fixture_begin(&fixture);
    lines = buf_growing(LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_release(&lines);
    store_fixture_end(&fixture);
    return 0;
}

/* The newest event. */
static struct str newest(void)
{
    struct err err = {0};
    struct batch_header header;
    buf_reset(&lines);
    assert_true(
        store_read_batch(fixture.store, store_last_seq(fixture.store), 1, &header, &lines, &err));
    return buf_str(&lines);
}

static void tell(struct health *h, int64_t minute, const struct err *refused)
{
    struct err err = {0};
    assert_true(health_tell(h, fixture.store, (struct mono_time){1 + minute * 60 * NS_PER_SEC},
                            fixture.now, refused, &err));
}

static void write_file(const char *name, const char *text)
{
    struct err err = {0};
    char dir[256];
    const char *path = temp_dir_path(&fixture.dir, name);
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
    assert_true(files_make_dirs(dir, 0700, &err));
    assert_true(files_write(path, str_from(text), 0600, &err));
}

static void a_device_tells_its_disk_and_buffer(void **state)
{
    (void)state;
    struct health h = {.state_dir = fixture.dir.path, .sys_dir = "/nowhere", .buffer_quota = 4711};
    tell(&h, 0, NULL);
    struct str line = newest();
    assert_true(str_contains(line, STR("\"type\":\"device_health\"")));
    assert_true(str_contains(line, STR("\"disk_total_bytes\":")));
    assert_true(str_contains(line, STR("\"buffer_quota_bytes\":4711")));
    assert_true(str_contains(line, STR("\"database_bytes\":")));
    assert_false(str_contains(line, STR("flash")));
    assert_false(str_contains(line, STR("definitions_refused")));
}

static void refused_definitions_are_told(void **state)
{
    (void)state;
    struct health h = {.state_dir = fixture.dir.path, .sys_dir = "/nowhere"};
    struct err why = {0};
    (void)err_set(&why, ERR_INVALID, "selvedge.yaml:2:9: \"assets\": expected a list");
    tell(&h, 0, &why);
    assert_true(str_contains(
        newest(),
        STR("\"definitions_refused\":\"selvedge.yaml:2:9: \\\"assets\\\": expected a list\"")));
    tell(&h, 0, NULL);
    assert_false(str_contains(newest(), STR("definitions_refused")));
}

static const struct {
    const char *life_time, *pre_eol;
    const char *told; /* NULL: nothing of flash */
} flashes[] = {
    {"0x02 0x01\n", "0x01\n", "\"flash_used_percent\":20,\"flash_pre_eol\":1"},
    {"0x01 0x0a\n", "0x03\n", "\"flash_used_percent\":100,\"flash_pre_eol\":3"},
    {"0x0b 0x0b\n", "0x00\n", "\"flash_used_percent\":100,\"database"},
    {"0x00 0x00\n", "0x00\n", NULL},
    {"nonsense\n", "0xzz\n", NULL},
    {"", "", NULL},
};

static void flash_wear_is_told_where_the_kernel_knows_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(flashes); i++) {
        struct health h = {.state_dir = fixture.dir.path,
                           .sys_dir = temp_dir_path(&fixture.dir, "sys")};
        write_file("sys/block/mmcblk0/device/life_time", flashes[i].life_time);
        write_file("sys/block/mmcblk0/device/pre_eol_info", flashes[i].pre_eol);
        tell(&h, 0, NULL);
        struct str line = newest();
        print_message(STR_FMT "\n", STR_ARG(line));
        assert_int_equal(str_contains(line, STR("flash")), flashes[i].told != NULL);
        assert_true(flashes[i].told == NULL || str_contains(line, str_from(flashes[i].told)));
    }
}

static void it_is_due_once_an_hour(void **state)
{
    (void)state;
    struct health h = {.state_dir = fixture.dir.path, .sys_dir = "/nowhere"};
    assert_true(health_is_due(&h, (struct mono_time){1}));
    tell(&h, 0, NULL);
    assert_false(health_is_due(&h, (struct mono_time){59 * 60 * NS_PER_SEC}));
    assert_true(health_is_due(&h, (struct mono_time){61 * 60 * NS_PER_SEC}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_device_tells_its_disk_and_buffer, begin, end),
        cmocka_unit_test_setup_teardown(refused_definitions_are_told, begin, end),
        cmocka_unit_test_setup_teardown(flash_wear_is_told_where_the_kernel_knows_it, begin, end),
        cmocka_unit_test_setup_teardown(it_is_due_once_an_hour, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
