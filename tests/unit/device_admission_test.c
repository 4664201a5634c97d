/* device_admission_test.c - agent/command/admission.h and refusals.h: every way to be refused. */
#include "agent/command/refusals.h"
#include "signed_fixture.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

#define NOW_NS (INT64_C(1795314600) * NS_PER_SEC)

struct world {
    struct signed_fixture keys;
    struct arena arena;
    struct command_memory memory; /* what the journal is made to know */
    enum err_code check;          /* what the check of the verb says; ERR_NONE: good */
    bool is_broken;               /* the journal cannot be read */
    struct wall_time now;
    struct admission a;
    struct err err;
};

static struct world w;

static int begin(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    signed_fixture_begin(&w.keys);
    w.arena = arena_new(2 * COMMAND_ARENA_BYTES);
    w.now.ns = NOW_NS;
    return 0;
}

static int end(void **state)
{
    (void)state;
    signed_fixture_end(&w.keys);
    arena_release(&w.arena);
    return 0;
}

static bool recall(void *ctx, struct str signer, int64_t counter, struct str id,
                   struct command_memory *ret, struct err *err)
{
    struct world *world = ctx;
    (void)counter;
    (void)id;
    assert_string_equal(world->keys.id, signer.ptr);
    *ret = world->memory;
    return !world->is_broken || err_set(err, ERR_IO, "broken");
}

static bool check(void *ctx, const struct command *command, struct arena *arena, struct err *err)
{
    struct world *world = ctx;
    (void)command;
    (void)arena;
    return world->check == ERR_NONE || err_set(err, world->check, "checked");
}

static enum command_code judge(struct str payload)
{
    const struct admission_port port = {recall, check, &w};
    const struct admission_question q = {.payload = payload,
                                         .keys = buf_str(&w.keys.public),
                                         .fleet = STR("main"),
                                         .device = STR("brooklyn"),
                                         .now = w.now};
    assert_true(admission_judge(&q, &port, &w.arena, &w.a, &w.err));
    assert_int_equal(w.a.code != COMMAND_CODE_NONE, w.a.why.msg[0] != '\0');
    return w.a.code;
}

static enum command_code judge_command(const struct command *c)
{
    AUTO(buf) message = buf_growing(1 << 20);
    signed_fixture_sign(&w.keys, c, &message);
    return judge(buf_str(&message));
}

static struct command ping(void)
{
    static char id[UUID_TEXT_SIZE];
    return signed_fixture_command(7, (struct wall_time){NOW_NS}, id);
}

static void a_good_one_is_taken(void **state)
{
    (void)state;
    struct command c = ping();
    assert_int_equal(judge_command(&c), COMMAND_CODE_NONE);
    assert_false(w.a.is_waiting);
    assert_string_equal(w.a.signer, w.keys.id);
    assert_int_equal(w.a.command.counter, 7);
}

static void what_is_not_signed_by_a_trusted_key_is_refused(void **state)
{
    (void)state;
    struct command c = ping();
    AUTO(buf) body = buf_growing(1 << 20);
    AUTO(buf) message = buf_growing(1 << 20);
    AUTO(buf) forged = buf_growing(1 << 20);
    command_encode(&c, &body);
    assert_int_equal(judge(buf_str(&body)), COMMAND_UNSIGNED);
    assert_int_equal(judge(STR("")), COMMAND_UNSIGNED);
    assert_string_equal(w.a.signer, "");
    signed_fixture_sign_body(&w.keys, buf_str(&w.keys.other_key), buf_str(&body), &message);
    assert_int_equal(judge(buf_str(&message)), COMMAND_UNTRUSTED_KEY);
    assert_string_equal(w.a.signer, "");
    /* With the name of a key that is trusted: every byte of it was signed by another. */
    char *name = memmem(message.ptr, message.len, "\"key\":\"", 7);
    memcpy(name + 7, w.keys.id, KEY_ID_SIZE - 1);
    assert_int_equal(judge(buf_str(&message)), COMMAND_BAD_SIGNATURE);
    assert_string_equal(w.a.signer, w.keys.id);
    signed_fixture_sign(&w.keys, &c, &forged);
    forged.ptr[forged.len - 3] ^= 1;
    assert_int_equal(judge(buf_str(&forged)), COMMAND_BAD_SIGNATURE);
}

static void what_is_no_command_is_refused(void **state)
{
    (void)state;
    AUTO(buf) message = buf_growing(1 << 20);
    signed_fixture_sign_body(&w.keys, buf_str(&w.keys.key), STR("{\"kind\":\"desired\",\"v\":1}"),
                             &message);
    assert_int_equal(judge(buf_str(&message)), COMMAND_UNREADABLE);
}

static void what_is_for_others_is_refused(void **state)
{
    (void)state;
    static const struct str others[] = {STR_INIT("queens"), STR_INIT("harlem")};
    static const struct str all[] = {STR_INIT("*")};
    struct command c = ping();
    c.fleet = STR("prod");
    assert_int_equal(judge_command(&c), COMMAND_WRONG_FLEET);
    c = ping();
    c.to = others;
    c.to_count = 2;
    assert_int_equal(judge_command(&c), COMMAND_MISADDRESSED);
    c.to = all;
    c.to_count = 1;
    assert_int_equal(judge_command(&c), COMMAND_CODE_NONE);
}

static void what_was_here_is_refused(void **state)
{
    (void)state;
    struct command c = ping();
    w.memory = (struct command_memory){.has_id = true, .has_counter = true, .is_open = true};
    assert_int_equal(judge_command(&c), COMMAND_REPLAYED);
    assert_true(w.a.is_known);
    w.memory.is_open = false;
    assert_int_equal(judge_command(&c), COMMAND_REPLAYED);
    assert_false(w.a.is_known);
    w.memory.has_id = false;
    assert_int_equal(judge_command(&c), COMMAND_REPLAYED);
    w.memory = (struct command_memory){.has_floor = true, .floor = 8};
    assert_int_equal(judge_command(&c), COMMAND_TOO_OLD);
    w.memory.floor = 7;
    assert_int_equal(judge_command(&c), COMMAND_CODE_NONE);
}

static void time_is_judged(void **state)
{
    (void)state;
    struct command c = ping();
    w.now.ns = c.expires_at.ns;
    assert_int_equal(judge_command(&c), COMMAND_EXPIRED);
    w.now.ns--;
    assert_int_equal(judge_command(&c), COMMAND_CODE_NONE);
    w.now.ns = NOW_NS - COMMAND_AHEAD_NS;
    assert_int_equal(judge_command(&c), COMMAND_CODE_NONE);
    w.now.ns--;
    assert_int_equal(judge_command(&c), COMMAND_NOT_YET);
    w.now.ns = 17; /* a board without a battery */
    assert_int_equal(judge_command(&c), COMMAND_CODE_NONE);
    assert_true(w.a.is_waiting);
}

static void what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    struct command c = ping();
    w.check = ERR_NOT_FOUND;
    assert_int_equal(judge_command(&c), COMMAND_UNSUPPORTED);
    w.now.ns = 17;
    assert_int_equal(judge_command(&c), COMMAND_UNSUPPORTED);
    assert_false(w.a.is_waiting);
    w.check = ERR_INVALID;
    assert_int_equal(judge_command(&c), COMMAND_INVALID_ARGUMENTS);
    w.check = ERR_NONE;
    w.memory.open_count = COMMANDS_OPEN_MAX;
    assert_int_equal(judge_command(&c), COMMAND_FULL);
}

static void without_the_journal_nothing_is_decided(void **state)
{
    (void)state;
    const struct admission_port port = {recall, check, &w};
    struct command c = ping();
    AUTO(buf) message = buf_growing(1 << 20);
    signed_fixture_sign(&w.keys, &c, &message);
    const struct admission_question q = {.payload = buf_str(&message),
                                         .keys = buf_str(&w.keys.public),
                                         .fleet = STR("main"),
                                         .device = STR("brooklyn"),
                                         .now = w.now};
    w.is_broken = true;
    assert_false(admission_judge(&q, &port, &w.arena, &w.a, &w.err));
    assert_int_equal(w.err.code, ERR_IO);
}

/* --- how often it is told --------------------------------------------------------------------- */

static void a_flood_is_counted_and_told_once_an_hour(void **state)
{
    (void)state;
    struct refusals r = {0};
    int64_t counts[COMMAND_CODE_COUNT];
    struct mono_time now = {NS_PER_SEC};
    int told = 0;
    int summaries = 0;
    int64_t untold = 0;
    enum { MESSAGES = 100000, HOURS = 10 };
    for (int i = 0; i < MESSAGES; i++) {
        now.ns += HOURS * REFUSALS_WINDOW_NS / MESSAGES;
        told += refusals_note(&r, i % 2 == 0 ? COMMAND_UNSIGNED : COMMAND_REPLAYED, now);
        if (refusals_end_window(&r, now, counts)) {
            summaries++;
            untold += counts[COMMAND_UNSIGNED] + counts[COMMAND_REPLAYED];
        }
    }
    assert_true(refusals_due(&r).ns > now.ns);
    now.ns = refusals_due(&r).ns;
    assert_true(refusals_end_window(&r, now, counts));
    untold += counts[COMMAND_UNSIGNED] + counts[COMMAND_REPLAYED];
    assert_int_equal(told + untold, MESSAGES); /* none is lost silently */
    assert_true(told <= (HOURS + 1) * REFUSALS_TOLD_MAX);
    assert_true(summaries >= HOURS - 1 && summaries <= HOURS + 1);
    assert_int_equal(refusals_total(&r), MESSAGES);
    assert_int_equal(refusals_due(&r).ns, 0);
}

static void few_are_told_one_by_one(void **state)
{
    (void)state;
    struct refusals r = {0};
    struct mono_time now = {NS_PER_SEC};
    for (int i = 0; i < 1000; i++) {
        now.ns += REFUSALS_WINDOW_NS / (REFUSALS_TOLD_MAX - 1);
        assert_true(refusals_note(&r, COMMAND_MISADDRESSED, now));
        assert_int_equal(refusals_due(&r).ns, 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_good_one_is_taken),
        TEST(what_is_not_signed_by_a_trusted_key_is_refused),
        TEST(what_is_no_command_is_refused),
        TEST(what_is_for_others_is_refused),
        TEST(what_was_here_is_refused),
        TEST(time_is_judged),
        TEST(what_cannot_be_done_is_refused),
        TEST(without_the_journal_nothing_is_decided),
        TEST(a_flood_is_counted_and_told_once_an_hour),
        TEST(few_are_told_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
