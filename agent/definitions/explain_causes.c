/* explain_causes.c - resources, pools, and what starts runs, explained. */
#include "agent/definitions/explain_parts.h"

/* --- resources and pools --- */

void say_resource(struct explaining *x, const struct resource *resource)
{
    const struct connector *c = resource->connector;
    begin_named(x, resource->name, resource->at);
    say_options(x, c, c->sides[USE_EXTRACT].options != NULL ? USE_EXTRACT : USE_LOAD,
                resource->written);
    say_absence(x, c);
    outline_end_map(&x->o);
}

void say_pool(struct explaining *x, const struct pool *pool)
{
    begin_named(x, pool->name, pool->at);
    outline_i64(&x->o, "limit", pool->limit);
    if (pool->is_fleet) {
        outline_bool(&x->o, "fleet", true);
        outline_opt_duration(&x->o, "wait", pool->wait_ns);
    }
    outline_end_map(&x->o);
}

/* --- jobs, schedules, sensors --- */

void say_job(struct explaining *x, const struct job *job)
{
    static const char *const overlaps[] = {
        [OVERLAP_SKIP] = "skip", [OVERLAP_QUEUE] = "queue", [OVERLAP_REPLACE] = "replace"};
    static const char *const strategies[] = {[RETRY_FROM_FAILURE] = "from_failure",
                                             [RETRY_FROM_ASSET_FAILURE] = "from_asset_failure",
                                             [RETRY_ALL_STEPS] = "all_steps"};
    begin_item(x, job->at);
    outline_str(&x->o, STR("name"), job->name);
    outline_str(&x->o, STR("select"), job->select);
    say_selected(x, job->assets, job->asset_count);
    outline_i64(&x->o, "max_parallel", job->max_parallel);
    outline_str(&x->o, STR("on_overlap"), str_from(overlaps[job->on_overlap]));
    outline_i64(&x->o, "priority", job->priority);
    outline_opt_duration(&x->o, "timeout", job->timeout_ns);
    if (job->retry.max > 0) {
        outline_begin_map(&x->o, STR("retry"));
        outline_i64(&x->o, "max", job->retry.max);
        outline_duration(&x->o, "delay", job->retry.delay_ns);
        outline_str(&x->o, STR("strategy"), str_from(strategies[job->retry.strategy]));
        outline_end_map(&x->o);
    }
    outline_map(&x->o, "tags", &job->tags);
    outline_end_item(&x->o);
}

static void say_missed(struct explaining *x, const struct schedule *schedule)
{
    if (schedule->missed != MISSED_ALL) {
        outline_str(&x->o, STR("missed"),
                    schedule->missed == MISSED_SKIP ? STR("skip") : STR("latest"));
        return;
    }
    outline_begin_map(&x->o, STR("missed"));
    outline_i64(&x->o, "all", schedule->missed_max);
    outline_end_map(&x->o);
}

void say_schedule(struct explaining *x, const struct schedule *schedule)
{
    begin_item(x, schedule->at);
    outline_str(&x->o, STR("name"), schedule->name);
    outline_opt(&x->o, "job", schedule->job_name);
    outline_opt(&x->o, "select", schedule->select);
    say_selected(x, schedule->assets, schedule->asset_count);
    outline_opt(&x->o, "cron", schedule->cron_text);
    if (schedule->cron_text.len > 0) {
        outline_opt(&x->o, "timezone", schedule->timezone);
    }
    outline_opt_duration(&x->o, "every", schedule->every_ns);
    say_missed(x, schedule);
    outline_opt_duration(&x->o, "splay", schedule->splay_ns);
    outline_bool(&x->o, "paused", schedule->starts_paused);
    outline_map(&x->o, "tags", &schedule->tags);
    outline_end_item(&x->o);
}

static void say_cause(struct explaining *x, const struct sensor *sensor)
{
    switch (sensor->type) {
    case SENSOR_FILES:
        say(x, "watch", sensor->watch);
        outline_duration(&x->o, "stable", sensor->stable_ns);
        break;
    case SENSOR_MQTT:
        outline_opt(&x->o, "mqtt", sensor->topic);
        outline_opt(&x->o, "broker", sensor->broker->name);
        break;
    case SENSOR_ASSET:
        outline_opt(&x->o, "asset", sensor->asset_key);
        break;
    case SENSOR_RUN_STATUS:
        outline_list(&x->o, "run_status", sensor->statuses.items, sensor->statuses.count);
        outline_list(&x->o, "jobs", sensor->jobs.items, sensor->jobs.count);
        break;
    case SENSOR_COMMAND:
        say_list(x, "run", &sensor->run);
        say_map(x, "env", &sensor->env);
        outline_duration(&x->o, "timeout", sensor->timeout_ns);
        break;
    }
}

void say_sensor(struct explaining *x, const struct sensor *sensor)
{
    begin_item(x, sensor->at);
    outline_str(&x->o, STR("name"), sensor->name);
    say_cause(x, sensor);
    outline_opt(&x->o, "job", sensor->job_name);
    outline_opt(&x->o, "select", sensor->select);
    say_selected(x, sensor->assets, sensor->asset_count);
    outline_duration(&x->o, "min_interval", sensor->min_interval_ns);
    outline_bool(&x->o, "paused", sensor->starts_paused);
    outline_map(&x->o, "tags", &sensor->tags);
    outline_end_item(&x->o);
}
