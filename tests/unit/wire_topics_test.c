/* wire_topics_test.c - common/wire/topics.h */
#include "common/wire/topics.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static const struct str fleet = STR_INIT("shops");

static void every_channel_is_found_again(void **state)
{
    (void)state;
    for (unsigned c = 0; c < CHANNEL_COUNT; c++) {
        char memory[TOPIC_BYTES_MAX];
        struct buf topic = buf_fixed(memory, sizeof(memory));
        topic_device(&topic, fleet, STR("till-7"), (enum channel)c);
        struct str device;
        enum channel channel;
        assert_true(topic_parse_device(buf_str(&topic), fleet, &device, &channel));
        assert_true(str_eq(device, STR("till-7")));
        assert_int_equal(channel, c);
    }
}

static void the_longest_names_fit(void **state)
{
    (void)state;
    char name[63];
    memset(name, 'x', sizeof(name));
    struct str longest = {name, sizeof(name)};
    char memory[TOPIC_BYTES_MAX];
    struct buf topic = buf_fixed(memory, sizeof(memory));
    topic_device(&topic, longest, longest, CHANNEL_REPORTED);
    assert_false(topic.overflow);
    buf_reset(&topic);
    topic_enrol_request(&topic, longest, longest);
    assert_false(topic.overflow);
}

static void only_the_devices_channels_are_upward(void **state)
{
    (void)state;
    assert_true(channel_is_upward(CHANNEL_BIRTH));
    assert_true(channel_is_upward(CHANNEL_EVENTS));
    assert_false(channel_is_upward(CHANNEL_ACK));
    assert_false(channel_is_upward(CHANNEL_CMD));
    assert_false(channel_is_upward(CHANNEL_COUNT));
}

static void foreign_topics_are_not_ours(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "",
        "selvedge/v1/",
        "selvedge/v1/shops",
        "selvedge/v1/shops/",
        "selvedge/v1/shops/till",
        "selvedge/v1/shops/till/",
        "selvedge/v1/shops/till/event",
        "selvedge/v1/shops/till/events/",
        "selvedge/v1/shops/till/events/more",
        "selvedge/v1/other/till/events",
        "selvedge/v2/shops/till/events",
        "/selvedge/v1/shops/till/events",
        "selvedge/v1/shops/hub/state",
        "selvedge/v1/shops/hub/events",
        "selvedge/v1/shops/+/events",
        "selvedge/v1/shops/Till/events",
    };
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        struct str device = STR("untouched");
        enum channel channel = CHANNEL_LOG;
        assert_false(topic_parse_device(str_from(foreign[i]), fleet, &device, &channel));
        assert_true(str_eq(device, STR("untouched")));
    }
}

static void enrolment_topics(void **state)
{
    (void)state;
    struct buf topic = buf_growing(TOPIC_BYTES_MAX);
    topic_enrol_request(&topic, fleet, STR("c-1"));
    assert_string_equal(buf_cstr(&topic), "selvedge/v1/shops/enrol/request/c-1");
    struct str client;
    assert_true(topic_parse_enrol_request(buf_str(&topic), fleet, &client));
    assert_true(str_eq(client, STR("c-1")));
    assert_false(topic_parse_enrol_request(buf_str(&topic), STR("shop"), &client));
    buf_reset(&topic);
    topic_enrol_reply(&topic, fleet, STR("c-1"));
    assert_string_equal(buf_cstr(&topic), "selvedge/v1/shops/enrol/reply/c-1");
    assert_false(topic_parse_enrol_request(buf_str(&topic), fleet, &client));
    buf_reset(&topic);
    topic_hub_state(&topic, fleet);
    assert_string_equal(buf_cstr(&topic), "selvedge/v1/shops/hub/state");
    buf_reset(&topic);
    topic_hub_alerts(&topic, fleet);
    assert_string_equal(buf_cstr(&topic), "selvedge/v1/shops/hub/alerts");
    buf_reset(&topic);
    topic_hub_report(&topic, fleet, STR("monday"));
    assert_string_equal(buf_cstr(&topic), "selvedge/v1/shops/hub/reports/monday");
    buf_release(&topic);
}

static void device_names(void **state)
{
    (void)state;
    assert_true(device_name_is_valid(STR("a")));
    assert_true(device_name_is_valid(STR("0-berlin")));
    static const char *const wrong[] = {"",  "-a", "A",   "a_b",   "a.b",     "a/b",
                                        "+", "#",  "hub", "enrol", "\xc3\xa4"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(device_name_is_valid(str_from(wrong[i])));
    }
    char name[64];
    memset(name, 'x', sizeof(name));
    assert_true(device_name_is_valid((struct str){name, 63}));
    assert_false(device_name_is_valid((struct str){name, 64}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_channel_is_found_again),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(only_the_devices_channels_are_upward),
        cmocka_unit_test(foreign_topics_are_not_ours),
        cmocka_unit_test(enrolment_topics),
        cmocka_unit_test(device_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
