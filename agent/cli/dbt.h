/* dbt.h - dbt projects on the command line: which nodes run without dbt, and dbt's selection. */
#pragma once
#include "agent/cli/commands.h"
#include "agent/daemon/agent.h"
#include "agent/dbt/loaded.h"
#include "common/json/json_writer.h"

/* Whether the argument names a manifest or a bundle: by its name, *.json or *.gz. */
bool is_dbt_manifest(const char *argument);
/* `check` of one: each node, and whether it runs without dbt. Returns the exit code: 1 when one is
 * refused. */
int dbt_check_command(struct cli *cli, const char *argument);
/* The projects of the definitions: how many nodes run without dbt, and of the others why not. With
 * --json as a member "dbt" of `w`. */
bool dbt_check_projects(struct cli *cli, struct settings *settings, const struct definitions *defs,
                        struct json_writer *w, struct err *err);

/* --dbt-select and its fellows: whether one of them is there, and one that chooses nodes. */
bool dbt_has_selection(struct cli *cli);
bool dbt_has_options(struct cli *cli);
/* What they come to: the assets that they select, among those of the request's selection when it has
 * one, as its keys; and its tags, by which the step knows the rest. The tags have room for
 * DBT_TAGS_MAX more. Everything in `arena`. */
enum { DBT_TAGS_MAX = 8 };
MUST_CHECK bool dbt_apply_options(struct cli *cli, struct settings *settings,
                                  struct agent_request *request, struct arena *arena,
                                  struct err *err);
/* How fresh the sources of the project are whose step makes `asset`, asked of the worker now. Everything in
 * `arena`. */
MUST_CHECK bool dbt_ask_sources(const struct settings *settings, const struct definitions *defs,
                                const struct asset *asset, struct arena *arena,
                                struct dbt_loaded *ret, struct err *err);
