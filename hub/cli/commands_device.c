/* commands_device.c - the commands about devices and how they join. */
#include "hub/cli/commands.h"

const struct cli_command commands_device[] = {
    {.name = "device", .summary = "show one device, and change what the hub knows of it"},
    {.name = "device show",
     .args = "DEVICE",
     .summary = "show all that the hub knows of a device",
     .description =
         "Whether it is connected, and why not; labels, hardware, certificate, clock; what it "
         "measured of its disk, flash and buffer; events, assets, definitions; how far it is with "
         "what is wanted of it, its bundle, commands that it has not done yet, places in pools, "
         "alerts. DEVICE is its name, or the one that people call it by. Lists of many: "
         "`devices`, `desired status`, `deployments`, `commands`.",
     .examples = CLI_EXAMPLES({"selvedge-hub device show brooklyn", NULL},
                              {"selvedge-hub device show brooklyn --json | jq .health", NULL}),
     .run = command_device_show},
    {.name = "device label",
     .args = "TARGETS LABEL...",
     .summary = "put labels on devices, or take them off",
     .description =
         "Labels are what you call devices by: site=berlin sets one, site- takes it off. TARGETS "
         "is "
         "a device's name or an expression such as 'shop-*', 'label:site=berlin' or "
         "'label:site=berlin and not is:away'. They are kept by the hub; the device is not asked. "
         "Works while the hub is running.",
     .examples = CLI_EXAMPLES({"selvedge-hub device label brooklyn site=newyork line=2", NULL},
                              {"selvedge-hub device label 'label:site=newyork' line-",
                               "none of that site is on a line any more"}),
     .run = command_device_label},
    {.name = "device revoke",
     .args = "DEVICE",
     .summary = "shut a device out: stolen, or no longer trusted",
     .description =
         "Cuts its connection and every later one within seconds; what it says all the same is not "
         "listened to. Its history stays. Only `device replace` brings the name back. With an "
         "external broker, put the list of revoked certificates there (see the guide).",
     .options = CLI_OPTIONS({.name = "reason",
                             .type = CLI_STRING,
                             .value_name = "TEXT",
                             .help = "why, shown in `devices`"}),
     .examples =
         CLI_EXAMPLES({"selvedge-hub device revoke brooklyn --reason 'stolen on Sunday'", NULL}),
     .run = command_device_revoke},
    {.name = "device decommission",
     .args = "DEVICE",
     .summary = "end a device's life in order",
     .description =
         "The hub's side of it: the device may not connect any more, and counts no longer as away. "
         "Its history stays. What it still holds is not taken in afterwards, and it keeps its key; "
         "so ask it first, where it can still be reached: `command decommission --to DEVICE "
         "--wait`, by which it sends all it has and then forgets the fleet. A device that is lost "
         "or stolen is revoked.",
     .options = CLI_OPTIONS({.name = "reason",
                             .type = CLI_STRING,
                             .value_name = "TEXT",
                             .help = "why, shown in `devices`"}),
     .examples = CLI_EXAMPLES({"selvedge-hub command decommission --to brooklyn --wait", "first"},
                              {"selvedge-hub device decommission brooklyn",
                               "when selvedge-hub device show says that it has stopped"}),
     .run = command_device_decommission},
    {.name = "device rename",
     .args = "DEVICE NAME",
     .summary = "call a device by another name",
     .description = "Tables show both names, and commands take either. Its own name stays in "
                    "topics, certificates and the record of what happened. Its own name as NAME "
                    "takes the other one back.",
     .examples = CLI_EXAMPLES({"selvedge-hub device rename till-0041 brooklyn", NULL}),
     .run = command_device_rename},
    {.name = "device replace",
     .args = "DEVICE",
     .summary = "put other hardware in a device's place",
     .description =
         "Prints a token, good for one enrolment under the device's name with a new key. The old "
         "hardware is shut out at once, as by `revoke`; name, labels and history go on, the new "
         "database is a new epoch. Also for a device that was revoked.",
     .options = CLI_OPTIONS({.name = "expires",
                             .letter = 'e',
                             .type = CLI_DURATION,
                             .value_name = "TIME",
                             .default_text = "24h",
                             .help = "how long the token is good for"}),
     .examples = CLI_EXAMPLES({"selvedge-hub device replace brooklyn", NULL}),
     .run = command_device_replace},
    {.name = "device preauthorise",
     .args = "FILE",
     .summary = "tell the hub of hardware that may join by its serial number",
     .description =
         "FILE is CSV; its first line names the columns: serial, name, and any labels. A device "
         "that "
         "comes with a serial number of it joins under that name, without a token. A serial number "
         "is "
         "no secret: the first key that comes with it is the only one, so tell the hub shortly "
         "before "
         "the devices come, and look who came. Lines that were used already stay as they are.",
     .examples = CLI_EXAMPLES({"selvedge-hub device preauthorise tills.csv",
                               "serial,name,site / 4CE0460D0G,till-1,berlin / …"}),
     .run = command_device_preauthorise},
    {.name = "enrolments",
     .summary = "list hosts that ask to join without a token",
     .description = "Compare the fingerprint with what the device shows before you accept it.",
     .examples = CLI_EXAMPLES({"selvedge-hub enrolments", NULL}),
     .run = command_enrolments},
    {.name = "enrolment", .summary = "decide who joins without a token"},
    {.name = "enrolment accept",
     .args = "NAME",
     .summary = "let a host that waits become a device",
     .options = CLI_OPTIONS({.name = "fingerprint",
                             .letter = 'f',
                             .type = CLI_STRING,
                             .value_name = "TEXT",
                             .help = "of its key, as the device shows it"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub enrolment accept brooklyn --fingerprint b1f0-a6e7-c3b9-a214", NULL}),
     .run = command_enrolment_accept},
    {.name = "enrolment reject",
     .args = "NAME",
     .summary = "turn a host that waits away",
     .options = CLI_OPTIONS({.name = "fingerprint",
                             .letter = 'f',
                             .type = CLI_STRING,
                             .value_name = "TEXT",
                             .help = "of its key"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-hub enrolment reject brooklyn --fingerprint b1f0-a6e7-c3b9-a214", NULL}),
     .run = command_enrolment_reject},
    {.name = "backup",
     .args = "FILE",
     .summary = "write all that this hub cannot make again into one file",
     .description =
         "Database, CA, keys and settings as of one moment, while the hub runs. FILE is a tar file "
         "with checksums. Whoever reads it can make devices: guard it as you guard the hub.",
     .examples = CLI_EXAMPLES({"selvedge-hub backup /var/backups/hub.tar", "from cron, then away "
                                                                           "from this host"}),
     .run = command_backup},
    {.name = "restore",
     .args = "FILE",
     .summary = "put a hub back from its backup",
     .description =
         "Into an empty state folder, with the hub stopped. All of FILE is checked before anything "
         "is written. Devices go on by themselves: what they still hold they send again, and gaps "
         "stand for what was acknowledged since. What you revoked since, revoke again.",
     .examples = CLI_EXAMPLES({"selvedge-hub restore /var/backups/hub.tar", NULL}),
     .run = command_restore},
    {0}};
