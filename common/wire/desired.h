/* desired.h - what the hub wants of one device until it says otherwise: schedules, pauses, settings, a
 * bundle; and what the device answers. The first is the body of a signed message (signed.h), retained
 * on `desired`. Pure. docs/reference/protocol.md has the text.
 *
 * Unlike other messages, members that are not known are refused: to apply a part of what is wanted
 * is to apply something else. */
#pragma once
#include "common/base/arena.h"
#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/json/fields.h"
#include "common/json/json_writer.h"

enum {
    DESIRED_BYTES_MAX = 64 << 10,
    DESIRED_ARENA_BYTES = 4 << 20, /* enough to read one */
    DESIRED_SCHEDULES_MAX = 200,
    DESIRED_PAUSES_MAX = 1000, /* of each kind */
    DESIRED_HASH_SIZE = 17,
    DESIRED_REASON_BYTES = 380,
};
/* Revisions are JSON numbers that every reader keeps exactly. */
#define DESIRED_REVISION_MAX ((INT64_C(1) << 53) - 1)

struct desired_pauses {
    struct str_list schedules; /* names; "*" = all */
    struct str_list sensors;
    bool automation;
};
/* Those of the agent's settings that may be changed while it runs. */
struct desired_settings {
    int log_level; /* as in desired_log_levels */
    int64_t sync_linger_ns;
    int64_t reconnect_max_ns;
    bool has_log_level, has_sync_linger, has_reconnect_max;
};
extern const char *const desired_log_levels[]; /* ends with NULL */

/* What is wanted, whoever it is for. `schedules` is a list of objects as in selvedge.yaml, of which
 * only the names are looked at here: the device reads them as it reads its own. */
struct desired_content {
    const struct json *schedules; /* NULL = none */
    struct desired_pauses pauses;
    struct desired_settings settings;
    struct str bundle; /* 64 hex; empty = the device's own file; STR_NONE = no wish */
};
struct desired {
    struct str fleet;
    struct str device;
    int64_t revision; /* from 1; rises for ever, per device */
    struct wall_time issued_at;
    struct desired_content content;
};

/* The members of an object, without its braces. */
void desired_write_content(const struct desired_content *c, struct json_writer *w);
void desired_encode(const struct desired *d, struct buf *out);
/* Text and trees are in the arena. ERR_INVALID names the member. */
MUST_CHECK bool desired_decode(struct str body, struct arena *arena, struct desired *ret,
                               struct err *err);
/* `schedules`, `pauses` and `settings` of an object, read with the same checks: what a person wrote.
 * Problems are added; true when there were none. */
MUST_CHECK bool desired_read_content(const struct json *root, struct arena *arena,
                                     struct problems *problems, struct desired_content *ret);
/* Whether the list holds the name, or "*". */
bool desired_list_has(const struct str_list *list, struct str name);
/* Tells two bodies apart. */
void desired_hash(struct str body, char ret[DESIRED_HASH_SIZE]);

/* --- the answer --- */

enum desired_status {
    DESIRED_APPLIED,
    DESIRED_DEGRADED, /* in force, but for what no longer fits the device's definitions */
    DESIRED_REFUSED,  /* nothing of it is in force; what was before is */
    DESIRED_STATUS_COUNT
};
struct str desired_status_name(enum desired_status status);
bool desired_status_from(struct str name, enum desired_status *ret);

struct message_reported { /* device -> hub */
    int64_t revision;     /* that this is about; 0: it could not be read */
    enum desired_status status;
    struct str reason; /* not applied as it is: why */
    int64_t applied;   /* the revision in force; 0 = none */
    struct str hash;   /* desired_hash() of the body in force; empty = none */
    struct wall_time at;
};
void message_reported_encode(const struct message_reported *m, struct buf *out);
MUST_CHECK bool message_reported_decode(struct str payload, struct arena *arena,
                                        struct message_reported *ret, struct err *err);
