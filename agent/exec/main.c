/* main.c - selvedge-exec WORD... -- PATH ARGV0 ARG...: applies the words (confine.h) to itself and
 * becomes the program. Started by spawn_process() of the agent, never by people. */
#include "common/json/json_writer.h"
#include "common/platform/confine.h"
#include "common/platform/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

extern char **environ; /* NOLINT(readability-redundant-declaration): unistd.h has it for GNU only */

enum {
    MESSAGE_FD = 3,
    EXIT_NOT_STARTED = 126, /* as shells say it */
    MESSAGE_BYTES_MAX = 4096,
    ENVIRONMENT_BYTES_MAX = 8 << 20,
};

/* As the worker says its errors: one line of JSON. */
static int say(const struct err *err)
{
    AUTO(buf) line = buf_growing(MESSAGE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "event", STR("error"));
    jw_member_str(&w, "code", str_from(err_code_name(err->code)));
    jw_member_str(&w, "message", str_from(err->msg));
    jw_member_opt(&w, "hint", str_from(err->hint));
    jw_end_object(&w);
    buf_add_char(&line, '\n');
    int fd = fcntl(MESSAGE_FD, F_GETFD) >= 0 ? MESSAGE_FD : STDERR_FILENO;
    ssize_t written = write(fd, line.ptr, line.len); /* less than a pipe takes at once */
    (void)written;                                   /* nobody else could be told */
    return EXIT_NOT_STARTED;
}

/* What stands behind the words; NULL when that is not what the agent writes. */
static char **read_words(char **words, struct confine *ret, struct err *err)
{
    while (*words != NULL && strcmp(*words, "--") != 0) {
        if (!confine_read(ret, *words++, err)) {
            (void)err_wrap(err, "selvedge-exec");
            return NULL;
        }
    }
    if (words[0] == NULL || words[1] == NULL || words[2] == NULL) {
        (void)err_set(err, ERR_INVALID,
                      "selvedge-exec: the agent uses it to start steps; there is no use by hand");
        return NULL;
    }
    return words + 1;
}

int main(int argc, char **argv)
{
    struct confine confine = {0};
    struct err err = {0};
    const union {
        char **ours;
        const char *const *constant;
    } env = {.ours = environ};
    const char *const *envp = env.constant;
    AUTO(arena) arena = arena_new(ENVIRONMENT_BYTES_MAX);
    char **command = read_words(argv + (argc > 0), &confine, &err);
    if (command == NULL ||
        (confine.user != NULL && !confine_environment(&confine, envp, &arena, &envp, &err)) ||
        !confine_apply(&confine, &err)) { /* last: there may be no memory to be had afterwards */
        return say(&err);
    }
    const union {
        const char *const *constant;
        char *const *wanted;
    } given = {.constant = envp};
    (void)execve(command[0], command + 1, given.wanted);
    (void)spawn_explain(command[0], errno, &err);
    return say(&err);
}
