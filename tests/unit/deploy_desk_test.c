/* deploy_desk_test.c - hub/deploy/desk.c: how often it looks at its deployments. */
#include "hub/deploy/deploy.h"
#include "hub/fleet/desk.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>

struct world {
    struct temp_dir dir;
    char path[256];
    struct fake_clock fake;
    struct loop *loop;
    struct rng rng;
    struct db *db;
    struct hub_config config;
    struct desk_host host;
    void *desk;
    int64_t look_takes_ns;
    int looks;
};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

/* Each look settles first: here that takes all of its time. */
static void settle(void *ctx)
{
    struct world *w = ctx;
    w->looks++;
    fake_clock_advance(&w->fake, w->look_takes_ns);
}

static int begin(void **state)
{
    static struct world world;
    struct world *w = &world;
    struct err err = {0};
    *w = (struct world){.dir = temp_dir_new(),
                        .fake = {.mono = {NS_PER_SEC}, .wall = {INT64_C(1795000000) * NS_PER_SEC}},
                        .rng = rng_system()};
    (void)snprintf(w->path, sizeof(w->path), "%.63s/hub.db", w->dir.path);
    w->config = (struct hub_config){
        .state_dir = str_from(w->dir.path), .fleet = STR("main"), .bundle_rate = 1 << 20};
    check(loop_open(&w->loop, fake_clock_port(&w->fake), &err) &&
              hub_store_open(&w->db, &(struct hub_store_options){.path = w->path}, &err),
          &err);
    w->host = (struct desk_host){.loop = w->loop,
                                 .rng = &w->rng,
                                 .config = &w->config,
                                 .database = w->path,
                                 .settle = settle,
                                 .ctx = w};
    check(deploy_desk.open(&w->host, &w->desk, &err), &err);
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    deploy_desk.close(w->desk);
    db_close(w->db);
    loop_close(w->loop);
    temp_dir_release(&w->dir);
    return 0;
}

/* A batch is merged each 10 ms for so long; how often did it look? */
static int looks_in(struct world *w, int64_t ns)
{
    struct err err = {0};
    int before = w->looks;
    int64_t until = w->fake.mono.ns + ns;
    while (w->fake.mono.ns < until) {
        fake_clock_advance(&w->fake, 10 * NS_PER_MS);
        deploy_desk.merged(w->desk);
        check(loop_turn(w->loop, 0, &err), &err);
    }
    return w->looks - before;
}

static void what_is_merged_meanwhile_is_one_look(void **state)
{
    struct world *w = *state;
    assert_in_range(looks_in(w, 10 * NS_PER_SEC), 40, 50);
}

static void long_looks_are_seldom(void **state)
{
    struct world *w = *state;
    w->look_takes_ns = 100 * NS_PER_MS;
    assert_in_range(looks_in(w, 100 * NS_PER_SEC), 40, 50);
    w->look_takes_ns = 0; /* a person does not wait that long */
    struct err err = {0};
    deploy_desk.poked(w->desk);
    assert_in_range(loop_due(w->loop).ns, w->fake.mono.ns, w->fake.mono.ns + 200 * NS_PER_MS);
    check(loop_turn(w->loop, 0, &err), &err);
    w->look_takes_ns = 10 * NS_PER_SEC; /* whatever it takes, once a minute */
    assert_in_range(looks_in(w, 3600 * NS_PER_SEC), 45, 60);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_is_merged_meanwhile_is_one_look),
        TEST(long_looks_are_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
