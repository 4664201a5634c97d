/* town.h - whole agents and a whole hub in one process under a virtual clock: the programs' own loops,
 * databases, links, schedules, commands, bundles, registry, desks and merge, over a broker of the
 * simulation (town_broker.c takes the place of common/mqtt). Everything that happens is drawn from a
 * seed: links break, messages are lost, late, twice and forged, power is cut, disks are wiped and put
 * back, clocks are wrong, devices are revoked; an operator gives commands, wants things and rolls out
 * bundles. What was promised is held against each step (promises P1 to P6, P10, P11). */
#pragma once
#include "common/base/time.h"
#include <stdbool.h>
#include <stdint.h>

/* One rule of a program each, broken on purpose (town_mutants.c). */
enum town_mutant {
    TOWN_HONEST,
    TOWN_ACK_BEFORE_COMMIT, /* the broker's word is taken for the hub's */
    TOWN_FORGET_ALL,        /* an acknowledgement of some is taken for all */
    TOWN_OTHER_EVENT,       /* the hub stores another line than came */
    TOWN_LAZY_DISK,         /* a power cut takes what was recorded */
    TOWN_ANY_SIGNATURE,     /* whoever signed is believed */
    TOWN_ANY_ADDRESS,       /* a command to another device is obeyed */
    TOWN_NO_JOURNAL,        /* a command that was heard before is new */
    TOWN_NO_EXPIRY,         /* a command is obeyed for ever */
    TOWN_OLD_DESIRED,       /* an old revision is applied */
    TOWN_TICK_AGAIN,        /* a tick that started a run is not looked up */
    TOWN_HEAR_REVOKED,      /* who is revoked is heard */
    TOWN_CUT_NEIGHBOUR,     /* with the revoked one another device is cut off */
    TOWN_NO_RENEWAL,        /* certificates are not renewed */
    TOWN_NO_ABORT,          /* a deployment goes on however many fail */
    TOWN_HALF_BUNDLE,       /* a bundle is taken for whole that is not */
    TOWN_TELL_SECRET,       /* a birth tells a secret */
    TOWN_KEEP_SECRET,       /* a disk keeps one */
    TOWN_SKIP_VIEW,         /* what the log says does not get into the views, now and then */
    TOWN_NO_RESEND,         /* what a broker forgot is not sent again */
    TOWN_OTHER_TOPIC,       /* a device writes what is another's */
    TOWN_READ_OTHERS,       /* a device reads what is another's */
    TOWN_REFUSE_GOOD,       /* the hub refuses good events */
    TOWN_NO_OFFLINE,        /* who sends is not told that the broker is away */
    TOWN_NO_END,            /* the end of a command's run is not told */
    TOWN_SAME_REVISION,     /* what is wanted anew has the number of what was wanted before */
    TOWN_ASK_ANYWAY,        /* a bundle is wanted though its deployment was aborted */
    TOWN_MUTANTS
};
extern const char *const town_mutant_names[TOWN_MUTANTS];

struct town_result;
struct town_options {
    uint64_t seed;
    enum town_mutant mutant;
    int devices;
    int64_t for_ns;  /* how long things go wrong; then it must come to rest */
    int64_t trouble; /* 1 = as usual; n: n times as often */
    const char *dir; /* empty, short */
    void (*on_day)(int64_t day, const struct town_result *so_far); /* NULL = nobody asks */
};
struct town_result {
    int64_t steps, turns;
    int64_t events, merged, messages, lost;
    int64_t power_cuts, hub_kills, broker_kills, links_broken;
    int64_t wiped, put_back, clocks, forged, revoked, renewals;
    int64_t commands, obeyed, ticks, revisions, waves, deployments, aborted, bundles;
    char failure[500]; /* empty = all that was promised was kept */
};
void town_run(const struct town_options *options, struct town_result *ret);
