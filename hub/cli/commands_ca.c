/* commands_ca.c - the commands about the fleet's certificate authority. */
#include "hub/cli/commands.h"

const struct cli_command commands_ca[] = {
    {.name = "ca", .summary = "put another certificate authority in the place of the fleet's"},
    {.name = "ca rotate",
     .summary = "begin: make the next CA, which is trusted beside the one in force",
     .description =
         "Devices are told of the next CA as they are connected, in a message that the one in "
         "force "
         "has signed, and get a certificate of it within the hundredth part of a certificate's "
         "life, an hour at most. Broker and hub keep theirs until `ca finish`. Nobody is cut off, "
         "and nothing is lost when anybody is switched off on the way. Works while the hub is "
         "running.",
     .examples = CLI_EXAMPLES({"selvedge-hub ca rotate", NULL}),
     .run = command_ca_rotate},
    {.name = "ca status",
     .summary = "show which CA is trusted, and which devices have not moved yet",
     .description = "With --json: a line of counts, then a line a device that has not moved.",
     .examples = CLI_EXAMPLES(
         {"selvedge-hub ca status", NULL},
         {"selvedge-hub ca status --json | jq -r 'select(.device).device'", "who has not moved"}),
     .run = command_ca_status},
    {.name = "ca finish",
     .summary = "end: the next CA takes the place of the one in force",
     .description =
         "Broker and hub get certificates of it, and the earlier one is trusted by nobody any "
         "more. "
         "Refused while a device would be cut off by that. One that was comes back with a token. "
         "Works while the hub is running.",
     .options = CLI_OPTIONS(
         {.name = "force", .type = CLI_BOOL, .help = "cut off the devices that have not moved"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub ca finish", "when all have moved"},
         {"selvedge-hub ca finish --force", "without those that have been away all the time"}),
     .run = command_ca_finish},
    {0}};
