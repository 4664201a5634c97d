/* singer_pump.h - a Singer tap and a Singer target that somebody else wrote: whole lines pass
 * unchanged from one to the other, but for blank ones. Of each only the type and the stream are looked at, to count;
 * a BATCH counts by the lines of its files.
 *
 * When the tap fails, what it wrote still reaches the target, which is let to end in peace: its
 * progress is real. When the target ends early, the tap is killed at once, as it is when a mapper
 * between them fails. Either way the last state that the target told is kept. */
#pragma once
#include "agent/el/report.h"

/* What a Meltano project adds to that. */
struct singer_mapper {
    struct str_list command;
    struct str config; /* JSON text */
    const char *const *envp;
};
struct singer_chain {
    struct str dir;              /* all of them run in */
    const char *const *tap_envp; /* "NAME=value", NULL at the end */
    const char *const *target_envp;
    const char *catalog_flag;            /* "--catalog", "--properties" */
    bool takes_state;                    /* else the tap is given none */
    struct str first_state;              /* JSON; for want of one that we kept */
    struct str fixed_state;              /* JSON; whatever we kept */
    const struct singer_mapper *mappers; /* between tap and target, in this order */
    size_t mapper_count;
};
enum { SINGER_MAPPERS_MAX = 14 };

/* Both sides of the load are programs? */
bool singer_pump_fits(const struct request *request);
/* As extract_load(). `chain` may be NULL. */
MUST_CHECK bool singer_pump(const struct request *request, const struct singer_chain *chain,
                            struct arena *arena, struct report *report, struct materialization *ret,
                            struct err *err);
