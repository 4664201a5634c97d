/* pausing.h - schedules or sensors that somebody pauses or resumes: at the device, or by a command of the
 * hub. */
#pragma once
#include "common/base/str.h"

enum agent_pausable { AGENT_SCHEDULES, AGENT_SENSORS };
struct agent_pausing {
    enum agent_pausable what;
    bool is_paused;
    bool is_all;
    struct str command; /* id of the command that asks for it; empty: somebody at the device */
    struct str *names;
    bool *changed; /* one for each name: false when it was so already */
    size_t count;
};
