/* pipes_session_test.c - agent/pipes/pipes_session.h with a real loop and real files. The test
 * plays the program: it reads the variables' paths and appends to the file. */
#include "agent/pipes/pipes_session.h"

#include "common/json/json.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include "tests/support/temp_dir.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TURNS_MAX = 100000, LARGE_BYTES = 3 * PIPES_FILE_KEPT_BYTES };

struct world {
    struct temp_dir dir;
    struct loop *loop;
    struct pipes_session *session;
    const char *path; /* of the session's folder */
    const char *messages;
    size_t count;
    size_t malformed;
    char last[64]; /* text of the last log */
    int64_t end;   /* of the last message */
    int refusals;  /* messages that are refused first */
    int refused;
    int drained;
    bool closes_itself;
    struct pipes_spares spares;
};

/* --- inotify that is not to be had ------------------------------------------------------------ */

/* The name is the linker's. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);
static bool has_no_inotify;

int __wrap_inotify_init1(int flags)
{
    if (has_no_inotify) {
        errno = EMFILE;
        return -1;
    }
    return __real_inotify_init1(flags);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */

/* --- the world -------------------------------------------------------------------------------- */

static bool on_message(void *ctx, const struct pipes_message *message)
{
    struct world *w = ctx;
    if (w->refused < w->refusals) {
        w->refused++;
        return false;
    }
    assert_true(message->end > w->end);
    w->end = message->end;
    w->count++;
    w->malformed += message->method == PIPES_MALFORMED ? 1 : 0;
    (void)snprintf(w->last, sizeof(w->last), STR_FMT,
                   (int)(message->text.len < 60 ? message->text.len : 60), message->text.ptr);
    return true;
}

static void on_recovered(void *ctx, const struct pipes_message *message)
{
    (void)on_message(ctx, message);
}

static void on_drained(void *ctx)
{
    struct world *w = ctx;
    w->drained++;
    if (w->closes_itself) {
        pipes_session_close(w->session);
        w->session = NULL;
    }
}

static bool open_session(struct world *w, struct err *err)
{
    struct pipes_session_options options = {.loop = w->loop,
                                            .dir = w->path,
                                            .context = STR("{\"run_id\":\"r\"}"),
                                            .on_message = on_message,
                                            .on_drained = on_drained,
                                            .spares = &w->spares,
                                            .ctx = w};
    return pipes_session_open(&w->session, &options, err);
}

static int set_up(void **state)
{
    static struct world world;
    struct err err = {0};
    world = (struct world){.dir = temp_dir_new()};
    world.path = temp_dir_path(&world.dir, "1.pipes");
    world.messages = temp_dir_path(&world.dir, "1.pipes/messages");
    assert_true(loop_open(&world.loop, clock_system(), &err));
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    pipes_session_close(w->session);
    pipes_spares_close(&w->spares);
    loop_close(w->loop);
    temp_dir_release(&w->dir);
    has_no_inotify = false;
    return 0;
}

static void say(const struct world *w, const char *bytes, size_t len)
{
    AUTO(fd) file = {open(w->messages, O_WRONLY | O_APPEND | O_CLOEXEC)};
    assert_true(file.n >= 0);
    assert_int_equal(write(file.n, bytes, len), len);
}

static void say_log(const struct world *w, const char *text)
{
    char line[200];
    int len = snprintf(line, sizeof(line),
                       "{\"__dagster_pipes_version\": \"0.1\", \"method\": \"log\", "
                       "\"params\": {\"message\": \"%s\", \"level\": \"INFO\"}}\n",
                       text);
    say(w, line, (size_t)len);
}

static void turn_until_count(struct world *w, size_t count)
{
    struct err err = {0};
    for (int i = 0; i < TURNS_MAX && w->count < count; i++) {
        assert_true(loop_turn(w->loop, NS_PER_SEC, &err));
    }
    assert_int_equal(w->count, count);
}

static void wait_drained(struct world *w)
{
    struct err err = {0};
    for (int i = 0; i < TURNS_MAX && w->drained == 0; i++) {
        assert_true(loop_turn(w->loop, NS_PER_SEC, &err));
    }
    assert_int_equal(w->drained, 1);
}

static void drain(struct world *w)
{
    pipes_session_drain(w->session);
    wait_drained(w);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void files_are_there_before_the_program_and_private(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_true(open_session(w, &err));
    struct stat st;
    assert_int_equal(stat(w->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(w->messages, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 0);
    const char *context = temp_dir_path(&w->dir, "1.pipes/context");
    assert_int_equal(stat(context, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    AUTO(buf) text = buf_growing(1000);
    assert_true(files_read(context, &text, &err));
    assert_string_equal(buf_cstr(&text), "{\"run_id\":\"r\"}");
    const char *const *env = pipes_session_env(w->session);
    assert_true(str_starts(str_from(env[0]), STR("DAGSTER_PIPES_CONTEXT=eAEB")));
    assert_true(str_starts(str_from(env[1]), STR("DAGSTER_PIPES_MESSAGES=eAEB")));
    assert_null(env[2]);
}

static void messages_come_as_they_are_written(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_true(open_session(w, &err));
    say_log(w, "one");
    turn_until_count(w, 1);
    assert_string_equal(w->last, "one");
    say(w, "{\"half\": ", 9);
    assert_true(loop_turn(w->loop, NS_PER_SEC, &err));
    assert_int_equal(w->count, 1);
    say(w, "1}\n", 3);
    turn_until_count(w, 2);
    assert_int_equal(w->malformed, 1);
    say_log(w, "last");
    drain(w);
    assert_int_equal(w->count, 3);
    assert_string_equal(w->last, "last");
}

/* What told of one file tells of the next one, and of no other. */
static void a_descriptor_is_used_again(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    AUTO(fd) probe = {inotify_init1(IN_CLOEXEC)};
    if (probe.n < 0) {
        print_message("this host has no inotify left\n");
        skip();
    }
    for (int i = 0; i < 3; i++) {
        assert_true(open_session(w, &err));
        assert_int_equal(w->spares.count, 0);
        say_log(w, "one");
        turn_until_count(w, (size_t)i + 1);
        say_log(w, "not read"); /* its event is of the past when the next session begins */
        pipes_session_close(w->session);
        w->session = NULL;
        assert_int_equal(w->spares.count, 1);
        w->end = 0;
    }
}

static void without_inotify_the_file_is_looked_at(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    has_no_inotify = true;
    assert_true(open_session(w, &err));
    say_log(w, "one");
    turn_until_count(w, 1);
    say_log(w, "two");
    turn_until_count(w, 2);
    drain(w);
}

static void ten_thousand_messages_take_many_short_turns(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    enum { COUNT = 10000 };
    assert_true(open_session(w, &err));
    for (int i = 0; i < COUNT; i++) {
        say_log(w, "a message of usual length, as programs write them");
    }
    size_t most = 0;
    for (int i = 0; i < TURNS_MAX && w->count < COUNT; i++) {
        size_t before = w->count;
        assert_true(loop_turn(w->loop, NS_PER_SEC, &err));
        most = w->count - before > most ? w->count - before : most;
    }
    assert_int_equal(w->count, COUNT);
    assert_true(most <= 2 * PIPES_CHUNK_BYTES / 100); /* a line is longer than 100 bytes */
    drain(w);
}

static void what_is_refused_comes_again(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    w->refusals = 3;
    assert_true(open_session(w, &err));
    say_log(w, "one");
    say_log(w, "two");
    turn_until_count(w, 2);
    assert_int_equal(w->refused, 3);
    /* At the very end too: the unfinished line is a message like any other. */
    w->refusals = 5;
    say(w, "{\"cut", 5);
    drain(w);
    assert_int_equal(w->refused, 5);
    assert_int_equal(w->count, 3);
    assert_int_equal(w->malformed, 1);
}

static void a_session_may_close_itself_when_it_is_drained(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    w->closes_itself = true;
    assert_true(open_session(w, &err));
    drain(w);
    assert_null(w->session);
}

/* What a grandchild says after the end is not waited for: it could go on for ever. */
static void what_is_written_after_the_end_is_not_read(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_true(open_session(w, &err));
    say_log(w, "one");
    pipes_session_drain(w->session);
    say_log(w, "late");
    wait_drained(w);
    assert_int_equal(w->count, 1);
    say_log(w, "too late");
    assert_true(loop_turn(w->loop, 0, &err));
    assert_int_equal(w->count, 1);
}

static void an_old_folder_is_replaced(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_true(open_session(w, &err));
    say_log(w, "of an earlier life");
    pipes_session_close(w->session);
    w->session = NULL;
    assert_true(open_session(w, &err));
    drain(w);
    assert_int_equal(w->count, 0);
}

static void messages_of_an_earlier_life_are_recovered(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_true(open_session(w, &err));
    say_log(w, "one");
    turn_until_count(w, 1);
    int64_t end = w->end;
    say_log(w, "two");
    say(w, "{\"cut", 5);
    pipes_session_close(w->session);
    w->session = NULL;

    w->count = 0;
    w->end = 0;
    assert_true(pipes_recover(w->path, on_recovered, w, &err));
    assert_int_equal(w->count, 3); /* all of them: where to go on is the caller's to know */
    assert_int_equal(w->malformed, 1);
    assert_true(w->end > end);
    assert_true(pipes_session_remove_files(w->path, &err));
    assert_false(files_exist(w->path));
    assert_true(pipes_recover(w->path, on_recovered, w, &err));
    assert_int_equal(w->count, 3);
}

static void a_link_in_the_place_of_messages_is_not_followed(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    assert_int_equal(mkdir(w->path, 0700), 0);
    assert_int_equal(symlink("/etc/passwd", w->messages), 0);
    assert_false(pipes_recover(w->path, on_recovered, w, &err));
    assert_true(str_contains(str_from(err.msg), STR("messages")));
    assert_int_equal(unlink(w->messages), 0);
    assert_int_equal(mkfifo(w->messages, 0600), 0);
    assert_false(pipes_recover(w->path, on_recovered, w, &err));
    assert_int_equal(w->count, 0);
}

/* A program that says much more than is kept. */
static void the_beginning_of_a_large_file_is_given_back(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    static char line[LIMIT_PIPES_LINE_BYTES / 2];
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    assert_true(open_session(w, &err));
    size_t count = 0;
    for (; count * sizeof(line) < LARGE_BYTES; count++) {
        say(w, line, sizeof(line));
        turn_until_count(w, count + 1);
    }
    struct stat st;
    assert_int_equal(stat(w->messages, &st), 0);
    assert_int_equal(st.st_size, count * sizeof(line));
    if ((int64_t)st.st_blocks * 512 >= st.st_size) {
        print_message("this file system does not take back blocks\n");
        return;
    }
    assert_true((int64_t)st.st_blocks * 512 <= PIPES_FILE_KEPT_BYTES + (2 << 20));
    say_log(w, "whole");
    assert_int_equal(stat(w->messages, &st), 0);
    pipes_session_close(w->session);
    w->session = NULL;
    size_t malformed = w->malformed;
    w->end = 0;
    assert_true(pipes_recover(w->path, on_recovered, w, &err));
    assert_true(w->malformed > malformed); /* what is left, but for the line that lost its head */
    assert_true(w->malformed < malformed + count / 2);
    assert_string_equal(w->last, "whole");
    assert_int_equal(w->end, st.st_size);
}

static void another_users_program_reaches_its_folder(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    if (geteuid() != 0) {
        skip();
    }
    enum { NOBODY = 65534 };
    const char *shared = temp_dir_path(&w->dir, "shared");
    assert_int_equal(mkdir(shared, 0755), 0);
    struct pipes_session_options options = {.loop = w->loop,
                                            .dir = w->path,
                                            .context = STR("{}"),
                                            .user = NOBODY,
                                            .group = NOBODY,
                                            .shared_dir = shared,
                                            .on_message = on_message,
                                            .on_drained = on_drained,
                                            .ctx = w};
    assert_true(pipes_session_open(&w->session, &options, &err));
    struct stat st;
    assert_int_equal(lstat(w->path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    char real[LIMIT_PATH_BYTES + 1];
    ssize_t len = readlink(w->path, real, LIMIT_PATH_BYTES);
    assert_true(len > 0);
    real[len] = '\0';
    assert_int_equal(stat(real, &st), 0);
    assert_int_equal(st.st_uid, NOBODY);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(w->messages, &st), 0);
    assert_int_equal(st.st_uid, NOBODY);
    say_log(w, "one");
    drain(w);
    assert_int_equal(w->count, 1);
    assert_true(pipes_session_remove_files(w->path, &err));
    assert_false(files_exist(real));
    assert_false(files_exist(w->path));
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    w->path = temp_dir_path(&w->dir, "missing/1.pipes");
    assert_false(open_session(w, &err));
    assert_string_equal(err.msg, strstr(err.msg, "prepare Dagster Pipes: create "));
    assert_non_null(strstr(err.msg, "missing/1.pipes: No such file or directory"));
    assert_null(w->session);
}

static void no_memory(void **state)
{
    struct world *w = *state;
    for (int nth = 0;; nth++) {
        struct err err = {0};
        fault_malloc_arm(nth);
        bool ok = open_session(w, &err);
        bool has_failed = fault_malloc_disarm();
        if (!has_failed) {
            assert_true(ok);
            break;
        }
        if (!ok) {
            assert_int_equal(err.code, ERR_NO_MEMORY);
            assert_false(files_exist(w->path));
        } else {
            pipes_session_close(w->session);
            w->session = NULL;
        }
    }
    /* While it runs: the message comes a moment later. */
    say_log(w, "one");
    fault_malloc_arm(0);
    turn_until_count(w, 1);
    assert_true(fault_malloc_disarm());
    assert_string_equal(w->last, "one");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(files_are_there_before_the_program_and_private),
        TEST(messages_come_as_they_are_written),
        TEST(a_descriptor_is_used_again),
        TEST(without_inotify_the_file_is_looked_at),
        TEST(ten_thousand_messages_take_many_short_turns),
        TEST(what_is_refused_comes_again),
        TEST(a_session_may_close_itself_when_it_is_drained),
        TEST(what_is_written_after_the_end_is_not_read),
        TEST(an_old_folder_is_replaced),
        TEST(messages_of_an_earlier_life_are_recovered),
        TEST(a_link_in_the_place_of_messages_is_not_followed),
        TEST(the_beginning_of_a_large_file_is_given_back),
        TEST(another_users_program_reaches_its_folder),
        TEST(a_folder_that_cannot_be_made_is_named),
        TEST(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
