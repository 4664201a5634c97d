/* log_test.c - common/log/log.h, by what arrives on stderr */
#include "common/base/buf.h"
#include "common/log/log.h"
#include "tests/support/cmocka_all.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    int real_stderr;
    int ends[2];
    char text[16 << 10];
};

static int setup(void **state)
{
    static struct world w;
    w.real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_int_equal(pipe2(w.ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(dup2(w.ends[1], STDERR_FILENO), STDERR_FILENO);
    unsetenv("JOURNAL_STREAM"); /* NOLINT(concurrency-mt-unsafe): one thread */
    log_set_level(LOG_INFO);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    assert_int_equal(dup2(w->real_stderr, STDERR_FILENO), STDERR_FILENO);
    close(w->real_stderr);
    close(w->ends[0]);
    close(w->ends[1]);
    return 0;
}

static const char *captured(struct world *w)
{
    ssize_t len = read(w->ends[0], w->text, sizeof(w->text) - 1);
    w->text[len < 0 ? 0 : len] = '\0';
    return w->text;
}

static void set_stream(const char *value)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    assert_int_equal(setenv("JOURNAL_STREAM", value, 1), 0);
}

/* Makes our stderr the journal's stream. */
static void become_journal(void)
{
    struct stat st;
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    char text[64];
    struct buf b = buf_fixed(text, sizeof(text));
    buf_addf(&b, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    set_stream(buf_cstr(&b));
}

static void the_journal_gets_a_level_prefix(void **state)
{
    struct world *w = *state;
    become_journal();
    LOG(INFO, "sync.batch_acked", F_I("rows", -3), F_S("hub", STR("hub-1")), F_T("note", "x"));
    assert_string_equal(captured(w),
                        "<6>event=sync.batch_acked rows=-3 hub=\"hub-1\" note=\"x\"\n");
    LOG_EVENT(ERROR, "agent.failed");
    assert_string_equal(captured(w), "<3>event=agent.failed\n");
    LOG_EVENT(WARN, "agent.warned");
    assert_string_equal(captured(w), "<4>event=agent.warned\n");
}

static void another_stream_is_not_the_journal(void **state)
{
    struct world *w = *state;
    set_stream("1:1");
    LOG_EVENT(WARN, "agent.warned");
    const char *line = captured(w);
    assert_memory_equal(line, "time=20", 7);
    assert_string_equal(line + strlen("time=2026-11-22T02:30:00.123Z"),
                        " level=warn event=agent.warned\n");
}

static void a_terminal_gets_a_line_for_people(void **state)
{
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
        skip();
    }
    char name[64];
    assert_int_equal(ptsname_r(master, name, sizeof(name)), 0);
    int terminal = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    assert_int_equal(dup2(terminal, STDERR_FILENO), STDERR_FILENO);
    LOG(INFO, "run.started", F_I("steps", 2));
    char line[128] = "";
    assert_true(read(master, line, sizeof(line) - 1) > 0);
    assert_int_equal(line[2], ':');
    assert_string_equal(line + strlen("12:04:05"), " info  run.started steps=2\r\n");
    close(terminal);
    close(master);
}

static void lines_below_the_level_are_not_written(void **state)
{
    struct world *w = *state;
    LOG_EVENT(DEBUG, "x");
    assert_string_equal(captured(w), "");
    log_set_level(LOG_ERROR);
    LOG_EVENT(WARN, "x");
    assert_string_equal(captured(w), "");
    assert_true(log_enabled(LOG_ERROR));
    assert_false(log_enabled(LOG_WARN));
    enum log_level level = LOG_ERROR;
    assert_true(log_level_from(STR("debug"), &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_false(log_level_from(STR("DEBUG"), &level));
    assert_false(log_level_from(STR(""), &level));
    assert_int_equal(level, LOG_DEBUG);
}

static void text_cannot_forge_a_line(void **state)
{
    struct world *w = *state;
    become_journal();
    LOG(INFO, "x", F_T("a", "1\" b=\"2\n<0>event=y\\\r\t\x1b\x7f"));
    assert_string_equal(captured(w),
                        "<6>event=x a=\"1\\\" b=\\\"2\\n<0>event=y\\\\\\x0d\\x09\\x1b\\x7f\"\n");
    LOG(INFO, "x", F_T("a", "\xC3\xBC"), F_T("b", "\xC3"));
    assert_string_equal(captured(w), "<6>event=x a=\"\xC3\xBC\" b=\"\\xc3\"\n");
}

static void empty_texts_are_left_out_and_errors_bring_their_hint(void **state)
{
    struct world *w = *state;
    become_journal();
    struct err err = {0};
    err_set(&err, ERR_OFFLINE, "no hub");
    LOG(WARN, "sync.failed", F_ERR(&err), F_S("none", STR_NONE));
    assert_string_equal(captured(w), "<4>event=sync.failed error=\"no hub\"\n");
    err_hint(&err, "start it");
    LOG(WARN, "sync.failed", F_ERR(&err));
    assert_string_equal(captured(w), "<4>event=sync.failed error=\"no hub\" hint=\"start it\"\n");
}

static void what_does_not_fit_is_marked(void **state)
{
    struct world *w = *state;
    become_journal();
    static char longer[5000];
    memset(longer, 'a', sizeof(longer));
    longer[2046] = '\xE2'; /* a character across the limit of 2048 bytes */
    longer[2047] = '\x82';
    longer[2048] = '\xAC';
    struct str text = {longer, sizeof(longer)};
    LOG(INFO, "x", F_S("a", text), F_I("n", 1));
    const char *line = captured(w);
    assert_int_equal(strlen(line), strlen("<6>event=x a=\"...\" n=1\n") + 2046);
    assert_string_equal(line + strlen(line) - 10, "a...\" n=1\n");
    assert_null(strchr(line, '\\'));

    LOG(INFO, "x", F_S("a", text), F_S("b", text), F_S("c", text), F_S("d", text), F_I("n", 1));
    line = captured(w);
    assert_true(strlen(line) <= 8 << 10);
    assert_null(strstr(line, " d="));
    assert_non_null(strstr(line, "...\" n=1 clipped=1\n"));
}

#define world_test(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(the_journal_gets_a_level_prefix),
        world_test(another_stream_is_not_the_journal),
        world_test(a_terminal_gets_a_line_for_people),
        world_test(lines_below_the_level_are_not_written),
        world_test(text_cannot_forge_a_line),
        world_test(empty_texts_are_left_out_and_errors_bring_their_hint),
        world_test(what_does_not_fit_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
