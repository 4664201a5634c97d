/* control_sensors.c - sensors seen and moved by hand:
 *   {"verb":"sensors"}  ->  {"sensors":{"door":{"state":"running",...}}}
 *   {"verb":"sensor_cursor","sensor":"door","cursor":"..."}  ->  {} */
#include "agent/daemon/agent_internal.h"

bool agent_set_cursor(struct agent *agent, struct str sensor, struct str text, struct err *err)
{
    return agent_open_sensors(agent, err) && sensors_set_cursor(agent->sensors, sensor, text, err);
}

static bool answer_cursor(struct agent *agent, const struct json *request, struct json_writer *w,
                          struct err *err)
{
    (void)w;
    return agent_set_cursor(agent, control_text(request, "sensor"), control_text(request, "cursor"),
                            err);
}

static bool answer_sensors(struct agent *agent, const struct json *request, struct json_writer *w,
                           struct err *err)
{
    (void)request;
    (void)err;
    jw_key(w, STR("sensors"));
    jw_begin_object(w);
    sensors_write(agent->sensors, w);
    jw_end_object(w);
    return true;
}

const struct control_verb control_sensor_verbs[] = {
    {"sensors", answer_sensors}, {"sensor_cursor", answer_cursor}, {0}};
