/* publish PORT DIR MESSAGES INFLIGHT - QoS 1 messages of 200 bytes through common/mqtt; nobody
 * subscribes, the broker alone acknowledges. The peer: limits/publish.c. */
#include "tests/bench/bench.h"
#include "tests/bench/session.h"

#include <string.h>

enum { PAYLOAD_BYTES = 200 };

struct load {
    int64_t left;
    char payload[PAYLOAD_BYTES];
};

static void publish_next(struct bench_session *s)
{
    struct load *load = s->ctx;
    struct err err = {0};
    int id = 0;
    if (load->left == 0) {
        return;
    }
    load->left--;
    bench_check(mqtt_publish(s->mqtt, STR("selvedge/v1/bench/shop-1/events"),
                             (struct str){load->payload, sizeof(load->payload)}, 0, 0, &id, &err),
                &err);
}

int main(int argc, char **argv)
{
    int64_t messages = bench_count_arg(argc, argv, 3);
    int64_t inflight = bench_count_arg(argc, argv, 4);
    struct load load = {.left = messages};
    memset(load.payload, 'x', sizeof(load.payload));
    struct bench_session session = {.on_published = publish_next, .ctx = &load};
    struct err err = {0};
    bench_session_open(&session, (int)bench_count_arg(argc, argv, 1), bench_text_arg(argc, argv, 2),
                       (int)inflight);
    bench_session_connect(&session);

    struct bench_counters start = bench_now();
    for (int64_t i = 0; i < inflight; i++) {
        publish_next(&session);
    }
    while (session.published < messages) {
        bench_check(loop_turn(session.loop, -1, &err), &err);
    }
    bench_print("messages", messages);
    bench_print_since(&start);
    bench_session_disconnect(&session);
    bench_session_close(&session);
    return 0;
}
