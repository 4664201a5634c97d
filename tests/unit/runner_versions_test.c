/* runner_versions_test.c - what a run records of versions, and whom it tells. */
#include "agent/store/versions.h"

#include "common/tls/identity.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static struct runner_world w;
static struct arena arena;

static const char assets[] = "assets:\n"
                             "  - {key: x, external: true}\n"
                             "  - {key: a, run: [\"true\"], code_version: \"1\"}\n"
                             "  - {key: b, run: [\"true\"], deps: [a, x]}\n"
                             "  - {key: c, run: [sh, -c, \"touch c.began; while ! test -e c.go; do "
                             "sleep 0.02; done\"], deps: [a]}\n"
                             "  - {key: both, run: [\"true\"], code_version: \"1\", assets: "
                             "[{key: second, deps: [first, a]}, first]}\n";

/* --- whom it tells -------------------------------------------------------------------------- */

static struct buf told;

static void on_materialized(void *ctx, struct str asset, struct str run)
{
    struct runner_world *world = ctx;
    bool is_durable = store_pending(world->fixture.store) == 0;
    buf_addf(&told, STR_FMT "%s%s ", STR_ARG(asset), is_durable ? "" : "?",
             str_is_empty(run) ? "!" : "");
}

static int begin(void **state)
{
    (void)state;
    runner_world_init(&w, assets);
    w.options.on_materialized = on_materialized;
    runner_world_reopen(&w);
    arena = arena_new(4 << 20);
    told = buf_growing(4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    runner_world_release(&w);
    arena_release(&arena);
    buf_release(&told);
    return 0;
}

static struct stored_asset known(const char *key)
{
    struct stored_asset asset = {0};
    bool found = false;
    runner_world_check(
        &w, store_find_asset(w.fixture.store, str_from(key), &arena, &asset, &found, &w.err));
    assert_true(found);
    return asset;
}

static const char *hash(const char *first, const char *second)
{
    static char hex[65];
    uint8_t bytes[32];
    AUTO(buf) text = buf_growing(4096);
    buf_addf(&text, "%s%s", first, second);
    digest_sha256(buf_str(&text), bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
    return hex;
}

static void run_and_wait(const char *what, char run[UUID_TEXT_SIZE])
{
    int ends = w.ended + 1;
    runner_world_enqueue(&w, what, run);
    runner_world_wait(&w, ends);
    assert_int_equal(w.state, RUN_SUCCESS);
}

static void assert_inputs(const char *key, const char *expected)
{
    AUTO(buf) text = buf_growing(4096);
    const struct asset_input *inputs = NULL;
    size_t count = 0;
    runner_world_check(
        &w, store_asset_inputs(w.fixture.store, str_from(key), &arena, &inputs, &count, &w.err));
    for (size_t i = 0; i < count; i++) {
        buf_addf(&text, STR_FMT "=" STR_FMT " ", STR_ARG(inputs[i].key),
                 STR_ARG(inputs[i].data_version));
    }
    assert_string_equal(buf_cstr(&text), expected);
}

/* One is SHA-256 of the code version "1" alone, as Dagster's of an asset without deps. */
#define OF_A "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"

static void versions_are_those_that_dagster_would_record(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    run_and_wait("a or b", run);
    assert_true(str_eq(known("a").data_version, STR(OF_A)));
    assert_true(str_eq(known("a").code_version, STR("1")));
    assert_false(known("a").is_version_given);
    assert_inputs("a", "");
    assert_true(str_eq(known("b").code_version, str_from(run)));
    assert_inputs("b", "a=" OF_A " x=INITIAL ");
    char expected[200];
    (void)snprintf(expected, sizeof(expected), "%sINITIAL", OF_A);
    assert_true(str_eq(known("b").data_version, str_from(hash(run, expected))));
    run_and_wait("a", run);
    assert_true(str_eq(known("a").data_version, STR(OF_A))); /* made again, the same */
}

/* What is upstream may be made again, or seen, while the step goes on: it has read what was before. */
static void inputs_are_those_of_the_start(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    run_and_wait("a", run);
    runner_world_enqueue(&w, "c", run);
    runner_world_wait_file(&w, "c.began");
    struct record again = {.type = EVENT_ASSET_MATERIALIZATION,
                           .at = w.fixture.now,
                           .asset = STR("a"),
                           .data_version = STR("later"),
                           .is_version_given = true};
    runner_world_check(&w, runner_record(w.runner, &again, &w.err));
    while (!str_eq(known("a").data_version, STR("later"))) {
        runner_world_turn(&w);
    }
    FILE *go = fopen(temp_dir_path(&w.dir, "c.go"), "w");
    assert_non_null(go);
    assert_int_equal(fclose(go), 0);
    runner_world_wait(&w, 2);
    assert_inputs("c", "a=" OF_A " ");
    (void)remove(temp_dir_path(&w.dir, "c.go"));
}

/* However it was written down: what is made from another of the step has that one's new version. */
static void inputs_that_the_same_step_made_are_new(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    run_and_wait("second", run);
    assert_inputs("second", "first=INITIAL a=INITIAL ");
    run_and_wait("first or second", run);
    assert_true(str_eq(known("first").data_version, STR(OF_A)));
    assert_inputs("second", "first=" OF_A " a=INITIAL ");
}

static void who_asks_is_told_of_what_was_made_when_it_is_durable(void **state)
{
    (void)state;
    char run[UUID_TEXT_SIZE];
    run_and_wait("a or b", run);
    assert_string_equal(buf_cstr(&told), "a b ");
    buf_reset(&told);
    struct record reported = {
        .type = EVENT_ASSET_MATERIALIZATION, .at = w.fixture.now, .asset = STR("x")};
    struct record seen = {.type = EVENT_ASSET_OBSERVATION, .at = w.fixture.now, .asset = STR("x")};
    runner_world_check(&w, runner_record(w.runner, &seen, &w.err));
    runner_world_check(&w, runner_record(w.runner, &reported, &w.err));
    assert_int_equal(told.len, 0);
    for (int turns = 0; told.len == 0; turns++) {
        assert_true(turns < 1000);
        runner_world_turn(&w);
    }
    assert_string_equal(buf_cstr(&told), "x! ");
    runner_world_check(&w, runner_record(w.runner, &reported, &w.err)); /* never durable: untold */
    runner_world_reopen(&w);
    assert_string_equal(buf_cstr(&told), "x! ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(versions_are_those_that_dagster_would_record, begin, end),
        cmocka_unit_test_setup_teardown(inputs_are_those_of_the_start, begin, end),
        cmocka_unit_test_setup_teardown(inputs_that_the_same_step_made_are_new, begin, end),
        cmocka_unit_test_setup_teardown(who_asks_is_told_of_what_was_made_when_it_is_durable, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
