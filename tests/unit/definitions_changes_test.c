/* definitions_changes_test.c - what is said about a reload. */
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"

static void assert_changes(const char *before, const char *after, const char *expected)
{
    struct loaded old;
    struct loaded new;
    AUTO(buf) text = buf_growing(100000);
    load_assets(&old, before);
    load_assets(&new, after);
    assert_loaded(&old);
    assert_loaded(&new);
    bool has_changes = definitions_write_changes(old.defs, new.defs, &text);
    assert_int_equal(has_changes, expected[0] != '\0');
    assert_string_equal(buf_cstr(&text), expected);
    loaded_release(&old);
    loaded_release(&new);
}

static void what_is_the_same_is_not_told(void **state)
{
    (void)state;
    assert_changes("assets: [{key: a, run: [x]}]\n",
                   "# moved\n\nassets:\n  - run: [x]\n    key: a\n",
                   "assets: 1 changed (a)"); /* keys in another order: that is as written */
    assert_changes("assets: [{key: a, run: [x]}]\n",
                   "# moved\n\nassets:\n  - key: a\n    run: [x]\n", "");
    assert_changes("assets: [{key: a, run: [x]}]\n", "assets: [{key: a, run: [x]}]\n", "");
}

static void each_kind_is_told(void **state)
{
    (void)state;
    assert_changes("assets:\n"
                   "  - {key: a, run: [x], code_version: \"1\"}\n"
                   "  - {key: b, run: [x]}\n"
                   "  - {key: c, run: [x]}\n"
                   "  - {key: d, run: [x]}\n"
                   "jobs: [{name: j, select: a}, {name: k, select: a}]\n"
                   "schedules: [{name: s, job: j, every: 1h}, {name: t, job: j, every: 1h}]\n"
                   "sensors: [{name: f, watch: x, job: j}]\n",
                   "assets:\n"
                   "  - {key: a, run: [x], code_version: \"2\"}\n"
                   "  - {key: b, run: [y]}\n"
                   "  - {key: d, run: [x]}\n"
                   "  - {key: e, run: [x]}\n"
                   "jobs: [{name: j, select: a+}, {name: m, select: a}]\n"
                   "schedules: [{name: s, job: j, every: 2h}]\n"
                   "sensors: [{name: f, watch: x, job: j}, {name: g, watch: x, job: j}]\n",
                   "assets: 1 added (e), 1 removed (c), 2 changed (a, b), 1 with another code "
                   "version (a); jobs: 1 added (m), 1 removed (k), 1 changed (j); schedules: 1 "
                   "removed (t), 1 changed (s); sensors: 1 added (g)");
}

static void many_are_counted(void **state)
{
    (void)state;
    assert_changes("assets: []\n",
                   "assets:\n"
                   "  - {key: a, run: [x]}\n  - {key: b, run: [x]}\n  - {key: c, run: [x]}\n"
                   "  - {key: d, run: [x]}\n  - {key: e, run: [x]}\n  - {key: f, run: [x]}\n",
                   "assets: 6 added (a, b, c, d, e, ...)");
    assert_changes("assets: []\n", "assets: []\npools: {cpu: 1}\n",
                   "resources, pools or the project's name");
}

/* The file that holds the query changed, the definitions did not. */
static bool read_other(void *ctx, const char *path, struct buf *into, struct err *err)
{
    (void)ctx;
    (void)path;
    buf_add_text(into, "select 2");
    return !into->overflow || err_set(err, ERR_NO_MEMORY, "no memory");
}

static void a_query_in_a_file_counts(void **state)
{
    (void)state;
    static const char text[] = "project: x\nresources: {r: {type: sqlite, path: x}}\n"
                               "assets: [{key: a, sql: {resource: r, file: sql/daily.sql}}]\n";
    struct loaded old;
    struct loaded new = {.report = arena_new(1 << 20)};
    AUTO(buf) out = buf_growing(1000);
    struct definitions_files files = fixture_files();
    load_text(&old, text);
    assert_loaded(&old);
    files.read_file = read_other;
    new.problems.arena = &new.report;
    assert_true(definitions_parse(str_from(text), STR("shop/selvedge.yaml"), &files, &new.problems,
                                  &new.defs, &new.err));
    assert_true(definitions_write_changes(old.defs, new.defs, &out));
    assert_string_equal(buf_cstr(&out), "assets: 1 changed (a)");
    loaded_release(&old);
    loaded_release(&new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_the_same_is_not_told),
        cmocka_unit_test(each_kind_is_told),
        cmocka_unit_test(many_are_counted),
        cmocka_unit_test(a_query_in_a_file_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
