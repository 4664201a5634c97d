/* main.c - selvedge-hub: the table of its commands. */
#include "hub/cli/commands.h"

#include "hub/demo/demo.h"

static const struct cli_option global_options[] = {
    {.name = "config",
     .letter = 'c',
     .type = CLI_STRING,
     .value_name = "FILE",
     .env = "SELVEDGE_HUB_CONFIG",
     .help = "settings file (hub.yaml in --state-dir, else /etc/selvedge/hub.yaml)"},
    {.name = "state-dir",
     .letter = 's',
     .type = CLI_STRING,
     .value_name = "DIR",
     .env = "SELVEDGE_HUB_STATE_DIR",
     .help = "folder of the database, the CA and the broker's files"},
    {.name = "log-level",
     .type = CLI_STRING,
     .value_name = "LEVEL",
     .choices = "error|warn|info|debug",
     .help = "how much is logged on stderr"},
    {.name = "url",
     .type = CLI_STRING,
     .value_name = "URL",
     .env = "SELVEDGE_HUB_URL",
     .help = "ask the hub at this address, not the one on this machine: https://hub:8880"},
    {.name = "token-file",
     .type = CLI_STRING,
     .value_name = "FILE",
     .env = "SELVEDGE_HUB_TOKEN_FILE",
     .help = "with --url: file with the API token (else SELVEDGE_HUB_TOKEN, the token itself)"},
    {.name = "ca-file",
     .type = CLI_STRING,
     .value_name = "FILE",
     .env = "SELVEDGE_HUB_CA_FILE",
     .help = "with --url: the CA by which the hub's certificate is checked: its ca/ca.pem"},
    {0}};

#define AT_OPTION                                                                                  \
    {                                                                                              \
        .name = "at", .type = CLI_STRING, .value_name = "TIME",                                    \
        .help = "as of then: a time, a date, or how long ago (2d)"                                 \
    }

static const struct cli_command commands[] = {
    {.name = "init",
     .summary = "set up a hub: its folder, CA, database and settings",
     .description =
         "Done once. Makes the certificate authority of the fleet and the database in the state "
         "folder, and writes the options given into the settings file, whose other lines stay as "
         "they are. A hub that is set up is never changed by it.",
     .options = CLI_OPTIONS({.name = "fleet",
                             .letter = 'f',
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "the fleet's name: lower-case letters, digits and '-' (main)"},
                            {.name = "host",
                             .type = CLI_STRING,
                             .value_name = "HOST",
                             .help = "name or address by which devices reach this hub (localhost)"},
                            {.name = "port",
                             .type = CLI_INT,
                             .value_name = "N",
                             .min = 1,
                             .max = 65535,
                             .help = "the broker's port for devices (8883)"},
                            {.name = "enrol-port",
                             .type = CLI_INT,
                             .value_name = "N",
                             .min = 1,
                             .max = 65535,
                             .help = "the broker's port for enrolment (8884)"},
                            {.name = "bind",
                             .type = CLI_STRING,
                             .value_name = "ADDRESS",
                             .help = "listen on this address only"},
                            {.name = "name",
                             .type = CLI_STRING,
                             .value_name = "HOST",
                             .is_repeatable = true,
                             .help = "a further name or address of this hub, for its certificate"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub init --fleet shops --host hub.example.org", "on a server"},
         {"selvedge-hub init -s ./hub --bind 127.0.0.1", "a hub of your own, to try it"}),
     .run = command_init},
    {.name = "serve",
     .summary = "take in what devices record, until stopped",
     .description = "Runs in the foreground and logs to stderr; a supervisor (systemd) starts it. "
                    "Starts and configures a broker of its own. TERM or INT end it in order: what "
                    "was taken in is committed and acknowledged, the devices are told.",
     .examples = CLI_EXAMPLES({"selvedge-hub serve", "with the settings of /etc/selvedge/hub.yaml"},
                              {"selvedge-hub serve -s ./hub --log-level debug", "by hand"}),
     .run = command_serve},
    {.name = "web",
     .summary = "answer browsers and programs: web UI and API",
     .description =
         "`serve` starts it, as a process of its own: there is no need to call it by hand but "
         "beside a hub that runs elsewhere on this machine. Address, port and certificate: `http:` "
         "in the settings; with `http: off` it listens on the socket of this command line alone. "
         "While the hub has no admin it logs a link, good once and for a day, that sets the first "
         "password.",
     .examples = CLI_EXAMPLES({"selvedge-hub web", "with the settings of /etc/selvedge/hub.yaml"}),
     .run = command_web},
    {.name = "demo",
     .summary = "see it work: a hub and six shops on this machine",
     .description =
         "Starts a hub, its broker and six devices, all of them the real programs, in a temporary "
         "folder: enrolment, schedules, a network that fails, a retry. Ends with the hub's report "
         "and what to try next.",
     .options = demo_options,
     .examples = CLI_EXAMPLES({"selvedge-hub demo", "until Ctrl-C"},
                              {"selvedge-hub demo --once", "one round, checked; then it ends"}),
     .run = command_demo},
    {.name = "token", .summary = "manage tokens, which let devices join"},
    {.name = "token create",
     .summary = "make a token and print it",
     .description =
         "The token is one line for `selvedge-agent enroll`. It carries the address of this hub, "
         "the fingerprint of its CA and a secret of which only a hash is kept: it is shown only "
         "now. Works while the hub is running.",
     .options = CLI_OPTIONS({.name = "set",
                             .type = CLI_STRING,
                             .value_name = "LABEL",
                             .is_repeatable = true,
                             .help = "a label that devices get with it: site=berlin"},
                            {.name = "names",
                             .type = CLI_STRING,
                             .value_name = "PATTERN",
                             .help = "what they may be called, * for any characters"},
                            {.name = "label",
                             .type = CLI_STRING,
                             .value_name = "TEXT",
                             .help = "what it is for, shown in the list"},
                            {.name = "uses",
                             .type = CLI_INT,
                             .value_name = "N",
                             .default_text = "1",
                             .min = 1,
                             .max = 100000,
                             .help = "how many devices may use it"},
                            {.name = "expires",
                             .letter = 'e',
                             .type = CLI_DURATION,
                             .value_name = "TIME",
                             .default_text = "24h",
                             .help = "how long it is good for, a year at most"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub token create --label 'Brooklyn, till 1'", "for one device"},
         {"selvedge-hub token create --uses 50 --expires 2h --names 'shop-*' --set site=berlin",
          "to set up the many devices of a site"}),
     .run = command_token_create},
    {.name = "token list",
     .summary = "list tokens, newest first, and why one was last refused",
     .examples = CLI_EXAMPLES({"selvedge-hub token list", NULL}),
     .run = command_token_list},
    {.name = "token revoke",
     .args = "TOKEN",
     .summary = "make a token useless",
     .description = "TOKEN is its id in the list. Devices that joined with it stay.",
     .examples = CLI_EXAMPLES({"selvedge-hub token revoke k3v7q2aa", NULL}),
     .run = command_token_revoke},
    {.name = "devices",
     .args = "[DEVICE]",
     .summary = "list devices: online or away, failing, lost events, clock",
     .options = CLI_OPTIONS({.name = "to",
                             .letter = 't',
                             .type = CLI_STRING,
                             .value_name = "TARGETS",
                             .help = "only these: 'label:site=berlin and is:away'"}),
     .description =
         "LOST counts events that were given up on the way: for a quota, or with an "
         "earlier database of the hub. CLOCK is how far the device's clock was from the hub's.",
     .examples = CLI_EXAMPLES({"selvedge-hub devices", NULL},
                              {"selvedge-hub devices --to label:site=berlin", "of one site"},
                              {"selvedge-hub devices --json | jq -r 'select(.failing>0).device'",
                               "those with failing assets"}),
     .run = command_devices},
    {.name = "assets",
     .args = "[SELECTION]",
     .summary = "list assets over all devices, or show one",
     .description = "SELECTION is a key, which shows the asset in detail, or an expression such as "
                    "'group:pos and not tag:internal', '+reports/*' or 'pos/orders+'.",
     .options = CLI_OPTIONS({.name = "device",
                             .letter = 'd',
                             .type = CLI_STRING,
                             .value_name = "DEVICE",
                             .help = "as this device has them"},
                            {.name = "differing",
                             .type = CLI_BOOL,
                             .help = "those that devices define differently, by version"},
                            AT_OPTION),
     .examples = CLI_EXAMPLES({"selvedge-hub assets", "all of the fleet"},
                              {"selvedge-hub assets --differing", "who runs which version"},
                              {"selvedge-hub assets --at 2026-11-01", "as they were then"},
                              {"selvedge-hub assets pos/orders", "one of them, device by device"},
                              {"selvedge-hub assets 'group:pos' --device brooklyn", NULL}),
     .run = command_assets},
    {.name = "runs",
     .summary = "list runs of all devices, newest first",
     .options = CLI_OPTIONS({.name = "device",
                             .letter = 'd',
                             .type = CLI_STRING,
                             .value_name = "DEVICE",
                             .help = "only of this device"},
                            {.name = "status",
                             .type = CLI_STRING,
                             .value_name = "STATUS",
                             .choices = "queued|started|success|failure|canceled",
                             .help = "only these"},
                            {.name = "asset",
                             .letter = 'a',
                             .type = CLI_STRING,
                             .value_name = "KEY",
                             .help = "only runs that touched it"},
                            CLI_LIMIT("20", 1000000, "how many")),
     .examples = CLI_EXAMPLES({"selvedge-hub runs --status failure", "what went wrong lately"}),
     .run = command_runs},
    {.name = "logs",
     .args = "[RUN]",
     .summary = "show a run's events, as far as they have arrived",
     .description =
         "RUN is an id or the beginning of one; the newest run when not given. Captured "
         "output stays on the device: --output asks it for what its steps wrote, with a "
         "command, and shows it. What came once is kept for a while. --follow shows what "
         "the running steps write while they do, until the run is over.",
     .options = CLI_OPTIONS({.name = "device",
                             .letter = 'd',
                             .type = CLI_STRING,
                             .value_name = "DEVICE",
                             .help = "only of this device"},
                            {.name = "output",
                             .letter = 'o',
                             .type = CLI_BOOL,
                             .help = "what its steps wrote, in place of the events"},
                            {.name = "follow",
                             .letter = 'f',
                             .type = CLI_BOOL,
                             .help = "what its running steps write, as they write it"},
                            {.name = "step",
                             .type = CLI_STRING,
                             .value_name = "KEY",
                             .help = "with --output and --follow: of this step"},
                            {.name = "timeout",
                             .type = CLI_DURATION,
                             .value_name = "TIME",
                             .default_text = "30s",
                             .help = "with --output: how long to wait for the device"}),
     .examples = CLI_EXAMPLES({"selvedge-hub logs --device brooklyn", "its newest run"},
                              {"selvedge-hub logs 01a2 --output", "what its steps wrote"},
                              {"selvedge-hub logs --follow", "of the newest run, live"}),
     .run = command_logs},
    {.name = "lineage",
     .summary = "show which asset is made from which over all devices, and why",
     .description =
         "Two assets are joined because a device says so, or because one writes the data that the "
         "other reads: a table, a file, a topic. => marks what goes from one device to another. "
         "With --at the definitions that were in force then, by each device's own clock.",
     .options = CLI_OPTIONS({.name = "device",
                             .letter = 'd',
                             .type = CLI_STRING,
                             .value_name = "DEVICE",
                             .help = "as this device defines it"},
                            {.name = "asset",
                             .letter = 'a',
                             .type = CLI_STRING,
                             .value_name = "KEY",
                             .help = "only what it is made from and what is made from it"},
                            {.name = "crossing",
                             .type = CLI_BOOL,
                             .help = "only what goes from one device to another"},
                            AT_OPTION,
                            {.name = "format",
                             .letter = 'f',
                             .type = CLI_STRING,
                             .value_name = "FORMAT",
                             .choices = "text|dot|json",
                             .default_text = "text",
                             .help = "dot is for Graphviz"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub lineage --asset reports/daily", "where it comes from"},
         {"selvedge-hub lineage --crossing --at 7d", "between devices, a week ago"},
         {"selvedge-hub lineage --format dot | dot -Tsvg > lineage.svg", "as a picture"}),
     .run = command_lineage},
    {.name = "refusals",
     .args = "[PEER]",
     .summary = "list who was turned away, when and why, and what to do",
     .description =
         "The hub keeps the newest 10,000, at most 20 a second; its log counts the rest. "
         "PEER is a device, or the address of who is none.",
     .options = CLI_OPTIONS(CLI_LIMIT("20", 1000000, "how many")),
     .examples = CLI_EXAMPLES({"selvedge-hub refusals --limit 100", NULL},
                              {"selvedge-hub refusals till-1", "what of one device"}),
     .run = command_refusals},
    {.name = "rebuild",
     .summary = "derive every view again from the event log",
     .description = "The hub must not be running. With --check nothing is changed: the views are "
                    "derived beside and compared row by row, also while the hub is running.",
     .options = CLI_OPTIONS({.name = "check",
                             .type = CLI_BOOL,
                             .help = "only compare; exit code 1 when something differs"}),
     .examples = CLI_EXAMPLES({"selvedge-hub rebuild --check", "is everything as the log says?"}),
     .run = command_rebuild},
    {.name = "dbt-bundle",
     .args = "MANIFEST",
     .summary = "pack a compiled dbt project for devices",
     .description =
         "MANIFEST is target/manifest.json as `dbt compile` wrote it, against an empty database. "
         "The bundle has what a device needs of it to run the project without dbt, in one file of "
         "a "
         "fiftieth of the size, with a hash that the device checks. The same input gives the same "
         "bytes. Needs no hub.\n\n"
         "A model that asks is_incremental() has two texts: --incremental names the manifest of a "
         "second compilation, against a database that has these models' tables. Such a model of "
         "which only one text is there is refused on a device.",
     .options = CLI_OPTIONS({.name = "output",
                             .letter = 'o',
                             .type = CLI_STRING,
                             .value_name = "FILE",
                             .help = "the bundle to write"},
                            {.name = "incremental",
                             .type = CLI_STRING,
                             .value_name = "MANIFEST2",
                             .help = "the manifest of the second compilation"},
                            {.name = "seeds",
                             .type = CLI_STRING,
                             .value_name = "DIR",
                             .help = "add seeds' files: the project's folder, or that of seeds"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub dbt-bundle target/manifest.json -o shop.dbt.gz", NULL},
         {"selvedge-hub dbt-bundle full.json --incremental delta.json --seeds . -o shop.dbt.gz",
          "with both compilations and the seeds"}),
     .run = command_dbt_bundle},
    {.name = "reference",
     .summary = "print the reference of the settings as Markdown",
     .is_hidden = true,
     .run = command_reference},
    {.name = "openapi",
     .summary = "print the OpenAPI document of the HTTP API",
     .is_hidden = true,
     .run = command_openapi},
    {0}};

/* clang-format off */
static const struct cli_command *const more_commands[] = {
    commands_account,
    commands_alert,
    commands_automation,
    commands_ca,
    commands_command,
    commands_deploy,
    commands_desired,
    commands_device,
    commands_lineage,
    commands_pool,
    commands_report,
    commands_simulate,
    NULL,
};
/* clang-format on */

static const struct cli_program program = {
    .name = "selvedge-hub",
    .summary = "take in what devices record, and answer for the fleet",
    .description =
        "The hub merges the records of all devices into one log and answers which assets exist, on "
        "which devices, made when, from what, and what failed. It starts and configures a broker "
        "of its own (mosquitto); devices talk to it over mutual TLS.",
    .options = global_options,
    .commands = commands,
    .more = more_commands,
    .files = CLI_FILES({"/etc/selvedge/hub.yaml", "settings"},
                       {"/var/lib/selvedge/hub", "database, CA, the broker's files"}),
    .see_also = "selvedge-agent(1), mosquitto(8)",
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv, NULL);
}

int command_reference(struct cli *cli, void *ctx)
{
    (void)ctx;
    AUTO(buf) out = buf_growing(1 << 20);
    buf_add(&out, STR("# Settings of the hub\n\n"));
    hub_config_write_reference(&out);
    cli_printf(cli, STR_FMT, STR_ARG(buf_str(&out)));
    return CLI_OK;
}
