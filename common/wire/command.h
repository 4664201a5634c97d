/* command.h - a command to devices: the body that stands signed in a message (signed.h), what each
 * verb takes, and the pieces of text that a device sends back on channel `log`. Pure.
 *
 *   {"kind":"command","v":1,"fleet":"main","to":["brooklyn"],"id":"01a2...","counter":7,
 *    "issued_at":"...","expires_at":"...","verb":"materialize","args":{"selection":"shop/orders"}}
 *
 * Members that are not known are passed over; an argument that is not known is refused, since what
 * it asks for might be what matters. docs/reference/protocol.md has the text. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/json/fields.h"

enum {
    COMMAND_BYTES_MAX = 64 << 10, /* of a body */
    COMMAND_DEVICES_MAX = 256,    /* in `to` */
    COMMAND_VERB_BYTES_MAX = 32,
    COMMAND_ARENA_BYTES = 4 << 20, /* enough to decode one, and its arguments */
};

struct command {
    struct str fleet;
    const struct str *to; /* device names, or "*" alone: every device of the fleet */
    size_t to_count;
    struct str id;   /* UUID version 7: one for all devices that it is meant for */
    int64_t counter; /* from 1: of the key; never used twice */
    struct wall_time issued_at;
    struct wall_time expires_at; /* later than issued_at */
    struct str verb;             /* [a-z][a-z0-9_]*; perhaps one that is not known here */
    struct str args;             /* a JSON object; empty = {} */
};
/* A body longer than COMMAND_BYTES_MAX cannot be decoded: let `out` end there. */
void command_encode(const struct command *c, struct buf *out);
MUST_CHECK bool command_decode(struct str body, struct arena *arena, struct command *ret,
                               struct err *err);
bool command_is_for(const struct command *c, struct str device);

/* The arguments of all verbs together; each has some of them (command_args.c). */
struct command_args {
    struct str selection;                /* materialize, backfill, retry */
    struct str job;                      /* run_job */
    struct str partition, partition_end; /* materialize, run_job; both empty: the newest window */
    struct str_map tags;                 /* of the runs that it starts */
    int64_t priority;
    struct str run, backfill, command; /* cancel, retry: one of them */
    int retry;                         /* enum command_retry */
    int what;                          /* pause, resume: enum command_pausable */
    struct str_list names;             /* pause, resume; none: all of the kind */
    struct str from, to;               /* backfill: first and last partition */
    struct str_list partitions;        /* backfill: instead of the two */
    int only;                          /* backfill: enum command_only */
    bool newest_first;
    int64_t per_run;          /* -1 = as defined; 0 = all in one */
    int64_t runs_max;         /* 0 = as the device sees fit */
    struct str step;          /* logs: its key; empty: all of the run */
    int64_t attempt;          /* logs: 0 = the last */
    int stream;               /* logs: enum command_stream */
    int64_t offset;           /* logs: where to go on */
    int64_t bytes;            /* logs: how much at most */
    int64_t follow_ns;        /* logs: so long also what is written meanwhile */
    struct str_list parts;    /* describe: some of command_parts; none: all */
    int log_level;            /* set: enum log_level */
    int64_t sync_interval_ns; /* set */
    const struct json *labels;
    bool has_log_level, has_sync_interval, has_labels;
    struct str keys; /* trust: public keys, PEM, one after the other */
};
enum command_retry { COMMAND_RETRY_FROM_FAILURE, COMMAND_RETRY_ALL, COMMAND_RETRY_SELECTED };
enum command_pausable {
    COMMAND_SCHEDULES,
    COMMAND_SENSORS,
    COMMAND_AUTOMATION,
    COMMAND_EVERYTHING,
};
enum command_only { COMMAND_ANY, COMMAND_MISSING, COMMAND_FAILED };
enum command_stream { COMMAND_STDOUT, COMMAND_STDERR };

/* Verbs that common/wire knows, in the order of the documentation; NULL at the end. Those of deploy
 * and rollback take any object: who carries them out checks it. */
extern const char *const command_verbs[];
extern const char *const command_parts[]; /* of `describe` */
/* What a verb takes, for a reference page; NULL when it is not known, or takes any object. */
const struct field_table *command_args_table(struct str verb);
/* Reads and checks what can be checked without a device. ERR_NOT_FOUND: the verb is not known. */
MUST_CHECK bool command_read_args(const struct command *c, struct arena *arena,
                                  struct command_args *ret, struct err *err);

/* What a device says of a command in an event of type `command`. */
enum command_status {
    COMMAND_RECEIVED,
    COMMAND_REFUSED,
    COMMAND_STARTED,
    COMMAND_SUCCEEDED,
    COMMAND_STATUS_FAILED,
    COMMAND_STATUS_COUNT
};
const char *command_status_name(enum command_status status);
bool command_status_from(struct str name, enum command_status *ret);
bool command_status_is_end(enum command_status status);

/* --- device -> hub, channel `log` --------------------------------------------------------------
 * A piece of a text that a command asked for: one line of JSON, a newline, the bytes as they are. */
enum { COMMAND_PIECE_BYTES_MAX = 48 << 10 };
struct command_piece {
    struct str command; /* its id */
    struct str name;    /* of the text: "shop/orders/1.stdout"; "describe" */
    int64_t offset;     /* of the first byte in the text */
    int64_t dropped;    /* bytes before it that the device did not keep */
    bool is_last;       /* nothing follows this piece in answer to this command */
    struct str bytes;
};
void command_piece_encode(const struct command_piece *p, struct buf *out);
/* Borrows `bytes` from the payload. */
MUST_CHECK bool command_piece_decode(struct str payload, struct arena *arena,
                                     struct command_piece *ret, struct err *err);
