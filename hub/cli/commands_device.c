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
    {0}};
