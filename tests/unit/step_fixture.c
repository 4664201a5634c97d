#include "step_fixture.h"

#include "common/platform/files.h"
#include "common/platform/proc.h"
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { CGROUP2_MAGIC = 0x63677270 };
#define RUN      STR("01a20425-6df2-7802-b374-82b7d2e79642")
#define GRACE_NS (100 * NS_PER_MS)

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s", err->msg);
    }
}

static void copy(char to[STEP_FIXTURE_TEXT], struct str text)
{
    (void)snprintf(to, STEP_FIXTURE_TEXT, STR_FMT, STR_ARG(text));
}

static void on_end(void *ctx, const struct step_result *result)
{
    struct step_fixture *f = ctx;
    f->ends++;
    f->result = *result;
    copy(f->error_code, result->error_code);
    copy(f->error_message, result->error_message);
    copy(f->error_hint, result->error_hint);
    copy(f->first_line, result->first_line);
    copy(f->metadata, result->metadata);
    copy(f->said_first, result->check_count > 0 ? result->checks[0].name : STR_NONE);
    step_process_close(f->process); /* as runners do */
    f->process = NULL;
}

void step_fixture_open_host(struct step_fixture *f, const char *helper, struct str cgroup)
{
    struct err err = {0};
    struct step_host_options options = {.loop = f->loop,
                                        .rng = &f->rng,
                                        .store = f->fixture.store,
                                        .helper = helper,
                                        .cgroup = cgroup};
    check(step_host_open(&f->host, &options, &err), &err);
}

void step_fixture_begin(struct step_fixture *f)
{
    struct err err = {0};
    *f = (struct step_fixture){.dir = temp_dir_new(), .rng = rng_system()};
    check(loop_open(&f->loop, clock_system(), &err), &err);
    store_fixture_init(&f->fixture, temp_dir_path(&f->dir, "agent.db"), NULL);
    store_fixture_open(&f->fixture);
    step_fixture_open_host(f, SELVEDGE_EXEC, STR("off"));
    f->options = (struct step_process_options){.host = f->host,
                                               .envp = f->env,
                                               .run = RUN,
                                               .output_dir = f->dir.path,
                                               .output_name = "1",
                                               .grace_ns = GRACE_NS,
                                               .on_end = on_end,
                                               .ctx = f};
    f->env[0] = "PATH=/usr/bin:/bin";
}

void step_fixture_end(struct step_fixture *f)
{
    step_process_close(f->process);
    step_host_close(f->host);
    store_fixture_close(&f->fixture);
    loop_close(f->loop);
    temp_dir_release(&f->dir);
}

void step_fixture_start(struct step_fixture *f, const char *script)
{
    struct err err = {0};
    const char *const argv[] = {"sh", "-c", script, NULL};
    f->options.argv = argv;
    f->options.cwd = f->dir.path;
    f->ends = 0;
    if (f->host != NULL) {
        (void)snprintf(f->variable, sizeof(f->variable), ORPHANS_VARIABLE "=%s/run/a/1",
                       f->host->store_id);
        f->env[1] = f->variable;
        f->options.token = str_from(strchr(f->variable, '=') + 1);
    }
    check(step_process_start(&f->process, f->loop, &f->options, &err), &err);
}

void step_fixture_wait(struct step_fixture *f)
{
    struct err err = {0};
    for (int turns = 0; f->ends == 0; turns++) {
        assert_true(turns < STEP_FIXTURE_WAIT_MS);
        check(loop_turn(f->loop, NS_PER_SEC, &err), &err);
    }
    assert_int_equal(f->ends, 1);
}

void step_fixture_run(struct step_fixture *f, const char *script)
{
    step_fixture_start(f, script);
    step_fixture_wait(f);
}

bool step_fixture_is_alive(pid_t pid)
{
    struct proc proc;
    return proc_read("/proc", pid, &proc) && proc.state != 'Z';
}

/* A number that a script wrote into a file of the folder; waits until it is there, turning. */
pid_t step_fixture_pid(struct step_fixture *f, const char *name)
{
    for (int waited = 0; waited < STEP_FIXTURE_WAIT_MS; waited++) {
        AUTO(buf) text = buf_growing(STEP_FIXTURE_TEXT);
        struct err err = {0};
        int64_t pid = 0;
        if (files_read(temp_dir_path(&f->dir, name), &text, &err) &&
            str_ends(buf_str(&text), STR("\n")) &&
            str_to_i64(str_trim(buf_str(&text)), 2, INT32_MAX, &pid)) {
            return (pid_t)pid;
        }
        check(loop_turn(f->loop, NS_PER_MS, &err), &err);
    }
    fail_msg("no number in %s", name);
    return 0;
}

void step_fixture_expect(const struct step_fixture *f, const char *code, const char *message_part)
{
    assert_int_equal(f->result.ok, code == NULL);
    assert_string_equal(f->error_code, code == NULL ? "" : code);
    if (strstr(f->error_message, message_part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", message_part, f->error_message);
    }
}

bool step_fixture_real_cgroup(char path[LIMIT_PATH_BYTES + 1])
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < COUNT_OF(mounts); i++) {
        struct statfs fs;
        (void)snprintf(path, LIMIT_PATH_BYTES + 1, "%s/selvedge-test-%d", mounts[i], (int)getpid());
        if (statfs(mounts[i], &fs) == 0 && fs.f_type == CGROUP2_MAGIC && mkdir(path, 0755) == 0) {
            return true;
        }
    }
    return false;
}
