/* cli_internal.h - what the parts of common/cli share. Not for other folders. */
#pragma once
#include "common/cli/cli.h"

enum { CLI_TEXT_BYTES_MAX = 4 << 20, CLI_COLUMNS = 80, CLI_NAME_BYTES = 128 };

struct cli_given {
    const struct cli_option *option;
    const char *value; /* NULL for booleans */
};

struct cli {
    const struct cli_program *program;
    const struct cli_command *command; /* NULL until it is known */
    struct cli_io io;
    void *ctx;
    bool is_json;
    bool has_failed;   /* something could not be shown; turns CLI_OK into CLI_FAILED */
    const char **args; /* room for argc entries */
    size_t arg_count;
    struct cli_given *given; /* room for argc entries, in the order of the command line */
    size_t given_count;
    char path[CLI_NAME_BYTES]; /* "token" or "token create": the words of the command so far */
};

/* The options that every program has, and the commands; both end with {0}. */
extern const struct cli_option cli_common_options[];
extern const struct cli_command cli_common_commands[];

/* Walks the program's commands, then the common ones; NULL at the end. `index` starts at 0. */
const struct cli_command *cli_each_command(const struct cli_program *program, size_t *index);
/* Whether other commands share its name as first word. */
bool cli_is_group(const struct cli_program *program, const struct cli_command *c);
const struct cli_command *cli_find_command(const struct cli_program *program, struct str name);
/* The program whose only command has no name. */
const struct cli_command *cli_sole_command(const struct cli_program *program);

/* Checks one value against its option; err says what is wrong with it. */
bool cli_check_value(const struct cli_option *o, const char *value, int64_t *ret_number,
                     struct err *err);
/* How many arguments "RUN [STEP]" and "[DEVICE...]" stand for. */
void cli_count_args(const char *args, size_t *ret_min, size_t *ret_max);
/* The i-th word of a synopsis without brackets and dots; STR_NONE past the end. */
struct str cli_arg_name(const char *args, size_t index);

/* "-n, --limit N" */
void cli_add_option_form(struct buf *b, const struct cli_option *o);
/* " (1..1000; default 20; environment SELVEDGE_LIMIT)", or nothing. */
void cli_add_option_facts(struct buf *b, const struct cli_option *o);
/* "selvedge-agent runs [OPTION...] [SELECTION]" */
void cli_add_usage(struct buf *b, const struct cli_program *program, const struct cli_command *c);

/* Takes the next paragraph off a description; a block whose first line starts with two spaces is
 * code. */
bool cli_next_block(struct str *rest, struct str *ret_block, bool *ret_is_code);

struct cli_exit_text {
    int code;
    const char *what;
};
extern const struct cli_exit_text cli_exit_texts[]; /* ends with what == NULL */
