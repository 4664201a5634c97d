/* mqtt_framing_test.c - common/mqtt/framing.h: what a broker must not send, however it is cut into
 * pieces. */
#include "common/mqtt/framing.h"
#include "tests/support/cmocka_all.h"

#include <stdlib.h>

/* CONNACK, PUBLISH QoS 1 of 300 bytes (length in two bytes), PINGRESP (length 0), PUBACK. */
static struct str good_stream(void)
{
    static char bytes[4 + 303 + 2 + 4];
    static const char head[] = {0x20, 2, 0, 0, 0x32, (char)0xac, 2};
    static const char tail[] = {(char)0xd0, 0, 0x40, 2, 0, 1};
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)0xff; /* a payload that would be nonsense as a header */
    }
    for (size_t i = 0; i < sizeof(head); i++) {
        bytes[i] = head[i];
    }
    for (size_t i = 0; i < sizeof(tail); i++) {
        bytes[sizeof(bytes) - sizeof(tail) + i] = tail[i];
    }
    return (struct str){bytes, sizeof(bytes)};
}

static void packets_may_be_cut_anywhere(void **state)
{
    (void)state;
    struct str all = good_stream();
    struct err err = {0};
    for (size_t cut = 0; cut <= all.len; cut++) {
        struct framing f = {.packet_bytes_max = 300};
        assert_true(framing_check(&f, str_slice(all, 0, cut), &err));
        assert_true(framing_check(&f, str_slice(all, cut, all.len), &err));
        assert_false(f.is_in_length);
        assert_int_equal(f.remaining, 0);
    }
    struct framing f = {.packet_bytes_max = 300};
    for (size_t i = 0; i < all.len; i++) {
        assert_true(framing_check(&f, str_slice(all, i, i + 1), &err));
    }
}

static void a_large_packet_is_refused_before_it_comes(void **state)
{
    (void)state;
    struct framing f = {.packet_bytes_max = 299};
    struct err err = {0};
    assert_false(framing_check(&f, str_slice(good_stream(), 0, 7), &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_string_equal(err.msg, "the broker sent a packet of 300 bytes; the limit is 299");

    static const char largest[] = {0x32, (char)0xff, (char)0xff, (char)0xff, 0x7f};
    f = (struct framing){.packet_bytes_max = 1 << 20};
    assert_false(framing_check(&f, (struct str){largest, sizeof(largest)}, &err));
    assert_string_equal(err.msg,
                        "the broker sent a packet of 268435455 bytes; the limit is 1048576");
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    static const char five_bytes[] = {0x32, (char)0x80, (char)0x80, (char)0x80, (char)0x80, 1};
    struct framing f = {.packet_bytes_max = 1 << 20};
    assert_false(framing_check(&f, (struct str){five_bytes, sizeof(five_bytes)}, &err));
    assert_int_equal(err.code, ERR_INVALID);

    static const char qos_2[] = {0x34};
    static const char qos_3[] = {0x36};
    f = (struct framing){.packet_bytes_max = 1 << 20};
    assert_false(framing_check(&f, (struct str){qos_2, 1}, &err));
    assert_false(framing_check(&f, (struct str){qos_3, 1}, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_may_be_cut_anywhere),
        cmocka_unit_test(a_large_packet_is_refused_before_it_comes),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
