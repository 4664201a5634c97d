#include "hub/delivery/curl_run.h"

#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SAID_BYTES_MAX = 1024 };

void curl_setting(struct buf *config, const char *name, struct str value)
{
    buf_addf(config, "%s = \"", name);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '"' || c == '\\') {
            buf_add_char(config, '\\');
        }
        buf_add_char(config, (char)(c == '\n' || c == '\r' ? ' ' : c));
    }
    buf_add(config, STR("\"\n"));
}

/* Until its end; what is not kept is read all the same. */
static size_t read_said(int fd, char said[SAID_BYTES_MAX])
{
    size_t kept = 0;
    char text[SAID_BYTES_MAX];
    for (;;) {
        ssize_t len = read(fd, text, sizeof(text));
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len <= 0) {
            return kept;
        }
        for (ssize_t i = 0; i < len && kept < SAID_BYTES_MAX; i++) {
            said[kept++] = text[i];
        }
    }
}

/* What an exit code of curl means to who has set up a report; NULL: what curl says tells it. */
static const char *meaning(int code)
{
    static const struct {
        int code;
        const char *words;
    } meanings[] = {
        {6, "the name of the server is not known"},
        {7, "nobody answers at the server"},
        {22, "the receiver refuses it"},
        {28, "the server does not answer in time"},
        {55, "the server has gone away meanwhile"},
        {56, "the server has gone away meanwhile"},
        {60, "the server's certificate is not trusted; for mail see mail.ca_file"},
        {64, "the server makes no connection private; see mail.tls"},
        {67, "the server does not take the user and the password; see mail.user and "
             "mail.password_file"},
    };
    for (size_t i = 0; i < COUNT_OF(meanings); i++) {
        if (meanings[i].code == code) {
            return meanings[i].words;
        }
    }
    return NULL;
}

static bool wait_for(pid_t pid, int pidfd, int said_fd, struct err *err)
{
    char said[SAID_BYTES_MAX];
    char how[64];
    int status = 0;
    size_t len = read_said(said_fd, said);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)close(pidfd);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    struct str text = str_clip(str_trim((struct str){said, len}), 300);
    const char *words = WIFEXITED(status) ? meaning(WEXITSTATUS(status)) : NULL;
    if (words != NULL) {
        return err_set(err, ERR_IO, "%s (" STR_FMT ")", words, STR_ARG(text));
    }
    spawn_describe_status(status, how, sizeof(how));
    return len > 0 ? err_set(err, ERR_IO, STR_FMT, STR_ARG(text))
                   : err_set(err, ERR_IO, "curl: %s", how);
}

bool curl_run(struct str config, struct str body, struct err *err)
{
    static const char *const argv[] = {
        "curl", "--silent", "--show-error", "--max-time", "60",        "--connect-timeout",
        "20",   "--output", "/dev/null",    "--config",   "/dev/fd/3", NULL};
    int ends[2];
    AUTO(fd) settings = {-1};
    AUTO(fd) input = {-1};
    if (!spawn_memory_file("curl", config, &settings.n, err) ||
        !spawn_memory_file("report", body, &input.n, err) || !spawn_pipe(ends, false, err)) {
        return false;
    }
    AUTO(fd) reader = {ends[0]};
    AUTO(fd) writer = {ends[1]};
    const struct spawn_options options = {.argv = argv,
                                          .envp = (const char *const *)environ,
                                          .stdin_fd = input.n,
                                          .stdout_fd = -1,
                                          .stderr_fd = writer.n,
                                          .message_fd = settings.n,
                                          .stays_in_group = true};
    pid_t pid = 0;
    int pidfd = -1;
    if (!spawn_process(&options, &pid, &pidfd, err)) {
        return err->code == ERR_NOT_FOUND
                   ? err_hint(err, "install curl, which carries mail and webhooks")
                   : false;
    }
    fd_release(&writer);
    writer.n = -1;
    return wait_for(pid, pidfd, reader.n, err);
}
