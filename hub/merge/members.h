/* members.h - the further members of an event's body that the views show, told apart in the same pass
 * that reads the event (or in another, of what few events have).
 * Bodies come from devices: a member of the wrong type counts as missing, never as an error, since
 * the event itself is kept as it came. Pure. */
#pragma once
#include "common/base/arena.h"
#include "common/wire/event.h"

enum member {
    MEMBER_NONE,
    MEMBER_AGENT_START,
    MEMBER_APPLIED,
    MEMBER_ASSETS,
    MEMBER_ATTEMPT,
    MEMBER_AUTOMATION,
    MEMBER_BACKFILL,
    MEMBER_BOARD,
    MEMBER_BOOT_ID,
    MEMBER_BUNDLE,
    MEMBER_CAUSE,
    MEMBER_CHECK,
    MEMBER_CODE,
    MEMBER_COMMAND,
    MEMBER_CURRENT,
    MEMBER_DATA_VERSION,
    MEMBER_DROPPED,
    MEMBER_DURATION_MS,
    MEMBER_ERROR,
    MEMBER_EXIT,
    MEMBER_HASH,
    MEMBER_JOB,
    MEMBER_JOBS,
    MEMBER_METADATA,
    MEMBER_NOMINAL,
    MEMBER_PARENT,
    MEMBER_PART,
    MEMBER_PARTIAL,
    MEMBER_PARTITION,
    MEMBER_PARTITION_END,
    MEMBER_PARTITIONS,
    MEMBER_PARTITIONS_PER_RUN,
    MEMBER_PARTS,
    MEMBER_PASSED,
    MEMBER_REASON,
    MEMBER_RESULT,
    MEMBER_RETRY_AT,
    MEMBER_REVISION,
    MEMBER_SCHEDULE,
    MEMBER_SCHEDULES,
    MEMBER_SELECTION,
    MEMBER_SENSOR,
    MEMBER_SENSORS,
    MEMBER_SET,
    MEMBER_SEVERITY,
    MEMBER_STATUS,
    MEMBER_STEPS,
    MEMBER_TAGS,
    MEMBER_VERB,
    MEMBER_VERSION,
    /* of an asset, a job, a schedule or a sensor in `definitions` */
    MEMBER_CHECKS,
    MEMBER_CODE_VERSION,
    MEMBER_DEPS,
    MEMBER_DESCRIPTION,
    MEMBER_EXTERNAL,
    MEMBER_GROUP,
    MEMBER_KEY,
    MEMBER_KINDS,
    MEMBER_OWNERS,
    /* of a cause */
    MEMBER_NAME,
    MEMBER_TYPE,
    MEMBER_COUNT
};
struct members {
    struct member_value {
        enum member member;
        struct json_raw value;
    } item[MEMBER_COUNT]; /* each once */
    size_t count;
    struct arena *text; /* of strings that had to be unescaped; out of memory shows there */
};

/* An event, and what of it stands beside the members that all events have. */
enum { EVENT_MEMBERS_KEPT = 8 };
struct told_event {
    struct event ev;
    struct json_member item[EVENT_MEMBERS_KEPT];
    size_t count; /* more than are kept: whoever needs them reads the body again */
};
MUST_CHECK bool told_event_parse(struct str line, struct told_event *ret, struct err *err);

/* `object` is an object that parsed before, or STR_NONE. */
void members_read(struct members *m, struct str object, struct arena *text);
void members_of(struct members *m, const struct told_event *told, struct arena *text);
/* A string, borrowed from the object or from the arena; else STR_NONE. */
struct str members_text(const struct members *m, enum member member);
/* The same, 1 to 255 bytes, nothing escaped; else STR_NONE. */
struct str members_name(const struct members *m, enum member member);
/* As it stands, when it is of that type; else STR_NONE. */
struct str members_json(const struct members *m, enum member member, enum json_type type);
bool members_i64(const struct members *m, enum member member, int64_t *ret);
/* Of a tick or an instigator: "schedule", "sensor" or "automation", and its name; STR_NONE: it names
 * none. */
struct str members_instigator(const struct members *m, struct str *ret_name);
bool members_is_true(const struct members *m, enum member member);
/* The numbers of metadata entries {"type": ..., "raw_value": N}, each into its place; what is not there
 * leaves it alone. */
struct metadata_number {
    struct str key;
    int64_t *into;
};
void metadata_numbers(struct str metadata, const struct metadata_number *wanted, size_t count);
