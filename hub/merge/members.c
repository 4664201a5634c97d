/* members.c - see members.h. */
#include "hub/merge/members.h"
#include "common/base/limits.h"

static const struct str names[MEMBER_COUNT] = {
    [MEMBER_AGENT_START] = STR_INIT("agent_start"),
    [MEMBER_APPLIED] = STR_INIT("applied"),
    [MEMBER_ASSETS] = STR_INIT("assets"),
    [MEMBER_ATTEMPT] = STR_INIT("attempt"),
    [MEMBER_AUTOMATION] = STR_INIT("automation"),
    [MEMBER_BACKFILL] = STR_INIT("backfill"),
    [MEMBER_BOARD] = STR_INIT("board"),
    [MEMBER_BOOT_ID] = STR_INIT("boot_id"),
    [MEMBER_BUNDLE] = STR_INIT("bundle"),
    [MEMBER_CAUSE] = STR_INIT("cause"),
    [MEMBER_CHECK] = STR_INIT("check"),
    [MEMBER_CODE] = STR_INIT("code"),
    [MEMBER_COMMAND] = STR_INIT("command"),
    [MEMBER_CURRENT] = STR_INIT("current"),
    [MEMBER_DATA_VERSION] = STR_INIT("data_version"),
    [MEMBER_DROPPED] = STR_INIT("dropped"),
    [MEMBER_DURATION_MS] = STR_INIT("duration_ms"),
    [MEMBER_ERROR] = STR_INIT("error"),
    [MEMBER_EXIT] = STR_INIT("exit"),
    [MEMBER_HASH] = STR_INIT("hash"),
    [MEMBER_JOB] = STR_INIT("job"),
    [MEMBER_JOBS] = STR_INIT("jobs"),
    [MEMBER_METADATA] = STR_INIT("metadata"),
    [MEMBER_NOMINAL] = STR_INIT("nominal"),
    [MEMBER_PARENT] = STR_INIT("parent"),
    [MEMBER_PART] = STR_INIT("part"),
    [MEMBER_PARTIAL] = STR_INIT("partial"),
    [MEMBER_PARTITION] = STR_INIT("partition"),
    [MEMBER_PARTITION_END] = STR_INIT("partition_end"),
    [MEMBER_PARTITIONS] = STR_INIT("partitions"),
    [MEMBER_PARTITIONS_PER_RUN] = STR_INIT("partitions_per_run"),
    [MEMBER_PARTS] = STR_INIT("parts"),
    [MEMBER_PASSED] = STR_INIT("passed"),
    [MEMBER_REASON] = STR_INIT("reason"),
    [MEMBER_RESULT] = STR_INIT("result"),
    [MEMBER_RETRY_AT] = STR_INIT("retry_at"),
    [MEMBER_REVISION] = STR_INIT("revision"),
    [MEMBER_SCHEDULE] = STR_INIT("schedule"),
    [MEMBER_SCHEDULES] = STR_INIT("schedules"),
    [MEMBER_SELECTION] = STR_INIT("selection"),
    [MEMBER_SENSOR] = STR_INIT("sensor"),
    [MEMBER_SENSORS] = STR_INIT("sensors"),
    [MEMBER_SET] = STR_INIT("set"),
    [MEMBER_SEVERITY] = STR_INIT("severity"),
    [MEMBER_STATUS] = STR_INIT("status"),
    [MEMBER_STEPS] = STR_INIT("steps"),
    [MEMBER_TAGS] = STR_INIT("tags"),
    [MEMBER_VERB] = STR_INIT("verb"),
    [MEMBER_VERSION] = STR_INIT("version"),
    [MEMBER_CHECKS] = STR_INIT("checks"),
    [MEMBER_CODE_VERSION] = STR_INIT("code_version"),
    [MEMBER_DEPS] = STR_INIT("deps"),
    [MEMBER_DESCRIPTION] = STR_INIT("description"),
    [MEMBER_EXTERNAL] = STR_INIT("external"),
    [MEMBER_GROUP] = STR_INIT("group"),
    [MEMBER_KEY] = STR_INIT("key"),
    [MEMBER_KINDS] = STR_INIT("kinds"),
    [MEMBER_OWNERS] = STR_INIT("owners"),
    [MEMBER_NAME] = STR_INIT("name"),
    [MEMBER_TYPE] = STR_INIT("type"),
};

static void keep_member(struct members *m, struct json_raw key, struct json_raw value)
{
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        /* The length first: a call for each of forty names would show in the merge's profile. */
        if (names[i].len == key.text.len && str_eq(key.text, names[i]) && !key.has_escape) {
            m->value[i] = value; /* of equal keys the last counts */
            return;
        }
    }
}

void members_read(struct members *m, struct str object, struct arena *text)
{
    *m = (struct members){.text = text};
    struct json_scan scan;
    struct err err;
    if (str_is_empty(object) || !json_scan_object(&scan, object, &err)) {
        return;
    }
    struct json_raw key;
    struct json_raw value;
    while (json_scan_member(&scan, &key, &value)) {
        keep_member(m, key, value);
    }
}

struct str members_text(const struct members *m, enum member member)
{
    struct json_raw raw = m->value[member];
    if (raw.text.ptr == NULL || raw.type != JSON_STRING) {
        return STR_NONE;
    }
    if (!raw.has_escape) {
        return raw.text;
    }
    /* Unescaping never makes text longer. */
    char *memory = arena_alloc(m->text, raw.text.len);
    struct buf into = buf_fixed(memory, memory == NULL ? 0 : raw.text.len);
    struct str text;
    return json_unescape(raw, true, &into, &text) ? text : STR_NONE;
}

struct str members_name(const struct members *m, enum member member)
{
    struct json_raw raw = m->value[member];
    bool is_name = raw.type == JSON_STRING && !raw.has_escape && raw.text.len > 0 &&
                   raw.text.len <= LIMIT_ASSET_KEY_BYTES;
    return is_name ? raw.text : STR_NONE;
}

struct str members_json(const struct members *m, enum member member, enum json_type type)
{
    struct json_raw raw = m->value[member];
    return raw.text.ptr != NULL && raw.type == type ? raw.text : STR_NONE;
}

bool members_i64(const struct members *m, enum member member, int64_t *ret)
{
    struct json_raw raw = m->value[member];
    return raw.text.ptr != NULL && json_raw_i64(raw, ret);
}

struct str members_instigator(const struct members *m, struct str *ret_name)
{
    static const enum member kinds[] = {MEMBER_SCHEDULE, MEMBER_SENSOR, MEMBER_AUTOMATION};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct str name = members_name(m, kinds[i]);
        if (!str_is_empty(name)) {
            *ret_name = name;
            return names[kinds[i]];
        }
    }
    return STR_NONE;
}

bool members_is_true(const struct members *m, enum member member)
{
    struct json_raw raw = m->value[member];
    return raw.type == JSON_BOOL && str_eq(raw.text, STR("true"));
}

/* The member of an object that parsed before; false when it has none. */
static bool find_member(struct str object, const char *name, struct json_raw *ret)
{
    struct json_scan scan;
    struct err err;
    struct json_raw key;
    struct json_raw value;
    if (str_is_empty(object) || !json_scan_object(&scan, object, &err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, name)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

bool metadata_i64(struct str metadata, const char *key, int64_t *ret)
{
    struct json_raw entry;
    struct json_raw number;
    return find_member(metadata, key, &entry) && entry.type == JSON_OBJECT &&
           find_member(entry.text, "raw_value", &number) && json_raw_i64(number, ret);
}
