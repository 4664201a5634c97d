/* sense_messages_test.c - what counts of messages: the newest, and a retained one when it is news. */
#include "agent/sense/messages.h"

#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static struct messages m;

static int begin(void **state)
{
    (void)state;
    m = (struct messages){0};
    return 0;
}

static bool hear(const char *topic, const char *payload, bool is_retained)
{
    return messages_take(&m, str_from(topic), str_from(payload), is_retained);
}

/* What a restart leaves of it. */
static void restart(void)
{
    char text[32 * MESSAGES_TOPICS_MAX];
    struct buf cursor = buf_fixed(text, sizeof(text));
    messages_write_cursor(&m, &cursor);
    assert_false(cursor.overflow);
    m = (struct messages){0};
    messages_read_cursor(&m, buf_str(&cursor));
}

static void expect_waiting(const char *topic, const char *payload, int64_t superseded)
{
    assert_true(m.is_waiting);
    assert_true(str_eq(messages_topic(&m), str_from(topic)));
    assert_true(str_eq(messages_payload(&m), str_from(payload)));
    assert_int_equal(m.superseded, superseded);
}

static void the_newest_message_counts(void **state)
{
    (void)state;
    assert_true(hear("door/1", "open", false));
    expect_waiting("door/1", "open", 0);
    assert_true(hear("door/2", "open", false));
    assert_true(hear("door/1", "closed", false));
    expect_waiting("door/1", "closed", 2);
    messages_decided(&m);
    assert_false(m.is_waiting);
    assert_true(hear("door/1", "closed", false)); /* said again is said */
    expect_waiting("door/1", "closed", 0);
}

static void a_retained_message_is_news_once(void **state)
{
    (void)state;
    assert_true(hear("state", "on", true));
    messages_decided(&m);
    assert_false(hear("state", "on", true)); /* the broker repeats it at each connection */
    assert_false(m.is_waiting);
    restart();
    assert_false(hear("state", "on", true));
    assert_true(hear("state", "off", true));
    expect_waiting("state", "off", 0);
    assert_true(hear("other", "on", true));
}

/* What is published to who listens is not marked as retained, and the broker repeats it as such. */
static void what_was_heard_live_is_known_when_it_is_repeated(void **state)
{
    (void)state;
    assert_true(hear("a", "1", false));
    assert_true(hear("b", "1", false)); /* takes the place of the other */
    messages_decided(&m);
    restart();
    assert_false(hear("a", "1", true));
    assert_false(hear("b", "1", true));
    assert_true(hear("a", "2", true));
}

static void of_many_topics_the_newest_are_remembered(void **state)
{
    (void)state;
    char topic[16];
    for (int i = 0; i < MESSAGES_TOPICS_MAX + 3; i++) {
        (void)snprintf(topic, sizeof(topic), "t/%d", i);
        assert_true(hear(topic, "x", false));
        assert_true(hear("t/0", "x", false)); /* never the oldest */
    }
    messages_decided(&m);
    restart();
    assert_int_equal(m.seen_count, MESSAGES_TOPICS_MAX);
    assert_false(hear("t/0", "x", true));
    assert_false(hear("t/130", "x", true));
    assert_false(hear("t/4", "x", true));
    assert_true(hear("t/1", "x", true)); /* forgotten: fires again */
}

static void only_text_is_kept_and_not_too_much(void **state)
{
    (void)state;
    char large[3 * MESSAGE_PAYLOAD_MAX];
    memset(large, 'x', sizeof(large));
    assert_true(messages_take(&m, STR("a"), (struct str){"\xff\x00", 2}, false));
    assert_false(m.has_text);
    expect_waiting("a", "", 0);
    assert_true(messages_take(&m, STR("a"), (struct str){"1\0002", 3}, false));
    assert_false(m.has_text);
    assert_true(hear("a", "", false));
    assert_true(m.has_text && !m.is_clipped);
    large[MESSAGE_PAYLOAD_MAX - 1] = '\xc3'; /* a character across the limit is not cut in two */
    large[MESSAGE_PAYLOAD_MAX] = '\xa9';
    assert_true(messages_take(&m, STR("a"), (struct str){large, sizeof(large)}, false));
    assert_true(m.has_text && m.is_clipped);
    assert_int_equal(messages_payload(&m).len, MESSAGE_PAYLOAD_MAX - 1);
    assert_true(str_is_utf8(messages_payload(&m)));
    /* The whole payload tells whether it is known. */
    messages_decided(&m);
    assert_false(messages_take(&m, STR("a"), (struct str){large, sizeof(large)}, true));
    large[sizeof(large) - 1] = 'y';
    assert_true(messages_take(&m, STR("a"), (struct str){large, sizeof(large)}, true));
    assert_true(messages_take(&m, (struct str){large, 1020}, STR("x"), false));
    assert_int_equal(messages_topic(&m).len, MESSAGE_TOPIC_MAX);
}

static void a_cursor_that_is_none_is_passed_over(void **state)
{
    (void)state;
    static const char *const cursors[] = {"", "x", "0123456789abcdef",
                                          "0123456789abcdefg000000000000000",
                                          "0123456789ABCDEF0000000000000000"};
    for (size_t i = 0; i < COUNT_OF(cursors); i++) {
        messages_read_cursor(&m, str_from(cursors[i]));
        assert_int_equal(m.seen_count, 0);
    }
    messages_read_cursor(&m, STR("0123456789abcdef0000000000000001rest"));
    assert_int_equal(m.seen_count, 1);
    assert_int_equal(m.seen[0].topic, UINT64_C(0x0123456789abcdef));
    assert_int_equal(m.seen[0].payload, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(the_newest_message_counts),
        TEST(a_retained_message_is_news_once),
        TEST(what_was_heard_live_is_known_when_it_is_repeated),
        TEST(of_many_topics_the_newest_are_remembered),
        TEST(only_text_is_kept_and_not_too_much),
        TEST(a_cursor_that_is_none_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
