/* members.c - see members.h. */
#include "hub/merge/members.h"
#include "common/base/limits.h"
#include <string.h>

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

/* Those of a length: one comparison for most keys. */
enum { NAME_BYTES_MAX = 18, OF_A_LENGTH = 10 };
static const unsigned char of_length[NAME_BYTES_MAX + 1][OF_A_LENGTH + 1] = {
    [3] = {MEMBER_JOB, MEMBER_SET, MEMBER_KEY},
    [4] = {MEMBER_CODE, MEMBER_EXIT, MEMBER_HASH, MEMBER_JOBS, MEMBER_PART, MEMBER_TAGS,
           MEMBER_VERB, MEMBER_DEPS, MEMBER_NAME, MEMBER_TYPE},
    [5] = {MEMBER_BOARD, MEMBER_CAUSE, MEMBER_CHECK, MEMBER_ERROR, MEMBER_PARTS, MEMBER_STEPS,
           MEMBER_GROUP, MEMBER_KINDS},
    [6] = {MEMBER_ASSETS, MEMBER_BUNDLE, MEMBER_PARENT, MEMBER_PASSED, MEMBER_REASON, MEMBER_RESULT,
           MEMBER_SENSOR, MEMBER_STATUS, MEMBER_CHECKS, MEMBER_OWNERS},
    [7] = {MEMBER_APPLIED, MEMBER_ATTEMPT, MEMBER_BOOT_ID, MEMBER_COMMAND, MEMBER_CURRENT,
           MEMBER_DROPPED, MEMBER_NOMINAL, MEMBER_PARTIAL, MEMBER_SENSORS, MEMBER_VERSION},
    [8] = {MEMBER_BACKFILL, MEMBER_METADATA, MEMBER_RETRY_AT, MEMBER_REVISION, MEMBER_SCHEDULE,
           MEMBER_SEVERITY, MEMBER_EXTERNAL},
    [9] = {MEMBER_PARTITION, MEMBER_SCHEDULES, MEMBER_SELECTION},
    [10] = {MEMBER_AUTOMATION, MEMBER_PARTITIONS},
    [11] = {MEMBER_AGENT_START, MEMBER_DURATION_MS, MEMBER_DESCRIPTION},
    [12] = {MEMBER_DATA_VERSION, MEMBER_CODE_VERSION},
    [13] = {MEMBER_PARTITION_END},
    [18] = {MEMBER_PARTITIONS_PER_RUN},
};

static enum member member_from(struct json_raw key)
{
    if (key.text.len > NAME_BYTES_MAX || key.has_escape) {
        return MEMBER_NONE;
    }
    const unsigned char *candidate = of_length[key.text.len];
    while (*candidate != MEMBER_NONE &&
           memcmp(names[*candidate].ptr, key.text.ptr, key.text.len) != 0) {
        candidate++;
    }
    return (enum member)candidate[0];
}

/* Of equal keys the last counts. */
static void keep_member(struct members *m, struct json_raw key, struct json_raw value)
{
    enum member member = member_from(key);
    if (member == MEMBER_NONE) {
        return;
    }
    size_t i = 0;
    while (i < m->count && m->item[i].member != member) {
        i++;
    }
    m->count += i == m->count ? 1 : 0;
    m->item[i] = (struct member_value){.member = member, .value = value};
}

void members_read(struct members *m, struct str object, struct arena *text)
{
    m->count = 0;
    m->text = text;
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

bool told_event_parse(struct str line, struct told_event *ret, struct err *err)
{
    struct json_members further = {.items = ret->item, .room = EVENT_MEMBERS_KEPT};
    bool ok = event_parse_all(line, &ret->ev, &further, err);
    ret->count = further.count;
    return ok;
}

void members_of(struct members *m, const struct told_event *told, struct arena *text)
{
    if (told->count > EVENT_MEMBERS_KEPT) {
        members_read(m, told->ev.body, text);
        return;
    }
    m->count = 0;
    m->text = text;
    for (size_t i = 0; i < told->count; i++) {
        keep_member(m, told->item[i].key, told->item[i].value);
    }
}

/* Its text has no pointer when it is missing. */
static struct json_raw value_of(const struct members *m, enum member member)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->item[i].member == member) {
            return m->item[i].value;
        }
    }
    return (struct json_raw){.type = JSON_NULL};
}

struct str members_text(const struct members *m, enum member member)
{
    struct json_raw raw = value_of(m, member);
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
    struct json_raw raw = value_of(m, member);
    bool is_name = raw.type == JSON_STRING && !raw.has_escape && raw.text.len > 0 &&
                   raw.text.len <= LIMIT_ASSET_KEY_BYTES;
    return is_name ? raw.text : STR_NONE;
}

struct str members_json(const struct members *m, enum member member, enum json_type type)
{
    struct json_raw raw = value_of(m, member);
    return raw.text.ptr != NULL && raw.type == type ? raw.text : STR_NONE;
}

bool members_i64(const struct members *m, enum member member, int64_t *ret)
{
    struct json_raw raw = value_of(m, member);
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
    struct json_raw raw = value_of(m, member);
    return raw.type == JSON_BOOL && str_eq(raw.text, STR("true"));
}

static void take_number(struct str entry, int64_t *into)
{
    struct json_scan scan;
    struct err err;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, entry, &err)) {
        return;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "raw_value")) {
            int64_t number = 0;
            *into = json_raw_i64(value, &number) ? number : *into;
            return;
        }
    }
}

void metadata_numbers(struct str metadata, const struct metadata_number *wanted, size_t count)
{
    struct json_scan scan;
    struct err err;
    struct json_raw key;
    struct json_raw value;
    if (str_is_empty(metadata) || !json_scan_object(&scan, metadata, &err)) {
        return;
    }
    unsigned met = 0; /* a bit for each that is wanted: of equal keys the first counts */
    while (json_scan_member(&scan, &key, &value)) {
        for (size_t i = 0; i < count && !key.has_escape; i++) {
            bool is_it = key.text.len == wanted[i].key.len && (met >> i & 1U) == 0 &&
                         str_eq(key.text, wanted[i].key);
            met |= is_it ? 1U << i : 0U;
            if (is_it && value.type == JSON_OBJECT) {
                take_number(value.text, wanted[i].into);
            }
        }
    }
}
