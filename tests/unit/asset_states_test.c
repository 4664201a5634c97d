/* asset_states_test.c - staleness of assets, from what runs recorded. */
#include "agent/assets/asset_states.h"

#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>

static struct runner_world w;
static struct arena arena;

static const char assets[] = "assets:\n"
                             "  - {key: x, external: true}\n"
                             "  - {key: a, run: [\"true\"], code_version: \"1\"}\n"
                             "  - {key: b, run: [\"true\"], code_version: \"1\", deps: [a, x]}\n"
                             "  - {key: c, run: [\"true\"], deps: [b]}\n";

static int begin(void **state)
{
    (void)state;
    runner_world_init(&w, assets);
    arena = arena_new(4 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    runner_world_release(&w);
    arena_release(&arena);
    return 0;
}

static void run_and_wait(const char *what)
{
    char run[UUID_TEXT_SIZE];
    int ends = w.ended + 1;
    runner_world_enqueue(&w, what, run);
    runner_world_wait(&w, ends);
}

static void say(const char *key, enum event_type type, const char *version)
{
    store_fixture_say(&w.fixture, &(struct record){.type = type,
                                                   .at = w.fixture.now,
                                                   .asset = str_from(key),
                                                   .data_version = str_from(version),
                                                   .is_version_given = true});
    store_fixture_flush(&w.fixture);
}

/* "a:FRESH b:STALE(CODE DATA@a) ..." */
static const char *states(void)
{
    static char text[1024];
    struct buf out = buf_fixed(text, sizeof(text));
    struct asset_states all;
    arena_reset(&arena);
    runner_world_check(&w, asset_states_load(w.fixture.store, w.loaded.defs, &arena, &all, &w.err));
    for (uint32_t i = 0; i < w.loaded.defs->asset_count; i++) {
        AUTO(arena) scratch = arena_new(1 << 20);
        struct staleness s;
        runner_world_check(&w, asset_states_staleness(&all, i, &scratch, &s, &w.err));
        buf_addf(&out, STR_FMT ":%s ", STR_ARG(w.loaded.defs->assets[i].key),
                 stale_status_name(s.status));
        for (size_t n = 0; n < s.cause_count; n++) {
            buf_addf(&out, "%s@" STR_FMT " ", stale_category_name(s.causes[n].category),
                     STR_ARG(s.causes[n].dependency));
        }
    }
    return buf_cstr(&out);
}

static void what_was_made_is_fresh_until_something_changes(void **state)
{
    (void)state;
    assert_string_equal(states(), "x:FRESH a:MISSING b:MISSING c:MISSING ");
    run_and_wait("*");
    assert_string_equal(states(), "x:FRESH a:FRESH b:FRESH c:FRESH ");
    run_and_wait("a"); /* the same code, nothing upstream: the same data */
    assert_string_equal(states(), "x:FRESH a:FRESH b:FRESH c:FRESH ");
    say("x", EVENT_ASSET_OBSERVATION, "2026-11-18");
    assert_string_equal(states(), "x:FRESH a:FRESH b:STALE DATA@x c:FRESH ");
    run_and_wait("b");
    assert_string_equal(states(), "x:FRESH a:FRESH b:FRESH c:STALE DATA@b ");
    run_and_wait("c");
    assert_string_equal(states(), "x:FRESH a:FRESH b:FRESH c:FRESH ");
}

static void another_code_version_and_other_deps_make_stale(void **state)
{
    (void)state;
    run_and_wait("*");
    w.loaded.defs->assets[1].code_version = STR("2");
    assert_string_equal(states(), "x:FRESH a:STALE CODE@ b:FRESH c:FRESH ");
    run_and_wait("a");
    assert_string_equal(states(), "x:FRESH a:FRESH b:STALE DATA@a c:FRESH ");
    run_and_wait("b");
    run_and_wait("c");
    loaded_release(&w.loaded);
    load_text(&w.loaded, "project: many\n"
                         "assets:\n"
                         "  - {key: a, run: [\"true\"], code_version: \"2\"}\n"
                         "  - {key: b, run: [\"true\"], code_version: \"1\", deps: [a]}\n"
                         "  - {key: c, run: [\"true\"], deps: [b, a]}\n");
    assert_loaded(&w.loaded);
    assert_string_equal(states(), "a:FRESH b:STALE DEPENDENCIES@x c:STALE DEPENDENCIES@a ");
}

static void a_failure_leaves_what_was_known(void **state)
{
    (void)state;
    run_and_wait("*");
    store_fixture_say(&w.fixture, &(struct record){.type = EVENT_ASSET_FAILED_TO_MATERIALIZE,
                                                   .at = w.fixture.now,
                                                   .asset = STR("b"),
                                                   .error_message = STR("no disk")});
    store_fixture_flush(&w.fixture);
    struct asset_states all;
    runner_world_check(&w, asset_states_load(w.fixture.store, w.loaded.defs, &arena, &all, &w.err));
    assert_true(str_eq(all.known[2].error, STR("no disk")));
    assert_int_equal(all.known[0].materialized_at.ns, 0);
    assert_string_equal(states(), "x:FRESH a:FRESH b:FRESH c:FRESH ");
}

static void without_memory_it_fails(void **state)
{
    (void)state;
    int failures = 0;
    run_and_wait("*");
    for (size_t max = 0;; max += 64) {
        AUTO(arena) small = arena_new(max);
        struct asset_states all;
        struct staleness s;
        w.err = (struct err){0};
        if (asset_states_load(w.fixture.store, w.loaded.defs, &small, &all, &w.err) &&
            asset_states_staleness(&all, 2, &small, &s, &w.err)) {
            assert_int_equal(s.status, STALE_STATUS_FRESH);
            break;
        }
        assert_true(w.err.code == ERR_NO_MEMORY || w.err.code == ERR_FULL);
        failures++;
    }
    assert_true(failures > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_made_is_fresh_until_something_changes, begin, end),
        cmocka_unit_test_setup_teardown(another_code_version_and_other_deps_make_stale, begin, end),
        cmocka_unit_test_setup_teardown(a_failure_leaves_what_was_known, begin, end),
        cmocka_unit_test_setup_teardown(without_memory_it_fails, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
