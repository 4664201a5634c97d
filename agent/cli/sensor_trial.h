/* sensor_trial.h - what a sensor would do now, without doing it: the parts of `sensors test`. */
#pragma once
#include "agent/cli/commands.h"
#include "agent/daemon/sensor_env.h"
#include "agent/store/sensors.h"
#include "common/json/json_writer.h"

struct trial {
    struct cli *cli;
    const struct settings *settings;
    const struct definitions *defs;
    const struct sensor *sensor;
    struct sensor_env env;
    struct view *view; /* NULL: nothing was ever run here */
    struct arena arena;
    bool has_cursor;
    struct str cursor;
    struct wall_time ticked_at;
    int64_t runs; /* that it would start */
};

/* One thing that was found: a line, or an object. `what` is "run", "known", "skip", ... */
void trial_say(struct trial *t, const char *what, struct str subject, struct str more);
/* Whether the run key had its run; says so or that it would get one. */
MUST_CHECK bool trial_say_key(struct trial *t, struct str run_key, struct str subject,
                              struct err *err);

MUST_CHECK bool trial_of_files(struct trial *t, struct err *err);
MUST_CHECK bool trial_of_topic(struct trial *t, int64_t for_ns, struct err *err);
MUST_CHECK bool trial_of_asset(struct trial *t, struct err *err);
MUST_CHECK bool trial_of_runs(struct trial *t, struct err *err);
MUST_CHECK bool trial_of_program(struct trial *t, struct err *err);
