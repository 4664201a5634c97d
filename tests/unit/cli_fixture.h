/* cli_fixture.h - a program with every kind of option, run with its output captured. */
#pragma once
#include "common/cli/cli.h"

struct cli_outcome {
    int code;
    char *out; /* of the last run; valid until the next */
    char *err;
};

extern const struct cli_program weave;

struct cli_setting {
    int width;        /* of the terminal; 0 = a pipe */
    const char *name; /* one environment variable, or NULL */
    const char *value;
    void (*body)(struct cli *cli); /* what the command `call` does */
};
struct cli_outcome cli_fixture_run(const struct cli_program *program, struct cli_setting setting,
                                   const char *const *words);
#define RUN(...)                                                                                   \
    cli_fixture_run(&weave, (struct cli_setting){0}, (const char *const[]){__VA_ARGS__, NULL})
