/* store_partitions_test.c - dynamic keys, and what became of each partition of an asset. */
#include "agent/store/partitions.h"

#include "store_fixture.h"
#include "tests/support/cmocka_all.h"

static struct store_fixture f;

static int begin(void **state)
{
    (void)state;
    store_fixture_begin(&f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    store_fixture_end(&f);
    return 0;
}

static void change(const char *set, const char *key, const char *status)
{
    struct record r = {.type = EVENT_DYNAMIC_PARTITIONS,
                       .at = f.now,
                       .set = str_from(set),
                       .partition = str_from(key),
                       .status = str_from(status)};
    store_fixture_say(&f, &r);
    store_fixture_flush(&f);
}

static void dynamic_keys_keep_their_order(void **state)
{
    (void)state;
    struct partition_keys keys = {0};
    assert_true(store_dynamic_keys(f.store, STR("shops"), &f.arena, &keys, &f.err));
    assert_int_equal(keys.count, 0);
    change("shops", "munich", "added");
    change("shops", "berlin", "added");
    change("tills", "1", "added");
    change("shops", "munich", "added"); /* there already */
    change("shops", "aachen", "added");
    change("shops", "berlin", "deleted");
    change("shops", "berlin", "added");
    change("shops", "nowhere", "deleted");
    store_fixture_reopen(&f);
    assert_true(store_dynamic_keys(f.store, STR("shops"), &f.arena, &keys, &f.err));
    static const char *const expected[] = {"munich", "aachen", "berlin"};
    assert_int_equal(keys.count, 3);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(str_eq(keys.items[i], str_from(expected[i])));
    }
    for (int i = 0; i < 200; i++) {
        char key[8];
        struct buf text = buf_fixed(key, sizeof(key));
        buf_addf(&text, "k%d", i);
        change("many", buf_cstr(&text), "added");
    }
    assert_true(store_dynamic_keys(f.store, STR("many"), &f.arena, &keys, &f.err));
    assert_int_equal(keys.count, 200);
    assert_true(str_eq(keys.items[199], STR("k199")));
    AUTO(arena) small = arena_new(2048);
    assert_false(store_dynamic_keys(f.store, STR("many"), &small, &keys, &f.err));
    assert_int_equal(f.err.code, ERR_NO_MEMORY);
}

static void say(enum event_type type, const char *partition, const char *keys, const char *run)
{
    struct record r = {.type = type,
                       .at = f.now,
                       .asset = STR("pos/sales"),
                       .run = str_from(run),
                       .partition = str_from(partition),
                       .keys = str_from(keys)};
    if (type == EVENT_ASSET_FAILED_TO_MATERIALIZE) {
        r.error_message = STR("no power");
    } else {
        r.data_version = STR("v1");
    }
    store_fixture_say(&f, &r);
    store_fixture_flush(&f);
    f.now.ns++;
}

static bool add_partition(void *ctx, const struct stored_partition *p)
{
    buf_addf(ctx, STR_FMT ":%s%s" STR_FMT " ", STR_ARG(p->key),
             p->materialized_at.ns > 0 ? "made" : "", p->failed_at.ns > 0 ? "failed" : "",
             STR_ARG(p->run));
    if (!str_is_empty(p->error)) {
        buf_addf(ctx, "[" STR_FMT "] ", STR_ARG(p->error));
    }
    return true;
}

static void what_became_of_each(void **state)
{
    (void)state;
    char memory[512];
    struct buf text = buf_fixed(memory, sizeof(memory));
    say(EVENT_ASSET_MATERIALIZATION, "2026-01-03", "", "r1");
    say(EVENT_ASSET_MATERIALIZATION, "2026-01-01", "[\"2026-01-01\",\"2026-01-02\"]", "r2");
    say(EVENT_ASSET_FAILED_TO_MATERIALIZE, "2026-01-02", "[\"2026-01-02\",\"2026-01-04\"]", "r3");
    say(EVENT_ASSET_FAILED_TO_MATERIALIZE, "2026-01-05", "", "r4");
    say(EVENT_ASSET_MATERIALIZATION, "2026-01-05", "", "r5");
    say(EVENT_ASSET_MATERIALIZATION, "", "", "r6"); /* of no partition */
    assert_true(store_partitions(f.store, STR("pos/sales"), add_partition, &text, &f.err));
    assert_string_equal(buf_cstr(&text), "2026-01-01:mader2 2026-01-02:madefailedr2 [no power] "
                                         "2026-01-03:mader1 2026-01-04:failed [no power] "
                                         "2026-01-05:mader5 ");
    struct view *view = NULL;
    struct partition_keys keys = {0};
    buf_reset(&text);
    assert_true(view_open(&view, f.options.path, &f.err));
    assert_true(view_partitions(view, STR("pos/other"), add_partition, &text, &f.err));
    assert_int_equal(text.len, 0);
    assert_true(view_dynamic_keys(view, STR("shops"), &f.arena, &keys, &f.err));
    assert_int_equal(keys.count, 0);
    view_close(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(dynamic_keys_keep_their_order, begin, end),
        cmocka_unit_test_setup_teardown(what_became_of_each, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
