/* dbt_power_test.c - the power is cut at every sync and every write of each node, the disk fails or is
 * full there, and the process is killed before each of its statements and after the last: the file
 * then is as it was before or as it is after, and the node run again makes it what it is after an
 * undisturbed run. `./dev test --long` cuts a large table more often. */
#include "common/platform/spawn.h"
#include "dbt_work.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/power_vfs.h"
#include "tests/support/sample.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_NAME "shop.db"
enum { BASE_SEED = 1 };

static const char *this_program;

struct contents {
    struct str before;
    struct str after;
};

static void begin(struct dbt_world *w)
{
    *w = (struct dbt_world){.dir = temp_dir_new(), .arena = arena_new(64 << 20)};
}

static struct str content_at(struct dbt_world *w, const char *path)
{
    dbt_world_open(w, path, NULL);
    return dbt_work_content(w);
}

/* What an undisturbed run makes of the file. */
static struct contents in_peace(const struct dbt_work *work, struct dbt_world *w, const char *path)
{
    struct contents c;
    dbt_work_prepare(work, w, path);
    c.before = content_at(w, path);
    if (!dbt_work_run(work, w)) {
        fail_msg("%s: in peace: %s", work->name, w->err.msg);
    }
    c.after = dbt_work_content(w);
    assert_false(str_eq(c.before, c.after)); /* else there is nothing to see */
    dbt_world_open(w, NULL, NULL);
    return c;
}

/* After the fault: whole, and the next run makes it what it should be. */
static void check_survivor(const struct dbt_work *work, struct dbt_world *w, const char *path,
                           const struct contents *c, bool was_told)
{
    struct str is = content_at(w, path);
    bool is_after = str_eq(is, c->after);
    if (!is_after && (was_told || !str_eq(is, c->before))) {
        fail_msg("%s: %s:\n" STR_FMT, work->name,
                 was_told ? "it is not there" : "it is there in part", STR_ARG(is));
    }
    if (!dbt_work_run(work, w)) {
        fail_msg("%s: again: %s", work->name, w->err.msg);
    }
    is = dbt_work_content(w);
    if (!str_eq(is, c->after)) {
        fail_msg("%s: again it made\n" STR_FMT, work->name, STR_ARG(is));
    }
    dbt_world_open(w, NULL, NULL);
}

/* --- power ----------------------------------------------------------------------------------- */

struct fault {
    enum power_effect effect;
    enum power_call call;
    int nth;
    uint64_t seed;
};

static void check_told(const struct dbt_work *work, const struct fault *f, bool ok, bool fired,
                       const struct err *err)
{
    enum err_code code = f->effect == POWER_FULL ? ERR_FULL : ERR_IO;
    if (!ok && (!fired || err->code != code)) {
        fail_msg("%s: told as something else: %s", work->name, err->msg);
    }
}

/* Whether it happened. */
static bool suffer(const struct dbt_work *work, const struct contents *c, const struct fault *f,
                   struct power_vfs *v)
{
    AUTO(dbt_world) w;
    begin(&w);
    dbt_work_prepare(work, &w, FILE_NAME);
    dbt_world_open(&w, FILE_NAME, NULL);
    power_vfs_arm(v, f->call, f->nth, f->effect);
    bool ok = dbt_work_run(work, &w);
    bool fired = power_vfs_disarm(v);
    check_told(work, f, ok, fired, &w.err);
    if (f->effect == POWER_CUT) {
        power_vfs_arm(v, POWER_SYNC, 0, POWER_CUT); /* the power stays away while it is closed */
    }
    dbt_world_open(&w, NULL, NULL);
    power_vfs_disarm(v);
    if (f->effect == POWER_CUT) {
        power_vfs_reboot(v, f->seed);
    }
    check_survivor(work, &w, FILE_NAME, c, ok);
    return fired;
}

static bool suffer_once(const struct dbt_work *work, const struct contents *c,
                        const struct fault *f)
{
    struct power_vfs *v = power_vfs_new("power", BASE_SEED);
    power_vfs_make_default(v);
    bool fired = suffer(work, c, f, v);
    power_vfs_free(v);
    return fired;
}

/* The fault at each call, one after the other; how many there were. */
static int suffer_all(const struct dbt_work *work, const struct contents *c,
                      enum power_effect effect, enum power_call call)
{
    int faults = 0;
    int step = call == POWER_WRITE && work->stride > 1 ? sample_stride(work->stride, 7) : 1;
    int seeds = effect == POWER_CUT ? sample_stride(2, 5) : 1;
    bool fired = true;
    for (int nth = 0; fired; nth += step) {
        for (int seed = 0; seed < seeds && fired; seed++) {
            struct fault f = {.effect = effect, .call = call, .nth = nth, .seed = (uint64_t)seed};
            fired = suffer_once(work, c, &f);
            faults += fired;
        }
    }
    return faults;
}

/* A cut; a full disk; an I/O error. */
static void a_fault_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    int faults = 0;
    for (size_t i = 0; i < dbt_works_count; i++) {
        AUTO(dbt_world) w;
        begin(&w);
        const struct dbt_work *work = &dbt_works[i];
        struct contents c = in_peace(work, &w, temp_dir_path(&w.dir, FILE_NAME));
        int cuts = suffer_all(work, &c, POWER_CUT, POWER_SYNC) +
                   suffer_all(work, &c, POWER_CUT, POWER_WRITE);
        int fails = suffer_all(work, &c, POWER_FULL, POWER_WRITE) +
                    suffer_all(work, &c, POWER_FAIL, POWER_SYNC);
        assert_true(cuts > 3 && fails > 2);
        faults += cuts + fails;
    }
    print_message("%d cuts and faults\n", faults);
}

/* --- kill -9 --------------------------------------------------------------------------------- */

/* In a process of its own: dies before the nth call, or says how many there were by its exit. */
static int die(const char *work, const char *nth, const char *path)
{
    enum { BAD_ARGUMENTS = 120, NODE_FAILED };
    int64_t at = 0;
    int64_t which = 0;
    struct dbt_world w = {.arena = arena_new(64 << 20)};
    struct dbt_killer killer;
    if (!str_to_i64(str_from(work), 0, (int64_t)dbt_works_count - 1, &which) ||
        !str_to_i64(str_from(nth), 0, BAD_ARGUMENTS - 1, &at)) {
        return BAD_ARGUMENTS;
    }
    dbt_world_open(&w, path, NULL);
    dbt_killer_begin(&killer, &w, (int)at);
    bool ok = dbt_work_run(&dbt_works[which], &w);
    int calls = dbt_killer_end(&killer, &w);
    if (!ok) {
        (void)fprintf(stderr, "%s\n", w.err.msg);
    }
    dbt_world_open(&w, NULL, NULL);
    arena_release(&w.arena);
    return ok ? calls : NODE_FAILED;
}

static int spawn_and_wait(size_t work, int nth, const char *path)
{
    char which[24];
    char at[24];
    pid_t pid = 0;
    int pidfd = -1;
    int status = 0;
    struct err err = {0};
    (void)snprintf(which, sizeof(which), "%zu", work);
    (void)snprintf(at, sizeof(at), "%d", nth);
    const char *argv[] = {this_program, "die", which, at, path, NULL};
    const char *envp[] = {"ASAN_OPTIONS=detect_leaks=0", NULL};
    const struct spawn_options options = {.argv = argv,
                                          .envp = envp,
                                          .stdin_fd = -1,
                                          .stdout_fd = -1,
                                          .stderr_fd = STDERR_FILENO,
                                          .message_fd = -1};
    if (!spawn_process(&options, &pid, &pidfd, &err)) {
        fail_msg("%s", err.msg);
    }
    close(pidfd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* How many times the node was killed: once at each of its calls. */
static int kill_all(size_t work)
{
    for (int nth = 0;; nth++) {
        AUTO(dbt_world) w;
        begin(&w);
        const char *path = temp_dir_path(&w.dir, FILE_NAME);
        struct contents c = in_peace(&dbt_works[work], &w, temp_dir_path(&w.dir, "peace.db"));
        dbt_work_prepare(&dbt_works[work], &w, path);
        int status = spawn_and_wait(work, nth, path);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), nth);
            return nth;
        }
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check_survivor(&dbt_works[work], &w, path, &c, false);
    }
}

static void a_kill_before_any_statement_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    int kills = 0;
    for (size_t i = 0; i < dbt_works_count; i++) {
        int of_work = kill_all(i);
        assert_true(of_work > 5);
        kills += of_work;
    }
    print_message("%d kills\n", kills);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "die") == 0) {
        return die(argv[2], argv[3], argv[4]);
    }
    this_program = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_leaves_the_old_or_the_new),
        cmocka_unit_test(a_kill_before_any_statement_leaves_the_old_or_the_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
