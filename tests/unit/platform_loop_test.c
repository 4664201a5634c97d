/* platform_loop_test.c - descriptors, signals, children, clock steps of common/platform/loop.h */
#include "common/platform/loop.h"
#include "common/platform/spawn.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- a clock that can be stepped: the timerfd on CLOCK_REALTIME is replaced by an eventfd -- */

/* The names are the linker's. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
int __real_timerfd_create(int clock_id, int flags);
int __wrap_timerfd_create(int clock_id, int flags);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *new_value,
                           struct itimerspec *old_value);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new_value,
                           struct itimerspec *old_value);
ssize_t __real_read(int fd, void *bytes, size_t len);
ssize_t __wrap_read(int fd, void *bytes, size_t len);

static int step_fd = -1;
static int step_armings;

int __wrap_timerfd_create(int clock_id, int flags)
{
    if (clock_id != CLOCK_REALTIME) {
        return __real_timerfd_create(clock_id, flags);
    }
    step_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return step_fd;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *new_value,
                           struct itimerspec *old_value)
{
    if (fd != step_fd) {
        return __real_timerfd_settime(fd, flags, new_value, old_value);
    }
    assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
    assert_true(new_value->it_value.tv_sec > INT64_C(4102444800)); /* not before 2100 */
    step_armings++;
    return 0;
}

/* As the kernel does: readable once cancelled, and then ECANCELED. */
ssize_t __wrap_read(int fd, void *bytes, size_t len)
{
    ssize_t got = __real_read(fd, bytes, len);
    if (fd == step_fd && got > 0) {
        errno = ECANCELED;
        return -1;
    }
    return got;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */

/* -- the world of one test -- */

struct world {
    struct loop *loop;
    int calls;
    unsigned events;
    int value;
    int ends[2];
    struct loop_fd reader;
    struct loop_fd writer;
};

static int setup(void **state)
{
    static struct world w;
    w = (struct world){0};
    struct err err = {0};
    assert_true(loop_open(&w.loop, clock_system(), &err));
    assert_true(spawn_pipe(w.ends, true, &err));
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    loop_fd_remove(w->loop, &w->reader);
    loop_fd_remove(w->loop, &w->writer);
    loop_close(w->loop);
    for (size_t i = 0; i < COUNT_OF(w->ends); i++) {
        if (w->ends[i] >= 0) {
            close(w->ends[i]);
        }
    }
    return 0;
}

static void turn(struct world *w, int64_t wait_ns)
{
    struct err err = {0};
    assert_true(loop_turn(w->loop, wait_ns, &err));
}

static void note_events(void *ctx, unsigned events)
{
    struct world *w = ctx;
    w->calls++;
    w->events = events;
}

static void watch_reader(struct world *w, void (*fn)(void *ctx, unsigned events))
{
    w->reader = (struct loop_fd){.fd = w->ends[0], .on_ready = fn, .ctx = w};
    struct err err = {0};
    assert_true(loop_fd_watch(w->loop, &w->reader, LOOP_READ, &err));
}

static void a_descriptor_is_reported_when_ready(void **state)
{
    struct world *w = *state;
    watch_reader(w, note_events);
    turn(w, 0);
    assert_int_equal(w->calls, 0);
    assert_int_equal(write(w->ends[1], "x", 1), 1);
    turn(w, -1);
    turn(w, -1); /* level-triggered: still unread */
    assert_int_equal(w->calls, 2);
    assert_int_equal(w->events, LOOP_READ);
    loop_fd_remove(w->loop, &w->reader);
    loop_fd_remove(w->loop, &w->reader);
    turn(w, 0);
    assert_int_equal(w->calls, 2);
}

static void what_is_asked_for_can_change(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    w->writer = (struct loop_fd){.fd = w->ends[1], .on_ready = note_events, .ctx = w};
    assert_true(loop_fd_watch(w->loop, &w->writer, 0, &err));
    turn(w, 0);
    assert_int_equal(w->calls, 0);
    assert_true(loop_fd_watch(w->loop, &w->writer, LOOP_WRITE, &err));
    assert_true(loop_fd_watch(w->loop, &w->writer, LOOP_WRITE, &err));
    turn(w, 0);
    assert_int_equal(w->events, LOOP_WRITE);
    assert_true(loop_fd_watch(w->loop, &w->writer, 0, &err));
    turn(w, 0);
    assert_int_equal(w->calls, 1);
    close(w->ends[0]);
    w->ends[0] = -1;
    turn(w, 0); /* nobody reads any more: reported unasked */
    assert_int_equal(w->events, LOOP_HANGUP);
}

static void a_hang_up_is_also_readable(void **state)
{
    struct world *w = *state;
    watch_reader(w, note_events);
    close(w->ends[1]);
    w->ends[1] = -1;
    turn(w, -1);
    assert_int_equal(w->events, LOOP_READ | LOOP_HANGUP);
}

static void a_bad_descriptor_is_an_error(void **state)
{
    struct world *w = *state;
    struct loop_fd source = {.fd = 1000000, .on_ready = note_events, .ctx = w};
    struct err err = {0};
    assert_false(loop_fd_watch(w->loop, &source, LOOP_READ, &err));
    assert_string_equal(err.msg, "watch descriptor 1000000: Bad file descriptor");
    assert_false(source.is_added);
    loop_fd_remove(w->loop, &source);
}

static void remove_both(void *ctx, unsigned events)
{
    struct world *w = ctx;
    note_events(ctx, events);
    loop_fd_remove(w->loop, &w->reader);
    loop_fd_remove(w->loop, &w->writer);
}

static void a_source_removed_in_the_turn_is_not_called(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    watch_reader(w, remove_both);
    w->writer = (struct loop_fd){.fd = w->ends[1], .on_ready = remove_both, .ctx = w};
    assert_true(loop_fd_watch(w->loop, &w->writer, LOOP_WRITE, &err));
    assert_int_equal(write(w->ends[1], "x", 1), 1);
    turn(w, -1); /* both are ready; whichever comes first removes the other */
    assert_int_equal(w->calls, 1);
    turn(w, 0);
    assert_int_equal(w->calls, 1);
}

static void a_hang_up_of_a_removed_source_is_dropped_too(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    int ends[2];
    assert_true(spawn_pipe(ends, true, &err));
    watch_reader(w, remove_both);
    w->writer = (struct loop_fd){.fd = ends[0], .on_ready = remove_both, .ctx = w};
    assert_true(loop_fd_watch(w->loop, &w->writer, LOOP_READ, &err));
    close(ends[1]);
    close(w->ends[1]);
    w->ends[1] = -1;
    turn(w, -1); /* both hang up, which is reported without being asked for */
    assert_int_equal(w->calls, 1);
    close(ends[0]);
}

static void ask_nothing_of_both(void *ctx, unsigned events)
{
    struct world *w = ctx;
    note_events(ctx, events);
    struct err err = {0};
    assert_true(loop_fd_watch(w->loop, &w->reader, 0, &err));
    assert_true(loop_fd_watch(w->loop, &w->writer, 0, &err));
}

static void an_event_not_asked_for_any_more_is_dropped(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    watch_reader(w, ask_nothing_of_both);
    w->writer = (struct loop_fd){.fd = w->ends[1], .on_ready = ask_nothing_of_both, .ctx = w};
    assert_true(loop_fd_watch(w->loop, &w->writer, LOOP_WRITE, &err));
    assert_int_equal(write(w->ends[1], "x", 1), 1);
    turn(w, -1);
    assert_int_equal(w->calls, 1);
}

/* -- signals -- */

static void note_signal(void *ctx, int signo)
{
    struct world *w = ctx;
    w->calls++;
    w->value = signo;
}

static void stop_on_signal(void *ctx, int signo)
{
    struct world *w = ctx;
    note_signal(ctx, signo);
    loop_stop(w->loop);
}

static void signals_are_calls(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_true(loop_on_signal(w->loop, SIGUSR1, note_signal, w, &err));
    assert_true(loop_on_signal(w->loop, SIGTERM, stop_on_signal, w, &err));
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    turn(w, -1);
    assert_int_equal(w->value, SIGUSR1);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_true(loop_run(w->loop, &err));
    assert_int_equal(w->value, SIGTERM);
    assert_int_equal(w->calls, 2);
    loop_stop(w->loop);
    assert_true(loop_run(w->loop, &err)); /* stopped before it ran: ends at once */
}

static void a_signal_that_does_not_exist_is_refused(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_false(loop_on_signal(w->loop, 1000, note_signal, w, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(loop_on_signal(w->loop, -1, note_signal, w, &err));
}

/* -- children -- */

static void note_exit(void *ctx, int wait_status)
{
    struct world *w = ctx;
    w->calls++;
    w->value = wait_status;
}

static pid_t start_shell(const char *script, int *ret_pidfd)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const char *const envp[] = {NULL};
    struct spawn_options options = {.argv = argv,
                                    .envp = envp,
                                    .stdin_fd = -1,
                                    .stdout_fd = -1,
                                    .stderr_fd = -1,
                                    .message_fd = -1};
    pid_t pid = 0;
    struct err err = {0};
    assert_true(spawn_process(&options, &pid, ret_pidfd, &err));
    return pid;
}

static void an_exit_is_a_call_and_the_child_is_reaped(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    int pidfd = -1;
    pid_t pid = start_shell("exit 7", &pidfd);
    struct loop_child child = {.on_exit = note_exit, .ctx = w};
    assert_true(loop_child_watch(w->loop, &child, pid, pidfd, &err));
    while (w->calls == 0) {
        turn(w, -1);
    }
    assert_true(WIFEXITED(w->value));
    assert_int_equal(WEXITSTATUS(w->value), 7);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_false(child.watch.is_added);
    assert_int_equal(close(pidfd), -1); /* the loop did */
    turn(w, 0);
    assert_int_equal(w->calls, 1);
}

static void a_removed_child_is_not_reported(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    int pidfd = -1;
    pid_t pid = start_shell("exit 0", &pidfd);
    struct loop_child child = {.on_exit = note_exit, .ctx = w};
    assert_true(loop_child_watch(w->loop, &child, pid, pidfd, &err));
    loop_child_remove(w->loop, &child);
    loop_child_remove(w->loop, &child);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    turn(w, 0);
    assert_int_equal(w->calls, 0);
}

static void a_child_that_cannot_be_watched_is_an_error(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct loop_child child = {.on_exit = note_exit, .ctx = w};
    assert_false(loop_child_watch(w->loop, &child, 12345, 1000000, &err));
    assert_string_equal(err.msg,
                        "watch process 12345: watch descriptor 1000000: Bad file descriptor");
}

/* -- steps of the clock -- */

static void note_step(void *ctx)
{
    struct world *w = ctx;
    w->calls++;
}

static void each_step_of_the_clock_is_one_call(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    step_armings = 0;
    assert_true(loop_on_clock_step(w->loop, note_step, w, &err));
    assert_int_equal(step_armings, 1);
    turn(w, 0);
    assert_int_equal(w->calls, 0);
    for (int step = 1; step <= 2; step++) {
        assert_int_equal(eventfd_write(step_fd, 1), 0);
        turn(w, -1);
        turn(w, 0);
        assert_int_equal(w->calls, step);
        assert_int_equal(step_armings, 1 + step); /* armed again for the next one */
    }
    step_fd = -1;
}

/* -- faults -- */

static void opening_without_memory_fails_cleanly(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        struct loop *loop = NULL;
        struct err err = {0};
        fault_malloc_arm(nth);
        bool is_ok = loop_open(&loop, clock_system(), &err);
        bool has_fired = fault_malloc_disarm();
        assert_true(is_ok != has_fired);
        loop_close(loop);
        if (!has_fired) {
            assert_int_equal(nth, 2);
            break;
        }
        assert_int_equal(err.code, ERR_NO_MEMORY);
        assert_null(loop);
    }
}

static void opening_without_descriptors_fails_cleanly(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int free_fd = dup(0);
    close(free_fd);
    /* Room for none, then one, then the two that a loop needs. */
    for (int room = 0; room <= 2; room++) {
        struct rlimit limit = before;
        limit.rlim_cur = (rlim_t)free_fd + (rlim_t)room;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        struct loop *loop = NULL;
        struct err err = {0};
        bool is_ok = loop_open(&loop, clock_system(), &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_true(is_ok == (room == 2));
        assert_int_equal(err.code, is_ok ? ERR_NONE : ERR_FULL);
        loop_close(loop);
        int again = dup(0);
        assert_int_equal(again, free_fd); /* nothing leaked */
        close(again);
    }
}

#define world_test(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(a_descriptor_is_reported_when_ready),
        world_test(what_is_asked_for_can_change),
        world_test(a_hang_up_is_also_readable),
        world_test(a_bad_descriptor_is_an_error),
        world_test(a_source_removed_in_the_turn_is_not_called),
        world_test(a_hang_up_of_a_removed_source_is_dropped_too),
        world_test(an_event_not_asked_for_any_more_is_dropped),
        world_test(signals_are_calls),
        world_test(a_signal_that_does_not_exist_is_refused),
        world_test(an_exit_is_a_call_and_the_child_is_reaped),
        world_test(a_removed_child_is_not_reported),
        world_test(a_child_that_cannot_be_watched_is_an_error),
        world_test(each_step_of_the_clock_is_one_call),
        cmocka_unit_test(opening_without_memory_fails_cleanly),
        cmocka_unit_test(opening_without_descriptors_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
