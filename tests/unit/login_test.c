/* login_test.c - what strangers can do to logging in: guess, lock others out, learn names, use the setup link late,
 * and fill the audit log; and what a new password ends. */
#include "hub/accounts/accounts.h"

#include "common/log/log.h"
#include "hub/api/api.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define GOOD STR("a long good password")

struct world {
    struct temp_dir dir;
    struct arena arena;
    struct hub_config config;
    struct loop *loop;
    struct rng rng;
    struct accounts *accounts;
    struct api *api;
    int64_t now_s; /* both clocks */
};

static int set_up(void **state)
{
    static struct world w;
    struct err err = {0};
    struct db *db = NULL;
    struct problems problems = {0};
    w = (struct world){.dir = temp_dir_new(), .arena = arena_new(4 << 20), .now_s = 1800000000};
    const char *path = temp_dir_path(&w.dir, "hub.db");
    const struct hub_store_options store = {.path = path};
    log_set_level(LOG_ERROR);
    assert_true(hub_config_parse(STR("{}"), "hub.yaml", &w.arena, &problems, &w.config, &err));
    w.config.state_dir = str_from(w.dir.path);
    w.rng = rng_system();
    assert_true(hub_store_open(&db, &store, &err));
    db_close(db);
    assert_true(loop_open(&w.loop, clock_system(), &err));
    assert_true(accounts_open(&w.accounts, path, &w.rng, &err));
    const struct api_options options = {.config = &w.config,
                                        .database = path,
                                        .loop = w.loop,
                                        .rng = &w.rng,
                                        .accounts = w.accounts};
    assert_true(api_open(&w.api, &options, &err));
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    api_close(w->api);
    accounts_close(w->accounts);
    loop_close(w->loop);
    arena_release(&w->arena);
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
    /* Nor do many who try at once. */
    for (int i = 0; i < 100; i++) {
        char peer[32];
        (void)snprintf(peer, sizeof(peer), "203.0.113.%d", i);
        (void)log_in(w, "nobody", STR("a wrong password"), peer);
    }
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

/* --- the audit log ------------------------------------------------------------------------------- */

/* As who has this session, or as nobody; *ret_cookie is what a cookie was set to. */
static int ask_as(struct world *w, const char *session, enum http_method method, const char *target,
                  const char *body, char ret_cookie[ACCOUNT_SECRET_SIZE])
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct err err = {0};
    const struct http_service *service = api_service(w->api);
    const struct http_route *route = NULL;
    struct http_request rq = {.method = method,
                              .headers = {.content_type = STR("application/json")},
                              .body = arena_copy(&arena, str_from(body)),
                              .peer = STR("192.0.2.1"),
                              .now = wall(w),
                              .mono = mono(w),
                              .arena = &arena};
    struct account_caller caller = {0};
    bool is_found = false;
    assert_true(
        accounts_by_session(w->accounts, str_from(session), rq.now, &caller, &is_found, &err));
    rq.headers.csrf_token = str_from(caller.csrf);
    rq.headers.cookie = arena_printf(&arena, "selvedge_session=%s", session);
    struct http_response rs = {.body = buf_growing(1 << 20)};
    assert_true(http_target_parse(str_from(target), &arena, &rq.target, &err));
    assert_int_equal(http_route_find(service->routes, service->route_count, method, &rq.target,
                                     &arena, &route, rq.args),
                     HTTP_MATCH);
    if (service->admit(service->ctx, &rq, route, &rs) &&
        !route->handler(service->ctx, &rq, &rs, &err)) {
        http_problem_from(&rs, &err);
    }
    for (size_t i = 0; i < rs.header_count; i++) {
        if (strcmp(rs.headers[i].name, "Set-Cookie") == 0) {
            (void)snprintf(ret_cookie, ACCOUNT_SECRET_SIZE, "%s",
                           strchr(rs.headers[i].value, '=') + 1);
        }
    }
    buf_release(&rs.body);
    return rs.status;
}

static int ask(struct world *w, enum http_method method, const char *target, const char *body)
{
    char ignored[ACCOUNT_SECRET_SIZE];
    return ask_as(w, "", method, target, body, ignored);
}

struct entries {
    int64_t count;
    char subject[300], detail[300]; /* of the newest */
};

static void add_entry(void *ctx, const struct account_audit *row)
{
    struct entries *e = ctx;
    if (e->count++ == 0) {
        (void)snprintf(e->subject, sizeof(e->subject), STR_FMT, STR_ARG(row->subject));
        (void)snprintf(e->detail, sizeof(e->detail), STR_FMT, STR_ARG(row->detail));
    }
}

static struct entries audit(struct world *w)
{
    struct entries e = {0};
    struct err err = {0};
    const struct account_audit_filter all = {.limit = 1000000};
    assert_true(accounts_each_audit(w->accounts, &all, add_entry, &e, &err));
    return e;
}

static void strangers_do_not_fill_the_audit_log(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask(w, HTTP_DELETE, "/api/v1/session", ""), 204);
    }
    assert_int_equal(audit(w).count, 0); /* nothing has ended */
    for (int i = 0; i < 100; i++) {
        int status = ask(w, HTTP_POST, "/api/v1/session", "{\"user\":\"ada\",\"password\":\"x\"}");
        assert_int_equal(status, i < 10 ? 401 : 429);
    }
    struct entries first = audit(w);
    assert_in_range(first.count, 10, 20);
    assert_string_equal(first.subject, "ada");
    /* The next one tells of the others; and what is no name is not kept: it may be a password. */
    w->now_s += 10;
    assert_int_equal(
        ask(w, HTTP_POST, "/api/v1/session", "{\"user\":\"Pass word!\",\"password\":\"x\"}"), 401);
    struct entries then = audit(w);
    assert_int_equal(then.count, first.count + 1);
    assert_string_equal(then.subject, "(no user's name)");
    assert_non_null(strstr(then.detail, "; 80 others were not written down"));
}

static void the_first_failure_after_a_boot_is_audited(void **state)
{
    struct world *w = *state;
    w->now_s = 1;
    assert_int_equal(ask(w, HTTP_POST, "/api/v1/session", "{\"user\":\"ada\",\"password\":\"x\"}"),
                     401);
    assert_int_equal(audit(w).count, 1);
}

/* --- a new password ------------------------------------------------------------------------------ */

static int role_with(struct world *w, const char *session)
{
    struct err err = {0};
    struct account_caller caller = {0};
    bool is_found = false;
    assert_true(
        accounts_by_session(w->accounts, str_from(session), wall(w), &caller, &is_found, &err));
    return is_found ? (int)caller.role : ACCOUNT_NONE;
}

static void count_sessions(void *ctx, const struct account_user *row)
{
    *(int64_t *)ctx = row->sessions;
}

static int64_t sessions(struct world *w)
{
    struct err err = {0};
    int64_t count = 0;
    assert_true(
        accounts_each_user(w->accounts, STR_NONE, 10, wall(w), count_sessions, &count, &err));
    return count;
}

static void a_new_password_leaves_one_session_with_another_cookie(void **state)
{
    static const char target[] = "/api/v1/users/ada/password";
    struct world *w = *state;
    struct err err = {0};
    char mine[ACCOUNT_SECRET_SIZE];
    char other[ACCOUNT_SECRET_SIZE];
    char after[ACCOUNT_SECRET_SIZE] = "";
    const struct account_asking asking = {
        .peer = STR("192.0.2.1"), .now = wall(w), .mono = mono(w)};
    add_user(w, "ada", ACCOUNT_VIEWER);
    assert_true(accounts_login(w->accounts, STR("ada"), GOOD, &asking, mine, &err));
    assert_true(accounts_login(w->accounts, STR("ada"), GOOD, &asking, other, &err));
    int status =
        ask_as(w, mine, HTTP_PUT, target, "{\"old_password\":\"no\",\"password\":\"b\"}", after);
    assert_int_equal(status, 403);
    status = ask_as(w, mine, HTTP_PUT, target,
                    "{\"old_password\":\"a long good password\",\"password\":\"short\"}", after);
    assert_int_equal(status, 400);
    assert_int_equal(sessions(w), 2);
    assert_int_equal(role_with(w, mine), ACCOUNT_VIEWER);
    status = ask_as(
        w, mine, HTTP_PUT, target,
        "{\"old_password\":\"a long good password\",\"password\":\"another one of mine\"}", after);
    assert_int_equal(status, 204);
    assert_int_equal(sessions(w), 1);
    assert_int_equal(role_with(w, mine), ACCOUNT_NONE); /* who has copied it has nothing */
    assert_int_equal(role_with(w, other), ACCOUNT_NONE);
    assert_int_equal(role_with(w, after), ACCOUNT_VIEWER);
}

/* --- what hashes of passwords are in ------------------------------------------------------------- */

static void the_database_is_its_owners_alone(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct db *db = NULL;
    struct stat info;
    const char *path = temp_dir_path(&w->dir, "another.db");
    const struct hub_store_options store = {.path = path};
    mode_t mask = umask(022);
    assert_true(hub_store_open(&db, &store, &err));
    assert_int_equal(umask(mask), 022); /* that of other files is as it was */
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    db_close(db);
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
        cmocka_unit_test_setup_teardown(strangers_do_not_fill_the_audit_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_failure_after_a_boot_is_audited, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_new_password_leaves_one_session_with_another_cookie,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_database_is_its_owners_alone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
