/* identity_files_test.c - a device's key and certificate on disk: whatever step of taking a new pair a power
 * cut falls into, what is loaded afterwards belongs together. */
#include "agent/daemon/identity_files.h"
#include "common/platform/files.h"
#include "common/tls/identity.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define START_NS (INT64_C(1795400000) * NS_PER_SEC)
enum { PEM_MAX = 16 << 10 };

struct pair {
    struct str key, cert;
};
struct world {
    struct temp_dir dir;
    struct arena arena;
    struct seeded_rng seeded;
    struct rng rng;
    struct str ca_cert, ca_key;
    struct pair old, new;
};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static struct str make_key(struct world *w)
{
    struct err err = {0};
    AUTO(buf) key = buf_growing(PEM_MAX);
    check(identity_make_key(&w->rng, &key, &err), &err);
    return arena_copy(&w->arena, buf_str(&key));
}

static struct pair make_pair(struct world *w)
{
    struct err err = {0};
    struct identity_issue issue = {.kind = IDENTITY_CLIENT,
                                   .common_name = STR("boston"),
                                   .not_before = {START_NS},
                                   .not_after = {START_NS + 3600 * NS_PER_SEC}};
    struct pair pair = {.key = make_key(w)};
    AUTO(buf) cert = buf_growing(PEM_MAX);
    check(identity_issue_for_key(&w->rng, w->ca_cert, w->ca_key, pair.key, &issue, &cert, &err),
          &err);
    pair.cert = arena_copy(&w->arena, buf_str(&cert));
    return pair;
}

static void put(struct world *w, const char *file, struct str text)
{
    struct err err = {0};
    char name[64];
    (void)snprintf(name, sizeof(name), "identity/%s", file);
    check(files_write(temp_dir_path(&w->dir, name), text, 0600, &err), &err);
}

static bool is_there(struct world *w, const char *file)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "identity/%s", file);
    return files_exist(temp_dir_path(&w->dir, name));
}

static void begin(struct world *w)
{
    struct err err = {0};
    *w = (struct world){.dir = temp_dir_new(), .arena = arena_new(1 << 20)};
    w->seeded = seeded_rng_new(11);
    w->rng = seeded_rng_port(&w->seeded);
    struct identity_issue issue = {.kind = IDENTITY_CA,
                                   .common_name = STR("main-ca"),
                                   .not_before = {START_NS},
                                   .not_after = {START_NS + 7200 * NS_PER_SEC}};
    AUTO(buf) ca = buf_growing(PEM_MAX);
    w->ca_key = make_key(w);
    check(identity_make_ca(&w->rng, w->ca_key, &issue, &ca, &err), &err);
    w->ca_cert = arena_copy(&w->arena, buf_str(&ca));
    w->old = make_pair(w);
    w->new = make_pair(w);
    check(files_make_dirs(temp_dir_path(&w->dir, "identity"), 0700, &err), &err);
    put(w, "key.pem", w->old.key);
    const struct device_identity identity = {.fleet = STR("main"),
                                             .device = STR("boston"),
                                             .host = STR("hub"),
                                             .port = 8883,
                                             .enrol_port = 8884,
                                             .cert_pem = w->old.cert,
                                             .ca_pem = w->ca_cert};
    check(device_identity_save(w->dir.path, &identity, &err), &err);
}

static void end(struct world *w)
{
    arena_release(&w->arena);
    temp_dir_release(&w->dir);
}

static void expect_pair(struct world *w, const struct pair *pair)
{
    struct err err = {0};
    struct device_identity identity;
    check(device_identity_load(w->dir.path, &w->arena, &identity, &err), &err);
    assert_true(str_eq(identity.key_pem, pair->key));
    assert_true(str_eq(identity.cert_pem, pair->cert));
    assert_int_equal(identity.enrol_port, 8884);
    check(identity_check_pair(&w->rng, identity.cert_pem, identity.key_pem, &err), &err);
}

/* What is on disk after each write and removal of taking a new pair, in their order. */
static void any_step_leaves_a_pair(void **state)
{
    (void)state;
    for (int steps = 0; steps <= 6; steps++) {
        struct world w;
        struct err err = {0};
        begin(&w);
        if (steps >= 1) {
            put(&w, "pending-key.pem", w.new.key);
        }
        if (steps >= 2) {
            put(&w, "pending-cert.pem", w.new.cert);
        }
        if (steps >= 3) {
            put(&w, "key.pem", w.new.key);
        }
        if (steps >= 4) {
            put(&w, "cert.pem", w.new.cert);
        }
        if (steps >= 5) {
            assert_int_equal(unlink(temp_dir_path(&w.dir, "identity/pending-cert.pem")), 0);
        }
        if (steps >= 6) {
            assert_int_equal(unlink(temp_dir_path(&w.dir, "identity/pending-key.pem")), 0);
        }
        expect_pair(&w, steps < 3 ? &w.old : &w.new);
        expect_pair(&w, steps < 3 ? &w.old : &w.new); /* what was completed stays */
        if (steps >= 3) {
            assert_false(is_there(&w, "pending-key.pem"));
            assert_false(is_there(&w, "pending-cert.pem"));
        }
        /* The next renewal begins with a key of its own, unless one waits already. */
        AUTO(buf) key = buf_growing(PEM_MAX);
        check(device_pending_key(w.dir.path, &w.rng, &key, &err), &err);
        assert_false(str_eq(buf_str(&key), steps < 3 ? w.old.key : w.new.key));
        assert_true(str_eq(buf_str(&key), w.new.key) == (steps == 1 || steps == 2));
        end(&w);
    }
}

static void a_pair_is_adopted_whole(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    begin(&w);
    assert_false(device_pending_adopt(w.dir.path, &err)); /* none waits */
    expect_pair(&w, &w.old);
    put(&w, "pending-key.pem", w.new.key);
    check(device_pending_save(w.dir.path, w.new.cert, &err), &err);
    expect_pair(&w, &w.old);
    check(device_pending_adopt(w.dir.path, &err), &err);
    expect_pair(&w, &w.new);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_step_leaves_a_pair),
        cmocka_unit_test(a_pair_is_adopted_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
