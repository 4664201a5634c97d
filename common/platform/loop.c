/* DESIGN. One turn: wait in epoll, freeze `now`, hand out descriptor events, then due timers, then
 * deferred tasks. Sources are the callers' structs and epoll carries pointers to them, so removing
 * a source also wipes it out of the events that this turn still has to hand out. Timers wait by one
 * timerfd on CLOCK_BOOTTIME, which, unlike epoll's own time-out, counts the time spent suspended.
 */
#include "common/platform/loop_internal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 64, SIGNALS_MAX = 65 };

struct signal_handler {
    void (*fn)(void *ctx, int signo);
    void *ctx;
};

struct task_list {
    struct loop_task *first;
    struct loop_task *last;
};

struct loop {
    int epoll_fd;
    struct clock clock;
    struct mono_time now;
    bool is_in_turn;
    bool is_stopping;

    struct epoll_event pending[EVENTS_MAX];
    int pending_count;

    struct timer_heap timers;
    struct loop_fd timer_watch;
    struct mono_time timer_armed; /* what the timerfd waits for; 0 = nothing */
    bool is_firing;

    struct loop_fd signal_watch;
    sigset_t signals;
    struct signal_handler handlers[SIGNALS_MAX];

    struct loop_child *children; /* that are watched */

    struct loop_fd step_watch;
    void (*on_step)(void *ctx);
    void *step_ctx;

    struct task_list queued;
    struct task_list running;
};

/* -- time and timers -- */

const struct clock *loop_clock(const struct loop *loop)
{
    return &loop->clock;
}

struct mono_time loop_now(const struct loop *loop)
{
    return loop->is_in_turn ? loop->now : clock_mono(&loop->clock);
}

void loop_timer_arm(struct loop *loop, struct loop_timer *timer, struct mono_time due)
{
    timer_heap_remove(&loop->timers, timer);
    /* What a timer's handler arms for the past sorts behind this turn's timers: it fires next turn.
     */
    if (loop->is_firing && due.ns < loop->now.ns) {
        due = loop->now;
    }
    timer_heap_add(&loop->timers, timer, due);
}

void loop_timer_arm_in(struct loop *loop, struct loop_timer *timer, int64_t delay_ns)
{
    struct mono_time due = {INT64_MAX};
    int64_t sum = 0;
    if (!__builtin_add_overflow(loop_now(loop).ns, delay_ns, &sum)) {
        due.ns = sum;
    }
    loop_timer_arm(loop, timer, due);
}

void loop_timer_disarm(struct loop *loop, struct loop_timer *timer)
{
    timer_heap_remove(&loop->timers, timer);
}

static void fire_timers(struct loop *loop)
{
    uint64_t order_end = loop->timers.next_order;
    loop->is_firing = true;
    struct loop_timer *timer = timer_heap_first(&loop->timers);
    while (timer != NULL && timer->due.ns <= loop->now.ns && timer->order < order_end) {
        timer_heap_remove(&loop->timers, timer);
        timer->on_due(timer->ctx);
        timer = timer_heap_first(&loop->timers);
    }
    loop->is_firing = false;
}

static void drain_timerfd(void *ctx, unsigned events)
{
    (void)events;
    struct loop *loop = ctx;
    uint64_t expirations = 0;
    ssize_t got = read(loop->timer_watch.fd, &expirations, sizeof(expirations));
    (void)got; /* only makes it unreadable; what is due is decided by the clock */
    loop->timer_armed.ns = 0;
}

/* Points the timerfd at the earliest timer. */
static bool arm_timerfd(struct loop *loop, struct err *err)
{
    const struct loop_timer *first = timer_heap_first(&loop->timers);
    struct mono_time due = {first == NULL ? 0 : first->due.ns};
    if (due.ns == loop->timer_armed.ns) {
        return true;
    }
    struct itimerspec spec = {0}; /* all zero disarms */
    if (first != NULL) {
        /* Relative, so that the loop also turns under a clock that is not the kernel's. The bound
         * is for 32-bit time_t: a timer later than a day wakes the loop once a day. */
        int64_t delay = due.ns - clock_mono(&loop->clock).ns;
        delay = delay < 1 ? 1 : delay;
        delay = delay > 86400 * NS_PER_SEC ? 86400 * NS_PER_SEC : delay;
        spec.it_value.tv_sec = (time_t)(delay / NS_PER_SEC);
        spec.it_value.tv_nsec = (long)(delay % NS_PER_SEC);
    }
    if (timerfd_settime(loop->timer_watch.fd, 0, &spec, NULL) != 0) {
        return err_errno(err, errno, "arm the loop's timer");
    }
    loop->timer_armed = due;
    return true;
}

/* -- descriptors -- */

static uint32_t to_epoll(unsigned events)
{
    return (events & LOOP_READ ? (uint32_t)EPOLLIN : 0) |
           (events & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

static unsigned from_epoll(uint32_t events, unsigned wanted)
{
    unsigned result = (events & EPOLLIN ? LOOP_READ : 0U) | (events & EPOLLOUT ? LOOP_WRITE : 0U);
    result &= wanted;
    return events & (EPOLLHUP | EPOLLERR) ? wanted | LOOP_HANGUP : result;
}

bool loop_fd_watch(struct loop *loop, struct loop_fd *source, unsigned events, struct err *err)
{
    if (source->is_added && source->events == events) {
        return true;
    }
    struct epoll_event event = {.events = to_epoll(events), .data = {.ptr = source}};
    int op = source->is_added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(loop->epoll_fd, op, source->fd, &event) != 0) {
        return err_errno(err, errno, "watch descriptor %d", source->fd);
    }
    source->events = events;
    source->is_added = true;
    return true;
}

void loop_fd_remove(struct loop *loop, struct loop_fd *source)
{
    if (!source->is_added) {
        return;
    }
    /* Fails only for a descriptor that its owner closed before: it left epoll by itself then. */
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    source->is_added = false;
    source->events = 0;
    for (int i = 0; i < loop->pending_count; i++) {
        if (loop->pending[i].data.ptr == source) {
            loop->pending[i].data.ptr = NULL;
        }
    }
}

static void hand_out_events(struct loop *loop)
{
    for (int i = 0; i < loop->pending_count; i++) {
        struct loop_fd *source = loop->pending[i].data.ptr;
        if (source == NULL) {
            continue;
        }
        unsigned events = from_epoll(loop->pending[i].events, source->events);
        if (events != 0) { /* a handler of this turn may have changed what is asked for */
            source->on_ready(source->ctx, events);
        }
    }
    loop->pending_count = 0;
}

/* -- signals -- */

static void read_signals(void *ctx, unsigned events)
{
    (void)events;
    struct loop *loop = ctx;
    struct signalfd_siginfo info;
    while (read(loop->signal_watch.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        const struct signal_handler *handler = &loop->handlers[info.ssi_signo];
        handler->fn(handler->ctx, (int)info.ssi_signo);
    }
}

bool loop_on_signal(struct loop *loop, int signo, void (*fn)(void *ctx, int signo), void *ctx,
                    struct err *err)
{
    sigset_t signals = loop->signals;
    if (signo >= SIGNALS_MAX || sigaddset(&signals, signo) != 0) {
        return err_set(err, ERR_INVALID, "watch signal %d: no such signal", signo);
    }
    int result = pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (result != 0) {
        return err_errno(err, result, "block signal %d", signo);
    }
    int fd = signalfd(loop->signal_watch.fd, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
        return err_errno(err, errno, "watch signal %d", signo);
    }
    loop->signal_watch.fd = fd;
    loop->signals = signals;
    loop->handlers[signo] = (struct signal_handler){fn, ctx};
    return loop_fd_watch(loop, &loop->signal_watch, LOOP_READ, err);
}

void loop_ignore_sigpipe(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

/* -- steps of the wall clock -- */

/* A timer that never expires but is cancelled, readably, when the wall clock is set. */
static bool arm_step_watch(int fd)
{
    struct itimerspec never = {0};
    never.it_value.tv_sec = sizeof(time_t) > 4 ? (time_t)(INT64_C(1) << 33) : (time_t)INT32_MAX;
    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static void read_step(void *ctx, unsigned events)
{
    (void)events;
    struct loop *loop = ctx;
    uint64_t expirations = 0;
    ssize_t got = read(loop->step_watch.fd, &expirations, sizeof(expirations));
    if (got >= 0 || errno != ECANCELED) {
        return;
    }
    /* Cancelling is reported once for each arming. */
    bool is_armed = arm_step_watch(loop->step_watch.fd);
    assert(is_armed);
    (void)is_armed;
    loop->on_step(loop->step_ctx);
}

bool loop_on_clock_step(struct loop *loop, void (*fn)(void *ctx), void *ctx, struct err *err)
{
    loop->on_step = fn;
    loop->step_ctx = ctx;
    if (loop->step_watch.is_added) {
        return true;
    }
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0 || !arm_step_watch(fd)) {
        int reason = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return err_errno(err, reason, "watch for steps of the clock");
    }
    loop->step_watch.fd = fd;
    return loop_fd_watch(loop, &loop->step_watch, LOOP_READ, err);
}

/* -- children -- */

static void reap_child(void *ctx, unsigned events)
{
    (void)events;
    struct loop_child *child = ctx;
    int status = 0;
    pid_t got = waitpid(child->pid, &status, WNOHANG);
    if (got == 0) {
        return;
    }
    assert(got == child->pid); /* nobody else may reap a child that is watched */
    loop_child_remove(child->loop, child);
    child->on_exit(child->ctx, status);
}

bool loop_child_watch(struct loop *loop, struct loop_child *child, pid_t pid, int pidfd,
                      struct err *err)
{
    assert(!child->watch.is_added);
    child->pid = pid;
    child->loop = loop;
    child->watch = (struct loop_fd){.fd = pidfd, .on_ready = reap_child, .ctx = child};
    if (!loop_fd_watch(loop, &child->watch, LOOP_READ, err)) {
        (void)close(pidfd);
        return err_wrap(err, "watch process %d", (int)pid);
    }
    child->next = loop->children;
    loop->children = child;
    return true;
}

void loop_child_remove(struct loop *loop, struct loop_child *child)
{
    if (!child->watch.is_added) {
        return;
    }
    loop_fd_remove(loop, &child->watch);
    (void)close(child->watch.fd);
    struct loop_child **at = &loop->children;
    while (*at != child) {
        at = &(*at)->next;
    }
    *at = child->next;
}

bool loop_is_watched(const struct loop *loop, pid_t pid)
{
    for (const struct loop_child *child = loop->children; child != NULL; child = child->next) {
        if (child->pid == pid) {
            return true;
        }
    }
    return false;
}

/* -- deferred tasks -- */

static void task_push(struct task_list *list, struct loop_task *task)
{
    task->next = NULL;
    if (list->last == NULL) {
        list->first = task;
    } else {
        list->last->next = task;
    }
    list->last = task;
}

static void task_unlink(struct task_list *list, const struct loop_task *task)
{
    struct loop_task *before = NULL;
    for (struct loop_task *at = list->first; at != NULL; before = at, at = at->next) {
        if (at != task) {
            continue;
        }
        if (before == NULL) {
            list->first = at->next;
        } else {
            before->next = at->next;
        }
        list->last = list->last == at ? before : list->last;
        return;
    }
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
    if (!task->is_queued) {
        task->is_queued = true;
        task_push(&loop->queued, task);
    }
}

void loop_defer_cancel(struct loop *loop, struct loop_task *task)
{
    if (task->is_queued) {
        task->is_queued = false;
        task_unlink(&loop->queued, task);
        task_unlink(&loop->running, task);
    }
}

static void run_tasks(struct loop *loop)
{
    loop->running = loop->queued;
    loop->queued = (struct task_list){0};
    while (loop->running.first != NULL) {
        struct loop_task *task = loop->running.first;
        task_unlink(&loop->running, task);
        task->is_queued = false;
        task->run(task->ctx);
    }
}

/* -- turns -- */

/* How long epoll may wait, in ms; -1 = without limit. Timers end the wait by their timerfd. */
static int turn_wait_ms(const struct loop *loop, int64_t wait_ns)
{
    const struct loop_timer *first = timer_heap_first(&loop->timers);
    bool is_due = first != NULL && first->due.ns <= clock_mono(&loop->clock).ns;
    if (is_due || loop->queued.first != NULL) {
        return 0;
    }
    if (wait_ns < 0) {
        return -1;
    }
    int64_t ms = wait_ns / NS_PER_MS + (wait_ns % NS_PER_MS != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

bool loop_turn(struct loop *loop, int64_t wait_ns, struct err *err)
{
    assert(!loop->is_in_turn);
    int wait_ms = turn_wait_ms(loop, wait_ns);
    if (wait_ms != 0 && !arm_timerfd(loop, err)) {
        return false;
    }
    int count = epoll_wait(loop->epoll_fd, loop->pending, EVENTS_MAX, wait_ms);
    if (count < 0 && errno != EINTR) {
        return err_errno(err, errno, "wait for events");
    }
    loop->pending_count = count < 0 ? 0 : count;
    loop->now = clock_mono(&loop->clock);
    loop->is_in_turn = true;
    hand_out_events(loop);
    fire_timers(loop);
    run_tasks(loop);
    loop->is_in_turn = false;
    return true;
}

bool loop_run(struct loop *loop, struct err *err)
{
    while (!loop->is_stopping) {
        if (!loop_turn(loop, -1, err)) {
            return false;
        }
    }
    loop->is_stopping = false;
    return true;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopping = true;
}

struct mono_time loop_due(const struct loop *loop)
{
    const struct loop_timer *first = timer_heap_first(&loop->timers);
    if (loop->queued.first != NULL) {
        return clock_mono(&loop->clock);
    }
    return first != NULL ? first->due : (struct mono_time){INT64_MAX};
}

/* -- life -- */

static bool open_descriptors(struct loop *loop, struct err *err)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->timer_watch.fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->epoll_fd < 0 || loop->timer_watch.fd < 0) {
        return err_errno(err, errno, "open the event loop");
    }
    return loop_fd_watch(loop, &loop->timer_watch, LOOP_READ, err);
}

bool loop_open(struct loop **ret, struct clock clock, struct err *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open the event loop: out of memory");
    }
    loop->clock = clock;
    loop->epoll_fd = -1;
    loop->timer_watch = (struct loop_fd){.fd = -1, .on_ready = drain_timerfd, .ctx = loop};
    loop->signal_watch = (struct loop_fd){.fd = -1, .on_ready = read_signals, .ctx = loop};
    loop->step_watch = (struct loop_fd){.fd = -1, .on_ready = read_step, .ctx = loop};
    (void)sigemptyset(&loop->signals);
    if (!timer_heap_init(&loop->timers)) {
        loop_close(loop);
        return err_set(err, ERR_NO_MEMORY, "open the event loop: out of memory");
    }
    if (!open_descriptors(loop, err)) {
        loop_close(loop);
        return false;
    }
    *ret = loop;
    return true;
}

void loop_close(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    const int fds[] = {loop->epoll_fd, loop->timer_watch.fd, loop->signal_watch.fd,
                       loop->step_watch.fd};
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    timer_heap_fini(&loop->timers);
    free(loop);
}
