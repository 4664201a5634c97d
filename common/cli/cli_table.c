/* Reading the command table: its rows, its synopses, the values that its options allow. */
#include "common/cli/cli_internal.h"
#include <string.h>

static bool is_word_char(char c)
{
    return c != '[' && c != ']' && c != '.' && c != ' ';
}

void cli_count_args(const char *args, size_t *ret_min, size_t *ret_max)
{
    *ret_min = 0;
    *ret_max = 0;
    if (args == NULL) {
        return;
    }
    int depth = 0;
    for (const char *c = args; *c != '\0'; c++) {
        depth += *c == '[' ? 1 : *c == ']' ? -1 : 0;
        bool starts_word = is_word_char(*c) && (c == args || !is_word_char(c[-1]));
        if (starts_word) {
            *ret_max += 1;
            *ret_min += depth == 0 ? 1 : 0;
        }
    }
    if (strstr(args, "...") != NULL) {
        *ret_max = SIZE_MAX;
    }
}

struct str cli_arg_name(const char *args, size_t index)
{
    const char *c = args != NULL ? args : "";
    for (;;) {
        while (*c != '\0' && !is_word_char(*c)) {
            c++;
        }
        const char *start = c;
        while (*c != '\0' && is_word_char(*c)) {
            c++;
        }
        if (start == c) {
            return STR_NONE;
        }
        if (index-- == 0) {
            return (struct str){start, (size_t)(c - start)};
        }
    }
}

/* The command number *left; NULL when there are fewer, which *left then leaves out. */
static const struct cli_command *in_table(const struct cli_command *table, size_t *left)
{
    size_t count = 0;
    while (table[count].name != NULL && count < *left) {
        count++;
    }
    *left -= count;
    return table[count].name != NULL ? &table[count] : NULL;
}

const struct cli_command *cli_each_command(const struct cli_program *program, size_t *index)
{
    size_t left = (*index)++;
    const struct cli_command *c = in_table(program->commands, &left);
    for (size_t t = 0; c == NULL && program->more != NULL && program->more[t] != NULL; t++) {
        c = in_table(program->more[t], &left);
    }
    return c != NULL ? c : in_table(cli_common_commands, &left);
}

bool cli_is_group(const struct cli_program *program, const struct cli_command *c)
{
    size_t len = strlen(c->name);
    size_t index = 0;
    const struct cli_command *other;
    while (len > 0 && (other = cli_each_command(program, &index)) != NULL) {
        if (strncmp(other->name, c->name, len) == 0 && other->name[len] == ' ') {
            return true;
        }
    }
    return false;
}

const struct cli_command *cli_find_command(const struct cli_program *program, struct str name)
{
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        if (str_eq(str_from(c->name), name)) {
            return c;
        }
    }
    return NULL;
}

const struct cli_command *cli_sole_command(const struct cli_program *program)
{
    return program->commands[0].name != NULL && program->commands[0].name[0] == '\0'
               ? &program->commands[0]
               : NULL;
}

static bool is_choice(const char *choices, struct str value)
{
    struct str rest = str_from(choices);
    struct str head;
    bool more = true;
    while (more) {
        more = str_cut(rest, '|', &head, &rest);
        if (str_eq(head, value)) {
            return true;
        }
    }
    return false;
}

bool cli_check_value(const struct cli_option *o, const char *value, int64_t *ret_number,
                     struct err *err)
{
    struct str s = str_from(value);
    switch (o->type) {
    case CLI_BOOL:
        return true;
    case CLI_STRING:
        if (o->choices != NULL && !is_choice(o->choices, s)) {
            return err_set(err, ERR_INVALID, "\"%s\" is not one of %s", value, o->choices);
        }
        return true;
    case CLI_INT: {
        bool any = o->min == 0 && o->max == 0;
        if (!str_to_i64(s, any ? INT64_MIN : o->min, any ? INT64_MAX : o->max, ret_number)) {
            return any ? err_set(err, ERR_INVALID, "\"%s\" is not an integer", value)
                       : err_set(err, ERR_INVALID, "\"%s\" is not an integer from %lld to %lld",
                                 value, (long long)o->min, (long long)o->max);
        }
        return true;
    }
    case CLI_DURATION:
        if (!str_to_duration(s, ret_number)) {
            return err_set(err, ERR_INVALID, "\"%s\" is not a duration such as 10s, 5m or 1h30m",
                           value);
        }
        return true;
    case CLI_BYTES:
        if (!str_to_bytes(s, ret_number)) {
            return err_set(err, ERR_INVALID, "\"%s\" is not a size such as 1024, 500kB or 64MiB",
                           value);
        }
        return true;
    }
    return false;
}

static bool check_option(const struct cli_option *o, struct err *err)
{
    int64_t number = 0;
    if (o->help == NULL || (o->type != CLI_BOOL) != (o->value_name != NULL)) {
        return err_set(err, ERR_INTERNAL, "option --%s: help or value name is wrong", o->name);
    }
    if (o->is_repeatable && o->type != CLI_STRING) {
        return err_set(err, ERR_INTERNAL, "option --%s: only a string can be repeated", o->name);
    }
    if (o->bare_text != NULL && (o->type == CLI_BOOL || o->letter != '\0' ||
                                 !cli_check_value(o, o->bare_text, &number, err))) {
        return err_set(err, ERR_INTERNAL, "option --%s cannot stand alone", o->name);
    }
    if (o->default_text != NULL &&
        (o->type == CLI_BOOL || !cli_check_value(o, o->default_text, &number, err))) {
        return err_set(err, ERR_INTERNAL, "option --%s refuses its own default", o->name);
    }
    return true;
}

/* `o` against all of `list`. */
static bool check_unique(const struct cli_option *o, const struct cli_option *list, struct err *err)
{
    for (; list != NULL && list->name != NULL; list++) {
        bool is_same_letter = o->letter != '\0' && o->letter == list->letter;
        if (strcmp(o->name, list->name) == 0 || is_same_letter) {
            return err_set(err, ERR_INTERNAL, "--%s and --%s share a name", o->name, list->name);
        }
    }
    return true;
}

/* `shared` are the options that these must not hide. */
static bool check_options(const struct cli_option *list, const struct cli_option *shared,
                          struct err *err)
{
    for (; list != NULL && list->name != NULL; list++) {
        if (!check_option(list, err) || !check_unique(list, list + 1, err) ||
            !check_unique(list, shared, err) || !check_unique(list, cli_common_options, err)) {
            return false;
        }
    }
    return true;
}

static bool check_command(const struct cli_program *program, const struct cli_command *c,
                          struct err *err)
{
    if (c->summary == NULL || strlen(c->name) >= CLI_NAME_BYTES / 2) {
        return err_set(err, ERR_INTERNAL, "no summary, or too long a name");
    }
    struct str group;
    struct str word;
    if (str_cut_last(str_from(c->name), ' ', &group, &word)) {
        if (cli_find_command(program, group) == NULL) {
            return err_set(err, ERR_INTERNAL, "there is no group " STR_FMT, STR_ARG(group));
        }
    }
    if (cli_find_command(program, str_from(c->name)) != c) {
        return err_set(err, ERR_INTERNAL, "there is another of this name");
    }
    return check_options(c->options, program->options, err);
}

bool cli_check_program(const struct cli_program *program, struct err *err)
{
    if (!check_options(program->options, NULL, err)) {
        return err_wrap(err, "%s", program->name);
    }
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        if (!check_command(program, c, err)) {
            return err_wrap(err, "%s %s", program->name, c->name);
        }
    }
    return true;
}
