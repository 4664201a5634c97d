/* device_commands_test.c - agent/command/commands.h: each command at most once, in any order, however
 * often it comes, over restarts and while the clock is not set; and what the journal keeps. */
#include "command_work.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/sample.h"
#include <stdio.h>
#include <string.h>

static struct signed_fixture keys;

static int begin_keys(void **state)
{
    (void)state;
    signed_fixture_begin(&keys);
    return 0;
}

static int end_keys(void **state)
{
    (void)state;
    signed_fixture_end(&keys);
    return 0;
}

static void open_work(struct command_work *w)
{
    struct err err = {0};
    if (!command_work_open(w, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void in_order_all_is_done(void **state)
{
    (void)state;
    struct power_vfs *v = power_vfs_new("commands", 1);
    struct command_work w;
    command_work_init(&w, &keys, 12, "agent.db", "commands");
    open_work(&w);
    for (int i = 0; i < w.count; i++) {
        command_work_receive(&w, i);
        command_work_steps(&w);
    }
    command_work_finish(&w);
    command_work_check(&w);
    for (int i = 0; i < w.count; i++) {
        assert_int_equal(w.deployed[i], i % COMMAND_WORK_VERBS == 2);
    }
    /* And once more: nothing. */
    int64_t last = store_last_seq(w.fixture.store);
    const int64_t *replayed = &commands_refusals(w.commands)->totals[COMMAND_REPLAYED];
    int64_t before = *replayed;
    for (int i = 0; i < w.count; i++) {
        command_work_receive(&w, i);
        command_work_steps(&w);
    }
    struct err err = {0};
    assert_true(store_flush(w.fixture.store, w.fixture.now, &err));
    command_work_check(&w);
    assert_int_equal(store_last_seq(w.fixture.store), last + w.count); /* told as replayed */
    assert_int_equal(*replayed, before + w.count);
    command_work_release(&w);
    power_vfs_free(v);
}

/* --- in any order ----------------------------------------------------------------------------- */

static void one_thing(struct command_work *w, uint64_t random)
{
    static const struct wall_time unset = {17};
    struct wall_time set = w->fixture.now;
    switch (random % 10) {
    case 0:
        command_work_close(w); /* what was not flushed is lost */
        open_work(w);
        break;
    case 1:
        command_work_end_what_goes_on(w);
        break;
    case 2: /* the clock goes back to 1970 for a moment */
        w->fixture.now = unset;
        command_work_receive(w, (int)(random / 10 % (uint64_t)w->count));
        command_work_steps(w);
        w->fixture.now = set;
        break;
    case 3:
    case 4:
        (void)commands_step(w->commands, w->fixture.now);
        break;
    default:
        command_work_receive(w, (int)(random / 10 % (uint64_t)w->count));
        break;
    }
}

static void any_order_executes_each_once(void **state)
{
    (void)state;
    int seeds = sample_stride(12, 2000);
    uint64_t first = rng_u64(&keys.rng) % 1000000;
    print_message("seeds from %llu\n", (unsigned long long)first);
    for (int n = 0; n < seeds; n++) {
        struct seeded_rng seed = seeded_rng_new(first + (uint64_t)n);
        struct rng rng = seeded_rng_port(&seed);
        struct power_vfs *v = power_vfs_new("commands", first + (uint64_t)n);
        struct command_work w;
        command_work_init(&w, &keys, 4 + (int)(rng_u64(&rng) % 9), "agent.db", "commands");
        open_work(&w);
        for (int i = 0; i < 60; i++) {
            one_thing(&w, rng_u64(&rng));
        }
        command_work_finish(&w);
        command_work_check(&w);
        command_work_release(&w);
        power_vfs_free(v);
    }
}

/* --- what waits ------------------------------------------------------------------------------- */

static enum command_status status_of(struct command_work *w, const char *id, char code[32])
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_command s;
    struct err err = {0};
    bool found = false;
    assert_true(store_load_command(w->fixture.store, str_from(id), &arena, &s, &found, &err));
    assert_true(found);
    (void)snprintf(code, 32, STR_FMT, STR_ARG(s.code));
    return s.status;
}

static void without_a_clock_it_waits(void **state)
{
    (void)state;
    struct power_vfs *v = power_vfs_new("commands", 1);
    struct command_work w;
    char code[32];
    command_work_init(&w, &keys, 2, "agent.db", "commands");
    struct wall_time set = w.fixture.now;
    w.fixture.now.ns = 17;
    open_work(&w);
    command_work_receive(&w, 0);
    command_work_receive(&w, 1);
    command_work_steps(&w);
    assert_int_equal(status_of(&w, w.ids[0], code), COMMAND_RECEIVED);
    command_work_close(&w);
    open_work(&w);
    command_work_steps(&w);
    assert_int_equal(status_of(&w, w.ids[0], code), COMMAND_RECEIVED);
    w.fixture.now = set;
    command_work_steps(&w);
    assert_int_equal(status_of(&w, w.ids[0], code), COMMAND_SUCCEEDED);
    assert_int_equal(status_of(&w, w.ids[1], code), COMMAND_STARTED);
    command_work_release(&w);
    power_vfs_free(v);
}

static void what_expired_meanwhile_is_refused(void **state)
{
    (void)state;
    struct power_vfs *v = power_vfs_new("commands", 1);
    struct command_work w;
    char code[32];
    command_work_init(&w, &keys, 3, "agent.db", "commands");
    struct wall_time set = w.fixture.now;
    w.fixture.now.ns = 17;
    open_work(&w);
    command_work_receive(&w, 2);
    w.fixture.now.ns = set.ns + 2 * 3600 * NS_PER_SEC;
    command_work_steps(&w);
    assert_int_equal(status_of(&w, w.ids[2], code), COMMAND_REFUSED);
    assert_string_equal(code, "expired");
    assert_int_equal(w.deployed[2], 0);
    /* A clock that steps back does not bring it to life. */
    w.fixture.now = set;
    command_work_receive(&w, 2);
    command_work_steps(&w);
    assert_int_equal(w.deployed[2], 0);
    command_work_release(&w);
    power_vfs_free(v);
}

/* --- what is remembered ----------------------------------------------------------------------- */

static void journal(struct command_work *w, int64_t counter, const char *status)
{
    char id[UUID_TEXT_SIZE];
    struct err err = {0};
    AUTO(buf) facts = buf_growing(1 << 16);
    struct command c = signed_fixture_command((int)counter, w->fixture.now, id);
    command_facts_write(&c, &facts);
    const struct record r = {.type = EVENT_COMMAND,
                             .at = w->fixture.now,
                             .command = c.id,
                             .verb = c.verb,
                             .signer = str_from(w->keys->id),
                             .status = str_from(status),
                             .keys = buf_str(&facts)};
    assert_true(store_record(w->fixture.store, &r, &err));
    if (store_room(w->fixture.store) < (64 << 10)) {
        assert_true(store_flush(w->fixture.store, w->fixture.now, &err));
    }
}

static struct command_memory recall(struct command_work *w, int64_t counter)
{
    struct command_memory memory;
    char id[UUID_TEXT_SIZE];
    struct err err = {0};
    struct command c = signed_fixture_command((int)counter, w->fixture.now, id);
    assert_true(store_flush(w->fixture.store, w->fixture.now, &err));
    assert_true(store_recall_command(w->fixture.store, str_from(w->keys->id), counter, c.id,
                                     &memory, &err));
    return memory;
}

static void the_last_of_a_key_are_remembered(void **state)
{
    (void)state;
    struct power_vfs *v = power_vfs_new("commands", 1);
    struct command_work w;
    command_work_init(&w, &keys, 1, "agent.db", "commands");
    open_work(&w);
    journal(&w, 1, "received"); /* it is open: it stays, however many follow */
    for (int i = 2; i < COMMANDS_REMEMBERED; i++) {
        journal(&w, 10 * i, "refused");
    }
    assert_false(recall(&w, 5).has_floor);
    journal(&w, 10 * COMMANDS_REMEMBERED, "refused");
    struct command_memory memory = recall(&w, 20);
    assert_true(memory.has_floor && memory.has_id && memory.has_counter);
    assert_int_equal(memory.floor, 1);
    for (int i = 1; i <= 100; i++) {
        journal(&w, 10 * (COMMANDS_REMEMBERED + i), "refused");
    }
    memory = recall(&w, 20);
    assert_false(memory.has_id);
    assert_true(memory.has_floor);
    assert_int_equal(memory.floor, 10 * 101);
    assert_true(recall(&w, 1).is_open);
    assert_true(recall(&w, 10 * 101).has_counter);
    assert_int_equal(recall(&w, 1).open_count, 1);
    /* Of another key nothing is known. */
    struct err err = {0};
    assert_true(store_recall_command(w.fixture.store, STR("0123456789abcdef"), 10 * 200,
                                     STR("01a20425-0000-7000-8000-000000000000"), &memory, &err));
    assert_false(memory.has_floor || memory.has_counter || memory.has_id);
    command_work_release(&w);
    power_vfs_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_all_is_done),
        cmocka_unit_test(any_order_executes_each_once),
        cmocka_unit_test(without_a_clock_it_waits),
        cmocka_unit_test(what_expired_meanwhile_is_refused),
        cmocka_unit_test(the_last_of_a_key_are_remembered),
    };
    return cmocka_run_group_tests(tests, begin_keys, end_keys);
}
