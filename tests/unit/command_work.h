/* command_work.h - an agent that carries out commands, without an agent: agent/command over a real
 * store, with verbs of every kind whose effects are counted, and a hub that sends again what it has
 * heard no end of. Whatever happens on the way, command_work_check() must hold at the end. */
#pragma once
#include "agent/command/commands.h"
#include "signed_fixture.h"
#include "store_fixture.h"

enum { COMMAND_WORK_MAX = 40, COMMAND_WORK_VERBS = 4 };

struct command_work {
    struct store_fixture fixture; /* store NULL: not open */
    struct commands *commands;
    const struct signed_fixture *keys;
    int count;
    struct buf messages[COMMAND_WORK_MAX];
    char ids[COMMAND_WORK_MAX][UUID_TEXT_SIZE];
    int deployed[COMMAND_WORK_MAX]; /* outside the database: a power cut takes nothing back */
    int runs_made;
    char describing[UUID_TEXT_SIZE]; /* that goes on; empty: none */
    struct mono_time mono;
    bool is_failing; /* a flush has failed */
};
/* `count` commands: ping, materialize, deploy and describe in turn. Nothing is opened yet. */
void command_work_init(struct command_work *w, const struct signed_fixture *keys, int count,
                       const char *path, const char *vfs);
void command_work_release(struct command_work *w);
/* Starts, and goes on with what was left open; stops without a flush. */
MUST_CHECK bool command_work_open(struct command_work *w, struct err *err);
void command_work_close(struct command_work *w);

void command_work_receive(struct command_work *w, int number);
void command_work_steps(struct command_work *w); /* as long as there is something to do */
/* Runs and texts that go on come to their end. */
void command_work_end_what_goes_on(struct command_work *w);
/* All that was sent has an end; what had none is sent again, as the hub does. */
void command_work_finish(struct command_work *w);
/* Each command: received, perhaps started, and one end, each told once, whatever came twice;
 * nothing done twice; what a command did fits its end. */
void command_work_check(struct command_work *w);
