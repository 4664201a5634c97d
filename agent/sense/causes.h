/* causes.h - which ends of runs, and which materializations, are a sensor's business. Pure. */
#pragma once
#include "agent/definitions/definitions.h"

#define TAG_SENSOR  STR("dagster/sensor_name") /* given to each run of a sensor, as Dagster does */
#define TAG_RUN_KEY STR("dagster/run_key")
/* Of a run whose cause was a run of a sensor, and so on: the sensors before its own, first the first,
 * with commas. Retries keep it, as they keep all tags. */
#define TAG_CHAIN STR("selvedge/chain")

/* A run that ended, or that made an asset. */
struct run_facts {
    struct str run;
    struct str job;    /* may be empty */
    struct str status; /* "success", "failure", "canceled" */
    struct str sensor; /* its tag TAG_SENSOR; may be empty */
    struct str chain;  /* its tag TAG_CHAIN; may be empty */
};

/* The job of the runs that the sensor starts: its own name when it has a selection. */
struct str sensor_job(const struct sensor *sensor);
/* Of a sensor for runs: one with such an end, of such a job, that the sensor did not lead to. So a
 * sensor that hears of all jobs hears of what other sensors started too, and none of them goes round
 * in a circle. */
bool causes_run(const struct sensor *sensor, const struct run_facts *run);
/* Of a sensor for an asset: made by any run that the sensor did not lead to. */
bool causes_asset(const struct sensor *sensor, const struct run_facts *run);
/* Appends the TAG_CHAIN of a run that this one causes; nothing for none. */
void causes_write_chain(const struct run_facts *run, struct buf *out);
