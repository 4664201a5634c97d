/* States as Meltano keeps them. */
#include "agent/meltano/state.h"
#include "tests/support/cmocka_all.h"

static void assert_joined(const char *completed, const char *partial, const char *wanted)
{
    AUTO(arena) a = arena_new(1 << 20);
    struct err err = {0};
    struct str state = STR_NONE;
    if (!meltano_state_join(str_from(completed), str_from(partial), &a, &state, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_true(str_eq(state, str_from(wanted)));
}

static void test_join(void **state)
{
    (void)state;
    assert_joined("", "", "");
    assert_joined("{}", "{}", "");
    assert_joined("null", "{\"singer_state\":{\"a\":1}}", "{\"a\":1}");
    assert_joined("{\"singer_state\":{\"a\":1}}", "", "{\"a\":1}");
    /* Objects member by member, all else is replaced; numbers as they stood. */
    assert_joined("{\"singer_state\":{\"b\":{\"x\":1,\"y\":[1,2]},\"n\":1.10,\"big\":"
                  "123456789012345678901234567890}}",
                  "{\"singer_state\":{\"b\":{\"y\":[3],\"z\":null}}}",
                  "{\"b\":{\"x\":1,\"y\":[3],\"z\":null},\"n\":1.10,\"big\":"
                  "123456789012345678901234567890}");
    assert_joined("{\"singer_state\":{\"a\":1}}", "{\"singer_state\":null}", "");
}

static void test_read(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    struct err err = {0};
    struct str found = STR_NONE;
    assert_true(meltano_state_read(
        STR("{\"completed\":{\"singer_state\":{\"a\":1}},\"partial\":{}}"), &a, &found, &err));
    assert_true(str_eq(found, STR("{\"a\":1}")));
    assert_true(meltano_state_read(STR("{\"completed\":{}}"), &a, &found, &err));
    assert_int_equal(found.len, 0);
    assert_false(meltano_state_read(STR("[]"), &a, &found, &err));
    assert_string_equal(err.msg, "state: it is a list, not an object");
    assert_false(meltano_state_read(STR("{"), &a, &found, &err));
    assert_string_equal(err.msg, "state: byte 2: expected a key in quotes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_join), cmocka_unit_test(test_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
