/* platform_folder_watch_test.c - folders that change, come, go and are replaced. */
#include "common/platform/folder_watch.h"

#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct temp_dir dir;
static struct fake_clock times;
static struct loop *loop;
static struct folder_watch *watch;
static struct err err;

struct seen {
    struct folder folder;
    char path[256];
    int changed, whole, gone, lost;
    char last[64]; /* entry */
};

static int begin(void **state)
{
    (void)state;
    err = (struct err){0};
    dir = temp_dir_new();
    times = (struct fake_clock){.mono = {NS_PER_SEC}};
    assert_true(loop_open(&loop, fake_clock_port(&times), &err));
    assert_true(folder_watch_open(&watch, loop, &err));
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_watch_close(watch);
    loop_close(loop);
    temp_dir_release(&dir);
    return 0;
}

static void on_entry(void *ctx, struct str name, enum folder_event what)
{
    struct seen *s = ctx;
    s->changed += what == FOLDER_ENTRY_CHANGED;
    s->whole += what == FOLDER_ENTRY_WHOLE;
    s->gone += what == FOLDER_ENTRY_GONE;
    (void)snprintf(s->last, sizeof(s->last), STR_FMT, STR_ARG(name));
}

static void on_lost(void *ctx)
{
    ((struct seen *)ctx)->lost++;
}

static void add(struct seen *s, const char *name)
{
    *s = (struct seen){.folder = {.on_entry = on_entry, .on_lost = on_lost, .ctx = s}};
    (void)snprintf(s->path, sizeof(s->path), "%s", temp_dir_path(&dir, name));
    s->folder.path = s->path;
    folder_watch_add(watch, &s->folder);
}

static const char *path_of(const char *name)
{
    return temp_dir_path(&dir, name);
}

static void make(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0755), 0);
}

static void put(const char *name, const char *text)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void move(const char *from, const char *to)
{
    char source[256];
    (void)snprintf(source, sizeof(source), "%s", path_of(from));
    assert_int_equal(rename(source, path_of(to)), 0);
}

/* What happened is in the queue by now: nothing has to be waited for. */
static void turn(void)
{
    for (int i = 0; i < 8; i++) {
        assert_true(loop_turn(loop, 0, &err));
    }
}

static void let_pass(int64_t ns)
{
    fake_clock_advance(&times, ns);
    turn();
}

static void entries_are_told_by_what_happened(void **state)
{
    (void)state;
    struct seen s;
    make("in");
    add(&s, "in");
    assert_true(s.folder.is_there);
    assert_false(s.folder.is_polled);
    put("in/a", "x");
    turn();
    assert_true(s.changed > 0); /* made, written to */
    assert_int_equal(s.whole, 1);
    assert_string_equal(s.last, "a");
    put("b", "x");
    turn();
    assert_string_equal(s.last, "a"); /* another folder */
    move("b", "in/b");
    turn();
    assert_int_equal(s.whole, 2);
    assert_string_equal(s.last, "b");
    assert_int_equal(s.gone, 0);
    assert_int_equal(unlink(path_of("in/a")), 0);
    turn();
    assert_int_equal(s.gone, 1);
    move("in/b", "b");
    turn();
    assert_int_equal(s.gone, 2);
    assert_int_equal(s.lost, 0);
}

static void a_folder_may_come_later_and_part_by_part(void **state)
{
    (void)state;
    struct seen s;
    add(&s, "a/b/c");
    assert_false(s.folder.is_there);
    assert_int_equal(s.folder.trouble.code, ERR_NONE);
    make("other");
    make("a");
    turn();
    assert_int_equal(s.lost, 0);
    make("a/b");
    put("a/c", "x"); /* not it */
    turn();
    assert_int_equal(s.lost, 0);
    make("a/b/c");
    put("a/b/c/early", "x"); /* before it is watched: found by whoever looks now */
    turn();
    assert_int_equal(s.lost, 1);
    assert_true(s.folder.is_there);
    put("a/b/c/file", "x");
    turn();
    assert_string_equal(s.last, "file");
    assert_int_equal(s.lost, 1);
}

static void all_at_once_is_found_too(void **state)
{
    (void)state;
    struct seen s;
    add(&s, "a/b/c");
    make("a");
    make("a/b");
    make("a/b/c");
    turn();
    assert_int_equal(s.lost, 1);
    assert_true(s.folder.is_there);
}

static void a_folder_that_goes_may_come_again(void **state)
{
    (void)state;
    struct seen s;
    make("a");
    make("a/in");
    add(&s, "a/in");
    assert_int_equal(rmdir(path_of("a/in")), 0);
    turn();
    assert_true(s.lost > 0);
    assert_false(s.folder.is_there);
    int lost = s.lost;
    make("a/in");
    turn();
    assert_true(s.lost > lost);
    assert_true(s.folder.is_there);
    put("a/in/x", "x");
    turn();
    assert_string_equal(s.last, "x");
    /* Moved away, with what is above it, and made again. */
    lost = s.lost;
    move("a/in", "a/old");
    turn();
    assert_true(s.lost > lost);
    assert_false(s.folder.is_there);
    put("a/old/y", "y");
    turn();
    assert_string_equal(s.last, "x"); /* it is not our folder any more */
    move("a/old", "a/in");
    turn();
    assert_true(s.folder.is_there);
}

/* As when something is mounted over it, or a folder above is moved: no event tells. */
static void a_path_that_became_another_folder_is_noticed(void **state)
{
    (void)state;
    struct seen s;
    make("a");
    make("a/in");
    add(&s, "a/in");
    move("a", "b");
    make("a");
    make("a/in");
    turn();
    assert_int_equal(s.lost, 0);
    let_pass(FOLDER_CHECK_NS);
    assert_int_equal(s.lost, 1);
    put("a/in/x", "x");
    turn();
    assert_string_equal(s.last, "x");
    let_pass(FOLDER_CHECK_NS);
    assert_int_equal(s.lost, 1); /* as it was */
}

static void folders_share_what_they_can(void **state)
{
    (void)state;
    struct seen first;
    struct seen second;
    struct seen below; /* is waited for in the folder of the others */
    make("in");
    add(&first, "in");
    add(&second, "in");
    add(&below, "in/below");
    assert_int_equal(first.folder.wd, second.folder.wd);
    assert_int_equal(first.folder.wd, below.folder.ancestor_wd);
    put("in/a", "x");
    turn();
    assert_int_equal(first.whole, 1);
    assert_int_equal(second.whole, 1);
    assert_int_equal(below.changed + below.whole + below.lost, 0);
    folder_watch_remove(watch, &first.folder);
    folder_watch_remove(watch, &first.folder);
    put("in/b", "x");
    turn();
    assert_int_equal(first.whole, 1);
    assert_int_equal(second.whole, 2);
    folder_watch_remove(watch, &second.folder);
    make("in/below");
    turn();
    assert_int_equal(below.lost, 1);
    assert_int_equal(second.whole, 2);
}

static void events_that_were_dropped_are_a_loss(void **state)
{
    (void)state;
    struct seen s;
    AUTO(buf) text = buf_growing(64);
    make("in");
    add(&s, "in");
    assert_true(files_read("/proc/sys/fs/inotify/max_queued_events", &text, &err));
    int64_t most = 0;
    assert_true(str_to_i64(str_trim(buf_str(&text)), 1, INT64_MAX, &most));
    put("in/a", "");
    put("in/b", "");
    const char *const paths[] = {path_of("in/a"), path_of("in/b")};
    for (int64_t i = 0; i < most + 10; i++) { /* the kernel joins equal neighbours only */
        assert_int_equal(utimensat(AT_FDCWD, paths[i % 2], NULL, 0), 0);
    }
    while (s.lost == 0) {
        assert_true(loop_turn(loop, 0, &err));
        assert_true(s.changed <= most + 100);
    }
    put("in/c", "x");
    turn();
    assert_string_equal(s.last, "c");
}

static void what_cannot_be_watched_is_looked_at_again_and_again(void **state)
{
    (void)state;
    struct seen s;
    put("file", "x");
    add(&s, "file"); /* a file: waits for the folder */
    assert_false(s.folder.is_there);
    assert_false(s.folder.is_polled);
    assert_int_equal(unlink(path_of("file")), 0);
    make("file");
    turn();
    assert_int_equal(s.lost, 1);
    char name[300];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    struct seen endless = {
        .folder = {.path = name, .on_entry = on_entry, .on_lost = on_lost, .ctx = &endless}};
    folder_watch_add(watch, &endless.folder);
    assert_true(endless.folder.is_polled);
    assert_int_not_equal(endless.folder.trouble.code, ERR_NONE);
    for (int i = 1; i <= 2 * FOLDER_POLL_CHECKS; i++) {
        let_pass(FOLDER_CHECK_NS);
        assert_int_equal(endless.lost, i / FOLDER_POLL_CHECKS);
    }
    folder_watch_remove(watch, &endless.folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(entries_are_told_by_what_happened),
        TEST(a_folder_may_come_later_and_part_by_part),
        TEST(all_at_once_is_found_too),
        TEST(a_folder_that_goes_may_come_again),
        TEST(a_path_that_became_another_folder_is_noticed),
        TEST(folders_share_what_they_can),
        TEST(events_that_were_dropped_are_a_loss),
        TEST(what_cannot_be_watched_is_looked_at_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
