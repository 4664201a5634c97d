/* mqtt_packets_fuzz.c - what a broker sends: packets lie within what came, and a part of the bytes never gives another packet than all
 * of them. The first byte says where to cut. */
#include "common/packets/mqtt_packets.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKET_BYTES_MAX = 1000 };

static bool lies_in(struct str part, struct str whole)
{
    return part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

static void read_message(enum mqtt_version version, const struct mqtt_packet *packet)
{
    struct mqtt_publish message;
    if (packet_publish(version, packet, &message)) {
        assert(message.topic.len > 0 && lies_in(message.topic, packet->body));
        assert(lies_in(message.payload, packet->body) && str_is_utf8(message.topic));
        assert(message.qos <= 1 && (message.qos == 0) == (message.id == 0));
        assert(memchr(message.topic.ptr, '\0', message.topic.len) == NULL);
    }
}

static void read_answer(const struct mqtt_packet *packet)
{
    unsigned code = 0;
    unsigned id = 0;
    size_t refused = 0;
    struct mqtt_accepted accepted;
    if (packet_connack(packet, &code)) {
        assert(code <= UINT8_MAX);
    }
    if (packet_accepted(packet, &accepted)) {
        assert(accepted.receive_max > 0 && accepted.packet_max > 0);
        assert(accepted.code <= UINT8_MAX && accepted.qos_max <= UINT8_MAX);
    }
    if (packet_puback(packet, &id, &code)) {
        assert(id > 0 && id <= UINT16_MAX && code <= UINT8_MAX);
    }
    assert(packet_disconnect(packet) <= UINT8_MAX);
    for (size_t count = 0; count < 4; count++) {
        if (packet_suback(MQTT_3_1_1, packet, count, &refused)) {
            assert(packet->body.len == count + 2 && refused <= count);
        }
        if (packet_suback(MQTT_5, packet, count, &refused)) {
            assert(packet->body.len >= count + 3 && refused <= count);
        }
    }
}

/* Reads the first packet; false when there is none. */
static bool read_first(struct str *rest, size_t cut)
{
    struct mqtt_packet packet;
    struct mqtt_packet early;
    size_t len = 0;
    size_t early_len = 0;
    struct str part = str_slice(*rest, 0, cut % (rest->len + 1));
    enum packet_result result = packet_next(*rest, PACKET_BYTES_MAX, &packet, &len);
    enum packet_result early_result = packet_next(part, PACKET_BYTES_MAX, &early, &early_len);
    assert(early_result == PACKET_PART || early_result == result);
    assert(result != PACKET_LARGE || len > PACKET_BYTES_MAX);
    if (result != PACKET_WHOLE) {
        return false;
    }
    assert(len >= 2 && len <= rest->len && len <= PACKET_BYTES_MAX);
    assert(packet.type < 16 && packet.flags < 16 && lies_in(packet.body, *rest));
    assert(packet.body.ptr + packet.body.len == rest->ptr + len);
    assert(early_result == PACKET_PART || early_len == len);
    read_message(MQTT_3_1_1, &packet);
    read_message(MQTT_5, &packet);
    read_answer(&packet);
    *rest = str_slice(*rest, len, rest->len);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct str rest = {(const char *)data + 1, size - 1};
    while (read_first(&rest, data[0])) {
    }
    return 0;
}
