/* commands_deploy.c - the table of the commands about deployments. */
#include "hub/cli/commands.h"

const struct cli_command commands_deploy[] = {
    {.name = "deploy",
     .args = "DIR",
     .summary = "give a folder of definitions to devices, in waves",
     .description =
         "Packs DIR, which has a selvedge.yaml, into a signed bundle; files whose name begins with "
         "a dot are left out. The devices of the first wave fetch it, check it whole, put it in "
         "force and watch their runs; one that does no good they take back by themselves. The next "
         "wave begins when each device of the one before has judged it or did not answer in time, "
         "and so long after as --soak says.\n\n"
         "--wave says how many devices have it once each wave has begun. --abort-if is held "
         "against "
         "the devices asked so far: `failed` (could not take it, or took it back), `rolled_back`, "
         "`away` (no answer in time), with `>` and a number or a percentage; `or` between them. "
         "Then nobody else is asked, and with --on-abort rollback whoever has it goes back.\n\n"
         "The hub is sent the files that it has not, and signs. It may be stopped and started "
         "meanwhile. Works while the hub is running, or not: "
         "then it begins with the next start.",
     .options = CLI_OPTIONS(
         {.name = "to",
          .type = CLI_STRING,
          .value_name = "DEVICES",
          .help = "names, label:KEY=VALUE, is:online, with and, or, not"},
         {.name = "wave",
          .type = CLI_STRING,
          .value_name = "SIZES",
          .default_text = "1,10%,100%",
          .help = "how many have it once each wave has begun"},
         {.name = "abort-if",
          .type = CLI_STRING,
          .value_name = "CONDITION",
          .default_text = "failed > 2%",
          .help = "when it stops by itself; `never` for not at all"},
         {.name = "on-abort",
          .type = CLI_STRING,
          .value_name = "WHAT",
          .choices = "rollback|keep",
          .default_text = "rollback",
          .help = "what those do that have it already"},
         {.name = "soak",
          .type = CLI_DURATION,
          .value_name = "TIME",
          .default_text = "10m",
          .help = "wait so long between a wave that is judged and the next"},
         {.name = "patience",
          .type = CLI_DURATION,
          .value_name = "TIME",
          .default_text = "30m",
          .help = "a device that has not judged it by then is passed over"},
         {.name = "wait", .type = CLI_BOOL, .help = "until it is over, with progress on stderr"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub deploy ./shops --to 'label:site=berlin'", "with care"},
         {"selvedge-hub deploy ./shops --to '*' --wave 1,10%,50%,100% --soak 1h --wait", NULL},
         {"selvedge-hub deploy ./shops --to press-1 --wave 100% --soak 0s", "one device, at once"}),
     .exit_codes = "With --wait: 1 when it was aborted.",
     .run = command_deploy},
    {.name = "deployments",
     .args = "[DEPLOYMENT]",
     .summary = "list deployments, newest first, or show one",
     .options = CLI_OPTIONS(CLI_LIMIT("20", 1000000, "how many, of one its devices")),
     .examples =
         CLI_EXAMPLES({"selvedge-hub deployments", NULL},
                      {"selvedge-hub deployments k3v7q2aa", "wave by wave, device by device"}),
     .run = command_deployments},
    {.name = "deployment", .summary = "pause, resume or abort a deployment"},
    {.name = "deployment pause",
     .args = "DEPLOYMENT",
     .summary = "begin no further wave for now",
     .description = "Devices that were asked go on, and answer; nothing is aborted meanwhile.",
     .examples = CLI_EXAMPLES({"selvedge-hub deployment pause k3v7q2aa", NULL}),
     .run = command_deployment_pause},
    {.name = "deployment resume",
     .args = "DEPLOYMENT",
     .summary = "let a paused deployment go on",
     .examples = CLI_EXAMPLES({"selvedge-hub deployment resume k3v7q2aa", NULL}),
     .run = command_deployment_resume},
    {.name = "deployment abort",
     .args = "DEPLOYMENT",
     .summary = "end a deployment; who has the bundle goes back, unless --on-abort was keep",
     .examples = CLI_EXAMPLES({"selvedge-hub deployment abort k3v7q2aa", NULL}),
     .run = command_deployment_abort},
    {.name = "bundles",
     .args = "[BUNDLE]",
     .summary = "list the bundles that the hub has and who needs them, or show what is in one",
     .description =
         "A bundle is needed while a deployment that is not over gives it or would put a device "
         "back to it, while a device is to have it, while a device says that it has it, had it "
         "before or fetches it, and while a command names it. The newest are kept besides "
         "(`bundles_kept`, 20). The others are deleted: each day, when the hub starts, and when a "
         "deployment is over.",
     .examples = CLI_EXAMPLES(
         {"selvedge-hub bundles", NULL},
         {"selvedge-hub bundles 3f9ac0", "its files; the beginning of its hash is enough"}),
     .run = command_bundles},
    {.name = "bundles prune",
     .summary = "delete the bundles that nobody needs, now",
     .description = "What the running hub does by itself once a day; it may be done beside it, "
                    "on its machine. --dry-run asks the hub, here or elsewhere.",
     .options = CLI_OPTIONS(
         {.name = "keep",
          .type = CLI_INT,
          .value_name = "N",
          .min = 0,
          .max = 100000,
          .help = "how many of the newest are kept, needed or not (bundles_kept when not given)"},
         {.name = "dry-run", .type = CLI_BOOL, .help = "only list what would be deleted"}),
     .examples = CLI_EXAMPLES({"selvedge-hub bundles prune --keep 0 --dry-run", NULL}),
     .run = command_bundles_prune},
    {0}};
