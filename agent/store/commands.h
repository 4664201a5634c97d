/* commands.h - the journal of commands: what the hub asked this device for, and what came of it.
 * Written by records of type command only (record.h); the first that arrives with `keys` adds a row.
 * Text of what is loaded lives in the arena given. */
#pragma once
#include "agent/store/store.h"
#include "agent/store/view.h"
#include "common/base/uuid.h"
#include "common/wire/command.h"

enum {
    COMMANDS_REMEMBERED = 1024, /* of one signer: those with the highest counters, and open ones */
    COMMANDS_OPEN_MAX = 64,
};

struct stored_command {
    struct str id, signer, verb, args;
    int64_t counter;
    struct wall_time issued_at, expires_at, received_at, changed_at;
    enum command_status status;
    struct str code, reason;
    struct str run; /* that it started: the first of its line; may be empty */
};
/* `keys` of the record with which a command arrives. */
void command_facts_write(const struct command *c, struct buf *out);

/* What the journal knows about one that arrives. */
struct command_memory {
    bool has_id;      /* a command with this id */
    bool has_counter; /* one of this signer with this counter */
    bool is_open;     /* this very one, and it has not ended */
    bool has_floor;   /* so many are remembered that lower counters than `floor` are forgotten */
    int64_t floor;
    int64_t open_count; /* of all signers */
};
MUST_CHECK bool store_recall_command(struct store *store, struct str signer, int64_t counter,
                                     struct str id, struct command_memory *ret, struct err *err);
/* Those that have not ended, in the order of arrival. */
MUST_CHECK bool store_open_commands(struct store *store, struct arena *arena,
                                    struct stored_command **ret, size_t *ret_count,
                                    struct err *err);
MUST_CHECK bool store_load_command(struct store *store, struct str id, struct arena *arena,
                                   struct stored_command *ret, bool *ret_found, struct err *err);
/* The run, or the first backfill, that a command started; empty when there is none. */
MUST_CHECK bool store_run_of_command(struct store *store, struct str id, char ret[UUID_TEXT_SIZE],
                                     struct err *err);
MUST_CHECK bool store_backfill_of_command(struct store *store, struct str id,
                                          char ret[UUID_TEXT_SIZE], struct err *err);
/* The open command that started the run, or the one that this run tries again; empty: none. */
MUST_CHECK bool store_command_of_run(struct store *store, struct str run, char ret[UUID_TEXT_SIZE],
                                     struct err *err);
/* Where the line of runs that begins with `run` has come to: a run that ended is followed by the one
 * that tries it again for the same command. Text in `arena`. ERR_NOT_FOUND: retention gave it up. */
struct run_line {
    struct str run, status, error, error_code;
};
MUST_CHECK bool store_run_line(struct store *store, struct str command, struct str run,
                               struct arena *arena, struct run_line *ret, struct err *err);

/* The newest first, at most `limit`; text in callbacks is borrowed. */
MUST_CHECK bool view_commands(struct view *view, bool open_only, int64_t limit,
                              void (*on_each)(void *ctx, const struct stored_command *command),
                              void *ctx, struct err *err);
