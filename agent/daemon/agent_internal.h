/* agent_internal.h - the agent's parts, for the files of this folder that answer for all of it. */
#pragma once
#include "agent/command/commands.h"
#include "agent/daemon/agent.h"
#include "agent/daemon/announce.h"
#include "agent/daemon/asset_watch.h"
#include "agent/daemon/backfills.h"
#include "agent/daemon/bundles.h"
#include "agent/daemon/control.h"
#include "agent/daemon/health.h"
#include "agent/daemon/link.h"
#include "agent/daemon/renewer.h"
#include "agent/daemon/scheduler.h"
#include "agent/daemon/sensors.h"
#include "agent/desired/desired_state.h"
#include "agent/lease/lease.h"
#include "agent/store/bundles.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"

/* How the desired state in force fares with the definitions in use. */
struct desired_told {
    int64_t revision; /* 0 = there is none */
    char hash[DESIRED_HASH_SIZE];
    enum desired_status status;
    char reason[DESIRED_REASON_BYTES + 1];
    char bundle[65];
    bool has_bundle;
    struct desired_settings settings;
    bool is_news; /* other than what was recorded last */
};

enum { AGENT_TEXTS_MAX = 4 }; /* that are sent to the hub at a time */

struct agent {
    struct agent_options options;
    struct loop *loop;
    const struct rng *rng;
    struct fd lock;
    char state_dir[LIMIT_PATH_BYTES + 1];     /* as given: short, for the sockets in it */
    char state_dir_abs[LIMIT_PATH_BYTES + 1]; /* for steps, which work in other folders */
    char worker[LIMIT_PATH_BYTES + 1];
    char helper[LIMIT_PATH_BYTES + 1]; /* selvedge-exec */
    struct store *store;
    struct definitions *defs;
    struct err refused; /* why the last reload was; code ERR_NONE: it was not */
    struct wall_time refused_at;
    struct step_host *host;
    struct runner *runner;
    struct scheduler *scheduler;
    struct sensors *sensors;     /* NULL: not a daemon */
    struct asset_watch assets;   /* a daemon's */
    struct backfills *backfills; /* NULL: not a daemon */
    struct control *control;
    struct arena identity_arena;
    struct device_identity identity;
    struct bundle_place bundle_place; /* which bundle is in force */
    struct bundles *bundles;          /* NULL: not a daemon */
    struct link *link;                /* NULL: not enrolled, or not a daemon */
    struct renewer *renewer;          /* NULL: there is no link */
    struct desired_state desired;
    struct desired_told desired_told; /* at start */
    struct mono_time desired_strange; /* when a message was turned away with an event; 0 = never */
    enum log_level log_level;         /* unless the hub wants another */
    struct device_facts facts;
    struct device_commands *commands;       /* of the hub; NULL: not a daemon */
    struct pieces *pieces[AGENT_TEXTS_MAX]; /* of texts that are being sent; NULL: none */
    struct decommission *leaving;           /* the fleet; NULL: it is not */
    struct mono_time started;
    struct health health;
    struct leases leases;
    struct loop_timer lease_timer;
    struct loop_timer stop_timer;
    bool is_stopping;
};

/* Of the daemon, for its own definitions or new ones. */
MUST_CHECK bool agent_open_asset_watch(struct agent *agent, const struct definitions *defs,
                                       struct asset_watch *ret, struct err *err);

/* Pools that the fleet shares (down_lease.c). */
bool agent_may_enter(void *ctx, const struct pool *pool, int64_t running);
void agent_take_lease(struct agent *agent, struct str payload);
void agent_on_lease_due(void *ctx);

/* A daemon tells the hub how it is. */
void agent_tell_health(struct agent *agent);

/* --- what the hub says (agent_down.c) --- */

void agent_on_down(void *ctx, enum channel channel, struct str payload);
void agent_on_up(void *ctx);
void agent_on_offline(void *ctx, const struct err *why);

/* --- commands of the hub (down_command.c and command_*.c) --- */

/* Tables of verbs, each in a file of its own; they end with {0}. */
extern const struct command_verb command_run_verbs[];
extern const struct command_verb command_pause_verbs[];
extern const struct command_verb command_describe_verbs[];
extern const struct command_verb command_log_verbs[];
extern const struct command_verb command_device_verbs[];
extern const struct command_verb command_trust_verbs[];
extern const struct command_verb command_bundle_verbs[];

MUST_CHECK bool agent_open_commands(struct agent *agent, struct err *err);
void agent_close_commands(struct agent *agent);
/* Goes on with what an earlier agent left open. */
void agent_start_commands(struct agent *agent);
void agent_on_command(struct agent *agent, struct str payload);
void agent_command_clock_stepped(struct agent *agent);
void agent_command_run_ended(struct agent *agent, struct str run);
/* One that went on (COMMAND_GOES_ON, and no run) has ended: as commands_end(). */
void agent_command_ended(struct agent *agent, struct str id, struct str result,
                         const struct err *why);
/* {"open":1,"refused":{"unsigned":3}}: of the commands. */
void agent_write_commands(const struct agent *agent, struct json_writer *w);

/* Sends a text to the hub in pieces on channel `log`, as the link takes them; the command has ended
 * when all of it was handed over. AGENT_TEXTS_MAX at a time: false while so many are going. */
struct piece_source {
    const char *path; /* a captured stream, or NULL: */
    struct buf text;  /* it is taken */
    struct str name;
    int64_t offset;    /* where to begin */
    int64_t bytes;     /* how many at most */
    int64_t follow_ns; /* so long also what is written meanwhile; 0: what is there now */
    struct wall_time expires_at;
};
MUST_CHECK bool agent_send_pieces(struct agent *agent, struct str command,
                                  struct piece_source *source);
void agent_close_pieces(struct agent *agent);
/* Leaves the fleet once the hub has heard all that is recorded. */
void agent_decommission(struct agent *agent);
/* A decommissioning that an earlier agent had begun goes on. */
void agent_resume_decommission(struct agent *agent);
void agent_close_decommission(struct agent *agent);

/* Of the definitions that are open: what the hub wants is laid over them. */
MUST_CHECK bool agent_open_desired(struct agent *agent, struct err *err);
/* A message on `desired`; answers on `reported`. */
void agent_take_desired(struct agent *agent, struct str payload);
/* What is in force laid over other definitions: *ret has one owner more for `base`, or is it. Once
 * they are in use it is told how that went, and one that was refused is tried again. */
MUST_CHECK bool agent_lay_desired(struct agent *agent, struct definitions *base,
                                  struct definitions **ret, struct desired_told *ret_told,
                                  struct err *err);
void agent_tell_desired(struct agent *agent, const struct desired_told *told);
void agent_retry_desired(struct agent *agent);

/* Other definitions in place of those in use, all or nothing; takes `defs` on true. `told`, recorded
 * in between and flushed, is why; NULL = nothing is recorded. */
MUST_CHECK bool agent_use_definitions(struct agent *agent, struct definitions *defs,
                                      const struct record *told, struct err *err);

/* Loads definitions and uses them, with what the hub wants on top; `why` as above. */
MUST_CHECK bool agent_switch_definitions(struct agent *agent, const char *path,
                                         const struct record *why, struct problems *problems,
                                         struct buf *ret_changes, struct err *err);

/* --- the control socket (agent_control.c and control_*.c) --- */

/* Answers one request: adds members to the reply's object, or says why not. */
struct control_verb {
    const char *name;
    bool (*answer)(struct agent *agent, const struct json *request, struct json_writer *w,
                   struct err *err);
};
/* Tables end with {0}. */
extern const struct control_verb control_asset_verbs[];
extern const struct control_verb control_run_verbs[];
extern const struct control_verb control_pause_verbs[];
extern const struct control_verb control_sensor_verbs[];
extern const struct control_verb control_backfill_verbs[];
extern const struct control_verb control_bundle_verbs[];

/* Open the scheduler or the sensors where there are none yet: beside no daemon they are read, and
 * never started. */
MUST_CHECK bool agent_open_scheduler(struct agent *agent, struct err *err);
MUST_CHECK bool agent_open_sensors(struct agent *agent, struct err *err);

control_handler agent_on_control;
/* What `status` answers: members of an object. */
MUST_CHECK bool agent_write_status(struct agent *agent, struct json_writer *w, struct err *err);
/* Members of a request; empty when they are not there or of another type. */
struct str control_text(const struct json *request, const char *key);
bool control_flag(const struct json *request, const char *key);
int64_t control_number(const struct json *request, const char *key, int64_t fallback);
/* An object of texts, in `arena`. */
MUST_CHECK bool control_map(const struct json *request, const char *key, struct arena *arena,
                            struct str_map *ret, struct err *err);
