/* hub_desired_document_test.c - hub/desired/document.h */
#include "agent/definitions/tables.h"
#include "hub/desired/document.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static struct arena arena;
static struct problems problems;
static struct err err;
static struct desired_content content;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(16 << 20);
    problems = (struct problems){.arena = &arena};
    err = (struct err){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static bool read(const char *text)
{
    return document_read(str_from(text), STR("a.yaml"), &arena, &problems, &content, &err);
}

/* The hub checks what devices read: the same keys, types and ranges. */
static const struct field *find(const struct field_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->fields[i].key, key) == 0) {
            return &table->fields[i];
        }
    }
    return NULL;
}

static void schedules_are_read_as_devices_read_them(void **state)
{
    (void)state;
    size_t supported = 0;
    for (size_t i = 0; i < schedule_table.count; i++) {
        const struct field *device = &schedule_table.fields[i];
        const struct field *hub = find(&document_schedule_table, device->key);
        if (device->is_unsupported) {
            assert_null(hub);
            continue;
        }
        supported++;
        if (hub == NULL || hub->type != device->type || hub->min != device->min ||
            hub->max != device->max || hub->required != device->required) {
            fail_msg("the hub reads \"%s\" of a schedule otherwise", device->key);
        }
    }
    assert_int_equal(supported, document_schedule_table.count);
}

static void yaml_becomes_what_devices_read(void **state)
{
    (void)state;
    AUTO(buf) json = buf_growing(1 << 16);
    assert_true(read("schedules:\n"
                     "  - name: night # a comment\n"
                     "    cron: 30 2 * * *\n"
                     "    timezone: Europe/Berlin\n"
                     "    job: daily\n"
                     "    missed: {all: 3}\n"
                     "    paused: true\n"
                     "    tags: {version: 1.10}\n"
                     "pauses: {schedules: [a], automation: true}\n"
                     "settings: {log_level: warn, reconnect_max: 90s}\n"));
    document_write(&content, &json);
    assert_string_equal(
        buf_cstr(&json),
        "{\"schedules\":[{\"name\":\"night\",\"cron\":\"30 2 * * *\",\"timezone\":"
        "\"Europe/Berlin\",\"job\":\"daily\",\"missed\":{\"all\":3},\"paused\":true,"
        "\"tags\":{\"version\":\"1.10\"}}],\"pauses\":{\"schedules\":[\"a\"],"
        "\"automation\":true},\"settings\":{\"log_level\":\"warn\",\"reconnect_max\":"
        "\"1m30s\"}}");
    struct desired_content again;
    assert_true(document_parse(buf_str(&json), &arena, &again, &err));
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"schedule: []\n", "a.yaml:1:1: "},
        {"schedules:\n  - {name: a, job: j, every: 1h, croon: 1}\n", "a.yaml:2:"},
        {"schedules: [{name: a, job: j}]\n", "schedule a: it needs one of cron and every"},
        {"schedules: [{name: a, every: 1h}]\n", "schedule a: it needs one of job and select"},
        {"schedules: [{name: a, job: j, cron: 61 * * * *}]\n", "schedule a: cron: "},
        {"schedules: [{name: a, job: j, every: 1h, timezone: UTC}]\n",
         "schedule a: timezone goes with cron only"},
        {"schedules: [{name: a, job: j, cron: 1 * * * *, timezone: ../etc}]\n",
         "schedule a: timezone: it is not a zone's name"},
        {"schedules: [{name: a, job: j, every: 1s}, {name: a, job: j, every: 2s}]\n",
         "there are two with the name a"},
        {"schedules: [{job: j, every: 1s}]\n", "it has no name"},
        {"settings: {log_level: loud}\n", "log_level"},
        {"pauses: {jobs: [a]}\n", "jobs"},
        {"- a\n", "a.yaml"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        problems = (struct problems){.arena = &arena};
        err = (struct err){0};
        assert_false(read(cases[i].text));
        if (strstr(err.msg, cases[i].says) == NULL) {
            fail_msg("case %zu says \"%s\", not \"%s\"", i, err.msg, cases[i].says);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_are_read_as_devices_read_them),
        cmocka_unit_test_setup_teardown(yaml_becomes_what_devices_read, begin, end),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told_with_its_place, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
