/* target_program.h - the options of the target singer_program. */
#pragma once
#include "agent/el/options.h"

struct program_target_options {
    struct load_options load;
    struct str_list command; /* argv, without --config */
    struct str config;       /* JSON text; empty = none */
};
