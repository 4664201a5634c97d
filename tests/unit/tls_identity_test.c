/* tls_identity_test.c - common/tls/identity.h: who may be believed, and how a refusal reads. */
#include "common/tls/identity.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"

#include <string.h>

#define DAY (INT64_C(86400) * NS_PER_SEC)

struct fixture {
    struct seeded_rng seed;
    struct rng rng;
    struct wall_time now;
    struct buf ca_key, ca, key, csr, cert;
};

static struct identity_issue issue_for(const struct fixture *f, enum identity_kind kind,
                                       const char *name)
{
    return (struct identity_issue){.kind = kind,
                                   .common_name = str_from(name),
                                   .not_before = {f->now.ns - DAY},
                                   .not_after = {f->now.ns + 90 * DAY}};
}

static int set_up(void **state)
{
    static struct fixture f;
    struct err err = {0};
    f = (struct fixture){.seed = seeded_rng_new(11)};
    f.rng = seeded_rng_port(&f.seed);
    f.ca_key = f.ca = f.key = f.csr = f.cert = buf_growing(16 << 10);
    assert_true(wall_parse(STR("2026-03-01T12:00:00Z"), &f.now));
    struct identity_issue ca = issue_for(&f, IDENTITY_CA, "corner-shop-CA");
    struct identity_issue client = issue_for(&f, IDENTITY_CLIENT, "till-7");
    assert_true(identity_make_key(&f.rng, &f.ca_key, &err));
    assert_true(identity_make_ca(&f.rng, buf_str(&f.ca_key), &ca, &f.ca, &err));
    assert_true(identity_make_key(&f.rng, &f.key, &err));
    assert_true(identity_make_csr(&f.rng, buf_str(&f.key), STR("till-7"), &f.csr, &err));
    assert_true(identity_issue_for_csr(&f.rng, buf_str(&f.ca), buf_str(&f.ca_key), buf_str(&f.csr),
                                       &client, &f.cert, &err));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    buf_release(&f->ca_key);
    buf_release(&f->ca);
    buf_release(&f->key);
    buf_release(&f->csr);
    buf_release(&f->cert);
    return 0;
}

static void a_certificate_says_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct identity_info info;
    assert_true(identity_read_cert(buf_str(&f->cert), &info, &err));
    assert_string_equal(info.common_name, "till-7");
    assert_string_equal(info.issuer, "corner-shop-CA");
    assert_int_equal(strlen(info.serial), 32);
    assert_int_equal(strlen(info.fingerprint), 64);
    assert_false(info.is_ca);
    assert_true(info.not_before.ns == f->now.ns - DAY);
    assert_true(info.not_after.ns == f->now.ns + 90 * DAY);

    char of_request[FINGERPRINT_TEXT_SIZE];
    assert_true(identity_csr_key_fingerprint(buf_str(&f->csr), of_request, &err));
    assert_string_equal(of_request, info.key_fingerprint);
    assert_string_not_equal(info.fingerprint, info.key_fingerprint);

    assert_true(identity_read_cert(buf_str(&f->ca), &info, &err));
    assert_true(info.is_ca);
    assert_true(identity_verify(buf_str(&f->ca), buf_str(&f->ca), IDENTITY_CA, f->now, &err));
    assert_true(identity_verify(buf_str(&f->cert), buf_str(&f->ca), IDENTITY_CLIENT, f->now, &err));
    assert_true(identity_check_pair(&f->rng, buf_str(&f->cert), buf_str(&f->key), &err));
}

static void verification_says_why_it_refuses(void **state)
{
    struct fixture *f = *state;
    struct str cert = buf_str(&f->cert);
    struct str ca = buf_str(&f->ca);
    struct err err = {0};

    assert_false(
        identity_verify(cert, ca, IDENTITY_CLIENT, (struct wall_time){f->now.ns + 91 * DAY}, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_string_equal(err.msg, "certificate \"till-7\" expired on 2026-05-30");
    assert_string_not_equal(err.hint, "");

    assert_false(identity_verify(cert, ca, IDENTITY_CLIENT, (struct wall_time){0}, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_string_equal(err.msg, "certificate \"till-7\" is not valid before 2026-02-28");

    assert_false(identity_verify(cert, ca, IDENTITY_SERVER, f->now, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_string_equal(err.msg, "certificate \"till-7\" is not for servers");

    assert_false(identity_verify(cert, ca, IDENTITY_CA, f->now, &err));
    assert_string_equal(err.msg, "certificate \"till-7\" is not for signing");

    assert_false(identity_verify(ca, ca, IDENTITY_CLIENT, f->now, &err));
    assert_string_equal(err.msg, "certificate \"corner-shop-CA\" is not for clients");
}

static void another_ca_of_the_same_name_is_refused(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct buf key = buf_growing(4096);
    struct buf ca = buf_growing(4096);
    struct identity_issue issue = issue_for(f, IDENTITY_CA, "corner-shop-CA");
    assert_true(identity_make_key(&f->rng, &key, &err));
    assert_true(identity_make_ca(&f->rng, buf_str(&key), &issue, &ca, &err));
    assert_false(identity_verify(buf_str(&f->cert), buf_str(&ca), IDENTITY_CLIENT, f->now, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_string_equal(
        err.msg,
        "certificate \"till-7\" is not signed by a CA that we trust (issuer \"corner-shop-CA\")");
    buf_release(&key);
    buf_release(&ca);
}

static void a_leaf_does_not_sign(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct identity_issue issue = issue_for(f, IDENTITY_CLIENT, "till-8");
    struct buf out = buf_growing(4096);
    assert_false(identity_issue_for_csr(&f->rng, buf_str(&f->cert), buf_str(&f->key),
                                        buf_str(&f->csr), &issue, &out, &err));
    assert_string_equal(err.msg, "CA: the certificate is not one of a CA");
    assert_false(identity_issue_for_csr(&f->rng, buf_str(&f->ca), buf_str(&f->key),
                                        buf_str(&f->csr), &issue, &out, &err));
    assert_string_equal(err.msg, "CA: the private key does not belong to the certificate");
    assert_int_equal(out.len, 0);
}

static void keys_and_certificates_must_be_a_pair(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    assert_false(identity_check_pair(&f->rng, buf_str(&f->cert), buf_str(&f->ca_key), &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg, "the private key does not belong to the certificate \"till-7\"");
}

static void a_request_is_read_only_when_its_key_signed_it(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct buf name = buf_growing(64);
    assert_true(identity_read_csr(buf_str(&f->csr), &name, &err));
    assert_true(str_eq(buf_str(&name), STR("till-7")));

    /* One changed bit somewhere: garbage, or no longer signed by its key. Never accepted, never a
     * crash. */
    char fingerprint[FINGERPRINT_TEXT_SIZE];
    for (size_t i = strlen("-----BEGIN CERTIFICATE REQUEST-----\n"); i < f->csr.len - 40; i += 3) {
        f->csr.ptr[i] ^= 1;
        assert_false(identity_csr_key_fingerprint(buf_str(&f->csr), fingerprint, &err));
        f->csr.ptr[i] ^= 1;
    }
    assert_true(identity_csr_key_fingerprint(buf_str(&f->csr), fingerprint, &err));
    buf_release(&name);
}

static void garbage_is_refused_with_a_reason(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct str text;
        const char *reason;
    } cases[] = {
        {STR_INIT(""), "certificate request is empty"},
        {STR_INIT("hello"), "certificate request is not PEM text"},
        {STR_INIT("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"),
         "certificate request: "},
        {STR_INIT("-----BEGIN CERTIFICATE REQUEST-----\n\0"),
         "certificate request is not PEM text"},
    };
    struct buf name = buf_growing(64);
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_false(identity_read_csr(cases[i].text, &name, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_memory_equal(err.msg, cases[i].reason, strlen(cases[i].reason));
    }
    static char large[5000];
    memset(large, 'A', sizeof(large));
    assert_false(identity_read_csr((struct str){large, sizeof(large)}, &name, &err));
    assert_string_equal(err.msg, "certificate request of 5000 bytes is larger than 4096");
    assert_false(identity_read_csr(buf_str(&f->cert), &name, &err));
    struct identity_info info;
    assert_false(identity_read_cert(buf_str(&f->csr), &info, &err));
    assert_false(
        identity_verify(buf_str(&f->cert), STR("nonsense"), IDENTITY_CLIENT, f->now, &err));
    assert_string_equal(err.msg, "CA: certificate is not PEM text");
    assert_int_equal(name.len, 0);
}

static void names_have_a_shape(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "",  "a b", "a,CN=b",
        "ä", "a/b", "0123456789012345678901234567890123456789012345678901234567890123"};
    struct buf out = buf_growing(4096);
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct identity_issue issue = issue_for(f, IDENTITY_CLIENT, bad[i]);
        assert_false(identity_make_csr(&f->rng, buf_str(&f->key), str_from(bad[i]), &out, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_false(identity_issue_for_key(&f->rng, buf_str(&f->ca), buf_str(&f->ca_key),
                                            buf_str(&f->key), &issue, &out, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    struct identity_issue backwards = issue_for(f, IDENTITY_CLIENT, "x");
    backwards.not_after = backwards.not_before;
    assert_false(identity_issue_for_key(&f->rng, buf_str(&f->ca), buf_str(&f->ca_key),
                                        buf_str(&f->key), &backwards, &out, &err));
    assert_string_equal(err.msg, "certificate: it would end before it begins");
    struct identity_issue client = issue_for(f, IDENTITY_CLIENT, "x");
    assert_false(identity_make_ca(&f->rng, buf_str(&f->ca_key), &client, &out, &err));
    assert_int_equal(out.len, 0);
}

static void servers_carry_their_host_names(void **state)
{
    struct fixture *f = *state;
    const struct str hosts[] = {STR("localhost"), STR("127.0.0.1"), STR("::1"),
                                STR("hub.shop.example")};
    struct identity_issue issue = issue_for(f, IDENTITY_SERVER, "hub");
    issue.host_names = hosts;
    issue.host_name_count = COUNT_OF(hosts);
    struct buf cert = buf_growing(8192);
    struct err err = {0};
    assert_true(identity_issue_for_key(&f->rng, buf_str(&f->ca), buf_str(&f->ca_key),
                                       buf_str(&f->key), &issue, &cert, &err));
    assert_true(identity_verify(buf_str(&cert), buf_str(&f->ca), IDENTITY_SERVER, f->now, &err));
    assert_false(identity_verify(buf_str(&cert), buf_str(&f->ca), IDENTITY_CLIENT, f->now, &err));
    buf_release(&cert);
}

static void a_full_buffer_is_said(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    struct buf small = buf_growing(16);
    assert_false(identity_make_key(&f->rng, &small, &err));
    assert_int_equal(err.code, ERR_FULL);
    buf_release(&small);
}

static void digests_are_sha256(void **state)
{
    (void)state;
    char hex[FINGERPRINT_TEXT_SIZE];
    digest_hex(STR("abc"), hex); /* FIPS 180-2 appendix B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(digest_equal(STR("abc"), STR("abc")));
    assert_false(digest_equal(STR("abc"), STR("abd")));
    assert_false(digest_equal(STR("abc"), STR("ab")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_says_what_was_asked_for),
        cmocka_unit_test(verification_says_why_it_refuses),
        cmocka_unit_test(another_ca_of_the_same_name_is_refused),
        cmocka_unit_test(a_leaf_does_not_sign),
        cmocka_unit_test(keys_and_certificates_must_be_a_pair),
        cmocka_unit_test(a_request_is_read_only_when_its_key_signed_it),
        cmocka_unit_test(garbage_is_refused_with_a_reason),
        cmocka_unit_test(names_have_a_shape),
        cmocka_unit_test(servers_carry_their_host_names),
        cmocka_unit_test(a_full_buffer_is_said),
        cmocka_unit_test(digests_are_sha256),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
