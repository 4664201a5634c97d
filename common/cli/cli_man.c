#include "common/cli/cli_internal.h"
#include <ctype.h>
#include <string.h>

/* Text as roff input: nothing in it is a request or an escape. */
static void add_escaped(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool starts_line = i == 0 || s.ptr[i - 1] == '\n';
        if (starts_line && (c == '.' || c == '\'')) {
            buf_add_text(b, "\\&");
        }
        switch (c) {
        case '\\':
            buf_add_text(b, "\\e");
            break;
        case '-':
            buf_add_text(b, "\\-");
            break;
        case '`':
            buf_add_text(b, "\\(ga");
            break;
        case '^':
            buf_add_text(b, "\\(ha");
            break;
        case '~':
            buf_add_text(b, "\\(ti");
            break;
        default:
            buf_add_char(b, c);
        }
    }
}

static void add_text(struct buf *b, const char *text)
{
    add_escaped(b, str_from(text));
}

static void add_line(struct buf *b, const char *text)
{
    add_text(b, text);
    buf_add_char(b, '\n');
}

static void add_code(struct buf *b, struct str code)
{
    buf_add_text(b, ".PP\n.nf\n");
    add_escaped(b, code);
    buf_add_text(b, "\n.fi\n");
}

static void add_description(struct buf *b, const char *description)
{
    struct str rest = str_from(description);
    struct str block;
    bool is_code;
    while (cli_next_block(&rest, &block, &is_code)) {
        if (is_code) {
            add_code(b, block);
        } else {
            buf_add_text(b, ".PP\n");
            add_escaped(b, block);
            buf_add_char(b, '\n');
        }
    }
}

static void add_options(struct buf *b, const struct cli_option *list)
{
    for (; list != NULL && list->name != NULL; list++) {
        char form_text[CLI_NAME_BYTES];
        char help_text[1024];
        struct buf form = buf_fixed(form_text, sizeof(form_text));
        struct buf help = buf_fixed(help_text, sizeof(help_text));
        cli_add_option_form(&form, list);
        buf_add_text(&help, list->help);
        cli_add_option_facts(&help, list);
        buf_add_text(b, ".TP\n\\fB");
        add_escaped(b, buf_str(&form));
        buf_add_text(b, "\\fR\n");
        add_escaped(b, buf_str(&help));
        buf_add_text(b, ".\n");
    }
}

static void add_examples(struct buf *b, const struct cli_example *list)
{
    for (; list != NULL && list->command != NULL; list++) {
        buf_add_text(b, ".TP\n\\fB");
        add_text(b, list->command);
        buf_add_text(b, "\\fR\n");
        if (list->what != NULL) {
            add_line(b, list->what);
        } else {
            buf_add_text(b, "\\&\n");
        }
    }
}

/* "selvedge-agent runs [OPTION...] [SELECTION]" with the words to type in bold. */
static void add_usage(struct buf *b, const struct cli_program *program, const struct cli_command *c)
{
    buf_add_text(b, "\\fB");
    add_text(b, program->name);
    if (c->name[0] != '\0') {
        buf_add_char(b, ' ');
        add_text(b, c->name);
    }
    buf_add_text(b, "\\fR [OPTION...]");
    if (c->args != NULL) {
        buf_add_char(b, ' ');
        add_text(b, c->args);
    }
    buf_add_char(b, '\n');
}

static void add_commands(struct buf *b, const struct cli_program *program)
{
    buf_add_text(b, ".SH COMMANDS\n");
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        if (c->is_hidden || c->run == NULL || c->name[0] == '\0') {
            continue;
        }
        buf_add_text(b, ".SS ");
        add_line(b, c->name);
        add_usage(b, program, c);
        buf_add_text(b, ".PP\n");
        char first = (char)toupper((unsigned char)c->summary[0]);
        add_escaped(b, (struct str){&first, 1});
        add_text(b, c->summary + 1);
        buf_add_text(b, ".\n");
        add_description(b, c->description);
        add_options(b, c->options);
        if (c->examples != NULL) {
            buf_add_text(b, ".PP\nExamples:\n");
            add_examples(b, c->examples);
        }
        add_description(b, c->exit_codes);
    }
}

static void add_exit_status(struct buf *b, const struct cli_command *sole)
{
    buf_add_text(b, ".SH EXIT STATUS\n");
    for (const struct cli_exit_text *e = cli_exit_texts; e->what != NULL; e++) {
        buf_addf(b, ".TP\n.B %d\n", e->code);
        add_line(b, e->what);
    }
    if (sole != NULL) {
        add_description(b, sole->exit_codes);
    }
}

static void add_variables(struct buf *b, const struct cli_option *list)
{
    for (; list != NULL && list->name != NULL; list++) {
        if (list->env != NULL) {
            buf_addf(b, ".TP\n.B %s\nStands in for \\-\\-", list->env);
            add_text(b, list->name);
            buf_add_text(b, ".\n");
        }
    }
}

static void add_environment(struct buf *b, const struct cli_program *program)
{
    buf_add_text(b, ".SH ENVIRONMENT\n");
    add_variables(b, program->options);
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        add_variables(b, c->options);
    }
    buf_add_text(b, ".TP\n.B NO_COLOR\nWhen set, output to a terminal has no colours.\n");
}

void cli_man_page(const struct cli_program *program, struct buf *b)
{
    const struct cli_command *sole = cli_sole_command(program);
    buf_add_text(b, ".\\\" Made by this program from its command table.\n.TH ");
    for (const char *c = program->name; *c != '\0'; c++) {
        char upper = (char)toupper((unsigned char)*c);
        add_escaped(b, (struct str){&upper, 1});
    }
    buf_addf(b, " 1 \"\" \"Selvedge %s\" \"Selvedge manual\"\n.SH NAME\n", SELVEDGE_VERSION);
    add_text(b, program->name);
    buf_add_text(b, " \\- ");
    add_line(b, program->summary);
    buf_add_text(b, ".SH SYNOPSIS\n");
    if (sole != NULL) {
        add_usage(b, program, sole);
    } else {
        buf_add_text(b, "\\fB");
        add_text(b, program->name);
        buf_add_text(b, "\\fR COMMAND [OPTION...] [ARGUMENT...]\n");
    }
    if (program->description != NULL) {
        buf_add_text(b, ".SH DESCRIPTION\n");
        add_description(b, program->description);
    }
    buf_add_text(b, ".SH OPTIONS\n");
    add_options(b, sole != NULL ? sole->options : NULL);
    add_options(b, program->options);
    add_options(b, cli_common_options);
    add_commands(b, program);
    add_exit_status(b, sole);
    add_environment(b, program);
    if (program->files != NULL && program->files->path != NULL) {
        buf_add_text(b, ".SH FILES\n");
        for (const struct cli_file *f = program->files; f->path != NULL; f++) {
            buf_add_text(b, ".TP\n.I ");
            add_line(b, f->path);
            add_line(b, f->what);
        }
    }
    if (program->examples != NULL && program->examples->command != NULL) {
        buf_add_text(b, ".SH EXAMPLES\n");
        add_examples(b, program->examples);
    }
    if (program->see_also != NULL) {
        buf_add_text(b, ".SH SEE ALSO\n");
        add_line(b, program->see_also);
    }
}
