/* wire_lease_test.c - common/wire/lease.h: what is refused, and what is none of its business. */
#include "common/wire/lease.h"
#include "tests/support/cmocka_all.h"

static const struct {
    const char *text;
    bool ok, is_lease;
    const char *error;
} asks[] = {
    {"{\"lease\":{\"pool\":\"p\",\"places\":1,\"asked_ms\":5}}", true, true, NULL},
    {"{\"lease\":{\"pool\":\"p\",\"places\":0,\"asked_ms\":5,\"new\":[1]}}", true, true, NULL},
    {"{\"csr\":\"x\"}", true, false, NULL},
    {"{}", true, false, NULL},
    {"[]", true, false, NULL},
    {"{\"lease\":1}", false, true, "lease: expected an object"},
    {"{\"lease\":{}}", false, true, "lease: required key"},
    {"{\"lease\":{\"pool\":\"\",\"places\":1,\"asked_ms\":5}}", false, true, "lease.pool: must be"},
    {"{\"lease\":{\"pool\":\"p\",\"places\":-1,\"asked_ms\":5}}", false, true, "lease.places"},
    {"{\"lease\":{\"pool\":\"p\",\"places\":10001,\"asked_ms\":5}}", false, true, "lease.places"},
    {"{\"lease\":{\"pool\":\"p\",\"places\":1}}", false, true, "lease: required key"},
    {"{\"lease\":{\"pool\":\"p\",\"places\":1,\"asked_ms\":-1}}", false, true, "lease.asked_ms"},
    {"{\"lease\":", false, false, "want"},
};

static void asks_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct lease_ask ask;
        struct err err = {0};
        bool is_lease = false;
        bool ok = lease_ask_decode(str_from(asks[i].text), &arena, &ask, &is_lease, &err);
        print_message("%s: %s\n", asks[i].text, err.msg);
        assert_int_equal(ok, asks[i].ok);
        assert_int_equal(is_lease, asks[i].is_lease);
        assert_true(ok || str_starts(str_from(err.msg), str_from(asks[i].error)));
    }
}

static const char *const grants[] = {
    "{}",
    "{\"pool\":\"p\",\"places\":1,\"for_s\":0,\"asked_ms\":5}",
    "{\"pool\":\"p\",\"places\":1,\"for_s\":86401,\"asked_ms\":5}",
    "{\"pool\":\"p\",\"places\":\"1\",\"for_s\":60,\"asked_ms\":5}",
    "{\"places\":1,\"for_s\":60,\"asked_ms\":5}",
    "nonsense",
};

static void grants_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(grants); i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct lease_grant grant;
        struct err err = {0};
        assert_false(lease_grant_decode(str_from(grants[i]), &arena, &grant, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_are_checked),
        cmocka_unit_test(grants_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
