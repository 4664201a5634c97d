/* commands_device.c - the commands about devices and how they join. */
#include "hub/cli/commands.h"

const struct cli_command commands_device[] = {
    {.name = "device", .summary = "change what the hub knows of devices"},
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
     .description = "It may not connect any more, and counts no longer as away. Its history stays. "
                    "Stop its agent first: what it still holds is not taken in afterwards.",
     .options = CLI_OPTIONS({.name = "reason",
                             .type = CLI_STRING,
                             .value_name = "TEXT",
                             .help = "why, shown in `devices`"}),
     .examples = CLI_EXAMPLES({"selvedge-hub device decommission brooklyn", NULL}),
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
    {0}};
