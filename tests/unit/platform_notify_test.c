/* platform_notify_test.c - common/platform/notify.h, with a socket of our own as the supervisor */
#include "common/platform/notify.h"
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* One thread: nobody reads the environment meanwhile. NULL takes the variable out. */
static void put_variable(const char *name, const char *value)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    int rc = value != NULL ? setenv(name, value, 1) : unsetenv(name);
    assert_int_equal(rc, 0);
}

/* A socket in the abstract name space, named in NOTIFY_SOCKET. */
static int open_supervisor(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int len = snprintf(name, sizeof(name), "@selvedge-notify-%d", (int)getpid());
    assert_true(len > 0 && (size_t)len < sizeof(name));
    memcpy(address.sun_path, name, (size_t)len);
    address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    put_variable("NOTIFY_SOCKET", name);
    return fd;
}

static void assert_message(int fd, const char *expected)
{
    char text[1024];
    ssize_t len = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    assert_string_equal(text, expected);
}

static void every_message_arrives(void **state)
{
    (void)state;
    int fd = open_supervisor();
    notify_ready("working");
    assert_message(fd, "READY=1\nSTATUS=working\n");
    notify_ready(NULL);
    assert_message(fd, "READY=1\n");
    notify_ready("two\nSTOPPING=1");
    assert_message(fd, "READY=1\nSTATUS=two STOPPING=1\n");
    notify_starting(60 * NS_PER_SEC, "still at it");
    assert_message(fd, "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=still at it\n");
    notify_watchdog();
    assert_message(fd, "WATCHDOG=1\n");
    notify_stopping();
    assert_message(fd, "STOPPING=1\n");
    close(fd);
    notify_watchdog(); /* nobody listens: nothing happens */
}

static void a_long_status_is_clipped(void **state)
{
    (void)state;
    int fd = open_supervisor();
    char longer[2000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    notify_ready(longer);
    char text[1024];
    ssize_t len = recv(fd, text, sizeof(text), 0);
    assert_true(len > 500 && len <= 512);
    assert_memory_equal(text, "READY=1\nSTATUS=xxx", 18);
    assert_int_equal(text[len - 1], '\n');
    close(fd);
}

static void a_bad_address_is_no_address(void **state)
{
    (void)state;
    char longer[300];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    const char *const addresses[] = {
        "", "/", "relative", "vsock:2:1234", longer, "/nowhere/at/all"};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        put_variable("NOTIFY_SOCKET", addresses[i]);
        notify_ready("x");
    }
    put_variable("NOTIFY_SOCKET", NULL);
    notify_ready("x");
}

static void the_interval_is_for_us_alone(void **state)
{
    (void)state;
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    put_variable("WATCHDOG_USEC", NULL);
    put_variable("WATCHDOG_PID", NULL);
    assert_int_equal(notify_watchdog_interval_ns(), 0);
    put_variable("WATCHDOG_USEC", "30000000");
    assert_int_equal(notify_watchdog_interval_ns(), INT64_C(30000000000));
    put_variable("WATCHDOG_PID", pid);
    assert_int_equal(notify_watchdog_interval_ns(), INT64_C(30000000000));
    put_variable("WATCHDOG_PID", "1");
    assert_int_equal(notify_watchdog_interval_ns(), 0);
    put_variable("WATCHDOG_PID", "me");
    assert_int_equal(notify_watchdog_interval_ns(), 0);
    put_variable("WATCHDOG_PID", NULL);
    const char *const bad[] = {"", "0", "-5", "soon", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_variable("WATCHDOG_USEC", bad[i]);
        assert_int_equal(notify_watchdog_interval_ns(), 0);
    }
}

static void the_loop_feeds_the_watchdog(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    struct err err = {0};
    struct notify_watchdog watchdog;
    int fd = open_supervisor();
    assert_true(loop_open(&loop, clock_system(), &err));
    put_variable("WATCHDOG_PID", NULL);
    put_variable("WATCHDOG_USEC", "2000");
    notify_watchdog_start(&watchdog, loop);
    assert_message(fd, "WATCHDOG=1\n"); /* at once */
    assert_true(loop_turn(loop, NS_PER_SEC, &err));
    assert_message(fd, "WATCHDOG=1\n"); /* and by the timer */
    notify_watchdog_stop(&watchdog);
    assert_int_equal(watchdog.timer.heap_index, 0);
    put_variable("WATCHDOG_USEC", NULL);
    notify_watchdog_start(&watchdog, loop);
    assert_int_equal(watchdog.timer.heap_index, 0);
    assert_true(recv(fd, &watchdog, 1, MSG_DONTWAIT) < 0);
    loop_close(loop);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_arrives),
        cmocka_unit_test(a_long_status_is_clipped),
        cmocka_unit_test(a_bad_address_is_no_address),
        cmocka_unit_test(the_interval_is_for_us_alone),
        cmocka_unit_test(the_loop_feeds_the_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
