/* capture_test.c - agent/run/capture.h and capture_read.h: a pipe, a loop, files, and a disk that
 * fails (link-time wraps of open and write). */
#include "agent/run/capture.h"
#include "agent/run/capture_read.h"
#include "common/platform/spawn.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 16 << 20, READ_BYTES = 10000, PIPE_BYTES = 4096 };

/* --- a disk that fails ------------------------------------------------------------------------ */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);

static int faults_until = -1; /* calls before the one that fails; -1 = none does */
static int faults_left;       /* how many in a row then fail */
static bool is_short;         /* a write that fails takes half */
static bool has_failed;

static bool is_failing(void)
{
    if (faults_until < 0) {
        return false;
    }
    if (faults_until > 0) {
        faults_until--;
        return false;
    }
    if (faults_left == 0) {
        faults_until = -1;
        return false;
    }
    faults_left--;
    has_failed = true;
    return true;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (mode_t)va_arg(args, int);
    va_end(args);
    if ((flags & O_CREAT) != 0 && is_failing()) {
        errno = ENOSPC;
        return -1;
    }
    return __real_open(path, flags, mode);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_failing()) {
        if (is_short && len > 1) {
            return __real_write(fd, bytes, len / 2);
        }
        errno = ENOSPC;
        return -1;
    }
    return __real_write(fd, bytes, len);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */

/* --- the world -------------------------------------------------------------------------------- */

struct world {
    struct temp_dir dir;
    const char *path; /* of the stream */
    struct loop *loop;
    struct capture capture;
    struct fd child_end;
    int ends;
};

static void on_end(void *ctx)
{
    struct world *w = ctx;
    w->ends++;
}

static void begin(struct world *w)
{
    struct err err = {0};
    *w = (struct world){.dir = temp_dir_new(), .child_end = {-1}};
    w->path = temp_dir_path(&w->dir, "1.out");
    assert_true(loop_open(&w->loop, clock_system(), &err));
    capture_init(&w->capture, on_end, w);
    if (!capture_open(&w->capture, w->loop, w->path, &w->child_end, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void end(struct world *w)
{
    capture_close(&w->capture);
    fd_release(&w->child_end);
    loop_close(w->loop);
    temp_dir_release(&w->dir);
}

/* As much as a pipe surely takes, then a turn. */
static void say(struct world *w, struct str text)
{
    struct err err = {0};
    while (text.len > 0) {
        size_t len = text.len < PIPE_BYTES ? text.len : PIPE_BYTES;
        assert_int_equal(__real_write(w->child_end.n, text.ptr, len), len);
        assert_true(loop_turn(w->loop, 0, &err));
        text = str_slice(text, len, text.len);
    }
}

static void stop(struct world *w)
{
    struct err err = {0};
    fd_release(&w->child_end);
    w->child_end.n = -1;
    while (w->ends == 0) {
        assert_true(loop_turn(w->loop, NS_PER_SEC, &err));
    }
    assert_false(capture_is_open(&w->capture));
}

/* Text in which every place is different: lines with their own offset. */
static void number_lines(struct buf *text, int64_t from, int64_t bytes)
{
    while (bytes > 0) {
        char line[17];
        (void)snprintf(line, sizeof(line), "%015" PRId64 "\n", from);
        buf_add(text, (struct str){line, 16});
        from += 16;
        bytes -= 16;
    }
}

/* All that is kept, with "<N>" where N bytes are missing. */
static void read_all(const char *path, struct buf *into)
{
    int64_t position = 0;
    for (;;) {
        AUTO(buf) part = buf_growing(READ_BYTES);
        int64_t dropped = 0;
        struct err err = {0};
        if (!capture_read(path, &position, READ_BYTES, &part, &dropped, &err)) {
            fail_msg("%s", err.msg);
        }
        if (part.len == 0) {
            return;
        }
        if (dropped > 0) {
            buf_addf(into, "<%" PRId64 ">", dropped);
        }
        buf_add(into, buf_str(&part));
    }
}

struct usage {
    int64_t bytes;
    int files;
};

static struct usage disk_usage(const char *path)
{
    struct usage usage = {0};
    DIR *dir = opendir(path);
    assert_non_null(dir);
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): ours */
        struct stat st;
        assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, 0), 0);
        if (S_ISREG(st.st_mode)) {
            usage.bytes += st.st_size;
            usage.files++;
        }
    }
    (void)closedir(dir);
    return usage;
}

/* --- what is kept ----------------------------------------------------------------------------- */

static void little_is_one_plain_file(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    say(&w, STR("one\ntwo"));
    stop(&w);
    AUTO(buf) text = buf_growing(TEXT_BYTES_MAX);
    struct err err = {0};
    assert_true(files_read(w.path, &text, &err));
    assert_string_equal(buf_cstr(&text), "one\ntwo");
    assert_int_equal(disk_usage(w.dir.path).files, 1);
    assert_int_equal(w.capture.bytes, 7);
    assert_int_equal(w.capture.kept, 7);
    assert_int_equal(w.ends, 1);
    end(&w);
}

static void what_is_added_after_the_end_comes_behind(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    capture_add(&w.capture, STR("zero\n"));
    say(&w, STR("one\n"));
    stop(&w);
    capture_add(&w.capture, STR(""));
    capture_add(&w.capture, STR("two\n"));
    capture_add(&w.capture, STR("three\n"));
    AUTO(buf) text = buf_growing(TEXT_BYTES_MAX);
    read_all(w.path, &text);
    assert_string_equal(buf_cstr(&text), "zero\none\ntwo\nthree\n");
    assert_int_equal(w.capture.bytes, w.capture.kept);
    assert_int_equal(disk_usage(w.dir.path).files, 2);
    assert_true(str_eq(capture_last_line(&w.capture), STR("three")));
    end(&w);
}

static void silence_is_an_empty_file(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    stop(&w);
    assert_int_equal(disk_usage(w.dir.path).files, 1);
    AUTO(buf) text = buf_growing(TEXT_BYTES_MAX);
    read_all(w.path, &text);
    assert_int_equal(text.len, 0);
    end(&w);
}

static void the_limit_itself_loses_nothing(void **state)
{
    (void)state;
    struct world w;
    AUTO(buf) said = buf_growing(TEXT_BYTES_MAX);
    AUTO(buf) kept = buf_growing(TEXT_BYTES_MAX);
    number_lines(&said, 0, LIMIT_STEP_OUTPUT_BYTES);
    begin(&w);
    say(&w, buf_str(&said));
    stop(&w);
    assert_int_equal(w.capture.kept, LIMIT_STEP_OUTPUT_BYTES);
    read_all(w.path, &kept);
    assert_true(str_eq(buf_str(&kept), buf_str(&said)));
    end(&w);
}

static void the_beginning_and_the_newest_end_are_kept(void **state)
{
    (void)state;
    enum { BYTES = 5 * LIMIT_STEP_OUTPUT_BYTES + 1600 };
    struct world w;
    AUTO(buf) said = buf_growing(TEXT_BYTES_MAX);
    AUTO(buf) kept = buf_growing(TEXT_BYTES_MAX);
    number_lines(&said, 0, BYTES);
    begin(&w);
    for (struct str rest = buf_str(&said); rest.len > 0; rest = str_slice(rest, 1000, rest.len)) {
        say(&w, str_slice(rest, 0, 1000));
        struct usage usage = disk_usage(w.dir.path);
        assert_true(usage.bytes <= LIMIT_STEP_OUTPUT_BYTES);
        assert_true(usage.files <= CAPTURE_PIECES + 1);
    }
    stop(&w);
    assert_int_equal(w.capture.bytes, BYTES);
    assert_int_equal(w.capture.kept, disk_usage(w.dir.path).bytes);
    assert_true(w.capture.kept > LIMIT_STEP_OUTPUT_BYTES - CAPTURE_PIECE_BYTES);
    read_all(w.path, &kept);
    char gap[32];
    (void)snprintf(gap, sizeof(gap), "<%" PRId64 ">", w.capture.bytes - w.capture.kept);
    struct str head = str_slice(buf_str(&kept), 0, CAPTURE_HEAD_BYTES);
    struct str rest = str_slice(buf_str(&kept), CAPTURE_HEAD_BYTES, kept.len);
    assert_true(str_eq(head, str_slice(buf_str(&said), 0, CAPTURE_HEAD_BYTES)));
    assert_true(str_starts(rest, str_from(gap)));
    rest = str_slice(rest, strlen(gap), rest.len);
    assert_true(str_ends(buf_str(&said), rest));
    assert_int_equal(rest.len, w.capture.kept - CAPTURE_HEAD_BYTES);
    end(&w);
}

/* --- lines for messages ----------------------------------------------------------------------- */

static const struct {
    const char *first;
    const char *last;
    const char *parts[8]; /* each written by itself */
} line_cases[] = {
    {"", "", {""}},
    {"", "", {"\n\n", "\n"}},
    {"one", "one", {"one"}},
    {"one", "three", {"one\ntwo\nthree\n"}},
    {"one", "three", {"one\ntwo\nthree\n", "\n", "  \n\n"}},
    {"one", "three", {"o", "n", "e", "\n", "thr", "ee", "\n"}},
    {"one", "threefour", {"one\n", "three", "four"}},
    {"one", "four", {"one\n", "three", "\nfour"}},
    {"one", "four", {"one\nthree", "\n", "four"}},
    {"", "x", {"\nx"}},
    {"one", "three", {"one\n  three  \r\n"}},
};

static void first_and_last_line_are_remembered(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(line_cases); i++) {
        struct world w;
        begin(&w);
        for (const char *const *part = line_cases[i].parts; *part != NULL; part++) {
            say(&w, str_from(*part));
        }
        stop(&w);
        assert_true(str_eq(capture_first_line(&w.capture), str_from(line_cases[i].first)));
        assert_true(str_eq(capture_last_line(&w.capture), str_from(line_cases[i].last)));
        end(&w);
    }
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    char line[2 * CAPTURE_LINE_BYTES];
    memset(line, 'x', sizeof(line));
    struct world w;
    begin(&w);
    say(&w, (struct str){line, sizeof(line)});
    say(&w, (struct str){line, sizeof(line)});
    stop(&w);
    assert_int_equal(capture_first_line(&w.capture).len, CAPTURE_LINE_BYTES);
    assert_int_equal(capture_last_line(&w.capture).len, CAPTURE_LINE_BYTES);
    end(&w);
}

/* --- followers -------------------------------------------------------------------------------- */

/* Reads a little after each bit that is written: in order, nothing twice, nothing made up. */
static void a_follower_sees_each_byte_once(void **state)
{
    (void)state;
    enum { BYTES = 3 * LIMIT_STEP_OUTPUT_BYTES };
    static const size_t reads[] = {READ_BYTES, 1000, 100};
    for (size_t speed = 0; speed < COUNT_OF(reads); speed++) {
        struct world w;
        AUTO(buf) said = buf_growing(TEXT_BYTES_MAX);
        number_lines(&said, 0, BYTES);
        begin(&w);
        int64_t position = 0;
        int64_t dropped_all = 0;
        size_t written = 0;
        while (position < BYTES) {
            say(&w, str_slice(buf_str(&said), written, written + 3000));
            written += 3000;
            AUTO(buf) part = buf_growing(READ_BYTES);
            int64_t before = position;
            int64_t dropped = 0;
            struct err err = {0};
            assert_true(capture_read(w.path, &position, reads[speed], &part, &dropped, &err));
            assert_int_equal(position, before + dropped + (int64_t)part.len);
            assert_true(str_eq(buf_str(&part), str_slice(buf_str(&said), (size_t)(before + dropped),
                                                         (size_t)position)));
            dropped_all += dropped;
        }
        assert_int_equal(dropped_all > 0, reads[speed] < 3000);
        end(&w);
    }
}

static void what_was_never_captured_is_not_found(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(buf) text = buf_growing(100);
    int64_t position = 0;
    int64_t dropped = 0;
    struct err err = {0};
    assert_false(capture_read(temp_dir_path(&dir, "1.out"), &position, 10, &text, &dropped, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(capture_read("/no/such/folder/1.out", &position, 10, &text, &dropped, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void streams_are_listed_in_order(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(arena) arena = arena_new(1 << 20);
    static const char *const names[] = {"10.out",     "2.err",   "2.out",     "2.rows.out",
                                        "2.rows.err", "1.out",   "1.out.500", "x.out",
                                        "0.out",      "1.a.err", "1.other",   "1"};
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_true(files_write(temp_dir_path(&dir, names[i]), STR("x"), 0600, &err));
    }
    static const char *const expected[] = {"1.out",      "1.a.err",    "2.out", "2.err",
                                           "2.rows.out", "2.rows.err", "10.out"};
    struct capture_stream *streams = NULL;
    size_t count = 0;
    assert_true(capture_streams(dir.path, &arena, &streams, &count, &err));
    assert_int_equal(count, COUNT_OF(expected));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(streams[i].path, temp_dir_path(&dir, expected[i]));
    }
    assert_true(capture_streams("/no/such/folder", &arena, &streams, &count, &err));
    assert_int_equal(count, 0);
    AUTO(arena) small = arena_new(100);
    assert_false(capture_streams(dir.path, &small, &streams, &count, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
    assert_false(capture_streams(temp_dir_path(&dir, "1.out"), &arena, &streams, &count, &err));
}

/* --- faults ----------------------------------------------------------------------------------- */

/* Whatever call fails, for a while: the step's output stays bounded, what is kept is at its true
 * place, and what is missing is counted. */
static void a_disk_that_fails_costs_only_what_it_failed(void **state)
{
    (void)state;
    enum { BYTES = 2 * LIMIT_STEP_OUTPUT_BYTES };
    static const int lengths[] = {1, 3, 100000};
    AUTO(buf) said = buf_growing(TEXT_BYTES_MAX);
    number_lines(&said, 0, BYTES);
    for (size_t i = 0; i < 2 * COUNT_OF(lengths); i++) {
        bool fired = true;
        for (int nth = 0; fired; nth += nth < 5 ? 1 : 37) {
            struct world w;
            faults_until = nth;
            faults_left = lengths[i / 2];
            is_short = i % 2 == 1;
            has_failed = false;
            begin(&w);
            say(&w, buf_str(&said));
            stop(&w);
            fired = has_failed;
            faults_until = -1;

            struct usage usage = disk_usage(w.dir.path);
            assert_true(usage.bytes <= LIMIT_STEP_OUTPUT_BYTES);
            assert_true(usage.files <= CAPTURE_PIECES + 1);
            assert_int_equal(w.capture.bytes, BYTES);
            assert_int_equal(w.capture.kept, usage.bytes);
            int64_t position = 0;
            int64_t seen = 0;
            int64_t dropped = 0;
            struct err err = {0};
            for (size_t got = 1; got > 0 && usage.files > 0; seen += (int64_t)got) {
                AUTO(buf) part = buf_growing(READ_BYTES);
                assert_true(capture_read(w.path, &position, READ_BYTES, &part, &dropped, &err));
                got = part.len;
                assert_true(str_eq(buf_str(&part), str_slice(buf_str(&said), (size_t)position - got,
                                                             (size_t)position)));
            }
            assert_int_equal(seen, w.capture.kept);
            end(&w);
        }
    }
}

/* --- a real child that will not stop ---------------------------------------------------------- */

/* A gigabyte comes and goes; a timer that is due meanwhile is not late by more than a turn's work,
 * and no memory is taken for it. */
static void a_gigabyte_neither_fills_nor_stops_anything(void **state)
{
    (void)state;
    enum { TICK_MS = 5 };
    const int64_t wanted = INT64_C(1) << 30;
    static const char *const argv[] = {"/bin/sh", "-c",
                                       "echo first; yes | head -c 1073741824; "
                                       "echo last",
                                       NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct world w;
    begin(&w);
    struct spawn_options options = {.argv = argv,
                                    .envp = env,
                                    .stdin_fd = -1,
                                    .stdout_fd = w.child_end.n,
                                    .stderr_fd = -1,
                                    .message_fd = -1};
    pid_t pid = 0;
    int pidfd = -1;
    struct err err = {0};
    assert_true(spawn_process(&options, &pid, &pidfd, &err));
    fd_release(&w.child_end);
    w.child_end.n = -1;
    int64_t turns = 0;
    while (w.ends == 0) {
        int64_t before = w.capture.bytes;
        assert_true(loop_turn(w.loop, NS_PER_SEC, &err));
        assert_true(w.capture.bytes - before <= 64 << 10); /* what one turn may do */
        if (++turns % 1000 == 0) {
            assert_true(disk_usage(w.dir.path).bytes <= LIMIT_STEP_OUTPUT_BYTES);
        }
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(close(pidfd), 0);
    assert_int_equal(w.capture.bytes, wanted + 6 + 5);
    assert_true(str_eq(capture_first_line(&w.capture), STR("first")));
    assert_true(str_eq(capture_last_line(&w.capture), STR("last")));
    AUTO(buf) kept = buf_growing(TEXT_BYTES_MAX);
    read_all(w.path, &kept);
    assert_true(str_starts(buf_str(&kept), STR("first\ny\n")));
    assert_true(str_ends(buf_str(&kept), STR("y\nlast\n")));
    assert_true(kept.len < LIMIT_STEP_OUTPUT_BYTES + 40);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_one_plain_file),
        cmocka_unit_test(what_is_added_after_the_end_comes_behind),
        cmocka_unit_test(silence_is_an_empty_file),
        cmocka_unit_test(the_limit_itself_loses_nothing),
        cmocka_unit_test(the_beginning_and_the_newest_end_are_kept),
        cmocka_unit_test(first_and_last_line_are_remembered),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(a_follower_sees_each_byte_once),
        cmocka_unit_test(what_was_never_captured_is_not_found),
        cmocka_unit_test(streams_are_listed_in_order),
        cmocka_unit_test(a_disk_that_fails_costs_only_what_it_failed),
        cmocka_unit_test(a_gigabyte_neither_fills_nor_stops_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
