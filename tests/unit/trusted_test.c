/* trusted_test.c - agent/daemon/trusted: what the hub tells of CAs is written whole before it counts, and what
 * is not to be believed, or cannot be written, leaves all as it was. */
#include "agent/daemon/trusted.h"

#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_NS (INT64_C(1795400000) * NS_PER_SEC)
enum { PEM_MAX = 32 << 10 };

struct world {
    struct temp_dir dir;
    struct arena arena;
    struct seeded_rng seeded;
    struct rng rng;
    struct str key[2], ca[2], both;
    struct trusted trusted;
    struct device_identity identity;
};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static struct str keep(struct world *w, struct buf *text)
{
    struct str kept = arena_copy(&w->arena, buf_str(text));
    buf_release(text);
    return kept;
}

static void make_ca(struct world *w, int i)
{
    struct err err = {0};
    struct buf key = buf_growing(PEM_MAX);
    struct buf ca = buf_growing(PEM_MAX);
    struct identity_issue issue = {.kind = IDENTITY_CA,
                                   .common_name = i == 0 ? STR("main-ca") : STR("main-ca-2"),
                                   .not_before = {START_NS + i * NS_PER_SEC},
                                   .not_after = {START_NS + 3600 * NS_PER_SEC}};
    check(identity_make_key(&w->rng, &key, &err) &&
              identity_make_ca(&w->rng, buf_str(&key), &issue, &ca, &err),
          &err);
    w->key[i] = keep(w, &key);
    w->ca[i] = keep(w, &ca);
}

static struct str make_certificate(struct world *w, int ca)
{
    struct err err = {0};
    struct buf cert = buf_growing(PEM_MAX);
    struct identity_issue issue = {.kind = IDENTITY_CLIENT,
                                   .common_name = STR("boston"),
                                   .not_before = {START_NS},
                                   .not_after = {START_NS + 60 * NS_PER_SEC}};
    check(identity_issue_for_key(&w->rng, w->ca[ca], w->key[ca], w->key[0], &issue, &cert, &err),
          &err);
    return keep(w, &cert);
}

static void begin(struct world *w)
{
    struct err err = {0};
    struct buf both = buf_growing(PEM_MAX);
    *w = (struct world){.dir = temp_dir_new(), .arena = arena_new(1 << 20)};
    w->seeded = seeded_rng_new(11);
    w->rng = seeded_rng_port(&w->seeded);
    make_ca(w, 0);
    make_ca(w, 1);
    buf_add(&both, w->ca[0]);
    buf_add(&both, w->ca[1]);
    w->both = keep(w, &both);
    check(files_make_dirs(temp_dir_path(&w->dir, "identity"), 0700, &err), &err);
    check(device_identity_save_authorities(w->dir.path, w->ca[0], &err), &err);
    w->identity = (struct device_identity){.ca_pem = w->ca[0], .cert_pem = make_certificate(w, 0)};
    check(trusted_look(&w->trusted, &w->identity, &err), &err);
    assert_false(w->trusted.is_outdated);
    assert_string_equal(w->trusted.list, w->trusted.issuer);
}

static void end(struct world *w)
{
    trusted_release(&w->trusted, &w->identity);
    arena_release(&w->arena);
    temp_dir_release(&w->dir);
}

static bool take(struct world *w, struct str pems, int signer, bool *ret_is_new, struct err *err)
{
    char signature[SIGNATURE_TEXT_SIZE];
    check(identity_sign(&w->rng, w->key[signer], pems, signature, err), err);
    return trusted_take(&w->trusted, &w->identity, w->dir.path, pems, str_from(signature),
                        ret_is_new, err);
}

static void expect_file(struct world *w, struct str text)
{
    struct err err = {0};
    AUTO(buf) there = buf_growing(PEM_MAX);
    check(files_read(temp_dir_path(&w->dir, "identity/ca.pem"), &there, &err), &err);
    assert_true(str_eq(buf_str(&there), text));
    assert_true(str_eq(w->identity.ca_pem, text));
}

static void a_newer_set_is_written_and_makes_the_certificate_old(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    bool is_new = false;
    begin(&w);
    check(take(&w, w.both, 0, &is_new, &err), &err);
    assert_true(is_new && w.trusted.is_outdated);
    expect_file(&w, w.both);
    check(take(&w, w.both, 0, &is_new, &err), &err); /* said again */
    assert_false(is_new);

    /* Another start finds the same in the file. */
    struct trusted again = {0};
    check(trusted_look(&again, &w.identity, &err), &err);
    assert_true(again.is_outdated);
    assert_string_equal(again.list, w.trusted.list);

    w.identity.cert_pem = make_certificate(&w, 1);
    check(trusted_look(&w.trusted, &w.identity, &err), &err);
    assert_false(w.trusted.is_outdated);
    check(take(&w, w.ca[1], 1, &is_new, &err), &err);
    assert_true(is_new && !w.trusted.is_outdated);
    expect_file(&w, w.ca[1]);
    end(&w);
}

/* Cut off, but for the connection that it has: it needs a certificate all the more. */
static void a_certificate_of_no_trusted_ca_is_old(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    bool is_new = false;
    begin(&w);
    check(take(&w, w.both, 0, &is_new, &err) && take(&w, w.ca[1], 1, &is_new, &err), &err);
    assert_true(w.trusted.is_outdated);
    assert_string_equal(w.trusted.issuer, "");
    end(&w);
}

static void what_is_not_believed_changes_nothing(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    bool is_new = false;
    begin(&w);
    assert_false(take(&w, w.both, 1, &is_new, &err)); /* by one that is not trusted */
    assert_int_equal(err.code, ERR_DENIED);
    assert_false(take(&w, STR("garbage"), 0, &is_new, &err));
    assert_int_equal(err.code, ERR_INVALID);
    expect_file(&w, w.ca[0]);
    check(take(&w, w.both, 0, &is_new, &err) && take(&w, w.ca[1], 1, &is_new, &err), &err);
    assert_false(take(&w, w.both, 0, &is_new, &err)); /* an earlier set, as it was signed then */
    assert_int_equal(err.code, ERR_DENIED);
    expect_file(&w, w.ca[1]);
    end(&w);
}

static void what_cannot_be_written_does_not_count(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    bool is_new = false;
    begin(&w);
    assert_int_equal(unlink(temp_dir_path(&w.dir, "identity/ca.pem")), 0);
    assert_int_equal(mkdir(temp_dir_path(&w.dir, "identity/ca.pem"), 0700), 0);
    assert_false(take(&w, w.both, 0, &is_new, &err));
    assert_true(str_eq(w.identity.ca_pem, w.ca[0]));
    assert_false(w.trusted.is_outdated);
    assert_int_equal(rmdir(temp_dir_path(&w.dir, "identity/ca.pem")), 0);
    check(take(&w, w.both, 0, &is_new, &err), &err); /* told again, it is taken */
    expect_file(&w, w.both);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newer_set_is_written_and_makes_the_certificate_old),
        cmocka_unit_test(a_certificate_of_no_trusted_ca_is_old),
        cmocka_unit_test(what_is_not_believed_changes_nothing),
        cmocka_unit_test(what_cannot_be_written_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
