/* automation_look.h - what the evaluation of conditions asks for, read from the database at one
 * moment: whoever has recorded something flushes first. Everything lives in the arena given. */
#pragma once
#include "agent/definitions/definitions.h"
#include "agent/store/versions.h"
#include "common/model/automation_eval.h"

struct automation_look;
/* Whether any asset has a condition: else there is nothing to look at. */
bool automation_is_used(const struct definitions *defs);
/* Reads what is known of the assets with a condition and of those that they are made from. */
MUST_CHECK bool automation_look_open(struct automation_look **ret, struct store *store,
                                     const struct definitions *defs, struct wall_time now,
                                     struct arena *arena, struct err *err);
/* Assets whose condition was evaluated and that have none any more: what is kept of them goes. */
const struct str *automation_look_forgotten(const struct automation_look *look, size_t *ret_count);
/* By asset; `wants_tree` may be set before evaluating. */
struct automation_asset *automation_look_assets(struct automation_look *look);
/* Evaluates. What cannot be read fails it. */
MUST_CHECK bool automation_look_evaluate(struct automation_look *look,
                                         struct automation_result **ret, struct err *err);
/* When a condition may come to something else although nothing happens: the next tick of a cron, or
 * the next partition. INT64_MAX = never. */
struct wall_time automation_next_time(const struct definitions *defs, struct wall_time now);
