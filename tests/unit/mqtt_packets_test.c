/* mqtt_packets_test.c - common/packets/mqtt_packets.h: bytes written down from the specification. */
#include "common/packets/mqtt_packets.h"
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
    packet_add_connect(&out, &(struct mqtt_connect){
                                 .version = MQTT_3_1_1, .client_id = STR("me"), .keepalive_s = 60});
    is_sent(&out, BYTES("\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02me"));
    packet_add_connect(&out, &(struct mqtt_connect){.version = MQTT_3_1_1,
                                                    .client_id = STR("me"),
                                                    .keeps_session = true,
                                                    .user = STR("u"),
                                                    .password = STR("pw"),
                                                    .keepalive_s = 258});
    is_sent(&out, BYTES("\x10\x15\0\x04MQTT\x04\xc0\x01\x02\0\x02me\0\x01u\0\x02pw"));
    struct str filters[] = {STR_INIT("a/+"), STR_INIT("b")};
    packet_add_subscribe(&out, MQTT_3_1_1, 0x0102, &(struct str_list){filters, 2});
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
    packet_add_subscribe(&out, MQTT_3_1_1, 1, &(struct str_list){filters, 1});
    assert_int_equal(out.len, 3 + 2 + 2 + 200 + 1); /* 205 takes two bytes of length */
    assert_memory_equal(out.ptr, "\x82\xcd\x01", 3);
}

static void what_goes_of_mqtt_5(void **state)
{
    (void)state;
    AUTO(buf) out = buf_growing(4096);
    packet_add_connect(
        &out, &(struct mqtt_connect){
                  .version = MQTT_5, .client_id = STR("me"), .user = STR("u"), .keepalive_s = 60});
    is_sent(&out, BYTES("\x10\x12\0\x04MQTT\x05\x82\0\x3c\0\0\x02me\0\x01u"));
    struct mqtt_publish m = {
        .topic = STR("t/1"), .payload = STR("hey"), .qos = 1, .id = 0x0102, .is_retained = true};
    packet_add_publish(&out, &m);
    assert_int_equal(packet_publish_bytes(&m), out.len);
    is_sent(&out, BYTES("\x33\x0b\0\x03t/1\x01\x02\0hey"));
    packet_add_connect(&out, &(struct mqtt_connect){.version = MQTT_5,
                                                    .client_id = STR("me"),
                                                    .keepalive_s = 60,
                                                    .will_topic = STR("w"),
                                                    .will_payload = STR("bye")});
    is_sent(&out, BYTES("\x10\x18\0\x04MQTT\x05\x0e\0\x3c\0\0\x02me\0\0\x01w\0\x03"
                        "bye"));
    struct str filter = STR_INIT("a/+");
    packet_add_subscribe(&out, MQTT_5, 0x0102, &(struct str_list){&filter, 1});
    is_sent(&out, BYTES("\x82\x09\x01\x02\0\0\x03"
                        "a/+\x01"));
    m = (struct mqtt_publish){.topic = STR("t")};
    packet_add_publish(&out, &m);
    assert_int_equal(packet_publish_bytes(&m), out.len);
    is_sent(&out, BYTES("\x30\x04\0\x01t\0"));
    char payload[130];
    memset(payload, 'x', sizeof(payload));
    for (size_t i = 0; i <= sizeof(payload); i++) { /* the length takes a second byte from 128 on */
        m.payload = (struct str){payload, i};
        packet_add_publish(&out, &m);
        assert_int_equal(packet_publish_bytes(&m), out.len);
        assert_int_equal(out.len, 1 + (4 + i < 128 ? 1U : 2U) + 4 + i);
        buf_reset(&out);
    }
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
    assert_true(packet_publish(MQTT_3_1_1, &packet, &message));
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
    return packet_publish(MQTT_3_1_1, &(struct mqtt_packet){PACKET_PUBLISH, flags, body}, ret);
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

/* Of MQTT 5: with properties, which are passed over. */
static void messages_of_mqtt_5(void **state)
{
    (void)state;
    struct mqtt_publish m;
    struct mqtt_packet packet = {PACKET_PUBLISH, 2, BYTES("\0\x01t\0\x07\x02\x01\x01hey")};
    assert_true(packet_publish(MQTT_5, &packet, &m));
    assert_true(str_eq(m.payload, STR("hey")) && m.id == 7);
    packet.body = BYTES("\0\x01t\0\x07\0");
    assert_true(packet_publish(MQTT_5, &packet, &m) && m.payload.len == 0);
    packet.body = BYTES("\0\x01t\0\x07"); /* without their length */
    assert_false(packet_publish(MQTT_5, &packet, &m));
    packet.body = BYTES("\0\x01t\0\x07\x04\x01\x01h"); /* longer than all */
    assert_false(packet_publish(MQTT_5, &packet, &m));
    size_t refused = 0;
    struct mqtt_packet suback = {PACKET_SUBACK, 0, BYTES("\0\x01\0\x01\x87")};
    assert_true(packet_suback(MQTT_5, &suback, 2, &refused));
    assert_int_equal(refused, 1);
    assert_false(packet_suback(MQTT_5, &suback, 3, &refused));
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
    assert_true(packet_suback(MQTT_3_1_1, &suback, 3, &refused));
    assert_int_equal(refused, 1);
    assert_false(packet_suback(MQTT_3_1_1, &suback, 2, &refused));
    suback.body = BYTES("\0\x01\x01\x02");
    assert_true(packet_suback(MQTT_3_1_1, &suback, 2, &refused));
    assert_int_equal(refused, 2);
    suback.body = BYTES("\0");
    assert_false(packet_suback(MQTT_3_1_1, &suback, 0, &refused));
}

static bool accepts(struct str body, struct mqtt_accepted *ret)
{
    return packet_accepted(&(struct mqtt_packet){PACKET_CONNACK, 0, body}, ret);
}

static void what_a_broker_accepts(void **state)
{
    (void)state;
    struct mqtt_accepted a;
    assert_true(accepts(BYTES("\0\0\0"), &a));
    assert_true(a.code == 0 && a.receive_max == 65535 && a.packet_max == UINT32_MAX);
    assert_true(a.qos_max == 2 && a.retains && a.keepalive_s == 0);
    assert_true(
        accepts(BYTES("\0\0\x0f\x21\x01\x02\x27\x01\x02\x03\x04\x24\x01\x25\0\x13\0\x09"), &a));
    assert_true(a.receive_max == 0x0102 && a.packet_max == 0x01020304);
    assert_true(a.qos_max == 1 && !a.retains && a.keepalive_s == 9);
    assert_true(accepts(BYTES("\0\0\x0d\x1f\0\x02no\x26\0\x01k\0\x02vv"), &a));
    assert_true(accepts(BYTES("\0\x87"), &a) && a.code == 0x87);      /* MQTT 3.1.1 has no more */
    assert_true(accepts(BYTES("\0\x87\x05?"), &a) && a.code == 0x87); /* enough is known */
    assert_false(accepts(BYTES("\0\0"), &a));
    assert_false(accepts(BYTES("\0"), &a));
    assert_false(accepts(BYTES("\0\0\x01"), &a));
    assert_false(accepts(BYTES("\0\0\0\0"), &a));            /* bytes behind it */
    assert_false(accepts(BYTES("\0\0\x01\x21"), &a));        /* without a value */
    assert_false(accepts(BYTES("\0\0\x02\x21\x01"), &a));    /* with half of one */
    assert_false(accepts(BYTES("\0\0\x03\x21\0\0"), &a));    /* 0 is forbidden */
    assert_false(accepts(BYTES("\0\0\x03\x1f\0\x02"), &a));  /* text that is too long */
    assert_false(accepts(BYTES("\0\0\x04\x26\0\x01k"), &a)); /* a pair of one */
    assert_false(accepts(BYTES("\0\0\x02\x01\0"), &a));      /* not of this packet */
    assert_false(packet_accepted(&(struct mqtt_packet){PACKET_PUBACK, 0, BYTES("\0\0\0")}, &a));
}

static void what_it_says_of_messages(void **state)
{
    (void)state;
    unsigned id = 0;
    unsigned code = 1;
    enum err_code class;
    assert_true(
        packet_puback(&(struct mqtt_packet){PACKET_PUBACK, 0, BYTES("\x01\x02")}, &id, &code));
    assert_true(id == 0x0102 && code == 0);
    assert_true(
        packet_puback(&(struct mqtt_packet){PACKET_PUBACK, 0, BYTES("\0\x01\x87\0")}, &id, &code));
    assert_true(id == 1 && code == 0x87);
    assert_false(packet_puback(&(struct mqtt_packet){PACKET_PUBACK, 0, BYTES("\x01")}, &id, &code));
    assert_false(packet_puback(&(struct mqtt_packet){PACKET_PUBACK, 0, BYTES("\0\0")}, &id, &code));
    assert_false(
        packet_puback(&(struct mqtt_packet){PACKET_SUBACK, 0, BYTES("\0\x01")}, &id, &code));
    assert_int_equal(packet_disconnect(&(struct mqtt_packet){PACKET_DISCONNECT, 0, BYTES("")}), 0);
    assert_int_equal(
        packet_disconnect(&(struct mqtt_packet){PACKET_DISCONNECT, 0, BYTES("\x8b\0")}), 0x8b);
    assert_string_equal(mqtt_reason(0x87, &class), "not authorized");
    assert_int_equal(class, ERR_DENIED);
    assert_string_equal(mqtt_reason(0x80, &class), "it does not say why");
    assert_int_equal(class, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes),
        cmocka_unit_test(packets_come_in_pieces),
        cmocka_unit_test(messages),
        cmocka_unit_test(messages_of_mqtt_5),
        cmocka_unit_test(answers),
        cmocka_unit_test(what_goes_of_mqtt_5),
        cmocka_unit_test(what_a_broker_accepts),
        cmocka_unit_test(what_it_says_of_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
