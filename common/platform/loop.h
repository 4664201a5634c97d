/* loop.h - one epoll loop per process: descriptors, timers, signals, children. One thread; handlers
 * run to completion. A handler may add, change and remove any source, its own included; a removed
 * source's handler is not called again. */
#pragma once
#include "common/base/err.h"
#include "common/platform/clock.h"
#include <stdint.h>
#include <sys/types.h>

struct loop;

/* LOOP_HANGUP (the other end is gone, or an error) is reported always and never asked for; it comes
 * together with what was asked for, so that a handler which only reads finds the end of file by
 * reading. */
enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

/* Sources live in their owner's memory and outlive their registration. Zero-initialise them. */
struct loop_fd {
    int fd;
    void (*on_ready)(void *ctx, unsigned events);
    void *ctx;
    unsigned events; /* what is asked for */
    bool is_added;   /* registered with epoll */
};
struct loop_timer {
    void (*on_due)(void *ctx);
    void *ctx;
    struct mono_time due;
    uint64_t order;    /* equal times fire in the order of arming */
    size_t heap_index; /* 1-based; 0 = not armed */
};
struct loop_child {
    /* `wait_status` is waitpid()'s; the child is reaped and the source removed before the call. */
    void (*on_exit)(void *ctx, int wait_status);
    void *ctx;
    pid_t pid;
    struct loop_fd watch; /* on the pidfd, which the loop owns */
    struct loop *loop;
    struct loop_child *next; /* of those that are watched */
};
struct loop_task {
    void (*run)(void *ctx);
    void *ctx;
    struct loop_task *next;
    bool is_queued;
};

MUST_CHECK bool loop_open(struct loop **ret, struct clock clock, struct err *err);
void loop_close(struct loop *loop); /* NULL is allowed; closes no descriptor but its own */
const struct clock *loop_clock(const struct loop *loop);
/* The time at which the present turn began: one frozen `now` for one turn. Outside a turn, the
 * clock's time. */
struct mono_time loop_now(const struct loop *loop);

/* Registers or changes what is waited for. events 0 keeps only hang-ups. `fd`, `on_ready`, `ctx`
 * set by the caller. */
MUST_CHECK bool loop_fd_watch(struct loop *loop, struct loop_fd *source, unsigned events,
                              struct err *err);
void loop_fd_remove(struct loop *loop,
                    struct loop_fd *source); /* does not close the descriptor; idempotent */

/* Arms (or re-arms) for a time; a past time fires once the handlers before it are done, in the next
 * turn at the latest. Timers fire in order of due time. Cannot fail but for memory: aborts then
 * (the heap is pre-sized, growth past 64 timers allocates). */
void loop_timer_arm(struct loop *loop, struct loop_timer *timer, struct mono_time due);
void loop_timer_arm_in(struct loop *loop, struct loop_timer *timer, int64_t delay_ns);
void loop_timer_disarm(struct loop *loop, struct loop_timer *timer);

/* Blocks `signo` and calls back in the loop. One handler per signal. Call before any thread or
 * child is started. */
MUST_CHECK bool loop_on_signal(struct loop *loop, int signo, void (*fn)(void *ctx, int signo),
                               void *ctx, struct err *err);
/* For the whole process: whoever reads our log may go away, and we go on. Children do not inherit
 * it (spawn.h). */
void loop_ignore_sigpipe(void);

/* Called when CLOCK_REALTIME is stepped (timerfd, TFD_TIMER_CANCEL_ON_SET). One handler. */
MUST_CHECK bool loop_on_clock_step(struct loop *loop, void (*fn)(void *ctx), void *ctx,
                                   struct err *err);

/* Watches a child of this process by pidfd; takes ownership of `pidfd`, also when it fails. */
MUST_CHECK bool loop_child_watch(struct loop *loop, struct loop_child *child, pid_t pid, int pidfd,
                                 struct err *err);
/* Forgets a child that is not waited for any more, and closes its pidfd. Idempotent. */
void loop_child_remove(struct loop *loop, struct loop_child *child);
bool loop_is_watched(const struct loop *loop, pid_t pid);

/* Runs once, at the end of the present turn, before the loop waits again. Queuing twice is one run.
 * What a task queues runs in the next turn, which does not wait. */
void loop_defer(struct loop *loop, struct loop_task *task);
void loop_defer_cancel(struct loop *loop, struct loop_task *task); /* idempotent */

/* Runs turns until loop_stop(); one that was called before ends it at once. */
MUST_CHECK bool loop_run(struct loop *loop, struct err *err);
/* One turn that waits at most `wait_ns` (0 = does not wait, -1 = no limit). For tests and for
 * embedding. */
MUST_CHECK bool loop_turn(struct loop *loop, int64_t wait_ns, struct err *err);
void loop_stop(struct loop *loop);
/* Between turns, for embedding: when there is something to do by itself; now when a task is queued,
 * INT64_MAX when nothing is. Descriptors are not looked at. */
struct mono_time loop_due(const struct loop *loop);
