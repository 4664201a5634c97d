/* el_mqtt_packets_test.c - agent/el/mqtt_packets.h: bytes written down from the specification. */
#include "agent/el/mqtt_packets.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static struct str bytes(const void *ptr, size_t len)
{
    return (struct str){ptr, len};
}
#define BYTES(lit) bytes("" lit "", sizeof(lit) - 1)

static void is_sent(struct buf *out, struct str expected)
{
    assert_false(out->overflow);
    assert_int_equal(out->len, expected.len);
    assert_memory_equal(out->ptr, expected.ptr, expected.len);
    buf_reset(out);
}

static void what_goes(void **state)
{
    (void)state;
    AUTO(buf) out = buf_growing(4096);
    packet_add_connect(&out, &(struct mqtt_connect){.client_id = STR("me"), .keepalive_s = 60});
    is_sent(&out, BYTES("\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02me"));
    packet_add_connect(&out, &(struct mqtt_connect){.client_id = STR("me"),
                                                    .keeps_session = true,
                                                    .user = STR("u"),
                                                    .password = STR("pw"),
                                                    .keepalive_s = 258});
    is_sent(&out, BYTES("\x10\x15\0\x04MQTT\x04\xc0\x01\x02\0\x02me\0\x01u\0\x02pw"));
    struct str filters[] = {STR_INIT("a/+"), STR_INIT("b")};
    packet_add_subscribe(&out, 0x0102, &(struct str_list){filters, 2});
    is_sent(&out, BYTES("\x82\x0c\x01\x02\0\x03"
                        "a/+\x01\0\x01"
                        "b\x01"));
    packet_add_puback(&out, 0xabcd);
    is_sent(&out, BYTES("\x40\x02\xab\xcd"));
    packet_add_pingreq(&out);
    packet_add_disconnect(&out);
    is_sent(&out, BYTES("\xc0\0\xe0\0"));
    char topic[200];
    memset(topic, 'x', sizeof(topic));
    filters[0] = (struct str){topic, sizeof(topic)};
    packet_add_subscribe(&out, 1, &(struct str_list){filters, 1});
    assert_int_equal(out.len, 3 + 2 + 2 + 200 + 1); /* 205 takes two bytes of length */
    assert_memory_equal(out.ptr, "\x82\xcd\x01", 3);
}

static void packets_come_in_pieces(void **state)
{
    (void)state;
    struct str all = BYTES("\x31\x08\0\x03t/1hey\xd0\0");
    struct mqtt_packet packet;
    struct mqtt_publish message;
    size_t len = 0;
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(packet_next(str_slice(all, 0, i), 100, &packet, &len), PACKET_PART);
    }
    assert_int_equal(packet_next(all, 100, &packet, &len), PACKET_WHOLE);
    assert_int_equal(len, 10);
    assert_true(packet_publish(&packet, &message));
    assert_true(str_eq(message.topic, STR("t/1")) && str_eq(message.payload, STR("hey")));
    assert_true(message.is_retained && message.qos == 0 && message.id == 0);
    assert_int_equal(packet_next(str_slice(all, len, all.len), 100, &packet, &len), PACKET_WHOLE);
    assert_int_equal(packet.type, PACKET_PINGRESP);
    assert_int_equal(packet_next(all, 9, &packet, &len), PACKET_LARGE);
    assert_int_equal(len, 10);
    /* 268,435,455 is the longest; a fifth byte of length is none */
    assert_int_equal(packet_next(BYTES("\x30\xff\xff\xff\x7f"), 1000, &packet, &len), PACKET_LARGE);
    assert_int_equal(len, 268435455 + 5);
    assert_int_equal(packet_next(BYTES("\x30\xff\xff\xff\xff\x01"), 1000, &packet, &len),
                     PACKET_WRONG);
    assert_int_equal(packet_next(BYTES("\x30\xff\xff\xff"), 1000, &packet, &len), PACKET_PART);
}

static bool reads(struct str body, unsigned flags, struct mqtt_publish *ret)
{
    return packet_publish(&(struct mqtt_packet){PACKET_PUBLISH, flags, body}, ret);
}

static void messages(void **state)
{
    (void)state;
    struct mqtt_publish m;
    assert_true(reads(BYTES("\0\x01t\x01\x02payload"), 0x0a, &m)); /* sent again, QoS 1 */
    assert_int_equal(m.qos, 1);
    assert_int_equal(m.id, 0x0102);
    assert_false(m.is_retained);
    assert_true(str_eq(m.payload, STR("payload")));
    assert_true(reads(BYTES("\0\x01t"), 0, &m) && m.payload.len == 0);
    assert_false(reads(BYTES(""), 0, &m));
    assert_false(reads(BYTES("\0"), 0, &m));
    assert_false(reads(BYTES("\0\0x"), 0, &m));          /* no topic */
    assert_false(reads(BYTES("\0\x05t"), 0, &m));        /* longer than all */
    assert_false(reads(BYTES("\0\x01t"), 2, &m));        /* no id */
    assert_false(reads(BYTES("\0\x01t\0\0"), 2, &m));    /* id 0 */
    assert_false(reads(BYTES("\0\x01t\0\x01"), 4, &m));  /* QoS 2 */
    assert_false(reads(BYTES("\0\x01t\0\x01"), 6, &m));  /* QoS 3 */
    assert_false(reads(BYTES("\0\x02\xff\xff"), 0, &m)); /* not UTF-8 */
    assert_false(reads(BYTES("\0\x03t\0t"), 0, &m));
}

static void answers(void **state)
{
    (void)state;
    unsigned code = 0;
    size_t refused = 0;
    assert_true(packet_connack(&(struct mqtt_packet){PACKET_CONNACK, 0, BYTES("\x01\x05")}, &code));
    assert_int_equal(code, 5);
    assert_false(packet_connack(&(struct mqtt_packet){PACKET_CONNACK, 0, BYTES("\x01")}, &code));
    assert_false(packet_connack(&(struct mqtt_packet){PACKET_SUBACK, 0, BYTES("\0\0")}, &code));
    struct mqtt_packet suback = {PACKET_SUBACK, 0, BYTES("\0\x01\x01\x80\0")};
    assert_true(packet_suback(&suback, 3, &refused));
    assert_int_equal(refused, 1);
    assert_false(packet_suback(&suback, 2, &refused));
    suback.body = BYTES("\0\x01\x01\x02");
    assert_true(packet_suback(&suback, 2, &refused));
    assert_int_equal(refused, 2);
    suback.body = BYTES("\0");
    assert_false(packet_suback(&suback, 0, &refused));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes),
        cmocka_unit_test(packets_come_in_pieces),
        cmocka_unit_test(messages),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
