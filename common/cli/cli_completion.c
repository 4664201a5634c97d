/* DESIGN: completion knows commands, options and choices, which are in the table. It never runs the
 * program, so it is fast on a small device; names of assets and devices are not completed. */
#include "common/cli/cli_internal.h"
#include <ctype.h>
#include <string.h>

static bool is_shown(const struct cli_command *c)
{
    return !c->is_hidden && c->name[0] != '\0';
}

/* "append|upsert" as "append upsert" */
static void add_choices(struct buf *b, const char *choices)
{
    for (const char *c = choices; c != NULL && *c != '\0'; c++) {
        if (*c == '|') {
            buf_add_char(b, ' ');
        } else {
            buf_add_char(b, *c);
        }
    }
}

/* The name without its last word: "token" of "token create", "" of "runs". */
static struct str parent_of(const struct cli_command *c)
{
    struct str head;
    struct str tail;
    (void)str_cut_last(str_from(c->name), ' ', &head, &tail);
    return str_is_empty(head) ? STR("") : head;
}

static struct str last_word(const struct cli_command *c)
{
    struct str head;
    struct str tail;
    (void)str_cut_last(str_from(c->name), ' ', &head, &tail);
    return tail;
}

static void add_option_words(struct buf *b, const struct cli_option *list)
{
    for (; list != NULL && list->name != NULL; list++) {
        buf_addf(b, " --%s", list->name);
    }
}

static void add_children(struct buf *b, const struct cli_program *program, struct str parent)
{
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        if (is_shown(c) && str_eq(parent_of(c), parent)) {
            struct str word = last_word(c);
            buf_addf(b, " " STR_FMT, STR_ARG(word));
        }
    }
}

static void add_function_name(struct buf *b, const struct cli_program *program)
{
    buf_add_char(b, '_');
    for (const char *c = program->name; *c != '\0'; c++) {
        buf_add_char(b, isalnum((unsigned char)*c) ? *c : '_');
    }
}

/* After an option that takes a value: its choices, or nothing of ours, so that the shell offers
 * file names. `command` is NULL for the options of every command. */
static void add_bash_values(struct buf *b, const struct cli_command *command,
                            const struct cli_option *list)
{
    for (; list != NULL && list->name != NULL; list++) {
        if (list->type == CLI_BOOL || list->bare_text != NULL) {
            continue;
        }
        const char *lead = command == NULL ? "*'" : "'";
        const char *name = command == NULL ? "" : command->name;
        buf_addf(b, "    %s%s --%s'", lead, name, list->name);
        if (list->letter != '\0') {
            buf_addf(b, " | %s%s -%c'", lead, name, list->letter);
        }
        buf_add_text(b, ") offers='");
        add_choices(b, list->choices);
        buf_add_text(b, "' ;;\n");
    }
}

static void add_bash_path(struct buf *b, const struct cli_program *program)
{
    const char *separator = "        ";
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        if (is_shown(c)) {
            struct str parent = parent_of(c);
            struct str word = last_word(c);
            buf_addf(b, "%s'" STR_FMT " " STR_FMT "'", separator, STR_ARG(parent), STR_ARG(word));
            separator = " | ";
        }
    }
    buf_add_text(b, ") found=\"${found:+$found }$word\" ;;\n");
}

/* The words that may follow a command which are no options. */
static void add_arguments(struct buf *b, const struct cli_program *program,
                          const struct cli_command *c)
{
    add_children(b, program, str_from(c->name));
    if (strcmp(c->name, "completion") == 0) {
        buf_add_text(b, " bash zsh fish");
    } else if (strcmp(c->name, "help") == 0) {
        add_children(b, program, STR(""));
    }
}

static void add_bash_options(struct buf *b, const struct cli_program *program,
                             const struct cli_option *own)
{
    buf_add_text(b, "' options='");
    add_option_words(b, own);
    add_option_words(b, program->options);
    add_option_words(b, cli_common_options);
    buf_add_text(b, "' ;;\n");
}

static void add_bash_words(struct buf *b, const struct cli_program *program)
{
    const struct cli_command *sole = cli_sole_command(program);
    buf_add_text(b, "    '') offers='");
    add_children(b, program, STR(""));
    add_bash_options(b, program, sole != NULL ? sole->options : NULL);
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        if (is_shown(c)) {
            buf_addf(b, "    '%s') offers='", c->name);
            add_arguments(b, program, c);
            add_bash_options(b, program, c->options);
        }
    }
}

static void add_bash(const struct cli_program *program, struct buf *b)
{
    buf_addf(b, "# completion for %s; made by `%s completion bash`\n# shellcheck shell=bash\n",
             program->name, program->name);
    add_function_name(b, program);
    buf_add_text(b, "() {\n"
                    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                    "    local found='' word offers='' options='' i\n"
                    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                    "        word=${COMP_WORDS[i]}\n"
                    "        case \"$found $word\" in\n");
    add_bash_path(b, program);
    buf_add_text(b, "        esac\n"
                    "    done\n"
                    "    case \"$found\" in\n");
    add_bash_words(b, program);
    buf_add_text(b, "    esac\n"
                    "    if [[ $cur == -* || -z $offers ]]; then\n"
                    "        offers=$options\n"
                    "    fi\n"
                    "    case \"$found $prev\" in\n");
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        if (!c->is_hidden) {
            add_bash_values(b, c, c->options);
        }
    }
    add_bash_values(b, NULL, program->options);
    buf_add_text(b, "    esac\n"
                    "    COMPREPLY=()\n"
                    "    while IFS='' read -r word; do\n"
                    "        COMPREPLY+=(\"$word\")\n"
                    "    done < <(compgen -W \"$offers\" -- \"$cur\")\n"
                    "}\n"
                    "complete -o default -F ");
    add_function_name(b, program);
    buf_addf(b, " %s\n", program->name);
}

/* Single quotes end a word in fish; help texts are ours, but may hold one. */
static void add_fish_quoted(struct buf *b, struct str s)
{
    buf_add_char(b, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'' || s.ptr[i] == '\\') {
            buf_add_char(b, '\\');
        }
        buf_add_char(b, s.ptr[i]);
    }
    buf_add_char(b, '\'');
}

static void add_fish_options(struct buf *b, const struct cli_program *program,
                             const struct cli_command *command, const struct cli_option *list)
{
    for (; list != NULL && list->name != NULL; list++) {
        buf_addf(b, "complete -c %s", program->name);
        if (command != NULL && command->name[0] != '\0') {
            struct str parent = parent_of(command);
            struct str word = last_word(command);
            buf_add_text(b, " -n '");
            if (!str_is_empty(parent)) {
                buf_addf(b, "__fish_seen_subcommand_from " STR_FMT "; and ", STR_ARG(parent));
            }
            buf_addf(b, "__fish_seen_subcommand_from " STR_FMT "'", STR_ARG(word));
        }
        buf_addf(b, " -l %s", list->name);
        if (list->letter != '\0') {
            buf_addf(b, " -s %c", list->letter);
        }
        buf_add_text(b, list->type == CLI_BOOL || list->bare_text != NULL ? "" : " -r");
        if (list->choices != NULL) {
            buf_add_text(b, " -f -a '");
            add_choices(b, list->choices);
            buf_add_char(b, '\'');
        }
        buf_add_text(b, " -d ");
        add_fish_quoted(b, str_from(list->help));
        buf_add_char(b, '\n');
    }
}

static void add_fish_command(struct buf *b, const struct cli_program *program,
                             const struct cli_command *c)
{
    struct str parent = parent_of(c);
    struct str word = last_word(c);
    buf_addf(b, "complete -c %s -f -n ", program->name);
    if (str_is_empty(parent)) {
        buf_add_text(b, "__fish_use_subcommand");
    } else {
        buf_addf(b, "'__fish_seen_subcommand_from " STR_FMT "'", STR_ARG(parent));
    }
    buf_addf(b, " -a " STR_FMT " -d ", STR_ARG(word));
    add_fish_quoted(b, str_from(c->summary));
    buf_add_char(b, '\n');
}

/* What follows completion and help; subcommands come with their summaries instead. */
static void add_fish_arguments(struct buf *b, const struct cli_program *program,
                               const struct cli_command *c)
{
    if (strcmp(c->name, "completion") == 0 || strcmp(c->name, "help") == 0) {
        buf_addf(b, "complete -c %s -f -n '__fish_seen_subcommand_from %s' -a '", program->name,
                 c->name);
        add_arguments(b, program, c);
        buf_add_text(b, "'\n");
    }
}

static void add_fish(const struct cli_program *program, struct buf *b)
{
    buf_addf(b, "# completion for %s; made by `%s completion fish`\n", program->name,
             program->name);
    add_fish_options(b, program, NULL, program->options);
    add_fish_options(b, program, NULL, cli_common_options);
    size_t index = 0;
    const struct cli_command *c;
    while ((c = cli_each_command(program, &index)) != NULL) {
        if (c->is_hidden) {
            continue;
        }
        if (c->name[0] != '\0') {
            add_fish_command(b, program, c);
            add_fish_arguments(b, program, c);
        }
        add_fish_options(b, program, c, c->options);
    }
}

void cli_completion(const struct cli_program *program, enum cli_shell shell, struct buf *b)
{
    switch (shell) {
    case CLI_BASH:
        add_bash(program, b);
        break;
    case CLI_ZSH:
        buf_add_text(b, "autoload -U +X compinit && compinit\n"
                        "autoload -U +X bashcompinit && bashcompinit\n");
        add_bash(program, b);
        break;
    case CLI_FISH:
        add_fish(program, b);
        break;
    }
}
