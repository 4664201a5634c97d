/* command_desk.h - sends commands to devices, as hub/command/courier.h and wave.h decide, and keeps
 * the output that devices send in answer (output.h). Answers themselves are events of the log. */
#pragma once
#include "hub/fleet/desk.h"

enum {
    COMMANDS_PER_S = 200, /* sent to all devices together; each answer is some events */
    COMMANDS_A_LOOK = 16, /* sent to one device before others have their turn */
};

extern const struct desk command_desk;
