/* town_internal.h - what the files of a town share. */
#pragma once
#include "agent/daemon/agent_internal.h"
#include "common/wire/topics.h"
#include "hub/command/orders.h"
#include "hub/deploy/deployments.h"
#include "hub/desired/desired_rows.h"
#include "hub/registry/authority.h"
#include "hub/registry/registry.h"
#include "hub/serve/serve.h"
#include "tests/sim/town.h"
#include "tests/sim/world_state.h"
#include "tests/support/fake_clock.h"
#include "tests/support/power_vfs.h"
#include <sys/types.h>

#define TOWN_BEGIN_NS (INT64_C(1799020800) * NS_PER_SEC) /* 2027-01-04: after this was built */
#define TOWN_REST_NS  (INT64_C(24) * 3600 * NS_PER_SEC)
#define HOUR_NS       (INT64_C(3600) * NS_PER_SEC)
#define MINUTE_NS     (60 * NS_PER_SEC)
#define TOWN_FLEET    STR_INIT("main")

enum {
    TOWN_HUB = -1,
    TOWN_TURNS_MAX = 400,
    TOWN_COMMANDS_MAX = 512,
    TOWN_BUNDLES_MAX = 64,
    TOWN_HEARD_MAX = 64, /* that the hostile broker keeps */
    TOWN_MARKERS_MAX = 6,
    TOWN_SESSIONS_MAX = 4, /* of one program */
};

/* --- town_queue.c --- */
enum town_kind {
    TOWN_WAKE,   /* a loop has something to do */
    TOWN_LINKED, /* an attempt of a session has ended */
    TOWN_GONE,   /* a session's goodbye is over */
    TOWN_SUBSCRIBED,
    TOWN_TAKEN, /* by the broker */
    TOWN_MESSAGE,
    TOWN_FAULT,
    TOWN_INCIDENT, /* to one device */
    TOWN_DEVICE_UP,
    TOWN_HUB_UP,
    TOWN_BROKER_UP,
    TOWN_OPERATOR,
    TOWN_HOSTILE,
    TOWN_CLOCK_RIGHT,
};
struct town_item {
    int64_t at;
    uint64_t order;
    enum town_kind kind;
    int owner; /* a device, or TOWN_HUB */
    int slot;  /* of a session */
    uint64_t life;
    int number; /* of a message or subscription */
    int about;  /* TOWN_MESSAGE: the device in its topic; -1 = the hub's state */
    enum channel channel;
    bool is_retained;
    bool is_ok;
    int64_t expires; /* 0 = never */
    char *payload;
    size_t len;
};

/* How far a command has come; each once. */
enum line_step { LINE_RECEIVED, LINE_STARTED, LINE_RUN, LINE_ENDED, LINE_REFUSED, LINE_STEPS };
/* What a disk remembers, as the second bookkeeping has it: copied with an image, gone with a wipe. */
struct town_line {
    uint64_t commands[LINE_STEPS][TOWN_COMMANDS_MAX / 64];
    uint64_t *ticks; /* a set of those that started a run */
    size_t tick_count, tick_cap;
    int64_t applied; /* revision */
};
struct town_issued {
    int64_t revision;
    char hash[DESIRED_HASH_SIZE];
};
struct mqtt_session;
struct town_device {
    struct mqtt_session *sessions[TOWN_SESSIONS_MAX];
    char name[16];
    char dir[96];
    struct agent_config config;
    struct fake_clock clock;
    struct loop *loop;
    struct seeded_rng seed;
    struct rng rng;
    struct agent *agent; /* NULL: it is off */
    struct power_vfs *vfs;
    struct power_vfs *image; /* NULL = none */
    int disks;               /* it ever had */
    int64_t planned;         /* its next wake-up */
    int64_t skew_ns;
    bool is_revoked, is_cut; /* the hub was told; the hub has heard it */
    int64_t merged_at_cut;
    bool is_settled;        /* after all trouble it has told everything */
    struct sim_agent told;  /* the ledger */
    struct buffer position; /* of its store, as last looked at */
    int64_t image_seq, image_acked;
    char image_epoch[EPOCH_TEXT_SIZE];
    struct town_line line, image_line;
    char bundle[BUNDLE_HASH_SIZE]; /* in force, when last looked at */
    struct town_issued *issued;
    size_t issued_count;
    int64_t wanted;        /* the revision that was sent last */
    struct buf retained;   /* the broker's: `desired` */
    struct buf last_batch; /* as the hostile broker heard it */
    char serial[48];       /* of the certificate it was enrolled with */
};
struct town_command {
    char id[UUID_TEXT_SIZE];
    struct wall_time expires;
    bool *is_for; /* by device */
};
struct town_bundle {
    char deployment[DEPLOYMENT_ID_SIZE];
    char hash[BUNDLE_HASH_SIZE];
    char dir[128];
    int64_t wave;
    bool is_over, is_aborted;
    bool *was_asked; /* by device */
};
struct town_heard { /* by the hostile broker, on its way to a device */
    int device;
    enum channel channel;
    struct buf payload;
};

struct town {
    const struct town_options *options;
    struct town_result *result;
    struct seeded_rng seed;
    struct rng rng;
    int64_t now, trouble_ends;
    struct town_item **queue;
    size_t queued, queue_cap;
    uint64_t order;
    int current; /* whose code runs */
    struct arena arena;
    struct env_lookup env;
    struct problems problems;

    struct town_device *devices;
    int device_count;
    int settled_count;

    /* the broker */
    bool broker_is_up;
    struct mqtt_session *hub_sessions[TOWN_SESSIONS_MAX];
    uint64_t lives;
    struct buf hub_state;  /* retained */
    struct strmap revoked; /* serials that are let in no more */
    struct arena revoked_arena;
    ino_t list_inode; /* of the hub's list, as last read */
    struct town_heard heard[TOWN_HEARD_MAX];
    size_t heard_count;

    /* the hub */
    struct hub_config hub_config;
    char hub_dir[96], database[128];
    struct authority authority;
    struct fake_clock hub_clock;
    struct loop *hub_loop;
    struct serve *hub;
    int64_t hub_planned;

    /* beside it: the operator, and who checks */
    struct registry *registry;
    struct orders *orders;
    struct desired_rows *desired;
    struct deployments *deployments;
    struct db *log;
    struct db_query state; /* of a deployment */
    struct db_query failing;
    struct world ledger; /* for world_ledger.c */
    struct world_result ledger_result;
    struct buf attacker_key;
    struct town_command commands[TOWN_COMMANDS_MAX];
    int command_count;
    struct town_bundle bundles[TOWN_BUNDLES_MAX];
    int bundle_count;
    int64_t bundles_said; /* when a device or the operator last said something of one */
    struct wall_time looked, look_due; /* of the hub at its deployments */
    struct buf lines;
    struct str markers[TOWN_MARKERS_MAX]; /* that nobody may ever see outside */
    size_t marker_count;
};

PRINTF_LIKE(2, 3) void town_fail(struct town *t, const char *fmt, ...);
bool town_has_failed(const struct town *t);
void town_check(struct town *t, bool ok, const struct err *err, const char *what);
bool town_chance(struct town *t, uint64_t percent); /* never once the trouble has ended */
int64_t town_between(struct town *t, int64_t from, int64_t to);
struct town_item *town_plan(struct town *t, int64_t delay, enum town_kind kind, int owner);
/* After something between these times; sooner where there is more trouble. */
struct town_item *town_plan_trouble(struct town *t, int64_t from, int64_t to, enum town_kind kind);
struct town_item *town_next(struct town *t);
void town_free_item(struct town_item *item);

/* --- town.c --- */
/* The clocks of whoever is to run, and that it runs. */
void town_enter(struct town *t, int owner);
/* Turns its loop until it rests, looks at what was promised, and plans when it wakes. */
void town_settle(struct town *t, int owner);

/* --- town_broker.c --- */
extern struct town *town_here; /* where mqtt_open() is called */
void broker_handle(struct town *t, const struct town_item *item);
void broker_break_link(struct town *t, int device);
void broker_kill(struct town *t);
/* The list of who is revoked was written anew, perhaps. */
void broker_look_at_list(struct town *t);
/* As if somebody had sent it. */
void broker_inject(struct town *t, int device, enum channel channel, struct str payload);
void broker_release(struct town *t);
int town_device_of(const struct town *t, struct str name); /* -1: none */

/* --- town_device.c --- */
bool device_prepare(struct town *t, int d, struct err *err);
void device_start(struct town *t, int d);
void device_stop(struct town *t, int d); /* power is cut */
void device_incident(struct town *t, int d);
void device_clock_right(struct town *t, int d);
void device_release(struct town_device *d);

/* --- town_hub.c --- */
bool hub_prepare(struct town *t, struct err *err);
void hub_start(struct town *t);
void hub_kill(struct town *t);
void hub_release(struct town *t);

/* --- town_operator.c --- */
void operator_acts(struct town *t);
void hostile_acts(struct town *t);

/* --- town_checks.c: what was promised --- */
void check_device(struct town *t, int d); /* after each of its steps */
void check_hub(struct town *t);           /* after each of the hub's */
void check_ack(struct town *t, int d, struct str payload);
void check_desired(struct town *t, int d, struct str payload);
void check_secrets(struct town *t, struct str text, const char *where);
void check_at_end(struct town *t);

/* --- town_line.c --- */
void line_note(struct town *t, int d, struct str event); /* that was recorded */
void line_is_over(struct town *t, int d);                /* all commands must have come to an end */
void line_copy(struct town_line *to, const struct town_line *from);
void line_release(struct town_line *line);

/* --- town_mutants.c --- */
extern enum town_mutant town_mutant;
