/* commands_state.c - the table of the commands about how far loads have come. */
#include "agent/cli/commands.h"

#define BACK_OPTION(what)                                                                          \
    {                                                                                              \
        .name = "back", .type = CLI_INT, .value_name = "N", .default_text = "0", .min = 0,         \
        .max = 1000, .help = (what)                                                                \
    }

const struct cli_command commands_state[] = {
    {.name = "state", .summary = "how far loads have come: show, set, carry over"},
    {.name = "state list",
     .summary = "list how far the loads have come: the state that each target keeps",
     .description = "An asset with extract and load goes on from its state, which its target keeps "
                    "beside the data. Each target is asked; KEPT is how many states it has, of the "
                    "last runs that moved it.",
     .run = command_state_list},
    {.name = "state show",
     .args = "ASSET",
     .summary = "print the state of an asset's load as JSON",
     .options = CLI_OPTIONS(
         {.name = "history", .type = CLI_BOOL, .help = "all states that are kept, newest first"},
         BACK_OPTION("an earlier one: 1 is the one before the present")),
     .run = command_state_show},
    {.name = "state set",
     .args = "ASSET [FILE]",
     .summary = "let the next load go on from another state",
     .description = "FILE holds a JSON object, - is standard input; {\"singer_state\": ...}, as "
                    "Meltano prints a state, is understood. The former state is kept. What was "
                    "loaded stays. Refused while the asset is being loaded.",
     .options = CLI_OPTIONS(BACK_OPTION("an earlier state, instead of a file")),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent state set pos/sales --back 1", "load again what the last run loaded"},
         {"meltano state get prod:tap-x-to-target-y | selvedge-agent state set "
          "lake/x -",
          "go on where Meltano ended"}),
     .run = command_state_set},
    {.name = "state reset",
     .args = "ASSET",
     .summary = "let the next load begin from the start",
     .options = CLI_OPTIONS({.name = "stream",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "only this stream of a Singer tap: without its bookmark"}),
     .run = command_state_reset},
    {.name = "state export",
     .args = "[ASSET...]",
     .summary = "print states as Meltano exports them, of all assets or of some",
     .examples = CLI_EXAMPLES({"selvedge-agent state export > states.json", NULL}),
     .run = command_state_export},
    {.name = "state import",
     .args = "FILE",
     .summary = "take over states from an export, ours or Meltano's",
     .description =
         "A state goes to the asset whose key is its id, or as --map says. A partial "
         "state is laid over the completed one, as Meltano does. Nothing is written when "
         "one of them cannot be understood.",
     .options = CLI_OPTIONS({.name = "map",
                             .is_repeatable = true,
                             .type = CLI_STRING,
                             .value_name = "ID=ASSET",
                             .help = "the asset that goes on from the state with this id"}),
     .examples = CLI_EXAMPLES({"selvedge-agent state import states.json --map "
                               "prod:tap-x-to-target-y=lake/x",
                               NULL}),
     .run = command_state_import},
    {0}};
