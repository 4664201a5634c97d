/* system_options.h - what a host is asked of itself. */
#pragma once
#include "agent/connectors/pace_options.h"

enum system_group {
    GROUP_CPU,
    GROUP_MEMORY,
    GROUP_DISK,
    GROUP_TEMPERATURE,
    GROUP_NETWORK,
    GROUP_WEAR,
    GROUP_CLOCK,
    GROUP_ALL,
    GROUP_COUNT
};
extern const char *const system_group_names[];

struct system_options {
    struct str type;
    struct pace_options pace;
    struct str_list groups; /* of system_group_names; empty = all */
    struct str proc, sys;
};

MUST_CHECK bool system_check(const void *options, enum load_mode mode, struct err *err);
extern const struct field_table tap_system_options; /* of struct system_options */
