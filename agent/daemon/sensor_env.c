#include "agent/daemon/sensor_env.h"

static bool get_variable(void *ctx, struct str name, struct str *ret_value)
{
    const struct sensor_env *env = ctx;
    if (str_eq(name, STR("STATE_DIR"))) {
        *ret_value = str_from(env->state_dir);
        return true;
    }
    return env->outer->get(env->outer->ctx, name, ret_value);
}

void sensor_env_init(struct sensor_env *env, const struct env_lookup *outer, const char *state_dir)
{
    env->outer = outer;
    env->state_dir = state_dir;
    env->lookup = (struct env_lookup){.get = get_variable, .ctx = env, .secrets = outer->secrets};
}
