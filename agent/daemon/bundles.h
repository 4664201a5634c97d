/* bundles.h - which bundle the agent runs: fetches the one that is wanted, puts it in force, keeps an
 * eye on it, and goes back when it does no good. Every change is a `bundle` event, recorded in the
 * transaction that makes it; a bundle that failed or was rolled back is remembered and not taken
 * again until somebody says so. docs/reference/bundles.md
 *
 * Functions but bundles_open() accept NULL: beside no daemon what is in force is only used. */
#pragma once
#include "agent/run/runner.h"
#include "common/json/json_writer.h"

struct agent;
struct bundles;

/* The file whose definitions hold with that bundle in force; empty = the local one. `ret_path` has
 * room for LIMIT_PATH_BYTES + 1. */
MUST_CHECK bool bundles_definitions_path(const struct agent *agent, struct str hash, char *ret_path,
                                         struct err *err);
/* At start: loads what is in force, or what was before it when that cannot be loaded any more. */
MUST_CHECK bool bundles_open_definitions(struct agent *agent, struct err *err);
MUST_CHECK bool bundles_open(struct bundles **ret, struct agent *agent, struct err *err);
void bundles_close(struct bundles *b);
void bundles_start(struct bundles *b);

/* What desired state names; empty = no bundle. Only a wish that differs from the last one is acted
 * on, so that what a person did here since stays. Returns before anything is done. */
void bundles_wish(struct bundles *b, struct str hash);
void bundles_link_is_up(struct bundles *b);
void bundles_take(struct bundles *b, struct str payload); /* on `bundle` */
void bundles_run_ended(struct bundles *b, const struct run_end *end);

/* By hand, or by a command. Durable when it returns true. */
/* Takes this bundle, whatever became of it before. ERR_INVALID: it is no hash. */
MUST_CHECK bool bundles_deploy(struct bundles *b, struct str hash, struct err *err);
/* To the bundle before it, or to the local file. ERR_NOT_FOUND: none is in force. */
MUST_CHECK bool bundles_roll_back(struct bundles *b, bool to_local_file, struct str reason,
                                  struct err *err);

/* "bundle":{"current":"...","previous":"...","wanted":"...","on_trial":false,"bytes":0,...} */
void bundles_write_status(const struct agent *agent, struct json_writer *w);
