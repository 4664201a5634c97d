/* definitions_include_test.c - definitions that are spread over several files. */
#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/definitions_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_from(expected))) {
        print_error("\"" STR_FMT "\" is not \"%s\"\n", STR_ARG(actual), expected);
        fail();
    }
}

/* "file:line:column: text" of every problem, in order, and of no other. */
static void assert_problems(const struct loaded *l, const char *const *expected, size_t count)
{
    for (size_t i = 0; i < l->problems.count; i++) {
        const struct problem *p = &l->problems.items[i];
        char text[900];
        (void)snprintf(text, sizeof(text), STR_FMT ":%u:%u: " STR_FMT, STR_ARG(p->file), p->at.line,
                       p->at.column, STR_ARG(p->text));
        assert_string_equal(text, i < count ? expected[i] : "");
    }
    assert_int_equal(l->problems.total, count);
    assert_null(l->defs);
}

static const char main_file[] = "project: shop\n"
                                "include: [resources.yaml, parts/*.yaml]\n"
                                "assets:\n"
                                "  - {key: a, sql: {resource: local, query: select 1}, pool: cpu}\n"
                                "jobs: [{name: all, select: '*'}]\n";

static struct fixture_file parts[] = {
    {"shop/resources.yaml", "resources: {local: {type: sqlite, path: shop.db}}\n"
                            "include: more/pools.yaml\n"},
    {"shop/more/pools.yaml", "pools: {cpu: 2}\n"},
    {"shop/parts/b.yaml", "assets: [{key: b, deps: [c], run: [x]}]\n"
                          "sensors: [{name: s, watch: x, job: all}]\n"},
    {"shop/parts/a.yaml", "assets: [{key: c, deps: [a], run: [x]}]\n"
                          "schedules: [{name: t, job: all, cron: '@daily'}]\n"},
    {"shop/parts/.hidden.yaml", "nonsense"},
    {"shop/parts/a.txt", "nonsense"},
    {0},
};

static void files_are_read_as_one(void **state)
{
    (void)state;
    struct loaded l;
    load_files(&l, main_file, parts);
    assert_loaded(&l);
    static const char *const files[] = {"shop/selvedge.yaml", "shop/resources.yaml",
                                        "shop/parts/a.yaml", "shop/parts/b.yaml",
                                        "shop/more/pools.yaml"};
    const struct definitions *d = l.defs;
    assert_int_equal(d->file_count, COUNT_OF(files));
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        assert_str(d->files[i], files[i]);
    }
    assert_int_equal(d->asset_count, 3);
    assert_str(d->assets[0].key, "a");
    assert_str(d->assets[1].key, "c");
    assert_str(d->assets[2].key, "b");
    assert_int_equal(d->assets[2].at.file, 3);
    assert_int_equal(d->assets[2].at.line, 1);
    assert_int_equal(d->assets[2].at.column, 10);
    assert_ptr_equal(d->assets[0].pool, &d->pools[0]);
    assert_ptr_equal(d->assets[0].sql.resource, &d->resources[0]);
    assert_int_equal(d->jobs[0].asset_count, 3);
    assert_ptr_equal(d->schedules[0].job, &d->jobs[0]);
    assert_ptr_equal(d->sensors[0].job, &d->jobs[0]);
    assert_int_equal(d->pools[0].at.file, 4);
    loaded_release(&l);
}

/* How it is spread over files makes no difference; what is in them does. */
static void the_hash_covers_all_files(void **state)
{
    (void)state;
    static const char whole[] = "project: shop\nresources: {local: {type: sqlite, path: shop.db}}\n"
                                "pools: {cpu: 2}\n"
                                "assets:\n"
                                "  - {key: a, sql: {resource: local, query: select 1}, pool: cpu}\n"
                                "  - {key: c, deps: [a], run: [x]}\n"
                                "  - {key: b, deps: [c], run: [x]}\n"
                                "jobs: [{name: all, select: '*'}]\n"
                                "sensors: [{name: s, watch: x, job: all}]\n"
                                "schedules: [{name: t, job: all, cron: '@daily'}]\n";
    struct loaded one;
    struct loaded many;
    load_text(&one, whole);
    load_files(&many, main_file, parts);
    assert_loaded(&one);
    assert_loaded(&many);
    assert_string_equal(one.defs->hash, many.defs->hash);
    assert_int_equal(one.defs->assets[1].digest, many.defs->assets[1].digest);
    loaded_release(&many);
    struct fixture_file changed[COUNT_OF(parts)];
    memcpy(changed, parts, sizeof(changed));
    changed[1].text = "pools: {cpu: 3}\n";
    load_files(&many, main_file, changed);
    assert_loaded(&many);
    assert_string_not_equal(one.defs->hash, many.defs->hash);
    loaded_release(&many);
    loaded_release(&one);
}

static void an_empty_folder_or_file_is_fine(void **state)
{
    (void)state;
    static struct fixture_file files[] = {{"shop/none.yaml", "# nothing yet\n"}, {0}};
    struct loaded l;
    load_files(&l, "project: x\ninclude: [empty/*.yaml, none.yaml]\n", files);
    assert_loaded(&l);
    assert_int_equal(l.defs->file_count, 2);
    loaded_release(&l);
}

/* Problems of all files at once, each under its own file's name. */
static void problems_name_their_file(void **state)
{
    (void)state;
    static struct fixture_file files[] = {
        {"shop/a.yaml",
         "assets:\n  - {key: x, typo: 1, run: [y]}\n  - {key: y, run: [y], deps: [z]}\n"},
        {"shop/b.yaml", "project: again\njobs: [{name: j, select: 'x and'}]\n"
                        "pools: {p: 0}\n"},
        {0},
    };
    static const char *const expected[] = {
        ("shop/selvedge.yaml:3:28: assets[0].timeout: expected a duration like \"10s\", got an "
         "integer"),
        "shop/a.yaml:2:14: assets[0]: unknown key \"typo\"",
        "shop/b.yaml:1:1: project is named in the main file only, shop/selvedge.yaml",
        "shop/b.yaml:3:12: pools.p: 0 is below the minimum of 1",
        "shop/a.yaml:3:31: asset y depends on z, which is not defined",
        "shop/b.yaml:2:26: job j: selection, column 6: an asset is expected at the end",
    };
    struct loaded l;
    load_files(&l,
               "project: x\ninclude: [a.yaml, b.yaml]\n"
               "assets: [{key: m, timeout: 5, run: [x]}]\n",
               files);
    assert_problems(&l, expected, COUNT_OF(expected));
    assert_true(strncmp(l.err.msg, "shop/selvedge.yaml:3:", 21) == 0);
    loaded_release(&l);
}

/* What a broken file would have defined is not called missing; what can be checked still is. */
static void a_file_that_cannot_be_read_hides_nothing_else(void **state)
{
    (void)state;
    static struct fixture_file files[] = {
        {"shop/bad.yaml", "resources: {\n"},
        {"shop/good.yaml", "assets: [{key: x, run: 5}]\n"},
        {0},
    };
    static const char *const expected[] = {
        "shop/bad.yaml:2:1: expected a value",
        "shop/selvedge.yaml:2:21: include: open shop/gone.yaml: No such file or directory",
        "shop/good.yaml:1:24: assets[0].run: expected a list of strings, got an integer",
    };
    struct loaded l;
    load_files(&l,
               "project: x\ninclude: [bad.yaml, gone.yaml, good.yaml]\n"
               "assets: [{key: m, sql: {resource: r, query: select 1}}]\n",
               files);
    assert_int_equal(l.problems.total, 3);
    assert_problems(&l, expected, COUNT_OF(expected));
    loaded_release(&l);
}

static void names_are_defined_once_in_all_files(void **state)
{
    (void)state;
    static struct fixture_file files[] = {
        {"shop/a.yaml", "resources: {r: {type: sqlite, path: x}}\n"
                        "pools: {p: 1}\n"
                        "assets: [{key: a, run: [x]}]\n"
                        "jobs: [{name: j, select: a}]\n"
                        "schedules: [{name: s, job: j, every: 1m}]\n"
                        "sensors: [{name: t, job: j, watch: x}]\n"},
        {0},
    };
    static const char *const expected[] = {
        "shop/a.yaml:1:13: resource r: it is defined twice (first in shop/selvedge.yaml:3)",
        "shop/a.yaml:2:9: pool p: it is defined twice (first in shop/selvedge.yaml:4)",
        "shop/a.yaml:3:16: asset a: it is defined twice (first in shop/selvedge.yaml:5)",
        "shop/a.yaml:4:15: job j: it is defined twice (first in shop/selvedge.yaml:6)",
        "shop/a.yaml:5:20: schedule s: it is defined twice (first in shop/selvedge.yaml:7)",
        "shop/a.yaml:6:18: sensor t: it is defined twice (first in shop/selvedge.yaml:8)",
    };
    struct loaded l;
    load_files(&l,
               "project: x\ninclude: a.yaml\n"
               "resources: {r: {type: sqlite, path: x}}\n"
               "pools: {p: 1}\n"
               "assets: [{key: a, run: [x]}]\n"
               "jobs: [{name: j, select: a}]\n"
               "schedules: [{name: s, job: j, every: 1m}]\n"
               "sensors: [{name: t, job: j, watch: x}]\n",
               files);
    assert_problems(&l, expected, COUNT_OF(expected));
    loaded_release(&l);
}

static void a_file_is_included_once(void **state)
{
    (void)state;
    static struct fixture_file files[] = {
        {"shop/a.yaml", "include: sub/b.yaml\n"},
        {"shop/sub/b.yaml", "include: [../a.yaml, ./../../shop/c.yaml]\n"},
        {"shop/c.yaml", "include: c.yaml\n"},
        {"shop/selvedge.yaml", "not read again"},
        {0},
    };
    static const char *const expected[] = {
        ("shop/selvedge.yaml:2:27: include shop/./a.yaml: it is included twice (first in "
         "shop/selvedge.yaml:2)"),
        "shop/selvedge.yaml:2:37: include shop/selvedge.yaml: the file includes itself",
        "shop/c.yaml:1:10: include shop/c.yaml: the file includes itself",
        "shop/sub/b.yaml:1:11: include shop/sub/../a.yaml: that file includes this one, in the end",
        ("shop/sub/b.yaml:1:22: include shop/sub/./../../shop/c.yaml: it is included twice (first "
         "in "
         "shop/selvedge.yaml:2)"),
    };
    struct loaded l;
    load_files(&l, "project: x\ninclude: [a.yaml, c.yaml, ./a.yaml, s*.yaml]\n", files);
    assert_problems(&l, expected, COUNT_OF(expected));
    loaded_release(&l);
}

static void paths_of_included_files(void **state)
{
    (void)state;
    static struct fixture_file files[] = {{"/etc/x/a.yaml", "include: ../y/b.yaml\n"},
                                          {"/etc/x/../y/b.yaml", "pools: {p: 1}\n"},
                                          {0}};
    static const char *const expected[] = {
        "shop/selvedge.yaml:2:11: include ${DIR}/x.yaml: variables are not filled in here",
        "shop/selvedge.yaml:2:28: include : the path is empty or too long",
        "shop/selvedge.yaml:2:32: include shop/*/x.yaml: wildcards may stand in the last part only",
        ("shop/selvedge.yaml:2:44: include shop/none/*.yaml: open shop/none/: No such file or "
         "directory"),
    };
    struct loaded l;
    load_files(&l, "project: x\ninclude: /etc/x/a.yaml\n", files);
    assert_loaded(&l);
    assert_str(l.defs->files[2], "/etc/x/../y/b.yaml");
    assert_int_equal(l.defs->pool_count, 1);
    loaded_release(&l);
    load_files(&l, "project: x\ninclude: ['${DIR}/x.yaml', '', '*/x.yaml', none/*.yaml]\n", files);
    assert_problems(&l, expected, COUNT_OF(expected));
    loaded_release(&l);
}

static void keys_of_the_wrong_kind(void **state)
{
    (void)state;
    static struct fixture_file files[] = {
        {"shop/a.yaml", "assets: {key: a}\nresources: [x]\njobs: 5\n"},
        {"shop/b.yaml", "[1]\n"},
        {"shop/c.yaml", "assets: [{key: c, run: [x]}]\njobs: [{name: j, select: c}]\n"},
        {0},
    };
    static const char *const expected[] = {
        "shop/selvedge.yaml:3:10: sensors: expected a list, got an object",
        "shop/a.yaml:1:9: assets: expected a list, got an object",
        "shop/a.yaml:2:12: resources: expected an object, got a list",
        "shop/a.yaml:3:7: jobs: expected a list, got an integer",
        "shop/b.yaml:1:1: expected an object, got a list",
    };
    struct loaded l;
    load_files(&l,
               "project: x\ninclude: [a.yaml, b.yaml, c.yaml]\nsensors: {a: 1}\n"
               "assets: [{key: m, run: [x]}]\n",
               files);
    assert_problems(&l, expected, COUNT_OF(expected));
    loaded_release(&l);
}

/* --- limits: files that make themselves up --- */

struct endless {
    const char *text; /* of every file; %d becomes the number of the one that is read */
    int reads;
};

static bool read_endless(void *ctx, const char *path, struct buf *into, struct err *err)
{
    struct endless *endless = ctx;
    (void)path;
    endless->reads++;
    if (endless->text == NULL) {
        for (int i = 0; i < 40000; i++) {
            buf_add_text(into, "# a comment as long as this to fill the file\n");
        }
    } else {
        const char *at = strstr(endless->text, "%d");
        size_t before = at == NULL ? strlen(endless->text) : (size_t)(at - endless->text);
        buf_add(into, (struct str){endless->text, before});
        if (at != NULL) {
            buf_add_i64(into, endless->reads);
            buf_add_text(into, at + 2);
        }
    }
    return !into->overflow || err_set(err, ERR_FULL, "too large");
}

static void load_endless(struct loaded *l, const char *text, struct endless *endless)
{
    *l = (struct loaded){.report = arena_new(1 << 20)};
    l->problems.arena = &l->report;
    struct definitions_files files = fixture_files();
    files.read_file = read_endless;
    files.ctx = endless;
    bool ok =
        definitions_parse(str_from(text), STR("m.yaml"), &files, &l->problems, &l->defs, &l->err);
    assert_false(ok);
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    struct endless endless = {.text = "include: next%d.yaml\n"};
    static const char *const expected[] = {
        "next7.yaml:1:10: include next8.yaml: files include one another more than 8 deep"};
    struct loaded l;
    load_endless(&l, "project: x\ninclude: next0.yaml\n", &endless);
    assert_problems(&l, expected, 1);
    assert_int_equal(endless.reads, LIMIT_INCLUDE_DEPTH);
    loaded_release(&l);
}

static void the_number_of_files_has_a_limit(void **state)
{
    (void)state;
    struct endless endless = {.text = ""};
    AUTO(buf) text = buf_growing(1 << 20);
    buf_add_text(&text, "project: x\ninclude:\n");
    for (int i = 0; i < LIMIT_DEFINITIONS_FILES; i++) {
        buf_addf(&text, "  - f%d.yaml\n", i);
    }
    static const char *const expected[] = {
        "m.yaml:258:5: include f255.yaml: there are more than 256 files"};
    struct loaded l;
    load_endless(&l, buf_cstr(&text), &endless);
    assert_problems(&l, expected, 1);
    loaded_release(&l);
}

/* Each file is below the limit, all together are not. */
static void what_is_in_all_files_has_a_limit(void **state)
{
    (void)state;
    AUTO(buf) part = buf_growing(1 << 20);
    buf_add_text(&part, "assets: [{key: a%d, run: [x]}]\njobs:\n");
    for (int i = 0; i < 600; i++) {
        buf_addf(&part, "  - {name: j%d, select: '*'}\n", i);
    }
    struct endless endless = {.text = buf_cstr(&part)};
    struct loaded l;
    load_endless(&l, "project: x\ninclude: [a.yaml, b.yaml]\n", &endless);
    assert_true(str_eq(l.problems.items[0].text, STR("more than 1000 jobs in all files")));
    /* Those that are left are checked: 400 names of the second file are in the first. */
    assert_int_equal(l.problems.total, 401);
    loaded_release(&l);
}

/* A list that is much too long is reported, and not gone through again and again. */
static void a_list_that_is_too_long_takes_no_time(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(4 << 20);
    buf_add_text(&text,
                 "project: x\nresources: {r: {type: sqlite, path: p}}\n"
                 "assets:\n  - key: a\n    sql: {resource: r, query: select 1}\n    kinds: [");
    for (int i = 0; i < 100000; i++) {
        buf_addf(&text, "k%d,", i);
    }
    buf_add_text(&text, "]\n    partitions: {static: [");
    for (int i = 0; i < 100000; i++) {
        buf_addf(&text, "k%d,", i);
    }
    buf_add_text(&text, "]}\n    checks:\n");
    for (int i = 0; i < 30000; i++) {
        buf_addf(&text, "      - {name: c%d, sql: s}\n", i);
    }
    buf_add_text(&text, "jobs:\n");
    for (int i = 0; i < 30000; i++) {
        buf_addf(&text, "  - {name: j%d, select: a}\n", i);
    }
    struct loaded l;
    load_text(&l, buf_cstr(&text));
    static const char *const expected[] = {
        "shop/selvedge.yaml:9:7: assets[0].checks: expected at most 1000, got 30000",
        "shop/selvedge.yaml:30010:3: jobs: expected at most 1000, got 30000",
        "shop/selvedge.yaml:5:10: asset a: sql: a view has no partitions",
        ("shop/selvedge.yaml:6:12: asset a: it has more than 12 kinds, with those known from how "
         "it "
         "is made"),
    };
    assert_problems(&l, expected, COUNT_OF(expected));
    loaded_release(&l);
}

static void as_many_problems_take_no_time(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(4 << 20);
    buf_add_text(&text, "project: x\nassets:\n  - key: a\n    run: [x]\n    kinds: [");
    for (int i = 0; i < 100000; i++) {
        buf_add_text(&text, "-,");
    }
    buf_add_text(&text, "]\n    partitions: {static: [");
    for (int i = 0; i < 100000; i++) {
        buf_add_text(&text, "k,");
    }
    buf_add_text(&text, "]}\n");
    struct loaded l;
    load_text(&l, buf_cstr(&text));
    assert_int_equal(l.problems.total, 100000 + 99999);
    loaded_release(&l);
}

static void all_files_together_have_a_limit(void **state)
{
    (void)state;
    struct endless endless = {0}; /* 1.8 MB each */
    static const char *const expected[] = {
        "m.yaml:2:27: include: c.yaml: the files are larger than 4 MiB together"};
    struct loaded l;
    load_endless(&l, "project: x\ninclude: [a.yaml, b.yaml, c.yaml]\n", &endless);
    assert_problems(&l, expected, 1);
    loaded_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_as_one),
        cmocka_unit_test(the_hash_covers_all_files),
        cmocka_unit_test(an_empty_folder_or_file_is_fine),
        cmocka_unit_test(problems_name_their_file),
        cmocka_unit_test(a_file_that_cannot_be_read_hides_nothing_else),
        cmocka_unit_test(names_are_defined_once_in_all_files),
        cmocka_unit_test(a_file_is_included_once),
        cmocka_unit_test(paths_of_included_files),
        cmocka_unit_test(keys_of_the_wrong_kind),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(the_number_of_files_has_a_limit),
        cmocka_unit_test(what_is_in_all_files_has_a_limit),
        cmocka_unit_test(a_list_that_is_too_long_takes_no_time),
        cmocka_unit_test(as_many_problems_take_no_time),
        cmocka_unit_test(all_files_together_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
