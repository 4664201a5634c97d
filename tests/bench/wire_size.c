/* wire_size BATCHES EVENTS - bytes on the wire for batches of EVENTS typical events, all above TCP:
 * the batch, the hub's acknowledgement, both PUBACKs, MQTT 5 headers and TLS records. The session
 * adds nothing else. tests/process measures that a session's bytes are these. */
#include "common/wire/batch.h"
#include "common/wire/messages.h"
#include "common/wire/topics.h"
#include "tests/bench/bench.h"
#include "tests/bench/events.h"

enum {
    LINES_BYTES_MAX = 1 << 20,
    TLS_RECORD_BYTES = 5 + 8 + 16,            /* header, nonce, tag of AES-GCM in TLS 1.2 */
    PUBLISH_HEADER_BYTES = 1 + 2 + 2 + 2 + 1, /* type, length, topic's length, id, properties */
    PUBACK_BYTES = 4 + TLS_RECORD_BYTES,
};

static int64_t message_bytes(enum channel channel, const struct buf *payload)
{
    char memory[TOPIC_BYTES_MAX];
    struct buf topic = buf_fixed(memory, sizeof(memory));
    topic_device(&topic, STR("shops"), STR("brooklyn"), channel);
    return (int64_t)(topic.len + payload->len) + PUBLISH_HEADER_BYTES + TLS_RECORD_BYTES +
           PUBACK_BYTES;
}

int main(int argc, char **argv)
{
    int64_t batches = bench_count_arg(argc, argv, 1);
    int64_t events = bench_count_arg(argc, argv, 2);
    int64_t sent = 0;
    int64_t plain = 0;
    AUTO(buf) lines = buf_growing(LINES_BYTES_MAX);
    AUTO(buf) payload = buf_growing(LINES_BYTES_MAX);
    for (int64_t i = 0; i < batches; i++) {
        buf_reset(&lines);
        for (int64_t j = 0; j < events; j++) {
            typical_line(&lines, 1, i * events + j);
        }
        struct batch_header header = {"0123456789abcdef", i * events + 1, (i + 1) * events,
                                      UINT32_MAX};
        struct err err = {0};
        buf_reset(&payload);
        bench_check(batch_encode(&header, buf_str(&lines), &payload, &err), &err);
        sent += message_bytes(CHANNEL_EVENTS, &payload);
        plain += (int64_t)lines.len;

        const struct message_ack ack = {.epoch = "0123456789abcdef", .seq = header.last};
        buf_reset(&payload);
        message_ack_encode(&ack, &payload);
        sent += message_bytes(CHANNEL_ACK, &payload);
    }
    bench_print("events", batches * events);
    bench_print("wire_bytes", sent);
    bench_print("line_bytes", plain);
    return 0;
}
