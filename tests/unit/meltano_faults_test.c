/* Every allocation that may be refused is, one after the other: a project is read, set up and told
 * whole, or an error says that it is not. */
#include "tests/support/cmocka_all.h"
#include "tests/unit/meltano_fixture.h"

#include <stdlib.h>
#include <string.h>

enum { STEP_OF_MANY = 31 };

/* A little of everything, so that every allocation is met. */
static const char yml[] =
    "include_paths: ['*.yml']\n"
    "env: {A: '1'}\n"
    "environments:\n"
    "- name: dev\n"
    "  state_id_suffix: x$A\n"
    "  env: {B: $A}\n"
    "  config: {plugins: {extractors: [{name: tap, config: {e: $B}, env: {C: c}, select: "
    "[s.*]}]}}\n"
    "plugins:\n"
    "  extractors:\n"
    "  - {name: tap, variant: v, config: {a.b: 2020-01-01T00:00:00Z, o: {p: $A}}, metadata: {s: "
    "{k: v}}}\n"
    "  - {name: kid, inherit_from: tap, settings: [{name: n, kind: integer, value: '5'}]}\n"
    "  loaders: [{name: target, namespace: t, settings: [{name: l, kind: array, value: '[1]'}]}]\n"
    "  mappers: [{name: m, namespace: m, mappings: [{name: one, config: {x: $A}}]}]\n"
    "  utilities: [{name: u, namespace: u, executable: u, commands: {go: --to $A}}]\n"
    "jobs: [{name: j, tasks: [[kid one target], u:go]}]\n"
    "schedules: [{name: s, job: j, interval: '@daily'}]\n";
static const struct meltano_file files[] = {
    {"p/meltano.yml", yml},
    {"p/more.yml",
     "jobs: [{name: k, tasks: [tap target]}]\nplugins: {utilities: [{name: w, namespace: w}]}\n"},
    {"p/plugins/extractors/tap--v.lock",
     "{\"name\": \"tap\", \"namespace\": \"tap\", \"dialect\": \"d\", \"settings\": [{\"name\": "
     "\"o\", "
     "\"kind\": \"object\"}, {\"name\": \"up\", \"value\": \"$A\", \"value_processor\": "
     "\"upcase_string\"}, {\"name\": \"st\", \"kind\": \"array\", \"value\": [1], "
     "\"value_post_processor\": \"stringify\"}]}"},
    {"p/.env", "TAP_UP=up${A}\n"},
    {0}};

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

static void test_reading(void **state)
{
    (void)state;
    int failures = 0;
    for (bool is_done = false; !is_done; failures++) {
        struct meltano_world w = {0};
        has_fired = false;
        countdown = failures;
        bool ok = world_load(&w, files);
        countdown = -1;
        is_done = !has_fired;
        /* A text of a problem may be lost, and is replaced. */
        assert_true(ok || (w.err.code != ERR_NONE && w.err.msg[0] != '\0'));
        assert_true(ok || has_fired);
        world_close(&w);
    }
    assert_true(failures > 100);
}

typedef bool telling_function(const struct meltano_telling *telling, struct buf *out,
                              struct err *err);

static bool explain_all(const struct meltano_telling *telling, struct buf *out, struct err *err)
{
    return meltano_write_explained(telling, STR(""), out, err);
}

/* What is told while memory is refused is what is told with all of it, or an error. */
static void assert_told_whole(telling_function *tell)
{
    struct meltano_world w = {0};
    world_open(&w, files, "dev");
    AUTO(buf) whole = buf_growing(1 << 20);
    struct meltano_telling telling = {.context = &w.context, .report = &w.report, .is_open = true};
    assert_true(tell(&telling, &whole, &w.err));
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    int step = getenv("SELVEDGE_LONG") != NULL ? 1 : STEP_OF_MANY; /* some ten thousand each */
    int failures = 0;
    for (bool is_done = false; !is_done; failures += step) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct meltano_report report = {.warnings = {.arena = &arena}};
        AUTO(buf) out = buf_growing(1 << 20);
        struct err err = {0};
        telling.report = &report;
        w.context.problems = &report.warnings;
        has_fired = false;
        countdown = failures;
        bool ok = tell(&telling, &out, &err);
        countdown = -1;
        is_done = !has_fired;
        assert_true(ok || err.code == ERR_FULL);
        if (ok && !str_eq(buf_str(&out), buf_str(&whole)) && !arena.exhausted) {
            fail_msg("refusal %d went unsaid", failures);
        }
    }
    assert_true(failures > 1000);
    world_close(&w);
}

static void test_telling(void **state)
{
    (void)state;
    assert_told_whole(explain_all);
    assert_told_whole(meltano_write_json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_telling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
