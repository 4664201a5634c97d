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

/* Its own job, whoever started it; and what came of its own runs, however far. */
static bool led_to(const struct sensor *sensor, const struct run_facts *run)
{
    struct str name = STR_NONE;
    struct str rest = run->chain;
    bool is_own = str_eq(run->sensor, sensor->name) || str_eq(run->job, sensor_job(sensor));
    while (!is_own && rest.len > 0) {
        (void)str_cut(rest, ',', &name, &rest);
        is_own = str_eq(name, sensor->name);
    }
    return is_own;
}

bool causes_run(const struct sensor *sensor, const struct run_facts *run)
{
    bool is_wanted = sensor->jobs.count == 0 || lists(&sensor->jobs, run->job);
    return is_wanted && lists(&sensor->statuses, run->status) && !led_to(sensor, run);
}

bool causes_asset(const struct sensor *sensor, const struct run_facts *run)
{
    return !led_to(sensor, run);
}

void causes_write_chain(const struct run_facts *run, struct buf *out)
{
    buf_add(out, run->chain);
    if (run->chain.len > 0 && run->sensor.len > 0) {
        buf_add_char(out, ',');
    }
    buf_add(out, run->sensor);
}
