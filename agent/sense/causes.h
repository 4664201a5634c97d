/* causes.h - which ends of runs, and which materializations, are a sensor's business. Pure. */
#pragma once
#include "agent/definitions/definitions.h"

#define TAG_SENSOR  STR("dagster/sensor_name") /* given to each run of a sensor, as Dagster does */
#define TAG_RUN_KEY STR("dagster/run_key")

/* A run that ended, or that made an asset. */
struct run_facts {
    struct str run;
    struct str job;    /* may be empty */
    struct str status; /* "success", "failure", "canceled" */
    struct str sensor; /* its tag TAG_SENSOR, which retries keep; may be empty */
};

/* The job of the runs that the sensor starts: its own name when it has a selection. */
struct str sensor_job(const struct sensor *sensor);
/* Of a sensor for runs. Without `jobs` it hears of all jobs but its own, and not of runs that other
 * sensors for runs started: two of them would start each other for ever. */
bool causes_run(const struct definitions *defs, const struct sensor *sensor,
                const struct run_facts *run);
/* Of a sensor for an asset: made by any run but those of its own job. */
bool causes_asset(const struct sensor *sensor, const struct run_facts *run);
