#include "agent/sense/causes.h"

struct str sensor_job(const struct sensor *sensor)
{
    return sensor->job != NULL ? sensor->job->name : sensor->name;
}

static bool lists(const struct str_list *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

static bool is_started_by_another(const struct definitions *defs, const struct run_facts *run)
{
    for (size_t i = 0; i < defs->sensor_count; i++) {
        const struct sensor *sensor = &defs->sensors[i];
        if (sensor->type == SENSOR_RUN_STATUS && str_eq(sensor->name, run->sensor)) {
            return true;
        }
    }
    return false;
}

static bool is_own(const struct sensor *sensor, const struct run_facts *run)
{
    return str_eq(run->sensor, sensor->name) || str_eq(run->job, sensor_job(sensor));
}

bool causes_run(const struct definitions *defs, const struct sensor *sensor,
                const struct run_facts *run)
{
    if (!lists(&sensor->statuses, run->status) || is_own(sensor, run)) {
        return false;
    }
    return sensor->jobs.count > 0 ? lists(&sensor->jobs, run->job)
                                  : !is_started_by_another(defs, run);
}

bool causes_asset(const struct sensor *sensor, const struct run_facts *run)
{
    return !is_own(sensor, run);
}
