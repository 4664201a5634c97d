#include "common/cli/cli_internal.h"
#include <string.h>

/* Cells of a Markdown table: a bar would end them. */
static void add_cell(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '|') {
            buf_add_char(b, '\\');
        }
        buf_add_char(b, s.ptr[i]);
    }
}

static void add_description(struct buf *b, const char *description)
{
    struct str rest = str_from(description);
    struct str block;
    bool is_code;
    while (cli_next_block(&rest, &block, &is_code)) {
        buf_add_text(b, is_code ? "\n```text\n" : "\n");
        buf_add(b, block);
        buf_add_text(b, is_code ? "\n```\n" : "\n");
    }
}

static void add_options(struct buf *b, const struct cli_option *list, bool has_head)
{
    if (list == NULL || list->name == NULL) {
        return;
    }
    if (has_head) {
        buf_add_text(b, "\n| option | |\n|---|---|\n");
    }
    for (; list->name != NULL; list++) {
        char form_text[CLI_NAME_BYTES];
        char facts_text[512];
        struct buf form = buf_fixed(form_text, sizeof(form_text));
        struct buf facts = buf_fixed(facts_text, sizeof(facts_text));
        cli_add_option_form(&form, list);
        cli_add_option_facts(&facts, list);
        buf_add_text(b, "| `");
        buf_add(b, buf_str(&form));
        buf_add_text(b, "` | ");
        add_cell(b, str_from(list->help));
        add_cell(b, buf_str(&facts));
        buf_add_text(b, " |\n");
    }
}

static void add_examples(struct buf *b, const struct cli_example *list)
{
    if (list == NULL || list->command == NULL) {
        return;
    }
    buf_add_text(b, "\n```sh\n");
    for (; list->command != NULL; list++) {
        buf_add_text(b, list->command);
        if (list->what != NULL) {
            buf_addf(b, "    # %s", list->what);
        }
        buf_add_char(b, '\n');
    }
    buf_add_text(b, "```\n");
}

static void add_usage(struct buf *b, const struct cli_program *program, const struct cli_command *c)
{
    buf_add_text(b, "\n```text\n");
    cli_add_usage(b, program, c);
    buf_add_text(b, "\n```\n");
}

static void add_exit_codes(struct buf *b)
{
    buf_add_text(b, "\n## Exit codes\n\n| code | |\n|---|---|\n");
    for (const struct cli_exit_text *e = cli_exit_texts; e->what != NULL; e++) {
        buf_addf(b, "| %d | %s |\n", e->code, e->what);
    }
}

static void add_commands(struct buf *b, const struct cli_program *program)
{
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        if (c->is_hidden || c->run == NULL || c->name[0] == '\0') {
            continue;
        }
        buf_addf(b, "\n## `%s`: %s\n", c->name, c->summary);
        add_usage(b, program, c);
        add_description(b, c->description);
        add_options(b, c->options, true);
        add_examples(b, c->examples);
        add_description(b, c->exit_codes);
    }
}

void cli_markdown(const struct cli_program *program, struct buf *b)
{
    const struct cli_command *sole = cli_sole_command(program);
    buf_addf(b, "<!-- Made by `%s help --markdown`. -->\n# %s: %s\n", program->name, program->name,
             program->summary);
    if (sole != NULL) {
        add_usage(b, program, sole);
    }
    add_description(b, program->description);
    buf_add_text(b, sole != NULL ? "\n## Options\n" : "\n## Options of every command\n");
    bool has_own = sole != NULL && sole->options != NULL;
    add_options(b, sole != NULL ? sole->options : NULL, true);
    add_options(b, program->options, !has_own);
    add_options(b, cli_common_options, !has_own && program->options == NULL);
    add_examples(b, program->examples);
    add_commands(b, program);
    add_exit_codes(b);
}
