#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include "tests/unit/definitions_fixture.h"
#include <stdio.h>
#include <string.h>

static const char good[] =
    "project: shop\n"
    "include: [parts/*.yaml]\n"
    "resources: {pos: {type: sqlite, path: pos.db}, local: {type: sqlite, path: \"${D}/l.db\"},\n"
    "            near: {type: mqtt, host: h, user: u, password: \"${secret:P}\"}}\n"
    "pools: {cpu: 2, disk: {limit: 1}}\n"
    "assets:\n"
    "  - {key: s, extract: {resource: pos}, load: {resource: local}, kinds: [x], tags: {a: b}}\n"
    "  - {key: d, deps: [s], sql: {resource: local, file: sql/daily.sql}, owners: [team:a],\n"
    "     checks: [{name: c, sql: select 1}, {name: e, run: [x, y], severity: warn}]}\n"
    "  - {key: r, deps: [d], run: [x, y], env: {A: \"${secret:A}\"}, retry: {max: 1}, pool: cpu,\n"
    "     dir: w, user: u, limits: {memory: 1MiB}, extras: {a: [1]}, metadata: {m: n}}\n"
    "  - {key: p, run: [x], partitions: {daily: {start: 2026-01-01, timezone: Europe/Berlin}},\n"
    "     backfill: single_run, freshness: {fail_after: 1h}, automation: eager}\n"
    "  - {key: q, run: [x], partitions: {static: [a, b]},\n"
    "     freshness: {cron: '@daily', lower_bound: 1h}, automation: {on_cron: '@hourly'}}\n"
    "  - {key: lake, deps: [s], extract: {tap: [t], config: {a: b},\n"
    "     streams: [o, {name: c, deps: [d], description: x, checks: [{name: n, sql: select "
    "1}]}]},\n"
    "     load: {resource: local}}\n"
    "  - {key: etl, run: [x], assets: [e/a, {key: e/b, deps: [lake/o, e/a]}]}\n"
    "jobs: [{name: j, select: \"s+ and not kind:command\", tags: {a: b}, retry: {max: 1}}]\n"
    "schedules:\n"
    "  - {name: a, job: j, cron: '@daily', timezone: Europe/Berlin, splay: 1h, missed: skip}\n"
    "  - {name: b, select: +r, every: 1m, missed: {all: 3}}\n"
    "sensors:\n"
    "  - {name: f, watch: in/*, job: j}\n"
    "  - {name: m, mqtt: a/+, job: j}\n"
    "  - {name: x, asset: p, job: j, tags: {a: b}}\n"
    "  - {name: y, run_status: [failure], jobs: [j], select: r}\n"
    "  - {name: z, run: [x], env: {A: b}, select: r}\n";
static struct fixture_file files_of_good[] = {
    {"shop/parts/a.yaml", "include: ../b.yaml\nassets: [{key: i, deps: [r, k], run: [x]}]\n"},
    {"shop/parts/c.yaml", "jobs: [{name: k, select: i}]\npools: {net: 1}\n"},
    {"shop/parts/../b.yaml", "assets: [{key: k, external: true, partitions: {dynamic: d}}]\n"},
    {0},
};

/* The request `countdown` to any arena is refused, as if the arena were full (link-time wrap). */
static int countdown = -1;
static bool has_fired;

static bool is_refused(struct arena *a)
{
    if (countdown < 0 || countdown-- > 0) {
        return false;
    }
    has_fired = true;
    a->exhausted = true;
    return true;
}

/* The names are the linker's. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
void *__real_arena_alloc(struct arena *a, size_t size);
void *__real_arena_array(struct arena *a, size_t count, size_t size);
struct str __real_arena_copy(struct arena *a, struct str s);
void *__wrap_arena_alloc(struct arena *a, size_t size);
void *__wrap_arena_array(struct arena *a, size_t count, size_t size);
struct str __wrap_arena_copy(struct arena *a, struct str s);

void *__wrap_arena_alloc(struct arena *a, size_t size)
{
    return is_refused(a) ? NULL : __real_arena_alloc(a, size);
}

void *__wrap_arena_array(struct arena *a, size_t count, size_t size)
{
    return is_refused(a) ? NULL : __real_arena_array(a, count, size);
}

struct str __wrap_arena_copy(struct arena *a, struct str s)
{
    return is_refused(a) ? STR_NONE : __real_arena_copy(a, s);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */

static bool parse(struct str text, struct loaded *l)
{
    *l = (struct loaded){.report = arena_new(1 << 20)};
    l->problems.arena = &l->report;
    struct definitions_files files = fixture_files();
    files.ctx = files_of_good;
    return definitions_parse(text, STR("shop/selvedge.yaml"), &files, &l->problems, &l->defs,
                             &l->err);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    int failures = 0;
    for (bool fired = true; fired;) {
        struct loaded l;
        fault_malloc_arm(failures);
        bool ok = parse(str_from(good), &l);
        fired = fault_malloc_disarm();
        assert_true(ok != fired); /* reported, never swallowed */
        assert_true(ok || (l.defs == NULL && l.err.msg[0] != '\0'));
        failures += fired;
        loaded_release(&l);
    }
    assert_true(failures > 10);
}

/* The same while there is something to complain about. */
static void problems_survive_a_lack_of_memory(void **state)
{
    (void)state;
    int failures = 0;
    for (bool fired = true; fired;) {
        struct loaded l;
        fault_malloc_arm(failures);
        bool ok =
            parse(STR("project: x\nassets:\n- {key: a, deps: [b], run: [x]}\n- {key: c}\n"), &l);
        fired = fault_malloc_disarm();
        assert_false(ok);
        assert_true(fired || l.problems.total == 2);
        failures += fired;
        loaded_release(&l);
    }
    assert_true(failures > 2); /* an arena asks for few, large chunks */
}

static void every_full_arena_is_reported(void **state)
{
    (void)state;
    static const char bad[] = "project: x\nassets:\n- {key: a, deps: [b], run: [x]}\n- {key: c}\n"
                              "jobs: [{name: j, select: '('}]\n";
    const struct str texts[] = {str_from(good), str_from(bad)};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        int failures = 0;
        for (bool is_done = false; !is_done;) {
            struct loaded l;
            has_fired = false;
            countdown = failures;
            bool ok = parse(texts[i], &l);
            countdown = -1;
            is_done = !has_fired;
            assert_true(ok == (is_done && i == 0));
            assert_true(is_done || l.err.msg[0] != '\0');
            failures += has_fired;
            loaded_release(&l);
        }
        assert_true(failures > 50);
    }
}

/* Every prefix of a good file is a file that somebody could have cut off. */
static void every_prefix_is_answered(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(good) - 1; len++) {
        struct loaded l;
        bool ok = parse((struct str){good, len}, &l);
        assert_true(ok || (l.problems.total > 0 && l.err.msg[0] != '\0'));
        loaded_release(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(problems_survive_a_lack_of_memory),
        cmocka_unit_test(every_full_arena_is_reported),
        cmocka_unit_test(every_prefix_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
