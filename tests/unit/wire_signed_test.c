#include "common/platform/rng.h"
#include "common/wire/signed.h"
#include "tests/support/cmocka_all.h"
#include <stdlib.h>

struct keys {
    struct buf mine, mine_public, other, other_public;
};

static void make(const struct rng *rng, struct buf *key, struct buf *public)
{
    struct err err = {0};
    *key = buf_growing(4096);
    *public = buf_growing(4096);
    assert_true(identity_make_key(rng, key, &err));
    assert_true(identity_public_key(rng, buf_str(key), public, &err));
}

static int setup(void **state)
{
    struct rng rng = rng_system();
    struct keys *k = calloc(1, sizeof(*k));
    assert_non_null(k);
    make(&rng, &k->mine, &k->mine_public);
    make(&rng, &k->other, &k->other_public);
    *state = k;
    return 0;
}

static int teardown(void **state)
{
    struct keys *k = *state;
    buf_wipe(&k->mine);
    buf_wipe(&k->other);
    buf_release(&k->mine_public);
    buf_release(&k->other_public);
    free(k);
    return 0;
}

static void sign(const struct keys *k, struct str body, struct buf *out)
{
    struct rng rng = rng_system();
    struct err err = {0};
    assert_true(signed_make(&rng, buf_str(&k->mine), body, out, &err));
}

static void what_was_signed_is_opened(void **state)
{
    struct keys *k = *state;
    struct str bodies[] = {STR("{\"kind\":\"command\"}"), STR(""), STR("a\nb\n")};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        AUTO(buf) message = buf_growing(1 << 16);
        AUTO(buf) both = buf_growing(1 << 16);
        struct err err = {0};
        struct str body = STR_NONE;
        char id[KEY_ID_SIZE];
        char expected[KEY_ID_SIZE];
        sign(k, bodies[i], &message);
        buf_add(&both, buf_str(&k->other_public));
        buf_add(&both, buf_str(&k->mine_public));
        assert_true(signed_open(buf_str(&message), buf_str(&both), &body, id, &err));
        assert_true(str_eq(body, bodies[i]));
        assert_true(identity_key_id(buf_str(&k->mine_public), expected, &err));
        assert_string_equal(id, expected);
    }
}

static enum err_code open_code(struct str message, struct str keys)
{
    struct err err = {0};
    struct str body;
    char id[KEY_ID_SIZE];
    return signed_open(message, keys, &body, id, &err) ? ERR_NONE : err.code;
}

static void what_others_signed_or_changed_is_refused(void **state)
{
    struct keys *k = *state;
    AUTO(buf) message = buf_growing(1 << 16);
    sign(k, STR("{\"kind\":\"command\",\"verb\":\"ping\"}"), &message);
    struct str mine = buf_str(&k->mine_public);
    assert_int_equal(open_code(buf_str(&message), buf_str(&k->other_public)), ERR_DENIED);
    assert_int_equal(open_code(buf_str(&message), STR("")), ERR_DENIED);
    assert_int_equal(open_code(STR(""), mine), ERR_INVALID);
    assert_int_equal(open_code(STR("{\"v\":1}\nbody"), mine), ERR_INVALID);
    assert_int_equal(open_code(STR("{\"v\":2,\"key\":\"a\",\"sig\":\"b\"}\nbody"), mine),
                     ERR_INVALID);
    /* Every byte of the body, and every digit of the signature, counts. */
    struct str whole = buf_str(&message);
    for (size_t i = 0; i < whole.len; i++) {
        AUTO(buf) changed = buf_growing(1 << 16);
        buf_add(&changed, whole);
        changed.ptr[i] = (char)(changed.ptr[i] ^ 1);
        assert_int_not_equal(open_code(buf_str(&changed), mine), ERR_NONE);
    }
    assert_int_not_equal(open_code(str_slice(whole, 0, whole.len - 1), mine), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_signed_is_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(what_others_signed_or_changed_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
