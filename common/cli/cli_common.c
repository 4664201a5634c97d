/* The options and commands that every program has. */
#include "common/cli/cli_internal.h"
#include <string.h>

const struct cli_option cli_common_options[] = {
    {.name = "json", .type = CLI_BOOL, .help = "results and errors as JSON"},
    {.name = "help", .letter = 'h', .type = CLI_BOOL, .help = "show this help"},
    {.name = "version", .letter = 'V', .type = CLI_BOOL, .help = "show the version"},
    {0},
};

static void print_text(struct cli *cli, const struct buf *b)
{
    (void)fwrite(b->ptr, 1, b->len, cli->io.out);
    cli->has_failed = cli->has_failed || b->overflow;
}

static int help_command(struct cli *cli, void *ctx)
{
    (void)ctx;
    AUTO(buf) text = buf_growing(CLI_TEXT_BYTES_MAX);
    if (cli_bool(cli, "man")) {
        cli_man_page(cli->program, &text);
    } else if (cli_bool(cli, "markdown")) {
        cli_markdown(cli->program, &text);
    } else if (cli->arg_count == 0) {
        cli_help_program(cli->program, &text);
    } else {
        char name[CLI_NAME_BYTES];
        struct buf path = buf_fixed(name, sizeof(name));
        for (size_t i = 0; i < cli->arg_count; i++) {
            buf_addf(&path, "%s%s", i > 0 ? " " : "", cli->args[i]);
        }
        const struct cli_command *c =
            path.overflow ? NULL : cli_find_command(cli->program, buf_str(&path));
        if (c == NULL) {
            return cli_usage(cli, "there is no command \"%s\"", cli->args[0]);
        }
        cli_help_command(cli->program, c, &text);
    }
    print_text(cli, &text);
    return CLI_OK;
}

static int completion_command(struct cli *cli, void *ctx)
{
    (void)ctx;
    static const char *const names[] = {
        [CLI_BASH] = "bash", [CLI_ZSH] = "zsh", [CLI_FISH] = "fish"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(cli->args[0], names[i]) == 0) {
            AUTO(buf) text = buf_growing(CLI_TEXT_BYTES_MAX);
            cli_completion(cli->program, (enum cli_shell)i, &text);
            print_text(cli, &text);
            return CLI_OK;
        }
    }
    return cli_usage(cli, "no completion for \"%s\"; there is bash, zsh and fish", cli->args[0]);
}

const struct cli_command cli_common_commands[] = {
    {.name = "help",
     .args = "[COMMAND...]",
     .summary = "say what a command does",
     .options = CLI_OPTIONS(
         {.name = "man", .type = CLI_BOOL, .help = "the whole manual page, as roff"},
         {.name = "markdown", .type = CLI_BOOL, .help = "the whole reference, as Markdown"}),
     .run = help_command},
    {.name = "completion",
     .args = "SHELL",
     .summary = "print a completion script for bash, zsh or fish",
     .run = completion_command},
    {0},
};
