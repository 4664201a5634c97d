/* link_causes.c - what starts runs: schedules and sensors, and what they refer to. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include <string.h>

enum { TOPIC_BYTES_MAX = 65535, SHOWN_BYTES_MAX = 80 };

/* --- schedules --- */

struct schedule_link {
    struct item item;
    struct raw_schedule *raw;
};

/* The shortest time between ticks, of those that come first; INT64_MAX when there is one only.
 * Between them lie at most a few years: that is enough to meet every irregularity of an
 * expression but the rarest days. */
static int64_t shortest_gap(const struct schedule *schedule)
{
    enum { TICKS = 200 };
    struct wall_time at = {.ns = INT64_C(1704067200) * NS_PER_SEC}; /* 2024-01-01 */
    struct wall_time next;
    int64_t shortest = INT64_MAX;
    if (!cron_next(&schedule->cron, schedule->tz, at, &at)) {
        return shortest;
    }
    for (int i = 0; i < TICKS && cron_next(&schedule->cron, schedule->tz, at, &next); i++) {
        int64_t gap = next.ns - at.ns;
        shortest = gap < shortest ? gap : shortest;
        at = next;
    }
    return shortest;
}

static void link_splay(const struct schedule_link *s)
{
    const struct schedule *schedule = &s->raw->schedule;
    if (schedule->splay_ns == 0) {
        return;
    }
    int64_t gap = schedule->every_ns > 0 ? schedule->every_ns : shortest_gap(schedule);
    if (schedule->splay_ns >= gap) {
        char memory[96];
        struct buf text = buf_fixed(memory, sizeof(memory));
        buf_add_exact_duration(&text, gap);
        item_problem(&s->item, item_place(&s->item, "splay"), NULL,
                     "splay is not shorter than the time between two ticks, " STR_FMT,
                     STR_ARG(buf_str(&text)));
    }
}

static void link_schedule_time(const struct schedule_link *s)
{
    struct schedule *schedule = &s->raw->schedule;
    const struct item *item = &s->item;
    schedule->tz = tz_utc();
    if (s->raw->has_timezone && s->raw->has_every) {
        item_problem(item, item_place(item, "timezone"), "take it away",
                     "timezone goes with cron only");
    } else {
        item_zone(item, item->node, schedule->timezone, &schedule->tz);
    }
    if (s->raw->has_cron == s->raw->has_every) {
        item_problem(item, schedule->at, NULL, "it needs one of cron and every, and not both");
    } else if (s->raw->has_every ||
               item_cron(item, item->node, "cron", schedule->cron_text, &schedule->cron)) {
        link_splay(s);
    }
}

static void link_missed(const struct schedule_link *s)
{
    struct schedule *schedule = &s->raw->schedule;
    schedule->missed = (enum missed_policy)s->raw->missed.word;
    schedule->missed_max = 1;
    if (s->raw->missed.has_all) {
        schedule->missed = MISSED_ALL;
        schedule->missed_max = s->raw->missed.all;
    }
}

static void link_schedule(const struct schedule_link *s, size_t index)
{
    struct loader *l = s->item.l;
    const struct raw_schedule *all = l->raw.schedules.items;
    struct schedule *schedule = &s->raw->schedule;
    struct location at = item_place(&s->item, "name");
    (void)check_name(l, at, "schedule", schedule->name);
    for (size_t i = 0; i < index; i++) {
        if (schedule->name.len > 0 && str_eq(all[i].schedule.name, schedule->name)) {
            item_twice(&s->item, at, all[i].schedule.at);
            break;
        }
    }
    link_target(&s->item, &(struct target){schedule->job_name, schedule->select, &schedule->job,
                                           &schedule->assets, &schedule->asset_count});
    link_schedule_time(s);
    link_missed(s);
    item_tags(&s->item, &schedule->tags);
}

void link_schedule_at(struct loader *l, const struct json *node, size_t index)
{
    struct raw_schedule *raw = (struct raw_schedule *)l->raw.schedules.items + index;
    struct schedule_link link = {{l, node, "schedule", raw->schedule.name}, raw};
    if (node != NULL && node->type == JSON_OBJECT) {
        link_schedule(&link, index);
    }
}

void link_schedules(struct loader *l)
{
    struct raw_schedule *raw = l->raw.schedules.items;
    const struct json *node = first_of(l->root, "schedules");
    for (size_t i = 0; i < l->defs->schedule_count; i++, node = next_of(node)) {
        link_schedule_at(l, node, i);
        l->defs->schedules[i] = raw[i].schedule;
    }
}

/* --- sensors --- */

struct sensor_link {
    struct item item;
    struct raw_sensor *raw;
};

/* In the order of enum sensor_type. */
static const char *const sensor_kinds[] = {"watch", "mqtt", "asset", "run_status", "run"};

/* Keys that go with one kind only. */
static const struct {
    const char *key;
    enum sensor_type type;
} sensor_keys[] = {
    {"stable", SENSOR_FILES},    {"broker", SENSOR_MQTT}, {"jobs", SENSOR_RUN_STATUS},
    {"timeout", SENSOR_COMMAND}, {"env", SENSOR_COMMAND},
};

/* False: a problem was added. */
static bool choose_kind(const struct sensor_link *s)
{
    int chosen = -1;
    for (size_t i = 0; i < COUNT_OF(sensor_kinds); i++) {
        if (json_get(s->item.node, sensor_kinds[i]) == NULL) {
            continue;
        }
        if (chosen >= 0) {
            item_problem(&s->item, item_place(&s->item, sensor_kinds[i]), NULL,
                         "it has both %s and %s", sensor_kinds[chosen], sensor_kinds[i]);
            return false;
        }
        chosen = (int)i;
    }
    if (chosen < 0) {
        item_problem(&s->item, place_of_node(s->item.node), NULL,
                     "it needs one of watch, mqtt, asset, run_status and run");
        return false;
    }
    s->raw->sensor.type = (enum sensor_type)chosen;
    return true;
}

static void check_sensor_keys(const struct sensor_link *s)
{
    for (size_t i = 0; i < COUNT_OF(sensor_keys); i++) {
        enum sensor_type type = sensor_keys[i].type;
        if (s->raw->sensor.type != type && json_get(s->item.node, sensor_keys[i].key) != NULL) {
            item_problem(&s->item, item_place(&s->item, sensor_keys[i].key), "take it away",
                         "%s goes with %s only", sensor_keys[i].key, sensor_kinds[type]);
        }
    }
}

static void link_watch(const struct sensor_link *s)
{
    struct str path = s->raw->sensor.watch;
    struct location at = item_place(&s->item, "watch");
    struct str folder = STR_NONE;
    struct str name = STR_NONE;
    (void)str_cut_last(path, '/', &folder, &name);
    if (path.ptr != NULL && name.len == 0) {
        item_problem(&s->item, at, "such as /data/in/*.csv", "watch: the path names no file");
    }
    if (str_contains(folder, STR("*")) || str_contains(folder, STR("?"))) {
        item_problem(&s->item, at, NULL, "watch: wildcards may stand in the last part only");
    }
    item_template(&s->item, at, "watch", path, SECRETS_REFUSED);
}

/* + stands for a whole level, # for all that follow: MQTT 5, section 4.7. */
static bool is_topic_filter(struct str topic)
{
    struct str level = STR_NONE;
    if (topic.len == 0 || topic.len > TOPIC_BYTES_MAX || !str_is_utf8(topic)) {
        return false;
    }
    for (bool has_more = true; has_more;) {
        has_more = str_cut(topic, '/', &level, &topic);
        bool has_plus = str_contains(level, STR("+"));
        bool has_hash = str_contains(level, STR("#"));
        if (((has_plus || has_hash) && level.len > 1) || (has_hash && has_more)) {
            return false;
        }
    }
    return true;
}

static bool is_broker(const struct resource *resource)
{
    return resource->connector != NULL && strcmp(resource->connector->type, "mqtt") == 0;
}

/* The only broker that there is, unless one is named. */
static void link_broker(const struct sensor_link *s)
{
    const struct definitions *defs = s->item.l->defs;
    struct sensor *sensor = &s->raw->sensor;
    struct nearest nearest = {.wanted = sensor->broker_name};
    bool is_named = json_get(s->item.node, "broker") != NULL;
    size_t brokers = 0;
    for (size_t i = 0; i < defs->resource_count; i++) {
        const struct resource *resource = &defs->resources[i];
        if (!is_broker(resource)) {
            continue;
        }
        brokers++;
        nearest_offer(&nearest, resource->name);
        if (!is_named || str_eq(resource->name, sensor->broker_name)) {
            sensor->broker = resource;
        }
    }
    char hint[HINT_SIZE];
    if (is_named && sensor->broker == NULL && sensor->broker_name.ptr != NULL) {
        item_problem(&s->item, item_place(&s->item, "broker"),
                     nearest_hint(&nearest, "name it under resources, with type: mqtt", hint),
                     "there is no broker \"" STR_FMT "\"",
                     STR_ARG(str_slice(sensor->broker_name, 0, SHOWN_BYTES_MAX)));
    } else if (!is_named && brokers != 1) {
        item_problem(&s->item, item_place(&s->item, "mqtt"),
                     brokers == 0 ? "name one under resources, with type: mqtt" : "broker: ...",
                     "it needs a broker, and there %s", brokers == 0 ? "is none" : "are several");
    }
}

static void link_topic(const struct sensor_link *s)
{
    const struct sensor *sensor = &s->raw->sensor;
    if (sensor->topic.ptr != NULL && !is_topic_filter(sensor->topic)) {
        item_problem(&s->item, item_place(&s->item, "mqtt"),
                     "+ stands for one whole level, # for the rest", "\"" STR_FMT "\" is no topic",
                     STR_ARG(str_slice(sensor->topic, 0, SHOWN_BYTES_MAX)));
    }
    link_broker(s);
}

static void link_asset(const struct sensor_link *s)
{
    const struct loader *l = s->item.l;
    struct sensor *sensor = &s->raw->sensor;
    struct location at = item_place(&s->item, "asset");
    struct err err = {0};
    if (sensor->asset_key.ptr == NULL || !l->has_graph) {
        return;
    }
    if (!graph_find(&l->defs->graph, sensor->asset_key, &sensor->asset, &err)) {
        item_problem(&s->item, at, err.hint, "%s", err.msg);
        return;
    }
    bool is_ours = l->defs->assets[sensor->asset].work != ASSET_EXTERNAL;
    for (size_t i = 0; is_ours && i < sensor->asset_count; i++) {
        if (sensor->assets[i] == sensor->asset) {
            item_problem(&s->item, at, NULL,
                         "it makes the asset that it waits for, again and again");
        }
    }
}

static void link_statuses(const struct sensor_link *s)
{
    const struct sensor *sensor = &s->raw->sensor;
    for (size_t i = 0; i < sensor->jobs.count; i++) {
        struct str name = sensor->jobs.items[i];
        struct location at = place_of_item(s->item.node, "jobs", i);
        if (name.ptr == NULL || link_job_name(&s->item, at, name) == NULL) {
            continue; /* reported */
        }
        if (sensor->job != NULL && str_eq(name, sensor->job_name)) {
            item_problem(&s->item, at, NULL, "it starts the job whose runs it waits for");
        }
    }
}

static void link_command(const struct sensor_link *s)
{
    struct sensor *sensor = &s->raw->sensor;
    item_run(&s->item, s->item.node, &sensor->run);
    item_env(&s->item, &sensor->env);
    if (!s->raw->has_min_interval) {
        sensor->min_interval_ns = 30 * NS_PER_SEC;
    } else if (sensor->min_interval_ns < NS_PER_SEC) {
        item_problem(&s->item, item_place(&s->item, "min_interval"), NULL,
                     "min_interval is below 1s: the program would be started without a pause");
    }
}

static void link_cause(const struct sensor_link *s)
{
    switch (s->raw->sensor.type) {
    case SENSOR_FILES:
        link_watch(s);
        break;
    case SENSOR_MQTT:
        link_topic(s);
        break;
    case SENSOR_ASSET:
        link_asset(s);
        break;
    case SENSOR_RUN_STATUS:
        link_statuses(s);
        break;
    case SENSOR_COMMAND:
        link_command(s);
        break;
    }
}

static void link_sensor(const struct sensor_link *s, size_t index)
{
    struct loader *l = s->item.l;
    const struct raw_sensor *all = l->raw.sensors.items;
    struct sensor *sensor = &s->raw->sensor;
    struct location at = item_place(&s->item, "name");
    (void)check_name(l, at, "sensor", sensor->name);
    for (size_t i = 0; i < index; i++) {
        if (sensor->name.len > 0 && str_eq(all[i].sensor.name, sensor->name)) {
            item_twice(&s->item, at, all[i].sensor.at);
            break;
        }
    }
    link_target(&s->item, &(struct target){sensor->job_name, sensor->select, &sensor->job,
                                           &sensor->assets, &sensor->asset_count});
    item_tags(&s->item, &sensor->tags);
    if (choose_kind(s)) {
        check_sensor_keys(s);
        link_cause(s);
    }
}

void link_sensors(struct loader *l)
{
    struct raw_sensor *raw = l->raw.sensors.items;
    const struct json *node = first_of(l->root, "sensors");
    for (size_t i = 0; i < l->defs->sensor_count; i++, node = next_of(node)) {
        struct sensor_link link = {{l, node, "sensor", raw[i].sensor.name}, &raw[i]};
        if (node != NULL && node->type == JSON_OBJECT) {
            link_sensor(&link, i);
        }
        l->defs->sensors[i] = raw[i].sensor;
    }
}
