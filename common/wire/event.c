/* event.c - see event.h. The hub's hot path: one pass over the line, no allocation. */
#include "common/wire/event.h"
#include "common/base/limits.h"
#include "common/json/json_scan.h"
#include <string.h>
#include <zlib.h>

enum { TYPE_BYTES_MAX = 63, NAME_BYTES_MAX = LIMIT_ASSET_KEY_BYTES };

static const struct str type_names[EVENT_TYPE_COUNT] = {
    [EVENT_UNKNOWN] = STR_INIT(""),
    [EVENT_RUN_ENQUEUED] = STR_INIT("run_enqueued"),
    [EVENT_RUN_DEQUEUED] = STR_INIT("run_dequeued"),
    [EVENT_RUN_START] = STR_INIT("run_start"),
    [EVENT_RUN_SUCCESS] = STR_INIT("run_success"),
    [EVENT_RUN_FAILURE] = STR_INIT("run_failure"),
    [EVENT_RUN_CANCELING] = STR_INIT("run_canceling"),
    [EVENT_RUN_CANCELED] = STR_INIT("run_canceled"),
    [EVENT_STEP_START] = STR_INIT("step_start"),
    [EVENT_STEP_SUCCESS] = STR_INIT("step_success"),
    [EVENT_STEP_FAILURE] = STR_INIT("step_failure"),
    [EVENT_STEP_SKIPPED] = STR_INIT("step_skipped"),
    [EVENT_STEP_UP_FOR_RETRY] = STR_INIT("step_up_for_retry"),
    [EVENT_STEP_RESTARTED] = STR_INIT("step_restarted"),
    [EVENT_ASSET_MATERIALIZATION_PLANNED] = STR_INIT("asset_materialization_planned"),
    [EVENT_ASSET_MATERIALIZATION] = STR_INIT("asset_materialization"),
    [EVENT_ASSET_OBSERVATION] = STR_INIT("asset_observation"),
    [EVENT_ASSET_FAILED_TO_MATERIALIZE] = STR_INIT("asset_failed_to_materialize"),
    [EVENT_ASSET_CHECK_EVALUATION] = STR_INIT("asset_check_evaluation"),
    [EVENT_ASSET_CHECK_EVALUATION_PLANNED] = STR_INIT("asset_check_evaluation_planned"),
    [EVENT_FRESHNESS_STATE_CHANGE] = STR_INIT("freshness_state_change"),
    [EVENT_LOGS_CAPTURED] = STR_INIT("logs_captured"),
    [EVENT_ENGINE_EVENT] = STR_INIT("engine_event"),
    [EVENT_LOG] = STR_INIT("log"),
    [EVENT_INSTIGATOR] = STR_INIT("instigator"),
    [EVENT_BACKFILL] = STR_INIT("backfill"),
    [EVENT_DYNAMIC_PARTITIONS] = STR_INIT("dynamic_partitions"),
    [EVENT_AUTOMATION_EVALUATION] = STR_INIT("automation_evaluation"),
    [EVENT_DEVICE] = STR_INIT("device"),
    [EVENT_DEVICE_HEALTH] = STR_INIT("device_health"),
    [EVENT_DEFINITIONS] = STR_INIT("definitions"),
    [EVENT_TICK] = STR_INIT("tick"),
    [EVENT_COMMAND] = STR_INIT("command"),
    [EVENT_DESIRED] = STR_INIT("desired"),
    [EVENT_BUNDLE] = STR_INIT("bundle"),
    [EVENT_BUFFER_GAP] = STR_INIT("buffer_gap"),
    [EVENT_CLOCK_STEP] = STR_INIT("clock_step"),
};

/* Compares lengths first, in place: most names differ in that, and the lists are walked for every
 * event. */
static inline bool is_same(struct str a, struct str b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

const char *event_type_name(enum event_type type)
{
    return (unsigned)type < EVENT_TYPE_COUNT ? type_names[type].ptr : "";
}

enum event_type event_type_from(struct str name)
{
    for (unsigned type = EVENT_UNKNOWN + 1; type < EVENT_TYPE_COUNT; type++) {
        if (is_same(name, type_names[type])) {
            return (enum event_type)type;
        }
    }
    return EVENT_UNKNOWN;
}

enum event_member {
    MEMBER_SEQ,
    MEMBER_AT,
    MEMBER_TYPE,
    MEMBER_RUN,
    MEMBER_STEP,
    MEMBER_ASSET,
    MEMBER_FROM,
    MEMBER_COUNT
};
static const struct str member_names[MEMBER_COUNT] = {
    [MEMBER_SEQ] = STR_INIT("seq"),   [MEMBER_AT] = STR_INIT("at"),
    [MEMBER_TYPE] = STR_INIT("type"), [MEMBER_RUN] = STR_INIT("run"),
    [MEMBER_STEP] = STR_INIT("step"), [MEMBER_ASSET] = STR_INIT("asset"),
    [MEMBER_FROM] = STR_INIT("from"),
};

static enum event_member member_from(struct json_raw key)
{
    unsigned m = 0;
    while (m < MEMBER_COUNT && (key.has_escape || !is_same(key.text, member_names[m]))) {
        m++;
    }
    return (enum event_member)m;
}

static bool type_is_valid(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') {
            return false;
        }
    }
    return s.len >= 1 && s.len <= TYPE_BYTES_MAX;
}

/* A name of ours: short, and nothing in it that JSON would have to escape. */
static bool take_name(struct json_raw value, size_t max, struct str *ret)
{
    if (value.type != JSON_STRING || value.has_escape || value.text.len == 0 ||
        value.text.len > max) {
        return false;
    }
    *ret = value.text;
    return true;
}

static bool take_seq(struct json_raw value, int64_t *ret)
{
    return json_raw_i64(value, ret) && *ret >= 1 && *ret < INT64_MAX;
}

static bool take_member(enum event_member member, struct json_raw value, struct event *ev)
{
    switch (member) {
    case MEMBER_SEQ:
        return take_seq(value, &ev->seq);
    case MEMBER_AT:
        return value.type == JSON_STRING && !value.has_escape && wall_parse(value.text, &ev->at);
    case MEMBER_TYPE:
        ev->type = event_type_from(value.text);
        return take_name(value, TYPE_BYTES_MAX, &ev->type_name) && type_is_valid(ev->type_name);
    case MEMBER_RUN:
        return take_name(value, NAME_BYTES_MAX, &ev->run);
    case MEMBER_STEP:
        return take_name(value, NAME_BYTES_MAX, &ev->step);
    case MEMBER_ASSET:
        return take_name(value, NAME_BYTES_MAX, &ev->asset);
    case MEMBER_FROM:
        /* Only a buffer_gap's `from` is ours to judge: check_whole(). */
        if (!json_raw_i64(value, &ev->from)) {
            ev->from = 0;
        }
        return true;
    case MEMBER_COUNT:
        break;
    }
    return true;
}

static bool check_whole(const struct event *ev, unsigned seen, struct err *err)
{
    for (unsigned m = MEMBER_SEQ; m <= MEMBER_TYPE; m++) {
        if ((seen >> m & 1U) == 0) {
            return err_set(err, ERR_INVALID, "event: %s: missing", member_names[m].ptr);
        }
    }
    if (ev->type == EVENT_BUFFER_GAP && (ev->from < 1 || ev->from > ev->seq)) {
        return err_set(err, ERR_INVALID, "event %lld: from: must be a number from 1 to seq",
                       (long long)ev->seq);
    }
    return true;
}

/* One that other readers than the event's own may want. */
static void keep(struct json_members *further, struct json_raw key, struct json_raw value)
{
    if (further->count < further->room) {
        further->items[further->count] = (struct json_member){.key = key, .value = value};
    }
    further->count++;
}

static bool read_members(struct json_scan *scan, struct event *ev, struct json_members *further,
                         struct err *err)
{
    unsigned seen = 0;
    struct json_raw key;
    struct json_raw value;
    while (json_scan_member(scan, &key, &value)) {
        enum event_member member = member_from(key);
        unsigned bit = 1U << (unsigned)member;
        if (member == MEMBER_COUNT) {
            keep(further, key, value);
            continue;
        }
        if ((seen & bit) != 0) {
            return err_set(err, ERR_INVALID, "event: %s: given twice", member_names[member].ptr);
        }
        if (!take_member(member, value, ev)) {
            return err_set(err, ERR_INVALID, "event: %s: not as it should be",
                           member_names[member].ptr);
        }
        seen |= bit;
    }
    if (!json_scan_end(scan, err)) {
        return err_wrap(err, "event");
    }
    return check_whole(ev, seen, err);
}

bool event_parse_all(struct str line, struct event *ret, struct json_members *further,
                     struct err *err)
{
    if (line.len == 0 || line.len > LIMIT_EVENT_BYTES || memchr(line.ptr, '\n', line.len) != NULL) {
        return err_set(err, ERR_INVALID, "event: not one line of 1 to %d bytes",
                       (int)LIMIT_EVENT_BYTES);
    }
    struct json_scan scan;
    if (!json_scan_object(&scan, line, err)) {
        return err_wrap(err, "event");
    }
    struct event ev = {.body = line};
    further->count = 0;
    if (!read_members(&scan, &ev, further, err)) {
        return false;
    }
    if (ev.type != EVENT_BUFFER_GAP) {
        ev.from = 0;
    }
    *ret = ev;
    return true;
}

bool event_parse(struct str line, struct event *ret, struct err *err)
{
    struct json_members none = {0};
    return event_parse_all(line, ret, &none, err);
}

int64_t event_check(struct str line)
{
    int64_t check = (int64_t)crc32_z(0, (const unsigned char *)line.ptr, line.len);
    return check == 0 ? 1 : check;
}
