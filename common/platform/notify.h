/* notify.h - tells a supervisor (systemd's Type=notify protocol) how this process is. Without one,
 * which is when NOTIFY_SOCKET is unset, every call does nothing. Nothing here can fail: a
 * supervisor that does not listen will act by itself. Never blocks. Source: sd_notify(3). */
#pragma once
#include "common/platform/loop.h"

/* Start-up is over. `status` is one line for `systemctl status`, or NULL. */
void notify_ready(const char *status);
/* It is still starting, and wants that much longer; `status` as above. */
void notify_starting(int64_t more_ns, const char *status);
void notify_stopping(void);
/* "I am alive": to be sent at least once in every interval, or the supervisor kills and restarts
 * this process. */
void notify_watchdog(void);
/* The supervisor's interval (WATCHDOG_USEC), or 0 when it wants no sign of life from this process
 * (WATCHDOG_PID). Send twice as often. */
int64_t notify_watchdog_interval_ns(void);

/* Does that from the loop itself: a loop that hangs is a program that hangs. In the caller's memory,
 * where it must stay until it is stopped. */
struct notify_watchdog {
    struct loop *loop;
    struct loop_timer timer;
    int64_t every_ns; /* 0 = nobody wants it */
};
void notify_watchdog_start(struct notify_watchdog *watchdog, struct loop *loop);
void notify_watchdog_stop(struct notify_watchdog *watchdog);
