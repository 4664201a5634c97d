/* loader.h - a Singer target that somebody else wrote, as our child: messages go to its standard
 * input; each line of its standard output is the state that is durable now, and is kept
 * (state_file.h). It may speak while it reads, so neither side may wait for the other. When it ends
 * before its input does, that is an error, whatever it says. */
#pragma once
#include "agent/el/program.h"
#include "agent/el/state_file.h"
#include "common/platform/files.h"

struct loader {
    struct program program;  /* pid 0: not started, or ended */
    struct str name;         /* for errors: the command's first word */
    struct str dir;          /* it runs in; empty = ours. These two may be set before it starts */
    const char *const *envp; /* NULL = ours */
    struct fd config;
    struct buf said;  /* the beginning of a line of its output */
    bool is_silent;   /* it closed its output */
    bool has_chatted; /* it said what is no state */
    struct state_file state;
};

/* Opens the state; the program is not started yet. */
MUST_CHECK bool loader_open(struct loader *ret, struct str state_dir, struct str state_id,
                            struct arena *arena, struct err *err);
/* `config` is JSON text, given with --config as a file in memory; empty = none. */
MUST_CHECK bool loader_start(struct loader *l, const struct str_list *command, struct str config,
                             struct arena *arena, struct err *err);
/* All of `messages`, which end with a line end. */
MUST_CHECK bool loader_write(struct loader *l, struct str messages, struct err *err);
/* Takes what it said, without waiting. */
MUST_CHECK bool loader_listen(struct loader *l, struct err *err);
/* False (err) when the program has ended. */
MUST_CHECK bool loader_check(struct loader *l, struct err *err);
/* Ends its input and waits until it has said all and ended. */
MUST_CHECK bool loader_finish(struct loader *l, struct err *err);
/* Kills the program if it still runs; the last state is kept. */
void loader_release(struct loader *l); /* fits AUTO(loader) */
