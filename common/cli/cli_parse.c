/* DESIGN: one pass over argv. Words name the command until it is known, then they are its
 * arguments. An option is looked up in the command (once known), the program and the common
 * options, in this order. Values are checked as they are met and kept as text; the getters in cli.c
 * convert on demand. */
#include "common/cli/cli_internal.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum step { STEP_ON, STEP_DONE, STEP_WRONG };

struct nearest {
    struct str wanted;
    size_t distance;
    char name[CLI_NAME_BYTES];
};

static struct nearest nearest_to(struct str wanted)
{
    /* Short words have many neighbours by chance. */
    size_t limit = wanted.len <= 3 ? 1 : wanted.len <= 6 ? 2 : 3;
    return (struct nearest){.wanted = wanted, .distance = limit + 1};
}

static void nearest_offer(struct nearest *n, struct str candidate)
{
    size_t distance = str_distance(n->wanted, candidate);
    if (distance < n->distance && candidate.len < sizeof(n->name)) {
        n->distance = distance;
        memcpy(n->name, candidate.ptr, candidate.len);
        n->name[candidate.len] = '\0';
    }
}

static void nearest_offer_options(struct nearest *n, const struct cli_option *list)
{
    for (; list != NULL && list->name != NULL; list++) {
        nearest_offer(n, str_from(list->name));
    }
}

/* "`selvedge-agent runs`" */
static void describe_command(const struct cli *cli, char *text, size_t size)
{
    (void)snprintf(text, size, "`%s%s%s`", cli->program->name, cli->path[0] != '\0' ? " " : "",
                   cli->path);
}

static enum step wrong_command(struct cli *cli, const char *word)
{
    char memory[CLI_NAME_BYTES];
    struct buf path = buf_fixed(memory, sizeof(memory)); /* what does not fit is near to nothing */
    buf_addf(&path, "%s%s%s", cli->path, cli->path[0] != '\0' ? " " : "", word);
    struct nearest n = nearest_to(buf_str(&path));
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(cli->program, &index)) != NULL) {
        if (!c->is_hidden) {
            nearest_offer(&n, str_from(c->name));
        }
    }
    char where[CLI_NAME_BYTES * 2];
    describe_command(cli, where, sizeof(where));
    if (n.name[0] != '\0') {
        cli_usage(cli, "unknown command %s for %s; did you mean %s?", word, where, n.name);
    } else {
        cli_usage(cli, "unknown command %s for %s", word, where);
    }
    return STEP_WRONG;
}

/* The command that the words so far and this one name, or NULL. */
static const struct cli_command *next_command(const struct cli *cli, const char *word)
{
    char path[CLI_NAME_BYTES];
    int len =
        snprintf(path, sizeof(path), "%s%s%s", cli->path, cli->path[0] != '\0' ? " " : "", word);
    return len > 0 && (size_t)len < sizeof(path) ? cli_find_command(cli->program, str_from(path))
                                                 : NULL;
}

static enum step take_command_word(struct cli *cli, const char *word)
{
    const struct cli_command *c = next_command(cli, word);
    if (c == NULL) {
        return wrong_command(cli, word);
    }
    (void)snprintf(cli->path, sizeof(cli->path), "%s", c->name);
    cli->command = c->run != NULL ? c : NULL;
    return STEP_ON;
}

/* Not an argument of the command so far: a member of its group, or meant to be one. */
static bool is_command_word(const struct cli *cli, const char *word)
{
    return cli_is_group(cli->program, cli->command) && cli->arg_count == 0 &&
           (cli->command->args == NULL || next_command(cli, word) != NULL);
}

static const struct cli_option *search(const struct cli_option *list, struct str name, char letter)
{
    for (; list != NULL && list->name != NULL; list++) {
        if (letter != '\0' ? list->letter == letter : str_eq(str_from(list->name), name)) {
            return list;
        }
    }
    return NULL;
}

static const struct cli_option *search_all(const struct cli *cli, struct str name, char letter)
{
    const struct cli_option *o =
        cli->command != NULL ? search(cli->command->options, name, letter) : NULL;
    o = o != NULL ? o : search(cli->program->options, name, letter);
    return o != NULL ? o : search(cli_common_options, name, letter);
}

static enum step wrong_option(struct cli *cli, const char *word, struct str name, bool is_long)
{
    char where[CLI_NAME_BYTES * 2];
    describe_command(cli, where, sizeof(where));
    struct nearest n = nearest_to(name);
    if (is_long) {
        nearest_offer_options(&n, cli->command != NULL ? cli->command->options : NULL);
        nearest_offer_options(&n, cli->program->options);
        nearest_offer_options(&n, cli_common_options);
    }
    int shown = is_long ? (int)name.len + 2 : (int)strlen(word);
    if (n.name[0] != '\0') {
        cli_usage(cli, "unknown option %.*s for %s; did you mean --%s?", shown, word, where,
                  n.name);
    } else {
        cli_usage(cli, "unknown option %.*s for %s", shown, word, where);
    }
    return STEP_WRONG;
}

static void show_help(struct cli *cli)
{
    AUTO(buf) b = buf_growing(CLI_TEXT_BYTES_MAX);
    const struct cli_command *c =
        cli->command != NULL ? cli->command : cli_find_command(cli->program, str_from(cli->path));
    if (c != NULL && c->name[0] != '\0') {
        cli_help_command(cli->program, c, &b);
    } else {
        cli_help_program(cli->program, &b);
    }
    (void)fwrite(b.ptr, 1, b.len, cli->io.out);
}

/* --help and --version end the parsing at once, whatever follows. */
static bool take_common(struct cli *cli, const struct cli_option *o)
{
    if (o == search(cli_common_options, STR("help"), '\0')) {
        show_help(cli);
        return true;
    }
    if (o == search(cli_common_options, STR("version"), '\0')) {
        cli_printf(cli, "%s %s\n", cli->program->name, SELVEDGE_VERSION);
        return true;
    }
    return false;
}

/* `value` is what is attached to the option (--x=v, -xv), or NULL; then it is the next word. */
static enum step take_value(struct cli *cli, const struct cli_option *o, const char *value,
                            char *const argv[], int *index)
{
    if (o->type == CLI_BOOL) {
        if (value != NULL) {
            cli_usage(cli, "option --%s takes no value", o->name);
            return STEP_WRONG;
        }
    } else {
        value = value == NULL ? o->bare_text : value;
        value = value != NULL || argv[*index + 1] == NULL ? value : argv[++*index];
        if (value == NULL) {
            cli_usage(cli, "option --%s needs a value: --%s %s", o->name, o->name, o->value_name);
            return STEP_WRONG;
        }
        struct err err = {0};
        int64_t number = 0;
        if (!cli_check_value(o, value, &number, &err)) {
            cli_usage(cli, "option --%s: %s", o->name, err.msg);
            return STEP_WRONG;
        }
    }
    cli->given[cli->given_count++] = (struct cli_given){.option = o, .value = value};
    return STEP_ON;
}

static enum step take_option(struct cli *cli, char *const argv[], int *index)
{
    const char *word = argv[*index];
    bool is_long = word[1] == '-';
    struct str name = str_from(word + (is_long ? 2 : 1));
    const char *value = NULL;
    char letter = '\0';
    if (is_long) {
        struct str tail;
        if (str_cut(name, '=', &name, &tail)) {
            value = tail.ptr; /* ends where argv's text ends */
        }
    } else {
        letter = word[1];
        value = word[2] != '\0' ? word + 2 : NULL;
    }
    const struct cli_option *o = search_all(cli, name, letter);
    if (o == NULL || (!is_long && o->type == CLI_BOOL && value != NULL)) {
        return wrong_option(cli, word, name, is_long);
    }
    if (take_common(cli, o)) {
        return STEP_DONE;
    }
    return take_value(cli, o, value, argv, index);
}

static enum step take_words(struct cli *cli, int argc, char *const argv[])
{
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        enum step step = STEP_ON;
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
        } else if (!only_words && word[0] == '-' && word[1] != '\0') {
            step = take_option(cli, argv, &i);
        } else if (cli->command == NULL || (!only_words && is_command_word(cli, word))) {
            step = take_command_word(cli, word);
        } else {
            cli->args[cli->arg_count++] = word;
        }
        if (step != STEP_ON) {
            return step;
        }
    }
    return STEP_ON;
}

static enum step missing_command(struct cli *cli)
{
    if (cli->path[0] == '\0') {
        AUTO(buf) b = buf_growing(CLI_TEXT_BYTES_MAX);
        cli_help_program(cli->program, &b);
        (void)fwrite(b.ptr, 1, b.len, cli->io.err);
        return STEP_WRONG;
    }
    AUTO(buf) names = buf_growing(CLI_TEXT_BYTES_MAX);
    size_t index = 0;
    const struct cli_command *c;
    size_t path_len = strlen(cli->path);
    while ((c = cli_each_command(cli->program, &index)) != NULL) {
        if (strncmp(c->name, cli->path, path_len) == 0 && c->name[path_len] == ' ' &&
            !c->is_hidden) {
            buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", c->name + path_len + 1);
        }
    }
    const char *list = buf_cstr(&names);
    cli_usage(cli, "`%s %s` needs one of: %s", cli->program->name, cli->path,
              list != NULL ? list : "");
    return STEP_WRONG;
}

static enum step check_args(struct cli *cli)
{
    size_t min = 0;
    size_t max = 0;
    cli_count_args(cli->command->args, &min, &max);
    char where[CLI_NAME_BYTES * 2];
    describe_command(cli, where, sizeof(where));
    if (cli->arg_count < min) {
        struct str name = cli_arg_name(cli->command->args, cli->arg_count);
        cli_usage(cli, "%s needs %s%.*s", where, cli->arg_count > 0 ? "also " : "", STR_ARG(name));
        return STEP_WRONG;
    }
    if (cli->arg_count > max) {
        cli_usage(cli, "unexpected argument \"%s\" for %s", cli->args[max], where);
        return STEP_WRONG;
    }
    return STEP_ON;
}

static enum step check_environment(struct cli *cli, const struct cli_option *list)
{
    for (; list != NULL && list->name != NULL; list++) {
        const char *value = list->env != NULL ? cli->io.getenv(list->env) : NULL;
        struct err err = {0};
        int64_t number = 0;
        if (value != NULL && value[0] != '\0' && !cli_check_value(list, value, &number, &err)) {
            cli_usage(cli, "environment variable %s: %s", list->env, err.msg);
            return STEP_WRONG;
        }
    }
    return STEP_ON;
}

static enum step parse(struct cli *cli, int argc, char *const argv[])
{
    cli->command = cli_sole_command(cli->program);
    enum step step = take_words(cli, argc, argv);
    if (step == STEP_ON && cli->command == NULL) {
        step = missing_command(cli);
    }
    if (step == STEP_ON) {
        step = check_args(cli);
    }
    if (step == STEP_ON) {
        step = check_environment(cli, cli->command->options);
    }
    if (step == STEP_ON) {
        step = check_environment(cli, cli->program->options);
    }
    return step;
}

static int finish(struct cli *cli, int code)
{
    bool is_bad = fflush(cli->io.out) != 0 || ferror(cli->io.out);
    if (is_bad && errno != EPIPE) {
        struct err err = {0};
        err_errno(&err, errno, "write the output");
        (void)cli_error(cli, &err);
    }
    return code == CLI_OK && (is_bad || cli->has_failed) ? CLI_FAILED : code;
}

/* Errors of parsing should already be JSON when it is asked for further right. */
static bool asks_for_json(int argc, char *const argv[])
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

int cli_run(const struct cli_program *program, const struct cli_io *io, int argc,
            char *const argv[], void *ctx)
{
    size_t room = argc > 0 ? (size_t)argc : 1;
    const char **args = calloc(room, sizeof(*args));
    struct cli_given *given = calloc(room, sizeof(*given));
    struct cli cli = {.program = program, .io = *io, .ctx = ctx, .args = args, .given = given};
    cli.is_json = asks_for_json(argc, argv);
    int code = CLI_FAILED;
    if (args == NULL || given == NULL) {
        struct err err = {0};
        err_set(&err, ERR_NO_MEMORY, "out of memory");
        code = cli_error(&cli, &err);
    } else {
        switch (parse(&cli, argc, argv)) {
        case STEP_ON:
            code = finish(&cli, cli.command->run(&cli, ctx));
            break;
        case STEP_DONE:
            code = finish(&cli, CLI_OK);
            break;
        case STEP_WRONG:
            code = CLI_USAGE;
            break;
        }
    }
    free(given);
    free(args);
    return code;
}

static const char *system_getenv(const char *name)
{
    return getenv(name); /* NOLINT(concurrency-mt-unsafe): never set by us */
}

int cli_main(const struct cli_program *program, int argc, char *const argv[], void *ctx)
{
    struct cli_io io = {.out = stdout, .err = stderr, .getenv = system_getenv};
    if (isatty(STDOUT_FILENO)) {
        struct winsize size = {0};
        bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
        io.width = is_known ? size.ws_col : CLI_COLUMNS;
    }
    io.err_is_tty = isatty(STDERR_FILENO) == 1;
    return cli_run(program, &io, argc, argv, ctx);
}
