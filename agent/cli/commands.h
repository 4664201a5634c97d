/* commands.h - the commands of selvedge-agent: one function each; the tables are in main.c and commands_*.c. */
#pragma once
#include "agent/daemon/config.h"
#include "agent/definitions/secrets.h"
#include "agent/store/view.h"
#include "common/cli/cli.h"

/* The tables; each ends with {0}. */
extern const struct cli_command commands_assets[];
extern const struct cli_command commands_runs[];
extern const struct cli_command commands_schedules[];
extern const struct cli_command commands_state[];
extern const struct cli_command commands_bundle[];
extern const struct cli_command commands_of_hub[];

int command_daemon(struct cli *cli, void *ctx);
int command_enroll(struct cli *cli, void *ctx);
int command_check(struct cli *cli, void *ctx);
int command_explain(struct cli *cli, void *ctx);
int command_assets(struct cli *cli, void *ctx);
int command_why(struct cli *cli, void *ctx);
int command_report_materialization(struct cli *cli, void *ctx);
int command_report_observation(struct cli *cli, void *ctx);
int command_report_check(struct cli *cli, void *ctx);
int command_automation_status(struct cli *cli, void *ctx);
int command_automation_pause(struct cli *cli, void *ctx);
int command_automation_resume(struct cli *cli, void *ctx);
int command_materialize(struct cli *cli, void *ctx);
int command_job(struct cli *cli, void *ctx);
int command_run(struct cli *cli, void *ctx);
int command_retry(struct cli *cli, void *ctx);
int command_cancel(struct cli *cli, void *ctx);
int command_reload(struct cli *cli, void *ctx);
int command_runs(struct cli *cli, void *ctx);
int command_backfill(struct cli *cli, void *ctx);
int command_backfill_list(struct cli *cli, void *ctx);
int command_backfill_show(struct cli *cli, void *ctx);
int command_backfill_cancel(struct cli *cli, void *ctx);
int command_backfill_retry(struct cli *cli, void *ctx);
int command_partitions(struct cli *cli, void *ctx);
int command_partitions_add(struct cli *cli, void *ctx);
int command_partitions_delete(struct cli *cli, void *ctx);
int command_logs(struct cli *cli, void *ctx);
int command_status(struct cli *cli, void *ctx);
int command_buffer(struct cli *cli, void *ctx);
int command_schedules(struct cli *cli, void *ctx);
int command_schedules_preview(struct cli *cli, void *ctx);
int command_schedules_pause(struct cli *cli, void *ctx);
int command_schedules_resume(struct cli *cli, void *ctx);
int command_sensors(struct cli *cli, void *ctx);
int command_sensors_pause(struct cli *cli, void *ctx);
int command_sensors_resume(struct cli *cli, void *ctx);
int command_sensors_cursor(struct cli *cli, void *ctx);
int command_sensors_test(struct cli *cli, void *ctx);
int command_state_list(struct cli *cli, void *ctx);
int command_state_show(struct cli *cli, void *ctx);
int command_state_set(struct cli *cli, void *ctx);
int command_state_reset(struct cli *cli, void *ctx);
int command_state_export(struct cli *cli, void *ctx);
int command_state_import(struct cli *cli, void *ctx);
int command_ticks(struct cli *cli, void *ctx);
int command_sources(struct cli *cli, void *ctx);
int command_schema(struct cli *cli, void *ctx);
int command_reference(struct cli *cli, void *ctx);

int command_bundles(struct cli *cli, void *ctx);
int command_bundle_rollback(struct cli *cli, void *ctx);
int command_bundle_leave(struct cli *cli, void *ctx);
int command_bundle_retry(struct cli *cli, void *ctx);

/* What every command begins with: the settings, with --state-dir, --definitions and --log-level put
 * over the file. */
struct settings {
    struct arena arena;
    struct problems problems;
    struct agent_config config;
    char state_dir[1024];
    char definitions[1024];
    char database[1024];
    char secrets_dir[1024];
    struct secret_folders secret_folders;
    struct secret_lookup secrets;
    struct env_lookup env; /* the agent's own, for ${VAR} and ${secret:NAME} */
};
/* On false the error was said and *ret_exit is the exit code. */
MUST_CHECK bool settings_load(struct cli *cli, struct settings *ret, int *ret_exit);
void settings_release(struct settings *settings);
/* A command whose work begins when the settings, or the definitions too, are loaded; returns its
 * exit code, or the one of what is wrong with them. */
int with_settings(struct cli *cli, int (*work)(struct cli *cli, struct settings *settings));
int with_definitions(struct cli *cli, int (*work)(struct cli *cli, struct settings *settings,
                                                  const struct definitions *defs));
