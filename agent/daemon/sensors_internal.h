/* sensors_internal.h - what the files of the sensors share.
 *
 * DESIGN. sensors.c has all that is the same for every sensor: pausing, waiting, run keys, records,
 * cursors. A source is what differs by kind: it watches, and when asked tells the next cause that it
 * has, or that it has none. A cause stays with its source until the source hears what was decided,
 * so that one that has to wait is simply told again. */
#pragma once
#include "agent/daemon/sensor_env.h"
#include "agent/daemon/sensors.h"
#include "agent/sense/cursor.h"
#include "agent/sense/pace.h"
#include "common/json/json_writer.h"
#include "common/platform/folder_watch.h"

struct sensor_slot;

enum cause_kind {
    CAUSE_RUN,     /* start one */
    CAUSE_NOTHING, /* nothing is to be started, for `reason`; or only the cursor moves */
    CAUSE_FAILURE, /* `reason` says what went wrong */
};
enum { CAUSE_TAGS_MAX = 56 };
/* Text is the source's, until it is asked again. */
struct cause {
    enum cause_kind kind;
    struct str run_key; /* empty = none */
    struct str partition;
    struct str_map tags;
    struct str reason; /* of CAUSE_RUN: what else is to be said of it */
    bool has_cursor;
    struct str cursor; /* as people read it (cursor.h) */
};
enum verdict {
    VERDICT_STARTED,
    VERDICT_KNOWN,   /* the run key had its run before */
    VERDICT_NOTED,   /* of CAUSE_NOTHING and CAUSE_FAILURE */
    VERDICT_REFUSED, /* no run could be made of it; recorded as a failed tick */
    VERDICT_WAITS,   /* not now: the source is not told, and asked again */
};

struct sensor_source {
    /* Begins to watch, with slot->cursor. False: out of memory; tried again later. */
    bool (*open)(struct sensor_slot *slot, struct err *err);
    void (*close)(struct sensor_slot *slot); /* slot->source_state is NULL afterwards */
    /* The cause at hand; false: none now. */
    bool (*next)(struct sensor_slot *slot, struct cause *ret);
    void (*decided)(struct sensor_slot *slot, enum verdict verdict);
    /* When to ask again, at the latest; INT64_MAX = when something happens. */
    struct mono_time (*wake)(const struct sensor_slot *slot);
    /* Adds members: what it is doing now. */
    void (*describe)(const struct sensor_slot *slot, struct json_writer *w);
};
extern const struct sensor_source sensor_files;
extern const struct sensor_source sensor_topic;
extern const struct sensor_source sensor_asset;
extern const struct sensor_source sensor_runs;
extern const struct sensor_source sensor_command;

enum { SENSOR_STATUS_SIZE = 8 };
struct sensor_slot {
    struct sensors *all;
    const struct sensor *def; /* in all->defs */
    const struct sensor_source *source;
    void *source_state;              /* NULL: not open */
    char status[SENSOR_STATUS_SIZE]; /* "running", "paused"; empty: as the definition says */
    struct pace pace;
    struct told told;
    bool has_cursor;
    struct buf cursor; /* as people read it */
    struct wall_time ticked_at;
    const char *waits_for; /* what a cause at hand waits for; NULL = it does not wait */
    bool is_dirty;         /* something in the database may concern it */
    struct err trouble;    /* what keeps it from watching; code ERR_NONE = nothing does */
};

struct sensors {
    struct sensors_options options;
    struct definitions *defs;
    struct sensor_slot **slots; /* as defined; they do not move */
    size_t count;
    struct sensor_slot **prepared; /* for the next definitions; NULL = none are about to come */
    size_t prepared_count;
    struct folder_watch *folders;
    struct loop_task turn_task;
    struct loop_timer timer;
    char epoch[EPOCH_TEXT_SIZE]; /* in which the cursors are */
    bool is_started;
};

/* --- sensors.c --- */

struct sensor_slot *sensors_find(const struct sensors *all, struct str name); /* NULL: none */
void sensor_close_source(struct sensor_slot *slot);

/* --- sensors_decide.c --- */

/* What becomes of it now. VERDICT_WAITS: slot->waits_for says for what. */
enum verdict sensor_decide(struct sensor_slot *slot, const struct cause *cause);
/* Completes and records it; `cursor` as people read it, STR_NONE = as it was. */
MUST_CHECK bool sensor_record(struct sensor_slot *slot, struct record *r, struct str cursor,
                              struct err *err);

/* --- for the sources --- */

/* Ask this one, and all others, in a later turn. */
void sensors_wake(struct sensors *all);
/* Ask this one at once: what it has may be gone in a moment. */
void sensor_serve_now(struct sensor_slot *slot);
bool sensor_is_paused(const struct sensor_slot *slot);
struct mono_time sensor_now(const struct sensor_slot *slot);
/* How far it has come, as the number of an event. */
int64_t sensor_cursor_seq(const struct sensor_slot *slot);
/* It begins here: recorded. False: not now. */
bool sensor_begin_at(struct sensor_slot *slot, int64_t seq);
/* Moves it in memory: recorded with the next tick. */
void sensor_move_cursor(struct sensor_slot *slot, struct str text);
void sensor_move_cursor_seq(struct sensor_slot *slot, int64_t seq);
/* Says it once, until it is another one or sensor_clear_trouble(). */
void sensor_set_trouble(struct sensor_slot *slot, const struct err *why);
void sensor_clear_trouble(struct sensor_slot *slot);
/* For its texts. */
void sensor_get_env(const struct sensor_slot *slot, struct sensor_env *ret);
