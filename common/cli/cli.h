/* cli.h - a program's command line as one table. Parser, --help, man page, shell completion and the
 * Markdown reference are all made from it, so that they cannot disagree.
 *
 *   static const struct cli_command commands[] = {
 *       {.name = "runs",
 *        .args = "[SELECTION]",
 *        .summary = "list runs, newest first",
 *        .description = "Text, parted by empty lines.\n\n  Lines with two spaces keep their form.",
 *        .options = CLI_OPTIONS({.name = "limit", .letter = 'n', .type = CLI_INT,
 *                                .value_name = "N", .default_text = "20", .min = 1, .max = 1000,
 *                                .help = "how many runs to show"}),
 *        .examples = CLI_EXAMPLES({"selvedge-agent runs -n 5", "the last five runs"}),
 *        .run = runs_command},
 *       {.name = "token", .summary = "manage enrolment tokens"},  (a group has no run function)
 *       {.name = "token create", .summary = "make a token", .run = token_create},
 *       {0}};
 *
 * The commands help and completion and the options --help, --version and --json are built in. A
 * mistake by the user is one line on stderr and exit code 2; a mistake in the table is found by
 * cli_check_program, which each program's unit test calls. Short options are not bundled. One
 * thread. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include <stdio.h>

/* Exit codes of every program and command. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* the operation was tried and failed */
    CLI_USAGE = 2,       /* the command line is wrong; nothing was done */
    CLI_NOT_FOUND = 3,   /* the named thing does not exist */
    CLI_UNREACHABLE = 4, /* the other side is not running or cannot be reached */
    CLI_DENIED = 5,      /* refused */
    CLI_BAD_INPUT = 6,   /* definitions or other input are wrong */
};
/* What a failed operation's class means as an exit code: INVALID 6, NOT_FOUND 3, OFFLINE and
 * TIMEOUT 4, DENIED 5, all others 1. */
int cli_exit_from(enum err_code code);

enum cli_type {
    CLI_BOOL, /* takes no value */
    CLI_STRING,
    CLI_INT,      /* within [min, max]; both 0 = any */
    CLI_DURATION, /* "10s", "5m", "1h30m" */
    CLI_BYTES,    /* "64MiB" */
};

struct cli_option {
    const char *name;   /* without dashes */
    char letter;        /* 0 = none */
    bool is_repeatable; /* CLI_STRING only: may be given again; see cli_values */
    enum cli_type type;
    const char *value_name; /* "DIR"; NULL for booleans */
    /* The value when the option stands alone; another one must then be attached: --test=all. NULL =
     * it must have a value. */
    const char *bare_text;
    const char *default_text; /* the value when not given; NULL = none */
    const char *env;          /* environment variable that stands in when not given; NULL = none */
    const char *choices;      /* "append|upsert|overwrite" for CLI_STRING; NULL = anything */
    int64_t min;
    int64_t max;
    const char *help; /* one line, lower case, no full stop */
};

struct cli_example {
    const char *command; /* the whole line to type */
    const char *what;    /* what it does; may be NULL */
};

struct cli;

struct cli_command {
    const char *name; /* "runs", "token create" */
    /* "RUN [STEP]", "[DEVICE...]"; NULL = takes none. Their number is checked against this. */
    const char *args;
    const char *summary;                /* one line, lower case, no full stop */
    const char *description;            /* may be NULL */
    const struct cli_option *options;   /* see CLI_OPTIONS; may be NULL */
    const struct cli_example *examples; /* see CLI_EXAMPLES; may be NULL */
    const char *exit_codes; /* more about exit codes than the common table says; may be NULL */
    bool is_hidden;         /* not in help, man page or completion */
    /* NULL = a group, whose members share its name as first word. A group may have a run function
     * of its own, and arguments, whose first is no member's name. Returns an exit code. `ctx` as given to
     * cli_main. */
    int (*run)(struct cli *cli, void *ctx);
};

struct cli_file {
    const char *path;
    const char *what;
};

struct cli_program {
    const char *name;                 /* "selvedge-agent" */
    const char *summary;              /* "run assets on this device" */
    const char *description;          /* may be NULL */
    const struct cli_option *options; /* of every command, before or after its name; may be NULL */
    /* Ends with {0}. A program without commands has one row named "". */
    const struct cli_command *commands;
    const struct cli_command *const *more; /* further tables alike; ends with NULL; may be NULL */
    const struct cli_example *examples;    /* may be NULL */
    const struct cli_file *files;          /* see CLI_FILES; may be NULL */
    const char *see_also;                  /* "selvedge-hub(1), selvedge-el(1)"; may be NULL */
};

#define CLI_OPTIONS(...)  ((const struct cli_option[]){__VA_ARGS__, {0}})
#define CLI_EXAMPLES(...) ((const struct cli_example[]){__VA_ARGS__, {0}})
#define CLI_FILES(...)    ((const struct cli_file[]){__VA_ARGS__, {0}})
/* How many rows of a list. */
#define CLI_LIMIT(usual, most, what)                                                               \
    {                                                                                              \
        .name = "limit", .letter = 'l', .type = CLI_INT, .value_name = "N",                        \
        .default_text = (usual), .min = 1, .max = (most), .help = (what)                           \
    }

/* Parses, runs the command and returns the exit code: `return cli_main(&program, argc, argv,
 * &ctx);`. A write error on stdout (full disk, closed pipe) turns CLI_OK into CLI_FAILED. */
int cli_main(const struct cli_program *program, int argc, char *const argv[], void *ctx);

/* The same with everything from outside as an argument; for tests. */
struct cli_io {
    FILE *out;
    FILE *err;
    const char *(*getenv)(const char *name);
    int width; /* of the terminal behind `out` in columns; 0 = not a terminal */
    bool err_is_tty;
};
int cli_run(const struct cli_program *program, const struct cli_io *io, int argc,
            char *const argv[], void *ctx);

/* ---- for run functions ---- */
FILE *cli_out(const struct cli *cli); /* results, and nothing else */
FILE *cli_err(const struct cli *cli); /* messages and progress */
bool cli_is_json(const struct cli *cli);

/* Positional arguments. NULL past the end; the synopsis guarantees those that are not optional. */
const char *cli_arg(const struct cli *cli, size_t index);
size_t cli_arg_count(const struct cli *cli);

/* Values of options by name: command line, else environment, else default. The option must be in
 * the table. */
bool cli_is_given(const struct cli *cli,
                  const char *name); /* by the command line or the environment */
bool cli_bool(const struct cli *cli, const char *name);
const char *cli_text(const struct cli *cli, const char *name); /* NULL when there is no value */
int64_t cli_i64(const struct cli *cli,
                const char *name); /* int, bytes, duration in ns; 0 when there is none */
/* The index-th value of a repeatable option, or NULL past the end. */
const char *cli_values(const struct cli *cli, const char *name, size_t index);

/* "error: ..." and "hint: ..." on stderr, or one JSON object {"error":{"code","message","hint"}}
 * with --json. Returns the exit code for the error, so that a failing command ends with `return
 * cli_error(cli, &err);`. */
int cli_error(struct cli *cli, const struct err *err);
/* The same with lines between the error and its hint that show what is meant; not with --json. */
int cli_error_marked(struct cli *cli, const struct err *err, struct str mark);
/* "error: ..." and "try: selvedge-agent runs --help"; returns CLI_USAGE. */
PRINTF_LIKE(2, 3) int cli_usage(struct cli *cli, const char *fmt, ...);
/* Writes one line: the JSON text and a newline. */
void cli_json(struct cli *cli, struct str json);
PRINTF_LIKE(2, 3) void cli_printf(struct cli *cli, const char *fmt, ...); /* to cli_out */

/* Meaning, not colour; nothing is written unless `out` is a terminal and NO_COLOR is unset or
 * empty. */
enum cli_tone { CLI_PLAIN, CLI_GOOD, CLI_BAD, CLI_WARN, CLI_FAINT, CLI_STRONG };
const char *cli_tone_on(const struct cli *cli, enum cli_tone tone); /* escape sequence or "" */
const char *cli_tone_off(const struct cli *cli, enum cli_tone tone);

/* False names the first mistake in a table: a missing summary or help, a name used twice, a default
 * that its own option refuses, a command without its group. */
MUST_CHECK bool cli_check_program(const struct cli_program *program, struct err *err);

/* ---- texts made from the table (also reached as `help` and `completion`) ---- */
void cli_help_program(const struct cli_program *program, struct buf *b);
void cli_help_command(const struct cli_program *program, const struct cli_command *command,
                      struct buf *b);
void cli_man_page(const struct cli_program *program, struct buf *b); /* roff, man(7) */
void cli_markdown(const struct cli_program *program, struct buf *b);
enum cli_shell { CLI_BASH, CLI_ZSH, CLI_FISH };
void cli_completion(const struct cli_program *program, enum cli_shell shell, struct buf *b);
