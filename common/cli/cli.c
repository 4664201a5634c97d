#include "common/cli/cli.h"
#include "common/cli/cli_internal.h"
#include "common/json/json_writer.h"
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

const struct cli_exit_text cli_exit_texts[] = {
    {CLI_OK, "done"},
    {CLI_FAILED, "the operation failed"},
    {CLI_USAGE, "the command line is wrong; nothing was done"},
    {CLI_NOT_FOUND, "the named thing does not exist"},
    {CLI_UNREACHABLE, "the other side is not running or cannot be reached"},
    {CLI_DENIED, "refused"},
    {CLI_BAD_INPUT, "definitions or other input are wrong"},
    {0, NULL},
};

int cli_exit_from(enum err_code code)
{
    switch (code) {
    case ERR_INVALID:
        return CLI_BAD_INPUT;
    case ERR_NOT_FOUND:
        return CLI_NOT_FOUND;
    case ERR_OFFLINE:
    case ERR_TIMEOUT:
        return CLI_UNREACHABLE;
    case ERR_DENIED:
        return CLI_DENIED;
    case ERR_NONE:
    case ERR_EXISTS:
    case ERR_FULL:
    case ERR_CORRUPT:
    case ERR_IO:
    case ERR_NO_MEMORY:
    case ERR_BUSY:
    case ERR_CANCELLED:
    case ERR_INTERNAL:
        break;
    }
    return CLI_FAILED;
}

FILE *cli_out(const struct cli *cli)
{
    return cli->io.out;
}

FILE *cli_err(const struct cli *cli)
{
    return cli->io.err;
}

bool cli_is_json(const struct cli *cli)
{
    return cli->is_json;
}

const char *cli_arg(const struct cli *cli, size_t index)
{
    return index < cli->arg_count ? cli->args[index] : NULL;
}

size_t cli_arg_count(const struct cli *cli)
{
    return cli->arg_count;
}

static const struct cli_option *find_option(const struct cli_option *list, const char *name)
{
    for (; list != NULL && list->name != NULL; list++) {
        if (strcmp(list->name, name) == 0) {
            return list;
        }
    }
    return NULL;
}

/* A name that no table has is our own mistake. */
static const struct cli_option *option_of(const struct cli *cli, const char *name)
{
    const struct cli_option *o =
        cli->command != NULL ? find_option(cli->command->options, name) : NULL;
    o = o != NULL ? o : find_option(cli->program->options, name);
    o = o != NULL ? o : find_option(cli_common_options, name);
    assert(o != NULL);
    return o;
}

/* The last one wins, so that an alias in a shell can be overridden. */
static const struct cli_given *last_given(const struct cli *cli, const struct cli_option *o)
{
    for (size_t i = cli->given_count; i > 0; i--) {
        if (cli->given[i - 1].option == o) {
            return &cli->given[i - 1];
        }
    }
    return NULL;
}

static const char *from_environment(const struct cli *cli, const struct cli_option *o)
{
    const char *value = o->env != NULL ? cli->io.getenv(o->env) : NULL;
    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool cli_is_given(const struct cli *cli, const char *name)
{
    const struct cli_option *o = option_of(cli, name);
    return last_given(cli, o) != NULL || from_environment(cli, o) != NULL;
}

bool cli_bool(const struct cli *cli, const char *name)
{
    const struct cli_option *o = option_of(cli, name);
    assert(o->type == CLI_BOOL);
    return last_given(cli, o) != NULL || from_environment(cli, o) != NULL;
}

const char *cli_text(const struct cli *cli, const char *name)
{
    const struct cli_option *o = option_of(cli, name);
    assert(o->type != CLI_BOOL);
    const struct cli_given *given = last_given(cli, o);
    if (given != NULL) {
        return given->value;
    }
    const char *value = from_environment(cli, o);
    return value != NULL ? value : o->default_text;
}

int64_t cli_i64(const struct cli *cli, const char *name)
{
    const char *text = cli_text(cli, name);
    int64_t number = 0;
    if (text != NULL) {
        /* Given values and the environment were checked while parsing; a bad default is our own
         * mistake. */
        struct err err = {0};
        bool is_number = cli_check_value(option_of(cli, name), text, &number, &err);
        assert(is_number);
    }
    return number;
}

const char *cli_values(const struct cli *cli, const char *name, size_t index)
{
    const struct cli_option *o = option_of(cli, name);
    assert(o->is_repeatable);
    if (last_given(cli, o) == NULL) {
        return index == 0 ? cli_text(cli, name) : NULL;
    }
    for (size_t i = 0; i < cli->given_count; i++) {
        if (cli->given[i].option == o && index-- == 0) {
            return cli->given[i].value;
        }
    }
    return NULL;
}

/* `mark`: lines that show what is meant; may be empty. */
static void show_error(struct cli *cli, const char *code, const struct err *err, struct str mark)
{
    if (cli->is_json) {
        AUTO(buf) b = buf_growing(CLI_TEXT_BYTES_MAX);
        struct json_writer w = json_writer(&b);
        jw_begin_object(&w);
        jw_key(&w, STR("error"));
        jw_begin_object(&w);
        jw_member_str(&w, "code", str_from(code));
        jw_member_str(&w, "message", str_from(err->msg));
        jw_member_opt(&w, "hint", str_from(err->hint));
        jw_end_object(&w);
        jw_end_object(&w);
        (void)fprintf(cli->io.err, "%s\n", buf_cstr(&b) != NULL ? buf_cstr(&b) : "{\"error\":{}}");
        return;
    }
    (void)fprintf(cli->io.err, "error: %s\n" STR_FMT, err->msg, STR_ARG(mark));
    if (err->hint[0] != '\0') {
        (void)fprintf(cli->io.err, "hint: %s\n", err->hint);
    }
}

int cli_error_marked(struct cli *cli, const struct err *err, struct str mark)
{
    /* What was printed so far comes first, also when both go to one file. */
    (void)fflush(cli->io.out);
    show_error(cli, err_code_name(err->code), err, mark);
    return cli_exit_from(err->code);
}

int cli_error(struct cli *cli, const struct err *err)
{
    return cli_error_marked(cli, err, STR_NONE);
}

int cli_usage(struct cli *cli, const char *fmt, ...)
{
    struct err err = {0};
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err.msg, sizeof(err.msg), fmt, args);
    va_end(args);
    /* One line when it already says what to type. */
    if (strstr(err.msg, "did you mean") == NULL) {
        err_hint(&err, "see `%s%s%s --help`", cli->program->name, cli->path[0] != '\0' ? " " : "",
                 cli->path);
    }
    show_error(cli, "usage", &err, STR_NONE);
    return CLI_USAGE;
}

void cli_json(struct cli *cli, struct str json)
{
    (void)fwrite(json.ptr, 1, json.len, cli->io.out);
    (void)fputc('\n', cli->io.out);
}

void cli_printf(struct cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vfprintf(cli->io.out, fmt, args);
    va_end(args);
}

static bool has_colour(const struct cli *cli)
{
    const char *no_color = cli->io.getenv("NO_COLOR");
    const char *term = cli->io.getenv("TERM");
    return cli->io.width > 0 && (no_color == NULL || no_color[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

const char *cli_tone_on(const struct cli *cli, enum cli_tone tone)
{
    static const char *const sequences[] = {
        [CLI_PLAIN] = "",        [CLI_GOOD] = "\033[32m", [CLI_BAD] = "\033[31m",
        [CLI_WARN] = "\033[33m", [CLI_FAINT] = "\033[2m", [CLI_STRONG] = "\033[1m",
    };
    return has_colour(cli) ? sequences[tone] : "";
}

const char *cli_tone_off(const struct cli *cli, enum cli_tone tone)
{
    return tone != CLI_PLAIN && has_colour(cli) ? "\033[0m" : "";
}
