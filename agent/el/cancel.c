#include "agent/el/cancel.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t requested;
static volatile sig_atomic_t grace_ms = CANCEL_GRACE_MS;
static timer_t grace_timer;

/* Only async-signal-safe calls. */
void cancel_extend(int ms)
{
    const struct itimerspec grace = {
        .it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}};
    if (timer_settime(grace_timer, 0, &grace, NULL) != 0) {
        _exit(CANCEL_EXIT);
    }
}

static void on_term(int signo)
{
    (void)signo;
    requested = 1;
    cancel_extend(grace_ms);
}

static void on_grace_over(int signo)
{
    (void)signo;
    _exit(CANCEL_EXIT);
}

static bool handle(int signo, void (*handler)(int), struct err *err)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(signo, &action, NULL) == 0 || err_errno(err, errno, "handle signal %d", signo);
}

bool cancel_install(struct err *err)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    if (timer_create(CLOCK_MONOTONIC, &event, &grace_timer) != 0) {
        return err_errno(err, errno, "create a timer");
    }
    return handle(SIGALRM, on_grace_over, err) && handle(SIGTERM, on_term, err) &&
           handle(SIGINT, on_term, err);
}

void cancel_allow(int ms)
{
    grace_ms = ms;
}

bool cancel_requested(void)
{
    return requested != 0;
}

bool cancel_check(void *ctx)
{
    (void)ctx;
    return cancel_requested();
}

bool cancel_error(struct err *err)
{
    return err_set(err, ERR_CANCELLED,
                   "stopped on request; nothing of the open transaction was kept");
}
