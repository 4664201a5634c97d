/* commands_bundle.c - the table of the commands about bundles. */
#include "agent/cli/commands.h"

const struct cli_command commands_bundle[] = {
    {.name = "bundles",
     .summary = "list the bundles that this device was given, and what became of them",
     .description = "A bundle is a folder of definitions that the hub hands out. While one is in "
                    "force it holds in place of the local file. Works beside a running daemon.",
     .examples = CLI_EXAMPLES({"selvedge-agent bundles", NULL}),
     .run = command_bundles},
    {.name = "bundle", .summary = "take a bundle back, or try one again"},
    {.name = "bundle rollback",
     .summary = "go back to the bundle before this one, or to the local file",
     .description = "The one that was in force is remembered and not taken again until `bundle "
                    "retry` says so, or the hub deploys another. The daemon must be running.",
     .examples = CLI_EXAMPLES({"selvedge-agent bundle rollback", NULL}),
     .run = command_bundle_rollback},
    {.name = "bundle leave",
     .summary = "go back to the local file",
     .description = "As `bundle rollback`, past the bundle before this one.",
     .examples = CLI_EXAMPLES({"selvedge-agent bundle leave", NULL}),
     .run = command_bundle_leave},
    {.name = "bundle retry",
     .args = "BUNDLE",
     .summary = "take a bundle whatever became of it before",
     .description = "BUNDLE is its hash, or the beginning of one that `bundles` lists.",
     .examples = CLI_EXAMPLES({"selvedge-agent bundle retry 3f1c7ad0b9e8", NULL}),
     .run = command_bundle_retry},
    {0}};
