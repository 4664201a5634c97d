/* clones_test.c - hub/clones/clones.h: when two hosts are told from one that reboots, reconnects, was
 * wiped or put back. */
#include "hub/clones/clones.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static struct clones *clones;
static struct clone_pair pair;
static int64_t now_s;

static int begin(void **state)
{
    (void)state;
    clones = clones_new(1 << 20);
    now_s = 1000;
    return clones == NULL;
}

static int end(void **state)
{
    (void)state;
    clones_free(clones);
    return 0;
}

static struct wall_time now(void)
{
    return (struct wall_time){now_s * NS_PER_SEC};
}

static void epoch_text(char letter, char ret[EPOCH_TEXT_SIZE])
{
    (void)snprintf(ret, EPOCH_TEXT_SIZE, "000000000000000%c", letter);
}

/* A birth of boot `boot` with epoch `epoch`, `after` seconds later. */
static bool born(const char *boot, char epoch, int64_t after)
{
    struct message_birth birth = {.boot_id = str_from(boot), .session = STR("s")};
    epoch_text(epoch, birth.epoch);
    now_s += after;
    return clones_born(clones, STR("till"), &birth, now(), &pair);
}

static bool heard(char epoch, int64_t after)
{
    char text[EPOCH_TEXT_SIZE];
    epoch_text(epoch, text);
    now_s += after;
    return clones_heard(clones, STR("till"), text, now(), &pair);
}

static void one_host_is_one(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        char boot[16];
        (void)snprintf(boot, sizeof(boot), "boot-%d", i / 5); /* reconnects, and reboots */
        assert_false(born(boot, (char)('a' + i / 50), 60));   /* and is wiped */
        assert_false(heard((char)('a' + i / 50), 1));
    }
}

static void messages_that_overtake_each_other_are_no_proof(void **state)
{
    (void)state;
    (void)born("b1", 'a', 0);
    assert_false(heard('a', 1));
    (void)born("b1", 'b', 1); /* a new epoch, and batches of the old one still come in between */
    for (int i = 0; i < 8; i++) {
        assert_false(heard(i % 2 == 0 ? 'a' : 'b', 0));
    }
    assert_false(heard('b', 1));
}

static void a_copy_that_is_put_back_now_and_then_is_no_proof(void **state)
{
    (void)state;
    (void)born("b1", 'a', 0);
    for (int day = 0; day < 10; day++) {
        assert_false(born("b1", (char)('b' + day % 3), 3600));
        assert_false(born("b1", 'a', 86400));
    }
}

static void hosts_that_are_born_in_turn_are_two(void **state)
{
    (void)state;
    assert_false(born("b1", 'a', 0));
    assert_false(born("b2", 'b', 60));
    assert_false(born("b1", 'a', 60));
    assert_false(born("b2", 'b', 60));
    assert_true(born("b1", 'a', 60));
    assert_string_equal(pair.older, "000000000000000a");
    assert_string_equal(pair.newer, "000000000000000b");
    assert_int_equal(pair.newer_seen.ns, 1060 * NS_PER_SEC);
}

static void batches_in_turn_are_enough(void **state)
{
    (void)state;
    (void)born("b1", 'a', 0);
    (void)born("b2", 'b', 5);
    bool found = false;
    int64_t waited = 0;
    for (; !found && waited < 60; waited += 2) {
        found = heard('a', 1) || heard('b', 1);
    }
    assert_true(found);
    assert_true(waited >= 20); /* not within seconds */
    assert_string_equal(pair.newer, "000000000000000b");
}

/* The older database stays the older one when its host reboots. */
static void the_newer_database_is_the_one_that_was_known_later(void **state)
{
    (void)state;
    (void)born("b1", 'a', 0);
    (void)born("b2", 'b', 60);
    (void)born("b3", 'a', 60);
    (void)born("b2", 'b', 60);
    (void)born("b3", 'a', 60);
    assert_true(born("b2", 'b', 60));
    assert_string_equal(pair.newer, "000000000000000b");
}

static void hosts_with_one_database_are_told_without_a_newer_one(void **state)
{
    (void)state;
    (void)born("b1", 'a', 0);
    (void)born("b2", 'a', 60);
    (void)born("b1", 'a', 60);
    (void)born("b2", 'a', 60);
    assert_true(born("b1", 'a', 60));
    assert_string_equal(pair.newer, pair.older);
}

static void devices_are_told_apart_and_memory_is_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char name[16];
        struct message_birth birth = {.boot_id = STR("b"), .session = STR("s")};
        epoch_text((char)('a' + i % 3), birth.epoch);
        (void)snprintf(name, sizeof(name), "d%d", i);
        assert_false(clones_born(clones, str_from(name), &birth, now(), &pair));
    }
    hosts_that_are_born_in_turn_are_two(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_host_is_one),
        TEST(messages_that_overtake_each_other_are_no_proof),
        TEST(a_copy_that_is_put_back_now_and_then_is_no_proof),
        TEST(hosts_that_are_born_in_turn_are_two),
        TEST(batches_in_turn_are_enough),
        TEST(the_newer_database_is_the_one_that_was_known_later),
        TEST(hosts_with_one_database_are_told_without_a_newer_one),
        TEST(devices_are_told_apart_and_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
