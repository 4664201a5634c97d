/* runner_fixture.h - a runner with a real store, loop and children. */
#pragma once
#include "agent/run/runner.h"
#include "definitions_fixture.h"
#include "store_fixture.h"
#include "tests/support/temp_dir.h"

enum { RUNNER_ENDS_MAX = 64 };
struct runner_world {
    struct temp_dir dir;
    struct loop *loop;
    struct store_fixture fixture;
    struct loaded loaded;
    struct rng rng;
    struct env_lookup env;
    struct runner_options options; /* may be changed before runner_world_reopen() */
    struct runner *runner;
    int ended;
    enum run_state state;                       /* of the last run that ended */
    char ends[RUNNER_ENDS_MAX][UUID_TEXT_SIZE]; /* in the order in which they ended */
    enum run_state states[RUNNER_ENDS_MAX];
    struct err err;
};

/* `text` is what follows "project: many". Commands run in the world's folder. */
void runner_world_init(struct runner_world *w, const char *text);
void runner_world_init_at(struct runner_world *w, const char *text, struct clock clock);
void runner_world_release(struct runner_world *w);
/* As if the agent had been killed: children are killed, nothing is recorded; then a new runner. */
void runner_world_reopen(struct runner_world *w);
void runner_world_check(const struct runner_world *w, bool ok);

/* A run of `selection`, or of the job of that name when there is one. */
void runner_world_enqueue(struct runner_world *w, const char *what, char ret_run[UUID_TEXT_SIZE]);
void runner_world_wait(struct runner_world *w, int ends);
void runner_world_turn(struct runner_world *w);
/* Until the file is there. */
void runner_world_wait_file(struct runner_world *w, const char *name);
/* How many events of a type wait; of one asset when it is not NULL. The numbers leave no hole. */
int runner_world_events(struct runner_world *w, enum event_type type, const char *asset);
/* How many of them have all three texts; "" is in each. */
int runner_world_lines(struct runner_world *w, const char *first, const char *second,
                       const char *third);
/* The text of a file in the world's folder; "" when it is not there. Borrowed until the next. */
const char *runner_world_file(struct runner_world *w, const char *name);
