/* hub_report_golden_test.c - every form of the report of a seeded fleet is as tests/data/report has it:
 * hub_report_golden_test --write puts in what is written now. */
#include "common/cli/text.h"
#include "common/platform/files.h"
#include "hub/report/report_write.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/merge_world.h"
#include <stdio.h>
#include <string.h>

#define NOW_MS INT64_C(1796018400000)
#define DAY_NS (INT64_C(86400) * NS_PER_SEC)
enum { BYTES_MAX = 16 << 20 };

static bool writes;
static struct arena arena;
static struct report report;

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static int read_seeded(void **state)
{
    (void)state;
    struct err err = {0};
    struct db *store = world_store();
    AUTO(buf) sql = buf_growing(BYTES_MAX);
    const struct wall_time now = {NOW_MS * NS_PER_MS};
    arena = arena_new(64 << 20);
    check(files_read("tests/data/report/seed.sql", &sql, &err), &err);
    check(db_exec(store, buf_cstr(&sql), &err), &err);
    const struct report_question question = {
        .fleet = STR("shops"),
        .group_by = STR("site"),
        .alert_group = STR("site"),
        .since = {now.ns - DAY_NS},
        .until = now,
        .now = now,
        .certificates = {{"CA", {now.ns + (3000 * DAY_NS)}}, {"web side", {now.ns + DAY_NS}}},
        .certificate_count = 2};
    check(report_read(store, &question, &arena, &report, &err), &err);
    db_close(store);
    return 0;
}

static int release(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void expect_file(const char *name, const struct buf *made)
{
    struct err err = {0};
    char path[256];
    AUTO(buf) file = buf_growing(BYTES_MAX);
    assert_false(made->overflow);
    (void)snprintf(path, sizeof(path), "tests/data/report/%s", name);
    if (writes) {
        check(files_write(path, buf_str(made), 0644, &err), &err);
        return;
    }
    check(files_read(path, &file, &err), &err);
    if (!str_eq(buf_str(&file), buf_str(made))) {
        print_error(STR_FMT, STR_ARG(str_clip(buf_str(made), 20000)));
        fail_msg("%s is not as it is written now: look, then hub_report_golden_test --write", path);
    }
}

static void whole_forms(void **state)
{
    (void)state;
    for (int f = 0; f < REPORT_CSV; f++) {
        char name[64];
        AUTO(buf) out = buf_growing(BYTES_MAX);
        report_write(&report, (enum report_format)f, &out);
        (void)snprintf(name, sizeof(name), "report.%s",
                       report_format_extension((enum report_format)f));
        expect_file(name, &out);
    }
}

static void csv_sections(void **state)
{
    (void)state;
    static const char *const names[] = {"assets",   "groups", "loads",  "devices",
                                        "troubles", "days",   "losses", "alerts"};
    AUTO(buf) out = buf_growing(BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        enum report_section section = SECTION_COUNT;
        assert_true(report_section_from(str_from(names[i]), &section));
        buf_addf(&out, "%s\n", names[i]);
        report_write_csv(&report, section, &out);
    }
    expect_file("report.csv", &out);
}

static void text_fits_80_columns(void **state)
{
    (void)state;
    AUTO(buf) out = buf_growing(BYTES_MAX);
    report_write(&report, REPORT_TEXT, &out);
    struct str rest = buf_str(&out);
    while (rest.len > 0) {
        struct str line;
        (void)str_cut(rest, '\n', &line, &rest);
        if (text_width(line) > 80) {
            fail_msg("%zu columns: " STR_FMT, text_width(line), STR_ARG(line));
        }
        assert_true(line.len == 0 || line.ptr[line.len - 1] != ' ');
    }
}

static void html_needs_nothing_else(void **state)
{
    (void)state;
    AUTO(buf) out = buf_growing(BYTES_MAX);
    report_write(&report, REPORT_HTML, &out);
    struct str page = buf_str(&out);
    static const char *const never[] = {
        "<script", "http:", "https:", "src=", "href=", "@import", "url("};
    for (size_t i = 0; i < COUNT_OF(never); i++) {
        assert_false(str_contains(page, str_from(never[i])));
    }
    assert_true(str_contains(page, STR("connection refused &lt;is it on?&gt;")));
    assert_true(str_contains(page, STR("<svg")));
}

int main(int argc, char **argv)
{
    writes = argc > 1 && strcmp(argv[1], "--write") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_forms),
        cmocka_unit_test(csv_sections),
        cmocka_unit_test(text_fits_80_columns),
        cmocka_unit_test(html_needs_nothing_else),
    };
    return cmocka_run_group_tests(tests, read_seeded, release);
}
