#include "hub/when/when.h"

#include "hub/config/zone.h"

struct str when_text(const struct json *object, const char *key)
{
    const struct json *member = json_get(object, key);
    return member != NULL && member->type == JSON_STRING ? member->as.string : STR_NONE;
}

static int64_t number_or(const struct json *object, const char *key, int64_t fallback)
{
    const struct json *member = json_get(object, key);
    return member != NULL && member->type == JSON_INT ? member->as.integer : fallback;
}

/* NULL: this machine does not know it. */
static const struct tz *find_zone(struct zones *zones, struct str name)
{
    struct err err = {0};
    const struct tz *tz = NULL;
    if (str_is_empty(name)) {
        return tz_utc();
    }
    for (size_t i = 0; i < zones->count; i++) {
        if (str_eq(zones->names[i], name)) {
            return zones->zones[i];
        }
    }
    if (!zone_load(name, zones->arena, &tz, &err)) {
        tz = NULL; /* what needs it is left out of the answer */
    }
    if (zones->count < ZONES_MAX) {
        zones->names[zones->count] = arena_copy(zones->arena, name);
        zones->zones[zones->count++] = tz;
    }
    return tz;
}

static bool read_cron(struct zones *zones, const struct json *told, struct cron *ret_cron,
                      const struct tz **ret_tz)
{
    struct err err = {0};
    *ret_tz = find_zone(zones, when_text(told, "timezone"));
    return *ret_tz != NULL && cron_parse(when_text(told, "cron"), ret_cron, &err);
}

size_t when_ticks(struct zones *zones, const struct json *schedule, struct wall_time now,
                  struct wall_time ret[WHEN_TICKS_MAX])
{
    struct cron cron;
    const struct tz *tz = NULL;
    size_t count = 0;
    int64_t every_ms = number_or(schedule, "every_ms", 0);
    if (every_ms > 0 && every_ms < INT64_MAX / NS_PER_MS / WHEN_TICKS_MAX) {
        int64_t every_ns = every_ms * NS_PER_MS;
        for (; count < WHEN_TICKS_MAX; count++) {
            ret[count].ns = (now.ns / every_ns + 1 + (int64_t)count) * every_ns;
        }
        return count;
    }
    if (!read_cron(zones, schedule, &cron, &tz)) {
        return 0;
    }
    while (count < WHEN_TICKS_MAX && cron_next(&cron, tz, now, &ret[count])) {
        now = ret[count++];
    }
    return count;
}

bool when_freshness(struct zones *zones, const struct json *policy, struct freshness_policy *ret)
{
    const int64_t longest = INT64_MAX / NS_PER_MS;
    int64_t warn = number_or(policy, "warn_after_ms", 0);
    int64_t fail = number_or(policy, "fail_after_ms", 0);
    int64_t lower = number_or(policy, "lower_bound_ms", 0);
    *ret = (struct freshness_policy){0};
    if (policy == NULL || warn < 0 || warn > longest || fail < 0 || fail > longest || lower < 0 ||
        lower > longest) {
        return false;
    }
    if (fail > 0) {
        ret->kind = FRESHNESS_WINDOW;
        ret->warn_after_ns = warn * NS_PER_MS;
        ret->fail_after_ns = fail * NS_PER_MS;
        return true;
    }
    ret->kind = FRESHNESS_DEADLINE;
    ret->cron_text = when_text(policy, "cron");
    ret->timezone = when_text(policy, "timezone");
    ret->lower_bound_ns = lower * NS_PER_MS;
    return lower > 0 && read_cron(zones, policy, &ret->cron, &ret->tz);
}

static bool read_static(struct zones *zones, const struct json *told, struct partitions *ret)
{
    const struct json *keys = json_get(told, "keys");
    if (keys == NULL || keys->type != JSON_ARRAY) {
        return false;
    }
    struct str *items = arena_array(zones->arena, keys->count + 1, sizeof(*items));
    if (items == NULL) {
        return false;
    }
    for (const struct json *key = keys->child; key != NULL; key = key->next) {
        if (key->type != JSON_STRING) {
            return false;
        }
        items[ret->key_count++] = key->as.string;
    }
    ret->kind = PARTITION_STATIC;
    ret->keys = items;
    return true;
}

bool when_partitions(struct zones *zones, const struct json *told, struct partitions *ret)
{
    struct str kind = when_text(told, "kind");
    struct err err = {0};
    *ret = (struct partitions){0};
    if (str_eq(kind, STR("static"))) {
        return read_static(zones, told, ret) && partition_check(ret, &err);
    }
    if (str_eq(kind, STR("dynamic"))) {
        ret->kind = PARTITION_DYNAMIC;
        ret->set = when_text(told, "set");
        return !str_is_empty(ret->set);
    }
    ret->kind = PARTITION_TIME;
    ret->cron_text = when_text(told, "cron");
    ret->timezone = when_text(told, "timezone");
    ret->format = when_text(told, "format");
    ret->end_offset = number_or(told, "end_offset", 0);
    struct str end = when_text(told, "end");
    return str_eq(kind, STR("time")) && read_cron(zones, told, &ret->cron, &ret->tz) &&
           wall_parse(when_text(told, "start"), &ret->start) &&
           (str_is_empty(end) || wall_parse(end, &ret->end)) && partition_check(ret, &err);
}
