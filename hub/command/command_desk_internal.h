/* command_desk_internal.h - what the files of the desk share. */
#pragma once
#include "hub/command/command_desk.h"
#include "hub/command/courier.h"
#include "hub/command/orders_internal.h"
#include "hub/command/output.h"

enum { ROWS_A_DEVICE = 64 }; /* read at a time */

struct row {
    int64_t command, part;
    struct courier_row of;
};
struct command_desk {
    const struct desk_host *host;
    struct orders *orders;
    struct courier *courier;
    struct output *output;
    struct loop_timer pace; /* the courier has something */
    struct loop_timer look; /* waves */
    int64_t last_command;   /* the newest that was seen */
    bool is_online;
    bool is_full;    /* the session has no room: room() comes */
    bool is_failing; /* the store */
    struct row rows[ROWS_A_DEVICE];
};

struct wall_time desk_wall_now(const struct command_desk *d);
/* Ends turns, stops what is hopeless, begins others. */
enum wave_look { WAVES_NONE, WAVES_OPEN, WAVES_MORE /* something is left to do at once */ };
MUST_CHECK bool desk_look_at_waves(struct command_desk *d, enum wave_look *ret, struct err *err);
