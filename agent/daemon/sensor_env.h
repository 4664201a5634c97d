/* sensor_env.h - the variables that the texts of a sensor may name: the agent's, and STATE_DIR. */
#pragma once
#include "agent/definitions/definitions.h"

struct sensor_env {
    struct env_lookup lookup;
    const struct env_lookup *outer;
    const char *state_dir;
};
/* All is borrowed; it does not move. */
void sensor_env_init(struct sensor_env *env, const struct env_lookup *outer, const char *state_dir);
