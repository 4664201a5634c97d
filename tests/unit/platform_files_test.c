/* platform_files_test.c - common/platform/files.h */
#include "common/base/limits.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- the disk's calls are written down, and the n-th can fail -- */

/* The names are the linker's. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

static char calls[16];
static size_t call_count;
static int countdown = -1;

static bool is_failing(char call)
{
    if (call_count < sizeof(calls) - 1) {
        calls[call_count++] = call;
        calls[call_count] = '\0';
    }
    if (countdown-- == 0) {
        errno = EIO;
        return true;
    }
    return false;
}

int __wrap_fsync(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return is_failing(S_ISDIR(st.st_mode) ? 'd' : 'f') ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    return is_failing('r') ? -1 : __real_rename(from, to);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */

static void arm(int nth)
{
    call_count = 0;
    calls[0] = '\0';
    countdown = nth;
}

static void put(const char *path, const char *text)
{
    struct err err = {0};
    assert_true(files_write(path, str_from(text), 0644, &err));
}

static void assert_content(const char *path, const char *expected)
{
    AUTO(buf) content = buf_growing(1 << 20);
    struct err err = {0};
    assert_true(files_read(path, &content, &err));
    assert_string_equal(buf_cstr(&content), expected);
}

/* -- reading -- */

static void reading_appends_up_to_the_maximum(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *path = temp_dir_path(&dir, "file");
    put(path, "12345");
    struct err err = {0};
    AUTO(buf) exact = buf_growing(7);
    buf_add(&exact, STR("ab"));
    assert_true(files_read(path, &exact, &err));
    assert_true(str_eq(buf_str(&exact), STR("ab12345")));
    AUTO(buf) small = buf_growing(6);
    buf_add(&small, STR("ab"));
    assert_false(files_read(path, &small, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_non_null(strstr(err.msg, path));
    assert_true(str_eq(buf_str(&small), STR("ab")));
    assert_false(small.overflow);
    char memory[5];
    struct buf fixed = buf_fixed(memory, sizeof(memory));
    assert_true(files_read(path, &fixed, &err));
    assert_int_equal(fixed.len, 5);
}

static void large_and_empty_files_are_whole(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(buf) content = buf_growing(1 << 20);
    for (int i = 0; i < 20000; i++) {
        buf_addf(&content, "%d,", i);
    }
    struct err err = {0};
    assert_true(files_write(temp_dir_path(&dir, "large"), buf_str(&content), 0600, &err));
    assert_content(temp_dir_path(&dir, "large"), buf_cstr(&content));
    put(temp_dir_path(&dir, "empty"), "");
    assert_content(temp_dir_path(&dir, "empty"), "");
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(buf) b = buf_growing(100);
    struct err err = {0};
    const char *path = temp_dir_path(&dir, "missing");
    assert_false(files_read(path, &b, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, path));
    assert_false(files_read(dir.path, &b, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.msg, dir.path));
}

/* -- writing -- */

static void writing_replaces_durably_with_the_mode(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *path = temp_dir_path(&dir, "file");
    put(path, "old");
    put(temp_dir_path(&dir, "file.tmp"), "left by a power cut, readable by all");
    arm(-1);
    struct err err = {0};
    mode_t mask = umask(077);
    assert_true(files_write(path, STR("new"), 0640, &err));
    umask(mask);
    assert_string_equal(calls, "frd"); /* the file, its name, the folder: in this order */
    assert_content(path, "new");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_false(files_exist(temp_dir_path(&dir, "file.tmp")));
}

static void a_failing_disk_leaves_the_old_file_or_the_new_one(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *path = temp_dir_path(&dir, "file");
    for (int nth = 0;; nth++) {
        put(path, "old");
        arm(nth);
        struct err err = {0};
        bool is_ok = files_write(path, STR("new"), 0600, &err);
        bool has_fired = countdown < 0 && call_count > (size_t)nth;
        assert_true(is_ok != has_fired);
        assert_false(files_exist(temp_dir_path(&dir, "file.tmp")));
        /* Only the folder's sync comes after the exchange; its failure is reported all the same. */
        assert_content(path, is_ok || nth == 2 ? "new" : "old");
        if (!has_fired) {
            assert_int_equal(nth, 3);
            break;
        }
        assert_int_equal(err.code, ERR_IO);
    }
    arm(-1);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *path = temp_dir_path(&dir, "file");
    put(path, "old");
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = {.rlim_cur = 4, .rlim_max = before.rlim_max};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &old), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct err err = {0};
    bool is_ok = files_write(path, STR("longer than four"), 0600, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(sigaction(SIGXFSZ, &old, NULL), 0);
    assert_false(is_ok);
    assert_content(path, "old");
    assert_false(files_exist(temp_dir_path(&dir, "file.tmp")));
}

static void what_cannot_be_written_is_named(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    assert_false(files_write(temp_dir_path(&dir, "none/file"), STR("x"), 0600, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "none/file"));
    assert_true(files_make_dirs(temp_dir_path(&dir, "folder/in"), 0700, &err));
    assert_false(files_write(temp_dir_path(&dir, "folder"), STR("x"), 0600, &err));
    assert_false(files_exist(temp_dir_path(&dir, "folder.tmp")));
    char longest[LIMIT_PATH_BYTES + 1];
    memset(longest, 'a', LIMIT_PATH_BYTES);
    longest[LIMIT_PATH_BYTES] = '\0';
    assert_false(files_write(longest, STR("x"), 0600, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void a_bare_name_is_in_the_present_folder(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    char before[1024];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(dir.path), 0);
    put("bare", "x");
    assert_content("bare", "x");
    assert_int_equal(chdir(before), 0);
}

/* -- folders -- */

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    const char *path = temp_dir_path(&dir, "a//b/c/");
    assert_true(files_make_dirs(path, 0700, &err));
    assert_true(files_make_dirs(path, 0755, &err));
    assert_true(files_exist(path));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700); /* an existing folder keeps its mode */
    assert_true(files_make_dirs("/", 0700, &err));
    put(temp_dir_path(&dir, "file"), "x");
    assert_false(files_make_dirs(temp_dir_path(&dir, "file"), 0700, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    assert_false(files_make_dirs(temp_dir_path(&dir, "file/a"), 0700, &err));
    assert_false(files_make_dirs("", 0700, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void trees_are_removed_without_following_links(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    put(temp_dir_path(&dir, "kept"), "x");
    assert_true(files_make_dirs(temp_dir_path(&dir, "kept_folder"), 0700, &err));
    put(temp_dir_path(&dir, "kept_folder/file"), "x");
    assert_true(files_make_dirs(temp_dir_path(&dir, "tree/a/b"), 0700, &err));
    put(temp_dir_path(&dir, "tree/a/b/file"), "x");
    put(temp_dir_path(&dir, "tree/.hidden"), "x");
    assert_int_equal(symlink("../kept_folder", temp_dir_path(&dir, "tree/link")), 0);
    assert_int_equal(symlink("../kept", temp_dir_path(&dir, "tree/a/link")), 0);
    assert_true(files_remove_tree(temp_dir_path(&dir, "tree"), &err));
    assert_false(files_exist(temp_dir_path(&dir, "tree")));
    assert_content(temp_dir_path(&dir, "kept"), "x");
    assert_content(temp_dir_path(&dir, "kept_folder/file"), "x");
    assert_true(files_remove_tree(temp_dir_path(&dir, "tree"), &err));
    assert_true(files_remove_tree(temp_dir_path(&dir, "kept"), &err));
    assert_false(files_exist(temp_dir_path(&dir, "kept")));
}

static void a_tree_without_end_is_refused(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(buf) path = buf_growing(1000);
    buf_add_text(&path, dir.path);
    for (int i = 0; i < 66; i++) {
        buf_add(&path, STR("/d"));
    }
    struct err err = {0};
    assert_true(files_make_dirs(buf_cstr(&path), 0700, &err));
    assert_false(files_remove_tree(dir.path, &err));
    assert_int_equal(err.code, ERR_FULL);
    path.len -= 40;
    assert_true(files_remove_tree(buf_cstr(&path), &err));
}

static void joining(void **state)
{
    (void)state;
    char path[17];
    struct err err = {0};
    assert_true(files_join("/var", STR("lib"), path, sizeof(path), &err));
    assert_string_equal(path, "/var/lib");
    assert_true(files_join("/var/", STR("lib"), path, sizeof(path), &err));
    assert_string_equal(path, "/var/lib");
    assert_true(files_join("/var", STR("/lib"), path, sizeof(path), &err));
    assert_string_equal(path, "/lib");
    assert_true(files_join("/var", STR("12345678901"), path, sizeof(path), &err));
    assert_string_equal(path, "/var/12345678901");
    assert_false(files_join("/var", STR("123456789012"), path, sizeof(path), &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(files_join("/var", STR("a\0b"), path, sizeof(path), &err));
    assert_int_equal(err.code, ERR_INVALID);
    char longest[2 * LIMIT_PATH_BYTES];
    char name[LIMIT_PATH_BYTES];
    memset(name, 'n', sizeof(name));
    struct str text = {name, LIMIT_PATH_BYTES - 2};
    assert_true(
        files_join("/", (struct str){name, LIMIT_PATH_BYTES - 1}, longest, sizeof(longest), &err));
    assert_false(files_join("/d", text, longest, sizeof(longest), &err));
}

/* -- locks -- */

static void a_lock_has_one_holder(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *path = temp_dir_path(&dir, "lock");
    struct err err = {0};
    struct fd lock = {-1};
    assert_true(files_lock(path, &lock, &err));
    struct fd second = {42};
    assert_false(files_lock(path, &second, &err));
    assert_int_equal(err.code, ERR_BUSY);
    char holder[32];
    (void)snprintf(holder, sizeof(holder), "process %d ", (int)getpid());
    assert_non_null(strstr(err.msg, holder));
    assert_int_equal(second.n, 42);
    assert_int_equal(ftruncate(lock.n, 0), 0); /* a holder that has not yet written its number */
    assert_false(files_lock(path, &second, &err));
    assert_non_null(strstr(err.msg, "another process"));
    struct stat st;
    assert_int_equal(fstat(lock.n, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    fd_release(&lock);
    assert_int_equal(lock.n, -1);
    assert_true(files_lock(path, &lock, &err)); /* the file stays, the lock does not */
    int raw = fd_take(&lock);
    fd_release(&lock);
    assert_true(fcntl(raw, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(close(raw), 0);
    assert_false(files_lock(temp_dir_path(&dir, "none/lock"), &lock, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static char lock_path[LIMIT_PATH_BYTES];
static struct fd held;
static int waits;

/* Somebody lets go of it as soon as another one waits. */
static void let_go(const struct err *why)
{
    assert_int_equal(why->code, ERR_BUSY);
    waits++;
    fd_release(&held);
}

static void keep(const struct err *why)
{
    assert_non_null(strstr(why->msg, "holds it"));
    waits++;
}

static void a_lock_can_be_waited_for(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    struct fd lock = {-1};
    (void)snprintf(lock_path, sizeof(lock_path), "%s", temp_dir_path(&dir, "lock"));
    waits = 0;
    assert_true(files_lock_wait(lock_path, let_go, &held, &err));
    assert_int_equal(waits, 0);
    assert_true(files_lock_wait(lock_path, let_go, &lock, &err));
    assert_int_equal(waits, 1);
    assert_int_equal(held.n, -1);
    struct fd third = {42};
    assert_false(files_lock_wait(lock_path, keep, &third, &err)); /* after two seconds */
    assert_int_equal(err.code, ERR_BUSY);
    assert_int_equal(waits, 2);
    assert_int_equal(third.n, 42);
    fd_release(&lock);
    assert_false(files_lock_wait(temp_dir_path(&dir, "none/lock"), keep, &third, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND); /* for which no waiting helps */
    assert_int_equal(waits, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_appends_up_to_the_maximum),
        cmocka_unit_test(large_and_empty_files_are_whole),
        cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(writing_replaces_durably_with_the_mode),
        cmocka_unit_test(a_failing_disk_leaves_the_old_file_or_the_new_one),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(what_cannot_be_written_is_named),
        cmocka_unit_test(a_bare_name_is_in_the_present_folder),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(trees_are_removed_without_following_links),
        cmocka_unit_test(a_tree_without_end_is_refused),
        cmocka_unit_test(joining),
        cmocka_unit_test(a_lock_has_one_holder),
        cmocka_unit_test(a_lock_can_be_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
