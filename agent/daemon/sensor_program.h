/* sensor_program.h - the program of a sensor, asked once: its process group, time-out, output. What
 * it says is in memory and bounded; what it leaves running is ended with it. */
#pragma once
#include "agent/definitions/definitions.h"
#include "common/platform/loop.h"

/* What it is given. */
struct program_context {
    const struct definitions *defs;
    const struct sensor *sensor;
    const struct env_lookup *env; /* of the texts; `PATH` and the like are taken from it */
    const char *state_dir;        /* STATE_DIR */
    struct str cursor;
    struct wall_time last_tick; /* 0 = never */
    struct str store_id;        /* empty = no token */
};
struct program_end {
    bool ok;              /* exit code 0, in time, not too much said */
    struct err why;       /* not ok */
    struct str said;      /* on standard output; of at most ANSWER_BYTES_MAX */
    struct str last_line; /* on standard error, that is not blank */
};
struct program;
struct program_options {
    /* Once, in a later turn. May close the program. */
    void (*on_end)(void *ctx, const struct program_end *end);
    void *ctx;
    bool shows_errors; /* its standard error is ours */
};
/* False: it could not be started. */
MUST_CHECK bool program_start(struct program **ret, struct loop *loop,
                              const struct program_context *context,
                              const struct program_options *options, struct err *err);
void program_close(struct program *program); /* kills it, without on_end; NULL is allowed */
