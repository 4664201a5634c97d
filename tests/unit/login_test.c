/* login_test.c - what strangers can do to logging in: guess, lock others out, learn names, use the setup link late. */
#include "hub/accounts/accounts.h"

#include "common/log/log.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>

#define GOOD STR("a long good password")

struct world {
    struct temp_dir dir;
    struct rng rng;
    struct accounts *accounts;
    int64_t now_s; /* both clocks */
};

static int set_up(void **state)
{
    static struct world w;
    struct err err = {0};
    struct db *db = NULL;
    w = (struct world){.dir = temp_dir_new(), .now_s = 1800000000};
    const char *path = temp_dir_path(&w.dir, "hub.db");
    const struct hub_store_options store = {.path = path};
    log_set_level(LOG_ERROR);
    w.rng = rng_system();
    assert_true(hub_store_open(&db, &store, &err));
    db_close(db);
    assert_true(accounts_open(&w.accounts, path, &w.rng, &err));
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    accounts_close(w->accounts);
    temp_dir_release(&w->dir);
    return 0;
}

static struct wall_time wall(const struct world *w)
{
    return (struct wall_time){w->now_s * NS_PER_SEC};
}

static struct mono_time mono(const struct world *w)
{
    return (struct mono_time){w->now_s * NS_PER_SEC};
}

static void add_user(struct world *w, const char *name, enum account_role role)
{
    struct err err = {0};
    assert_true(accounts_add(w->accounts, str_from(name), role, GOOD, wall(w), &err));
}

static enum err_code log_in(struct world *w, const char *name, struct str password,
                            const char *peer)
{
    struct err err = {0};
    char session[ACCOUNT_SECRET_SIZE];
    const struct account_asking asking = {.peer = str_from(peer), .now = wall(w), .mono = mono(w)};
    bool ok = accounts_login(w->accounts, str_from(name), password, &asking, session, &err);
    return ok ? ERR_NONE : err.code;
}

/* From another address each time, and never faster than all together may. */
static void guess(struct world *w, const char *name, int times)
{
    char peer[32];
    for (int i = 0; i < times; i++) {
        w->now_s++;
        (void)snprintf(peer, sizeof(peer), "198.51.100.%d", i);
        (void)log_in(w, name, STR("a wrong password"), peer);
    }
}

/* --- locks --------------------------------------------------------------------------------------- */

static void a_lock_does_not_tell_which_names_there_are(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"ada", "nobody"};
    add_user(w, "ada", ACCOUNT_VIEWER);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        guess(w, names[i], ACCOUNT_FAILURES_FREE - 1);
        assert_int_equal(log_in(w, names[i], STR("a wrong password"), "192.0.2.1"), ERR_DENIED);
        assert_int_equal(log_in(w, names[i], STR("a wrong password"), "192.0.2.1"), ERR_BUSY);
        w->now_s += 61; /* the first lock is a minute */
        assert_int_equal(log_in(w, names[i], STR("a wrong password"), "192.0.2.1"), ERR_DENIED);
        assert_int_equal(log_in(w, names[i], STR("a wrong password"), "192.0.2.1"), ERR_BUSY);
    }
}

static void strangers_do_not_lock_out_who_was_here(void **state)
{
    struct world *w = *state;
    add_user(w, "ada", ACCOUNT_ADMIN);
    assert_int_equal(log_in(w, "ada", GOOD, "192.0.2.1"), ERR_NONE);
    guess(w, "ada", ACCOUNT_FAILURES_FREE);
    assert_int_equal(log_in(w, "ada", GOOD, "192.0.2.2"), ERR_BUSY);
    assert_int_equal(log_in(w, "ada", GOOD, "192.0.2.1"), ERR_NONE);
    /* Nor may such a place guess on and on. */
    guess(w, "ada", ACCOUNT_FAILURES_FREE);
    for (int i = 0; i < ACCOUNT_FAILURES_FREE; i++) {
        w->now_s += 6;
        assert_int_equal(log_in(w, "ada", STR("a wrong password"), "192.0.2.1"), ERR_DENIED);
    }
    w->now_s += 6;
    assert_int_equal(log_in(w, "ada", GOOD, "192.0.2.1"), ERR_BUSY);
}

/* --- the setup link ------------------------------------------------------------------------------ */

static enum err_code use_link(struct world *w, const char *secret, const char *name)
{
    struct err err = {0};
    const struct account_asking asking = {
        .peer = STR("192.0.2.1"), .now = wall(w), .mono = mono(w)};
    bool ok =
        accounts_setup_use(w->accounts, str_from(secret), str_from(name), GOOD, &asking, &err);
    return ok ? ERR_NONE : err.code;
}

static void make_link(struct world *w, char secret[ACCOUNT_SECRET_SIZE])
{
    struct err err = {0};
    bool is_needed = false;
    assert_true(accounts_setup_make(w->accounts, wall(w), secret, &is_needed, &err));
    assert_true(is_needed);
}

static void the_setup_link_makes_one_admin(void **state)
{
    struct world *w = *state;
    char before[ACCOUNT_SECRET_SIZE];
    char secret[ACCOUNT_SECRET_SIZE];
    make_link(w, before);
    make_link(w, secret);
    assert_int_equal(use_link(w, before, "ada"), ERR_DENIED);
    assert_int_equal(use_link(w, secret, "No Name"), ERR_INVALID);
    w->now_s += ACCOUNT_SETUP_S;
    assert_int_equal(use_link(w, secret, "ada"), ERR_DENIED);
    w->now_s -= 1;
    assert_int_equal(use_link(w, secret, "ada"), ERR_NONE);
    assert_int_equal(use_link(w, secret, "bob"), ERR_DENIED);
}

static void the_setup_link_is_void_when_there_is_an_admin(void **state)
{
    struct world *w = *state;
    char secret[ACCOUNT_SECRET_SIZE];
    make_link(w, secret);
    add_user(w, "ada", ACCOUNT_ADMIN); /* by the command line */
    assert_int_equal(use_link(w, secret, "mallory"), ERR_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lock_does_not_tell_which_names_there_are, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(strangers_do_not_lock_out_who_was_here, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_setup_link_makes_one_admin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_setup_link_is_void_when_there_is_an_admin, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
