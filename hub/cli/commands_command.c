/* commands_command.c - the commands by which devices are asked to do something. */
#include "hub/cli/command_words.h"
#include "hub/cli/commands.h"

const struct cli_command commands_command[] = {
    {.name = "command",
     .args = "[VERB] [ARG...]",
     .summary = "ask devices to do something",
     .description =
         "Signed with the hub's key, kept in its database and sent to each device when it is "
         "there, again until it answers or the command expires; a device carries it out at most "
         "once. Works while the hub is away, too. What it is:\n\n" COMMAND_WORD_HELP "\n\n"
         "Cancel, retry and logs go to the device of the run when --to is not given; RUN may be "
         "the beginning of an id. With --devices-at-once a fleet works on it a few at a time: a "
         "device that has not ended after --device-timeout gives its place to the next, and one "
         "that is away is passed over until it comes. Prints the command's id.\n\n"
         "A command is done once, by the devices that there are. What is to hold for good, and for "
         "devices that come later, is wanted instead: pauses and settings with `desired set` (a "
         "pause holds as long as a command's or a document's does), definitions with `deploy`.",
     .options = CLI_OPTIONS(
         {.name = "to",
          .type = CLI_STRING,
          .value_name = "TARGETS",
          .help = "which devices: a name, 'shop-*', 'label:site=berlin and not is:away', '*'"},
         {.name = "file",
          .letter = 'f',
          .type = CLI_STRING,
          .value_name = "FILE",
          .help = "what was signed elsewhere: selvedge-hub sign"},
         {.name = "expires",
          .letter = 'e',
          .type = CLI_DURATION,
          .value_name = "TIME",
          .help = "for how long it is good (1h; 7d with --devices-at-once)"},
         {.name = "wait",
          .letter = 'w',
          .type = CLI_DURATION,
          .value_name = "TIME",
          .bare_text = "0s",
          .help = "show how it goes until every device is done, or for that long"},
         {.name = "devices-at-once",
          .type = CLI_INT,
          .value_name = "N",
          .min = 1,
          .max = 100000,
          .help = "so many devices work on it at a time"},
         {.name = "device-timeout",
          .type = CLI_DURATION,
          .value_name = "TIME",
          .default_text = "1h",
          .help = "with it: how long one may take"},
         {.name = "abort-if",
          .type = CLI_STRING,
          .value_name = "CONDITION",
          .help = "with it: 'failed > 3' or 'failed > 2%' of the devices meant"},
         COMMAND_WORD_OPTIONS),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub command --to brooklyn materialize 'pos/sales+' --wait", NULL},
         {"selvedge-hub command --to 'label:site=berlin' pause schedules nightly", NULL},
         {"selvedge-hub command retry 01a2 --all", "the run, on the device that it is of"},
         {"selvedge-hub command --to '*' backfill reports/daily --partitions "
          "2026-01-01..2026-01-31 --devices-at-once 5 --abort-if 'failed > 2%'",
          "a fleet's backfill, five devices at a time"},
         {"selvedge-hub command --file ping.cmd", "what an operator signed elsewhere"}),
     .exit_codes = "With --wait: 1 when a device failed, refused it, was withdrawn from or never "
                   "got it; 4 when the time given was over first.",
     .run = command_command},
    {.name = "commands",
     .args = "[COMMAND]",
     .summary = "list commands and what became of them, or show one device by device",
     .description = "COMMAND is an id or the beginning of one. STATE is open while something may "
                    "be sent or answered; stopped when the hub gave up, which says why.",
     .options = CLI_OPTIONS(CLI_LIMIT("20", 1000000, "how many")),
     .examples = CLI_EXAMPLES({"selvedge-hub commands", "the newest"},
                              {"selvedge-hub commands 01a2", "one, device by device"}),
     .run = command_commands},
    {.name = "commands cancel",
     .args = "COMMAND",
     .summary = "send a command to nobody any more",
     .description = "Devices that have it already carry it out. What it started is ended by a "
                    "command of its own: selvedge-hub command --to ... cancel --of-command ID.",
     .examples = CLI_EXAMPLES({"selvedge-hub commands cancel 01a2", NULL}),
     .run = command_commands_cancel},
    {.name = "sign",
     .args = "VERB [ARG...]",
     .summary = "sign a command with an operator's key, without the hub",
     .description =
         "Needs no hub and no network. The file that it writes goes to the hub (selvedge-hub "
         "command --file), or straight to the broker. Next to the key, FILE.counter keeps the last "
         "number used: a device obeys each number of a key once. The verbs:\n\n" COMMAND_WORD_HELP
         "\n"
         "  trust FILE              obey the public keys in it, and no others",
     .options = CLI_OPTIONS({.name = "key",
                             .letter = 'k',
                             .type = CLI_STRING,
                             .value_name = "FILE",
                             .help = "the private key: selvedge-hub key create, or openssl"},
                            {.name = "to",
                             .type = CLI_STRING,
                             .value_name = "NAMES",
                             .help = "devices by name, parted by commas; '*' is every one"},
                            {.name = "fleet",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "the fleet (as in the settings; main without any)"},
                            {.name = "expires",
                             .letter = 'e',
                             .type = CLI_DURATION,
                             .value_name = "TIME",
                             .default_text = "1h",
                             .help = "for how long it is good"},
                            {.name = "output",
                             .letter = 'o',
                             .type = CLI_STRING,
                             .value_name = "FILE",
                             .help = "write it here instead of to stdout"},
                            COMMAND_WORD_OPTIONS),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub sign --key ops.key --to brooklyn materialize pos/sales -o sales.cmd", NULL},
         {"selvedge-hub sign --key ops.key --to '*' --expires 365d trust keys.pem -o keys.cmd",
          "other keys, where the hub has none of its own"}),
     .run = command_sign},
    {.name = "key", .summary = "manage the keys whose commands devices obey"},
    {.name = "key list",
     .summary = "list the keys that devices trust",
     .examples = CLI_EXAMPLES({"selvedge-hub key list", NULL}),
     .run = command_key_list},
    {.name = "key create",
     .args = "FILE",
     .summary = "make a key of an operator's own",
     .description = "The private half goes to FILE, the public one to FILE.pub. Needs no hub. The "
                    "same with openssl:\n\n"
                    "  openssl ecparam -name prime256v1 -genkey -noout -out ops.key\n"
                    "  openssl ec -in ops.key -pubout -out ops.key.pub",
     .examples = CLI_EXAMPLES({"selvedge-hub key create ops.key", NULL}),
     .run = command_key_create},
    {.name = "key add",
     .args = "FILE",
     .summary = "make devices obey one more key",
     .description = "FILE has a public key. Devices that enrol get it at once; those that are "
                    "enrolled are told by a command that the hub signs, good for a year.",
     .examples = CLI_EXAMPLES({"selvedge-hub key add ops.key.pub", NULL}),
     .run = command_key_add},
    {.name = "key remove",
     .args = "KEY",
     .summary = "make devices obey a key no longer",
     .description = "KEY is its id in the list. When it is the hub's own, its private half is "
                    "deleted: from then on the hub only carries what operators sign.",
     .examples = CLI_EXAMPLES({"selvedge-hub key remove 07e2e95af65c1cae", NULL}),
     .run = command_key_remove},
    {0}};
