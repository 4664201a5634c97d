/* publish PORT DIR MESSAGES INFLIGHT - QoS 1 messages of 200 bytes through libmosquitto and its own
 * OpenSSL, in a poll loop. */
#include "tests/bench/bench.h"
#include "tests/bench/limits/client.h"

#include <string.h>

enum { PAYLOAD_BYTES = 200 };

struct load {
    int64_t left;
    int64_t done;
    char payload[PAYLOAD_BYTES];
};

static void publish_next(struct mosquitto *m, struct load *load)
{
    if (load->left == 0) {
        return;
    }
    load->left--;
    int rc = mosquitto_publish(m, NULL, "selvedge/v1/bench/shop-1/events", PAYLOAD_BYTES,
                               load->payload, 1, false);
    if (rc != MOSQ_ERR_SUCCESS) {
        bench_die("publish: %s", mosquitto_strerror(rc));
    }
}

static void on_publish(struct mosquitto *m, void *ctx, int message_id)
{
    (void)message_id;
    struct load *load = ctx;
    load->done++;
    publish_next(m, load);
}

int main(int argc, char **argv)
{
    int64_t messages = bench_count_arg(argc, argv, 3);
    int64_t inflight = bench_count_arg(argc, argv, 4);
    struct load load = {.left = messages};
    memset(load.payload, 'x', sizeof(load.payload));
    struct mosquitto *m = client_open("limit", (int)bench_count_arg(argc, argv, 1),
                                      bench_text_arg(argc, argv, 2), (int)inflight, &load);
    mosquitto_publish_callback_set(m, on_publish);

    struct bench_counters start = bench_now();
    for (int64_t i = 0; i < inflight; i++) {
        publish_next(m, &load);
    }
    while (load.done < messages) {
        client_turn(m, 1000);
    }
    bench_print("messages", messages);
    bench_print_since(&start);
    client_close(m);
    return 0;
}
