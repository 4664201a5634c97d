/* rotation_test.c - another CA as files of the hub: whatever step a crash falls into, what is loaded
 * afterwards belongs together and nobody is cut off; and who gets a certificate of which CA. */
#include "hub/registry/rotation.h"

#include "common/platform/files.h"
#include "hub/registry/authority.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"
#include <string.h>
#include <unistd.h>

#define START_NS (INT64_C(1795400000) * NS_PER_SEC)
#define DAY_NS   (INT64_C(86400) * NS_PER_SEC)
enum { PEM_MAX = 64 << 10 };

struct world {
    struct temp_dir dir;
    struct arena arena;
    struct seeded_rng seeded;
    struct rng rng;
    struct hub_config config;
    struct wall_time now;
    struct authority first; /* before anything was changed */
};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static struct authority load(struct world *w)
{
    struct err err = {0};
    struct authority a;
    check(authority_load(&w->config, &w->rng, w->now, &w->arena, &a, &err), &err);
    return a;
}

static void begin(struct world *w)
{
    struct err err = {0};
    *w = (struct world){.dir = temp_dir_new(), .arena = arena_new(8 << 20), .now = {START_NS}};
    w->seeded = seeded_rng_new(5);
    w->rng = seeded_rng_port(&w->seeded);
    w->config = (struct hub_config){.state_dir = str_from(w->dir.path),
                                    .fleet = STR("shops"),
                                    .host = STR("hub"),
                                    .port = 8883};
    check(authority_make(&w->config, &w->rng, w->now, &err), &err);
    w->first = load(w);
    w->now.ns += DAY_NS;
}

static void end(struct world *w)
{
    arena_release(&w->arena);
    temp_dir_release(&w->dir);
}

static struct str get(struct world *w, const char *file)
{
    struct err err = {0};
    AUTO(buf) text = buf_growing(PEM_MAX);
    check(files_read(temp_dir_path(&w->dir, file), &text, &err), &err);
    return arena_copy(&w->arena, buf_str(&text));
}

static void put(struct world *w, const char *file, struct str text)
{
    struct err err = {0};
    check(files_write(temp_dir_path(&w->dir, file), text, 0600, &err), &err);
}

/* What is in force fits together, and the broker's and the hub's certificates are of it. */
static void expect_whole(struct world *w, const struct authority *a)
{
    struct err err = {0};
    check(identity_check_pair(&w->rng, a->ca_cert, a->ca_key, &err), &err);
    check(identity_verify(a->server_cert, a->ca_cert, IDENTITY_SERVER, w->now, &err), &err);
    check(identity_verify(a->hub_cert, a->ca_cert, IDENTITY_CLIENT, w->now, &err), &err);
    check(identity_check_pair(&w->rng, a->hub_cert, a->hub_key, &err), &err);
    check(identity_check_pair(&w->rng, a->server_cert, get(w, "broker/server.key"), &err), &err);
    assert_true(str_eq(get(w, "broker/ca.pem"), a->trusted));
    assert_true(str_is_empty(a->next_cert) == str_is_empty(a->next_key));
    if (!str_is_empty(a->next_cert)) {
        check(identity_check_pair(&w->rng, a->next_cert, a->next_key, &err), &err);
    }
}

static void both_are_trusted_until_it_is_finished(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    char pins[AUTHORITY_PINS_SIZE];
    struct rotation r;
    begin(&w);
    check(rotation_begin(&w.config, &w.rng, w.now, &err), &err);
    struct authority during = load(&w);
    expect_whole(&w, &during);
    assert_true(str_eq(during.ca_cert, w.first.ca_cert));
    assert_true(
        str_eq(during.server_cert, w.first.server_cert)); /* who was told nothing, believes it */
    check(authorities_check_next(w.first.trusted, during.trusted,
                                 str_from(during.trusted_signature), &err),
          &err);
    check(authority_pins(&w.config, pins, &err), &err);
    assert_int_equal(strlen(pins), 128);

    check(rotation_finish(&w.config, &err), &err);
    struct authority after = load(&w);
    expect_whole(&w, &after);
    assert_true(str_eq(after.ca_cert, during.next_cert));
    assert_true(str_is_empty(after.next_cert));
    check(authorities_check_next(during.trusted, after.trusted, str_from(after.trusted_signature),
                                 &err),
          &err);
    /* Nobody brings the old one back with what it signed, and who missed all of it is not talked over. */
    assert_false(authorities_check_next(after.trusted, during.trusted,
                                        str_from(during.trusted_signature), &err));
    assert_false(authorities_check_next(w.first.trusted, after.trusted,
                                        str_from(after.trusted_signature), &err));
    check(rotation_read(&w.config, &r, &err), &err);
    assert_false(r.is_under_way);
    end(&w);
}

/* What is on disk after each write and removal, in their order. */
static void any_step_of_beginning_leaves_one_or_both(void **state)
{
    (void)state;
    for (int steps = 0; steps <= 2; steps++) {
        struct world w;
        struct err err = {0};
        begin(&w);
        check(rotation_begin(&w.config, &w.rng, w.now, &err), &err);
        struct str key = get(&w, "ca/next.key");
        struct str cert = get(&w, "ca/next.pem");
        assert_int_equal(unlink(temp_dir_path(&w.dir, "ca/next.key")), 0);
        assert_int_equal(unlink(temp_dir_path(&w.dir, "ca/next.pem")), 0);
        if (steps >= 1) {
            put(&w, "ca/next.key", key);
        }
        if (steps >= 2) {
            put(&w, "ca/next.pem", cert);
        }
        struct authority a = load(&w);
        expect_whole(&w, &a);
        assert_true(str_eq(a.ca_cert, w.first.ca_cert));
        assert_true(str_is_empty(a.next_cert) == (steps < 2));
        bool ok = rotation_begin(&w.config, &w.rng, w.now, &err); /* again */
        assert_true(ok == (steps < 2));
        a = load(&w);
        expect_whole(&w, &a);
        assert_false(str_is_empty(a.next_cert));
        end(&w);
    }
}

static void any_step_of_finishing_leaves_the_old_state_or_the_new(void **state)
{
    (void)state;
    for (int steps = 0; steps <= 4; steps++) {
        struct world w;
        struct err err = {0};
        struct rotation r;
        begin(&w);
        check(rotation_begin(&w.config, &w.rng, w.now, &err), &err);
        struct str key = get(&w, "ca/next.key");
        struct str cert = get(&w, "ca/next.pem");
        if (steps >= 1) {
            put(&w, "ca/ca.key", key);
        }
        if (steps >= 2) {
            put(&w, "ca/ca.pem", cert);
        }
        if (steps >= 3) {
            assert_int_equal(unlink(temp_dir_path(&w.dir, "ca/next.pem")), 0);
        }
        if (steps >= 4) {
            assert_int_equal(unlink(temp_dir_path(&w.dir, "ca/next.key")), 0);
        }
        struct authority a = load(&w);
        expect_whole(&w, &a);
        assert_true(str_eq(a.ca_cert, steps == 0 ? w.first.ca_cert : cert));
        assert_true(str_is_empty(a.next_cert) == (steps > 0));
        check(rotation_read(&w.config, &r, &err), &err);
        assert_true(r.is_under_way == (steps == 0));
        a = load(&w); /* what was completed stays */
        expect_whole(&w, &a);
        assert_true(rotation_finish(&w.config, &err) == (steps == 0));
        end(&w);
    }
}

/* The key is written before the certificate: a crash between leaves a pair that does not fit, and is
 * made again. */
static void certificates_that_were_half_made_are_made_again(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    begin(&w);
    check(rotation_begin(&w.config, &w.rng, w.now, &err) && rotation_finish(&w.config, &err), &err);
    put(&w, "broker/server.key", get(&w, "ca/ca.key"));
    put(&w, "identity/hub.key", get(&w, "ca/ca.key"));
    struct authority a = load(&w);
    expect_whole(&w, &a);
    end(&w);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    begin(&w);
    assert_false(rotation_finish(&w.config, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.hint, "ca rotate"));
    struct wall_time early = {START_NS - DAY_NS};
    assert_false(rotation_begin(&w.config, &w.rng, early, &err));
    assert_int_equal(err.code, ERR_INVALID);
    check(rotation_begin(&w.config, &w.rng, w.now, &err), &err);
    assert_false(rotation_begin(&w.config, &w.rng, w.now, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    AUTO(fd) lock = {-1};
    check(files_lock(temp_dir_path(&w.dir, "ca.lock"), &lock, &err), &err);
    assert_false(rotation_finish(&w.config, &err));
    assert_int_equal(err.code, ERR_BUSY);
    fd_release(&lock);
    lock.n = -1;
    if (geteuid() == 0) { /* else it cannot be tried */
        assert_int_equal(chown(temp_dir_path(&w.dir, "ca/ca.key"), 1, 1), 0);
        assert_false(rotation_finish(&w.config, &err));
        assert_int_equal(err.code, ERR_DENIED);
        assert_non_null(strstr(err.hint, "sudo -u"));
        assert_int_equal(chown(temp_dir_path(&w.dir, "ca/ca.key"), 0, 0), 0);
    }
    check(rotation_finish(&w.config, &err), &err);
    w.config.state_dir = STR("/nonexistent");
    struct rotation r;
    assert_false(rotation_read(&w.config, &r, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.hint, "init"));
    end(&w);
}

static void a_rotation_right_after_another_is_newer(void **state)
{
    (void)state;
    struct world w;
    struct err err = {0};
    begin(&w);
    struct authority earlier = w.first;
    for (int i = 0; i < 3; i++) {
        w.now.ns += NS_PER_SEC;
        check(rotation_begin(&w.config, &w.rng, w.now, &err), &err);
        struct authority during = load(&w);
        check(authorities_check_next(earlier.trusted, during.trusted,
                                     str_from(during.trusted_signature), &err),
              &err);
        check(rotation_finish(&w.config, &err), &err);
        earlier = load(&w);
        /* Who missed the end of the last one follows all the same. */
        check(authorities_check_next(during.trusted, earlier.trusted,
                                     str_from(earlier.trusted_signature), &err),
              &err);
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_are_trusted_until_it_is_finished),
        cmocka_unit_test(any_step_of_beginning_leaves_one_or_both),
        cmocka_unit_test(any_step_of_finishing_leaves_the_old_state_or_the_new),
        cmocka_unit_test(certificates_that_were_half_made_are_made_again),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_rotation_right_after_another_is_newer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
