/* cli_fixture.c */
#include "tests/unit/cli_fixture.h"
#include "tests/support/cmocka_all.h"
#include <stdlib.h>
#include <string.h>

static struct cli_setting current;

static int show_values(struct cli *cli, void *ctx)
{
    (void)ctx;
    cli_printf(cli, "limit=%lld since=%lld cap=%lld\n", (long long)cli_i64(cli, "limit"),
               (long long)(cli_i64(cli, "since") / NS_PER_SEC), (long long)cli_i64(cli, "cap"));
    cli_printf(cli, "mode=%s all=%d given=%d dir=%s quiet=%d\n", cli_text(cli, "mode"),
               cli_bool(cli, "all"), cli_is_given(cli, "limit"), cli_text(cli, "state-dir"),
               cli_bool(cli, "quiet"));
    for (size_t i = 0; cli_values(cli, "tag", i) != NULL; i++) {
        cli_printf(cli, "tag=%s\n", cli_values(cli, "tag", i));
    }
    if (cli_text(cli, "try") != NULL) {
        cli_printf(cli, "try=%s\n", cli_text(cli, "try"));
    }
    for (size_t i = 0; i < cli_arg_count(cli); i++) {
        cli_printf(cli, "arg=%s\n", cli_arg(cli, i));
    }
    assert_null(cli_arg(cli, cli_arg_count(cli)));
    return CLI_OK;
}

static int call(struct cli *cli, void *ctx)
{
    if (current.body != NULL) {
        current.body(cli);
    }
    return *(int *)ctx;
}

static int list_looms(struct cli *cli, void *ctx)
{
    (void)ctx;
    cli_printf(cli, "looms\n");
    return CLI_OK;
}

static int stop_loom(struct cli *cli, void *ctx)
{
    (void)ctx;
    cli_printf(cli, "stop %s\n", cli_arg(cli, 0));
    return CLI_OK;
}

static int spin(struct cli *cli, void *ctx)
{
    (void)ctx;
    cli_printf(cli, "spin %s %s\n", cli_arg(cli, 0), cli_arg_count(cli) > 1 ? cli_arg(cli, 1) : "");
    return CLI_OK;
}

static int refuse(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct err err = {0};
    err_set(&err, ERR_OFFLINE, "connect to \"hub\": refused");
    err_hint(&err, "is it running?");
    return cli_error(cli, &err);
}

static const struct cli_command commands[] = {
    {.name = "runs",
     .args = "[SELECTION [DEVICE...]]",
     .summary = "list runs, newest first",
     .description =
         "Shows what this device did.\nIn one paragraph.\n\n  a.b: 'kept' \\ as - it is\n"
         "  second line\n\n.starts with a dot",
     .options = CLI_OPTIONS(
         {.name = "limit",
          .letter = 'n',
          .type = CLI_INT,
          .value_name = "N",
          .default_text = "20",
          .env = "WEAVE_LIMIT",
          .min = 1,
          .max = 1000,
          .help = "how many runs to show"},
         {.name = "since",
          .type = CLI_DURATION,
          .value_name = "TIME",
          .help = "only the last TIME"},
         {.name = "cap",
          .type = CLI_BYTES,
          .value_name = "SIZE",
          .default_text = "1KiB",
          .help = "at most"},
         {.name = "mode",
          .type = CLI_STRING,
          .value_name = "MODE",
          .choices = "append|upsert",
          .default_text = "append",
          .help = "how to write"},
         {.name = "tag",
          .letter = 't',
          .type = CLI_STRING,
          .value_name = "TAG",
          .is_repeatable = true,
          .help = "only with this tag"},
         {.name = "try",
          .type = CLI_STRING,
          .value_name = "WHAT",
          .choices = "one|two",
          .bare_text = "one",
          .help = "only pretend"},
         {.name = "all", .letter = 'a', .type = CLI_BOOL, .help = "the hidden ones too"}),
     .examples =
         CLI_EXAMPLES({"weave runs -n 5", "the last five runs"}, {"weave runs 'a/*'", NULL}),
     .exit_codes = "Exits with 3 when the selection is empty.",
     .run = show_values},
    {.name = "logs", .args = "RUN STEP", .summary = "show the output of a step", .run = call},
    {.name = "call", .summary = "call the test", .run = call},
    {.name = "fail", .summary = "fail on purpose", .run = refuse},
    {.name = "token", .summary = "manage tokens"},
    {.name = "token create", .summary = "make a token", .run = call},
    {.name = "token list", .summary = "list tokens", .run = call},
    {.name = "loom", .summary = "list looms", .run = list_looms},
    {.name = "yarn", .args = "FIBRE [COLOUR]", .summary = "spin yarn", .run = spin},
    {.name = "yarn list", .summary = "list yarns", .run = list_looms},
    {.name = "loom stop", .args = "LOOM", .summary = "stop a loom", .run = stop_loom},
    {.name = "secret", .summary = "not to be seen", .is_hidden = true, .run = call},
    {0},
};

const struct cli_program weave = {
    .name = "weave",
    .summary = "test the command line",
    .description = "Weaves threads.",
    .options =
        CLI_OPTIONS({.name = "state-dir",
                     .letter = 'd',
                     .type = CLI_STRING,
                     .value_name = "DIR",
                     .default_text = "/var/lib/weave",
                     .help = "where state is"},
                    {.name = "quiet", .type = CLI_BOOL, .env = "WEAVE_QUIET", .help = "say less"}),
    .commands = commands,
    .examples = CLI_EXAMPLES({"weave runs", "what happened"}),
    .files = CLI_FILES({"/etc/weave.yaml", "the configuration"}),
    .see_also = "loom(1)",
};

static const char *getenv_fake(const char *name)
{
    return current.name != NULL && strcmp(current.name, name) == 0 ? current.value : NULL;
}

struct cli_outcome cli_fixture_run(const struct cli_program *program, struct cli_setting setting,
                                   const char *const *words)
{
    static char *out;
    static char *err;
    static char *argv[40];
    size_t out_len;
    size_t err_len;
    free(out);
    free(err);
    out = NULL;
    err = NULL;
    current = setting;
    int argc = 1;
    static char name[] = "weave";
    argv[0] = name;
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc < 39);
        argv[argc] = strdup(words[argc - 1]);
    }
    argv[argc] = NULL;
    struct cli_io io = {.out = open_memstream(&out, &out_len),
                        .err = open_memstream(&err, &err_len),
                        .getenv = getenv_fake,
                        .width = setting.width};
    int result = CLI_OK;
    struct cli_outcome o = {.code = cli_run(program, &io, argc, argv, &result)};
    (void)fclose(io.out);
    (void)fclose(io.err);
    for (int i = 1; i < argc; i++) {
        free(argv[i]);
    }
    o.out = out;
    o.err = err;
    return o;
}
