/* tls_authorities_test.c - common/tls/authorities.h: which set of CAs follows which, and who may say so. */
#include "common/tls/authorities.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"

#include <string.h>

#define DAY (INT64_C(86400) * NS_PER_SEC)
enum { CAS = 3, PEM_MAX = 32 << 10 };

struct fixture {
    struct seeded_rng seed;
    struct rng rng;
    struct wall_time now;
    struct buf key[CAS], ca[CAS]; /* each began a second after the one before */
    struct buf leaf;              /* of the second */
};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static int set_up(void **state)
{
    static struct fixture f;
    static const char *const names[CAS] = {"shop-ca", "shop-ca-2", "shop-ca-3"};
    struct err err = {0};
    f = (struct fixture){.seed = seeded_rng_new(11), .leaf = buf_growing(PEM_MAX)};
    f.rng = seeded_rng_port(&f.seed);
    assert_true(wall_parse(STR("2026-03-01T12:00:00Z"), &f.now));
    for (int i = 0; i < CAS; i++) {
        struct identity_issue ca = {.kind = IDENTITY_CA,
                                    .common_name = str_from(names[i]),
                                    .not_before = {f.now.ns + i * NS_PER_SEC},
                                    .not_after = {f.now.ns + 900 * DAY}};
        f.key[i] = f.ca[i] = buf_growing(PEM_MAX);
        check(identity_make_key(&f.rng, &f.key[i], &err) &&
                  identity_make_ca(&f.rng, buf_str(&f.key[i]), &ca, &f.ca[i], &err),
              &err);
    }
    struct identity_issue leaf = {.kind = IDENTITY_CLIENT,
                                  .common_name = STR("till-7"),
                                  .not_before = f.now,
                                  .not_after = {f.now.ns + DAY}};
    check(identity_issue_for_key(&f.rng, buf_str(&f.ca[1]), buf_str(&f.key[1]), buf_str(&f.key[0]),
                                 &leaf, &f.leaf, &err),
          &err);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < CAS; i++) {
        buf_release(&f->key[i]);
        buf_release(&f->ca[i]);
    }
    buf_release(&f->leaf);
    return 0;
}

/* "01": the first, then the second. */
static struct str set_of(const struct fixture *f, const char *which, struct buf *memory)
{
    buf_reset(memory);
    for (; *which != '\0'; which++) {
        buf_add(memory, buf_str(&f->ca[*which - '0']));
    }
    return buf_str(memory);
}

static bool follows(const struct fixture *f, const char *held, const char *offered, int signer)
{
    struct err err = {0};
    char signature[SIGNATURE_TEXT_SIZE];
    AUTO(buf) old = buf_growing(PEM_MAX);
    AUTO(buf) new = buf_growing(PEM_MAX);
    struct str pems = set_of(f, offered, &new);
    check(identity_sign(&f->rng, buf_str(&f->key[signer]), pems, signature, &err), &err);
    return authorities_check_next(set_of(f, held, &old), pems, str_from(signature), &err);
}

static void a_newer_set_is_followed_when_a_trusted_ca_says_it(void **state)
{
    const struct fixture *f = *state;
    assert_true(follows(f, "0", "01", 0));  /* begun */
    assert_true(follows(f, "01", "1", 1));  /* finished */
    assert_true(follows(f, "01", "12", 1)); /* the end was missed, the next has begun */
    assert_true(follows(f, "01", "01", 0)); /* said twice */
    assert_true(follows(f, "0", "0", 0));
    assert_true(follows(f, "0", "12", 0)); /* whoever has the old key may say so */

    assert_false(follows(f, "0", "01", 1)); /* signed by one that is not trusted (yet) */
    assert_false(follows(f, "0", "1", 1));
    assert_false(follows(f, "1", "01", 0)); /* brings the old one back */
    assert_false(follows(f, "1", "01", 1));
    assert_false(follows(f, "01", "0", 0)); /* takes the new one away */
    assert_false(follows(f, "12", "1", 1));
    assert_false(follows(f, "12", "01", 1));
}

static void a_set_has_a_shape(void **state)
{
    const struct fixture *f = *state;
    struct err err = {0};
    char list[AUTHORITIES_LIST_SIZE];
    AUTO(buf) text = buf_growing(PEM_MAX);
    check(authorities_list(set_of(f, "012", &text), list, &err), &err);
    assert_int_equal(strlen(list), 3 * 65 - 1);
    struct identity_info info;
    check(authorities_newest(buf_str(&text), &info, &err), &err);
    assert_string_equal(info.common_name, "shop-ca-3");
    assert_true(authorities_has(str_from(list), str_from(info.fingerprint)));
    assert_true(authorities_has(str_from(info.fingerprint), str_from(info.fingerprint)));
    assert_false(authorities_has(str_from(list), STR("")));
    assert_false(authorities_has(STR(""), STR("")));
    assert_false(authorities_has(str_from(list), str_slice(str_from(list), 0, 63)));

    assert_false(authorities_list(STR(""), list, &err));
    assert_false(authorities_list(set_of(f, "00", &text), list, &err)); /* twice */
    assert_non_null(strstr(err.msg, "twice"));
    buf_reset(&text);
    buf_add(&text, buf_str(&f->leaf)); /* no CA */
    assert_false(authorities_list(buf_str(&text), list, &err));
    (void)set_of(f, "0", &text);
    buf_add(&text, buf_str(&f->key[0])); /* something behind */
    assert_false(authorities_list(buf_str(&text), list, &err));
    buf_reset(&text);
    buf_add(&text, buf_str(&f->key[0])); /* something before */
    buf_add(&text, buf_str(&f->ca[0]));
    assert_false(authorities_list(buf_str(&text), list, &err));
    buf_reset(&text);
    for (int i = 0; i < AUTHORITIES_BYTES_MAX; i++) {
        buf_add_char(&text, 'x');
    }
    buf_add_char(&text, 'x');
    assert_false(authorities_list(buf_str(&text), list, &err));
}

static void whose_certificate_it_is_can_be_told(void **state)
{
    const struct fixture *f = *state;
    struct err err = {0};
    char issuer[FINGERPRINT_TEXT_SIZE];
    struct identity_info info;
    AUTO(buf) text = buf_growing(PEM_MAX);
    check(authorities_issuer(set_of(f, "012", &text), buf_str(&f->leaf), issuer, &err), &err);
    check(identity_read_cert(buf_str(&f->ca[1]), &info, &err), &err);
    assert_string_equal(issuer, info.fingerprint);
    assert_false(authorities_issuer(set_of(f, "02", &text), buf_str(&f->leaf), issuer, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_non_null(strstr(err.msg, "shop-ca-2"));
}

/* Several digests stand one behind the other: only whole ones count. */
static void a_digest_among_others_is_found_whole(void **state)
{
    (void)state;
    char one[FINGERPRINT_TEXT_SIZE];
    char two[FINGERPRINT_TEXT_SIZE];
    char both[2 * FINGERPRINT_TEXT_SIZE];
    struct buf text = buf_fixed(both, sizeof(both));
    digest_hex(STR("a"), one);
    digest_hex(STR("b"), two);
    buf_add_text(&text, one);
    buf_add_text(&text, two);
    assert_true(digest_is_one_of(str_from(one), buf_str(&text)));
    assert_true(digest_is_one_of(str_from(two), buf_str(&text)));
    assert_false(digest_is_one_of(str_slice(buf_str(&text), 32, 96), buf_str(&text)));
    assert_false(digest_is_one_of(str_from(one), STR_NONE));
    assert_false(digest_is_one_of(STR_NONE, buf_str(&text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newer_set_is_followed_when_a_trusted_ca_says_it),
        cmocka_unit_test(a_set_has_a_shape),
        cmocka_unit_test(whose_certificate_it_is_can_be_told),
        cmocka_unit_test(a_digest_among_others_is_found_whole),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
