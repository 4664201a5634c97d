/* broker - a real mosquitto with a CA of its own, TLS 1.2 and client certificates, quiet, for as
 * long as stdin is open. Prints its port, its folder, which holds ca.pem, client.pem and
 * client.key of a client, and its process id. */
#include "tests/bench/bench.h"
#include "tests/support/test_broker.h"

#include <stdio.h>
#include <unistd.h>

int main(void)
{
    struct test_broker broker;
    struct test_identity client;
    struct err err = {0};
    if (!test_broker_is_installed()) {
        return 77;
    }
    const char *quiet = "log_type none\nmax_inflight_messages 200\nmax_queued_messages 0\n";
    bool ok = test_broker_open(&broker, quiet, &err) &&
              test_broker_issue(&broker, "shop-1", 30, &client, &err) &&
              test_broker_write(&broker, "client.pem", buf_str(&client.cert), &err) &&
              test_broker_write(&broker, "client.key", buf_str(&client.key), &err) &&
              test_broker_start(&broker, &err);
    if (ok) {
        (void)printf("%d %s %d\n", broker.port, broker.dir, (int)broker.pid);
        (void)fflush(stdout);
        char byte;
        while (read(STDIN_FILENO, &byte, 1) > 0) {
        }
        test_identity_release(&client);
    }
    test_broker_close(&broker);
    bench_check(ok, &err);
    return 0;
}
