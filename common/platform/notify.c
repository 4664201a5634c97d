#include "common/platform/notify.h"

#include "common/base/buf.h"
#include "common/base/time.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 512 };

/* Text after "STATUS=": one line, or its second line would be read as another assignment. */
static void add_status(struct buf *message, const char *status)
{
    buf_add_text(message, "STATUS=");
    for (const char *c = status; *c != '\0' && message->len < MESSAGE_BYTES - 2; c++) {
        if (*c == '\n') {
            buf_add_char(message, ' ');
        } else {
            buf_add_char(message, *c);
        }
    }
    buf_add_char(message, '\n');
}

/* One thread reads the environment and nobody changes it. */
static const char *variable(const char *name)
{
    return getenv(name); /* NOLINT(concurrency-mt-unsafe): never set by us */
}

static void send_message(const struct buf *message)
{
    const char *path = variable("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = path != NULL ? strlen(path) : 0;
    /* A path, or "@name" for the abstract name space. */
    if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return;
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    (void)sendto(fd, message->ptr, message->len, MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 size);
    (void)close(fd);
}

static void send_parts(const char *assignment, const char *status)
{
    char text[MESSAGE_BYTES];
    struct buf message = buf_fixed(text, sizeof(text));
    buf_add_text(&message, assignment);
    if (status != NULL) {
        add_status(&message, status);
    }
    send_message(&message);
}

void notify_ready(const char *status)
{
    send_parts("READY=1\n", status);
}

void notify_starting(int64_t more_ns, const char *status)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%lld\n",
                   (long long)(more_ns / NS_PER_US));
    send_parts(text, status);
}

void notify_stopping(void)
{
    send_parts("STOPPING=1\n", NULL);
}

void notify_watchdog(void)
{
    send_parts("WATCHDOG=1\n", NULL);
}

int64_t notify_watchdog_interval_ns(void)
{
    int64_t usec = 0;
    int64_t pid = 0;
    if (!str_to_i64(str_from(variable("WATCHDOG_USEC")), 1, INT64_MAX / NS_PER_US, &usec)) {
        return 0;
    }
    const char *watched = variable("WATCHDOG_PID");
    if (watched != NULL &&
        (!str_to_i64(str_from(watched), 1, INT32_MAX, &pid) || pid != getpid())) {
        return 0;
    }
    return usec * NS_PER_US;
}

static void feed(void *ctx)
{
    struct notify_watchdog *watchdog = ctx;
    notify_watchdog();
    loop_timer_arm_in(watchdog->loop, &watchdog->timer, watchdog->every_ns);
}

void notify_watchdog_start(struct notify_watchdog *watchdog, struct loop *loop)
{
    *watchdog =
        (struct notify_watchdog){.loop = loop, .every_ns = notify_watchdog_interval_ns() / 2};
    watchdog->timer = (struct loop_timer){.on_due = feed, .ctx = watchdog};
    if (watchdog->every_ns > 0) {
        feed(watchdog);
    }
}

void notify_watchdog_stop(struct notify_watchdog *watchdog)
{
    loop_timer_disarm(watchdog->loop, &watchdog->timer);
}
