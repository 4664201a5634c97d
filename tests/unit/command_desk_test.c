/* command_desk_test.c - hub/command/command_desk.h: what the running hub sends, and when it does not. */
#include "hub/command/command_desk.h"
#include "hub/command/orders.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>

enum { TURNS = 200 };

struct world {
    struct temp_dir dir;
    char path[256];
    struct fake_clock fake;
    struct loop *loop;
    struct rng rng;
    struct db *db;
    struct registry *registry;
    struct hub_config config;
    struct desk_host host;
    void *desk;
    enum err_code publish_fails; /* ERR_NONE: it does not */
    int asked, sent;
};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static bool publish(void *ctx, const struct desk_message *message, struct err *err)
{
    struct world *w = ctx;
    w->asked++;
    assert_int_equal(message->channel, CHANNEL_CMD);
    if (w->publish_fails != ERR_NONE) {
        return err_set(err, w->publish_fails, "not now");
    }
    w->sent++;
    return true;
}

static void settle(void *ctx)
{
    (void)ctx;
}

static void refuse(void *ctx, struct str peer, const char *what, struct str why)
{
    (void)ctx;
    (void)peer;
    (void)what;
    (void)why;
}

/* A ping for the device "brooklyn", which has just connected. */
static void give(struct world *w)
{
    AUTO(buf) key = buf_growing(4096);
    const struct str devices[] = {STR_INIT("brooklyn")};
    const struct order order = {.fleet = STR("main"),
                                .targets = STR("*"),
                                .devices = devices,
                                .device_count = 1,
                                .verb = STR("ping"),
                                .args = STR("{}"),
                                .life_ns = 3600 * NS_PER_SEC};
    struct order_given given;
    struct orders *orders = NULL;
    struct err err = {0};
    check(orders_open(&orders, w->path, &err) && identity_make_key(&w->rng, &key, &err) &&
              orders_give(orders, &w->rng, buf_str(&key), &order, w->fake.wall, &given, &err),
          &err);
    orders_close(orders);
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
    w->config = (struct hub_config){.state_dir = str_from(w->dir.path), .fleet = STR("main")};
    w->host = (struct desk_host){.rng = &w->rng,
                                 .config = &w->config,
                                 .database = w->path,
                                 .publish = publish,
                                 .settle = settle,
                                 .look_again = settle,
                                 .refuse = refuse,
                                 .ctx = w};
    check(loop_open(&w->loop, fake_clock_port(&w->fake), &err) &&
              hub_store_open(&w->db, &(struct hub_store_options){.path = w->path}, &err),
          &err);
    give(w);
    w->host.loop = w->loop;
    check(command_desk.open(&w->host, &w->desk, &err), &err);
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    command_desk.close(w->desk);
    db_close(w->db);
    loop_close(w->loop);
    temp_dir_release(&w->dir);
    return 0;
}

static void turns(struct world *w)
{
    struct err err = {0};
    for (int i = 0; i < TURNS; i++) {
        check(loop_turn(w->loop, 0, &err), &err);
    }
}

static void connects(struct world *w)
{
    const struct message_birth birth = {.session = STR("s")};
    command_desk.online(w->desk);
    command_desk.born(w->desk, STR("brooklyn"), &birth);
}

static void what_waits_is_sent_once_after_a_birth(void **state)
{
    struct world *w = *state;
    connects(w);
    turns(w);
    assert_int_equal(w->asked, 1);
    assert_int_equal(w->sent, 1);
}

/* The broker is gone, and nobody has said so yet: that is no reason to ask without end. */
static void without_a_broker_it_waits_for_it(void **state)
{
    struct world *w = *state;
    w->publish_fails = ERR_OFFLINE;
    connects(w);
    turns(w);
    assert_int_equal(w->asked, 1);
    w->publish_fails = ERR_NONE;
    command_desk.online(w->desk);
    turns(w);
    assert_int_equal(w->sent, 1);
}

static void without_room_it_waits_for_room(void **state)
{
    struct world *w = *state;
    w->publish_fails = ERR_FULL;
    connects(w);
    turns(w);
    assert_int_equal(w->asked, 1);
    w->publish_fails = ERR_NONE;
    command_desk.room(w->desk);
    turns(w);
    assert_int_equal(w->sent, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_waits_is_sent_once_after_a_birth),
        TEST(without_a_broker_it_waits_for_it),
        TEST(without_room_it_waits_for_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
