/* told.c - jobs, schedules and sensors as the `definitions` event tells them. */
#include "agent/definitions/definitions.h"

enum {
    SELECT_BYTES_MAX = 4 << 10, /* of a selection that is told; a longer one is cut */
    JOBS_TOLD_MAX = 100,        /* of those that a sensor watches */
};

static void write_ms(struct json_writer *w, const char *key, int64_t ns)
{
    if (ns > 0) {
        jw_member_i64(w, key, ns / NS_PER_MS);
    }
}

static void write_flag(struct json_writer *w, const char *key, bool is_set)
{
    if (is_set) {
        jw_member_bool(w, key, true);
    }
}

static void write_texts(struct json_writer *w, const char *key, const struct str_list *list)
{
    if (list->count == 0) {
        return;
    }
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < list->count && i < JOBS_TOLD_MAX; i++) {
        jw_str(w, list->items[i]);
    }
    jw_end_array(w);
}

/* What a schedule or a sensor starts. */
static void write_target(struct json_writer *w, struct str job, struct str select, size_t assets)
{
    jw_member_opt(w, "job", job);
    jw_member_opt(w, "select", str_clip(select, SELECT_BYTES_MAX));
    jw_member_i64(w, "assets", (int64_t)assets);
}

void definitions_write_job(const struct definitions *defs, size_t job, struct json_writer *w)
{
    static const struct str overlaps[] = {[OVERLAP_SKIP] = STR_INIT("skip"),
                                          [OVERLAP_QUEUE] = STR_INIT("queue"),
                                          [OVERLAP_REPLACE] = STR_INIT("replace")};
    const struct job *j = &defs->jobs[job];
    jw_begin_object(w);
    jw_member_str(w, "name", j->name);
    write_target(w, STR_NONE, j->select, j->asset_count);
    jw_member_str(w, "on_overlap", overlaps[j->on_overlap]);
    if (j->max_parallel > 0) {
        jw_member_i64(w, "max_parallel", j->max_parallel);
    }
    if (j->priority != 0) {
        jw_member_i64(w, "priority", j->priority);
    }
    if (j->retry.max > 0) {
        jw_member_i64(w, "retries", j->retry.max);
    }
    write_ms(w, "timeout_ms", j->timeout_ns);
    jw_end_object(w);
}

void definitions_write_schedule(const struct definitions *defs, size_t schedule,
                                struct json_writer *w)
{
    static const struct str policies[] = {[MISSED_LATEST] = STR_INIT("latest"),
                                          [MISSED_SKIP] = STR_INIT("skip"),
                                          [MISSED_ALL] = STR_INIT("all")};
    const struct schedule *s = &defs->schedules[schedule];
    jw_begin_object(w);
    jw_member_str(w, "name", s->name);
    write_target(w, s->job_name, s->select, s->asset_count);
    jw_member_opt(w, "cron", s->cron_text);
    write_ms(w, "every_ms", s->every_ns);
    jw_member_opt(w, "timezone", s->timezone);
    jw_member_str(w, "missed", policies[s->missed]);
    write_ms(w, "splay_ms", s->splay_ns);
    write_flag(w, "starts_paused", s->starts_paused);
    write_flag(w, "by_hub", s->is_hubs);
    jw_end_object(w);
}

void definitions_write_sensor(const struct definitions *defs, size_t sensor, struct json_writer *w)
{
    static const struct str types[] = {[SENSOR_FILES] = STR_INIT("files"),
                                       [SENSOR_MQTT] = STR_INIT("mqtt"),
                                       [SENSOR_ASSET] = STR_INIT("asset"),
                                       [SENSOR_RUN_STATUS] = STR_INIT("run_status"),
                                       [SENSOR_COMMAND] = STR_INIT("command")};
    const struct sensor *s = &defs->sensors[sensor];
    jw_begin_object(w);
    jw_member_str(w, "name", s->name);
    write_target(w, s->job_name, s->select, s->asset_count);
    jw_member_str(w, "type", types[s->type]);
    jw_member_opt(w, "asset", s->asset_key);
    write_texts(w, "statuses", &s->statuses);
    write_texts(w, "jobs", &s->jobs);
    write_ms(w, "min_interval_ms", s->min_interval_ns);
    write_flag(w, "starts_paused", s->starts_paused);
    jw_end_object(w);
}
