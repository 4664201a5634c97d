#include "common/cli/cli_internal.h"
#include <string.h>

bool cli_next_block(struct str *rest, struct str *ret_block, bool *ret_is_code)
{
    while (rest->len > 0 && rest->ptr[0] == '\n') {
        *rest = str_slice(*rest, 1, rest->len);
    }
    if (rest->len == 0) {
        return false;
    }
    size_t end = 0;
    while (end < rest->len &&
           !(rest->ptr[end] == '\n' && end + 1 < rest->len && rest->ptr[end + 1] == '\n')) {
        end++;
    }
    *ret_block = str_slice(*rest, 0, end);
    *ret_is_code = str_starts(*ret_block, STR("  "));
    *rest = str_slice(*rest, end, rest->len);
    return true;
}

void cli_add_option_form(struct buf *b, const struct cli_option *o)
{
    if (o->letter != '\0') {
        buf_addf(b, "-%c, ", o->letter);
    }
    buf_addf(b, "--%s", o->name);
    if (o->type != CLI_BOOL) {
        buf_addf(b, o->bare_text == NULL ? " %s" : "[=%s]", o->value_name);
    }
}

void cli_add_option_facts(struct buf *b, const struct cli_option *o)
{
    char facts[512];
    struct buf f = buf_fixed(facts, sizeof(facts));
    if (o->choices != NULL) {
        buf_addf(&f, "; one of %s", o->choices);
    }
    if (o->type == CLI_INT && (o->min != 0 || o->max != 0)) {
        if (o->max == INT64_MAX) {
            buf_addf(&f, "; at least %lld", (long long)o->min);
        } else {
            buf_addf(&f, "; %lld to %lld", (long long)o->min, (long long)o->max);
        }
    }
    if (o->is_repeatable) {
        buf_add_text(&f, "; may be given again");
    }
    if (o->default_text != NULL) {
        buf_addf(&f, "; default %s", o->default_text);
    }
    if (o->env != NULL) {
        buf_addf(&f, "; environment %s", o->env);
    }
    if (f.len > 2) {
        buf_addf(b, " (%.*s)", (int)f.len - 2, f.ptr + 2);
    }
}

/* "selvedge-agent runs" */
static void add_command_line(struct buf *b, const struct cli_program *program,
                             const struct cli_command *c)
{
    buf_addf(b, "%s%s%s", program->name, c->name[0] != '\0' ? " " : "", c->name);
}

void cli_add_usage(struct buf *b, const struct cli_program *program, const struct cli_command *c)
{
    add_command_line(b, program, c);
    if (c->run == NULL) {
        buf_add_text(b, " COMMAND");
    } else if (cli_is_group(program, c)) {
        buf_add_text(b, " [COMMAND]");
    }
    buf_add_text(b, " [OPTION...]");
    if (c->args != NULL) {
        buf_addf(b, " %s", c->args);
    }
}

/* Words of `text` in lines of at most CLI_COLUMNS, each after `indent` spaces; `column` is where
 * the first line stands. */
static void add_wrapped(struct buf *b, struct str text, size_t indent, size_t column)
{
    bool is_start = true;
    while (text.len > 0) {
        size_t len = 0;
        while (len < text.len && text.ptr[len] != ' ' && text.ptr[len] != '\n') {
            len++;
        }
        if (len > 0) {
            if (!is_start && column + 1 + len > CLI_COLUMNS) {
                buf_addf(b, "\n%*s", (int)indent, "");
                column = indent;
            } else if (!is_start) {
                buf_add_char(b, ' ');
                column++;
            }
            buf_add(b, str_slice(text, 0, len));
            column += len;
            is_start = false;
        }
        text = str_slice(text, len < text.len ? len + 1 : len, text.len);
    }
    buf_add_char(b, '\n');
}

static void add_description(struct buf *b, const char *description)
{
    struct str rest = str_from(description);
    struct str block;
    bool is_code;
    while (cli_next_block(&rest, &block, &is_code)) {
        buf_add_char(b, '\n');
        if (is_code) {
            buf_add(b, block);
            buf_add_char(b, '\n');
        } else {
            add_wrapped(b, block, 0, 0);
        }
    }
}

enum { HELP_COLUMN = 26 };

/* "  form          text", the text wrapped in its own column. */
static void add_entry(struct buf *b, struct str form, struct str text)
{
    buf_addf(b, "  " STR_FMT, STR_ARG(form));
    size_t column = form.len + 2;
    if (column + 2 > HELP_COLUMN) {
        buf_add_char(b, '\n');
        column = 0;
    }
    buf_addf(b, "%*s", (int)(HELP_COLUMN - column), "");
    add_wrapped(b, text, HELP_COLUMN, HELP_COLUMN);
}

static void add_options(struct buf *b, const char *title, const struct cli_option *list)
{
    if (list == NULL || list->name == NULL) {
        return;
    }
    buf_addf(b, "%s", title);
    for (; list->name != NULL; list++) {
        char form_text[CLI_NAME_BYTES];
        char help_text[1024];
        struct buf form = buf_fixed(form_text, sizeof(form_text));
        struct buf help = buf_fixed(help_text, sizeof(help_text));
        buf_add_text(&form, list->letter != '\0' ? "" : "    ");
        cli_add_option_form(&form, list);
        buf_add_text(&help, list->help);
        cli_add_option_facts(&help, list);
        add_entry(b, buf_str(&form), buf_str(&help));
    }
}

static void add_examples(struct buf *b, const struct cli_example *list)
{
    if (list == NULL || list->command == NULL) {
        return;
    }
    buf_add_text(b, "\nExamples:\n");
    for (; list->command != NULL; list++) {
        buf_addf(b, "  %s\n", list->command);
        if (list->what != NULL) {
            buf_add_text(b, "      ");
            add_wrapped(b, str_from(list->what), 6, 6);
        }
    }
}

static void add_exit_codes(struct buf *b, const char *more)
{
    buf_add_text(b, "\nExit codes:\n");
    for (const struct cli_exit_text *e = cli_exit_texts; e->what != NULL; e++) {
        buf_addf(b, "  %d  %s\n", e->code, e->what);
    }
    if (more != NULL) {
        add_description(b, more);
    }
}

/* Members of a group; all top rows for the empty prefix. */
static void add_commands(struct buf *b, const struct cli_program *program, const char *prefix)
{
    size_t index = 0;
    const struct cli_command *c;
    size_t len = strlen(prefix);
    while ((c = cli_each_command(program, &index)) != NULL) {
        bool is_member = len == 0 || (strncmp(c->name, prefix, len) == 0 && c->name[len] == ' ');
        if (is_member && c->run != NULL && !c->is_hidden && c->name[0] != '\0') {
            add_entry(b, str_from(c->name), str_from(c->summary));
        }
    }
}

static void add_sole(const struct cli_program *program, const struct cli_command *sole,
                     struct buf *b)
{
    buf_add_text(b, "\nUsage: ");
    cli_add_usage(b, program, sole);
    buf_add_char(b, '\n');
    add_description(b, program->description);
    add_options(b, "\nOptions:\n", sole->options);
}

void cli_help_program(const struct cli_program *program, struct buf *b)
{
    const struct cli_command *sole = cli_sole_command(program);
    buf_addf(b, "%s - %s\n", program->name, program->summary);
    if (sole != NULL) {
        add_sole(program, sole, b);
        add_options(b, "", program->options);
    } else {
        buf_addf(b, "\nUsage: %s COMMAND [OPTION...] [ARGUMENT...]\n", program->name);
        add_description(b, program->description);
        buf_add_text(b, "\nCommands:\n");
        add_commands(b, program, "");
        add_options(b, "\nOptions of every command:\n", program->options);
    }
    bool has_title = sole != NULL || (program->options != NULL && program->options->name != NULL);
    add_options(b, has_title ? "" : "\nOptions of every command:\n", cli_common_options);
    add_examples(b, program->examples);
    if (sole != NULL) {
        add_exit_codes(b, sole->exit_codes);
    } else {
        buf_addf(b, "\n`%s help COMMAND` says more about one command.\n", program->name);
    }
}

void cli_help_command(const struct cli_program *program, const struct cli_command *command,
                      struct buf *b)
{
    add_command_line(b, program, command);
    buf_addf(b, " - %s\n\nUsage: ", command->summary);
    cli_add_usage(b, program, command);
    buf_add_char(b, '\n');
    add_description(b, command->description);
    if (cli_is_group(program, command)) {
        buf_add_text(b, "\nCommands:\n");
        add_commands(b, program, command->name);
    }
    add_options(b, "\nOptions:\n", command->options);
    add_options(b, "\nOptions of every command:\n", program->options);
    bool has_title = program->options != NULL && program->options->name != NULL;
    add_options(b, has_title ? "" : "\nOptions of every command:\n", cli_common_options);
    add_examples(b, command->examples);
    add_exit_codes(b, command->exit_codes);
}
