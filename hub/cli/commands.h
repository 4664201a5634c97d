/* commands.h - the commands of selvedge-hub: one function each; the table is in main.c. */
#pragma once
#include "common/base/limits.h"
#include "common/cli/cli.h"
#include "common/db/db.h"
#include "hub/config/config.h"

int command_init(struct cli *cli, void *ctx);
int command_serve(struct cli *cli, void *ctx);
int command_web(struct cli *cli, void *ctx);
int command_openapi(struct cli *cli, void *ctx);
int command_token_create(struct cli *cli, void *ctx);
int command_token_list(struct cli *cli, void *ctx);
int command_token_revoke(struct cli *cli, void *ctx);
int command_devices(struct cli *cli, void *ctx);
int command_assets(struct cli *cli, void *ctx);
int command_runs(struct cli *cli, void *ctx);
int command_logs(struct cli *cli, void *ctx);
int command_report(struct cli *cli, void *ctx);
int command_reports(struct cli *cli, void *ctx);
int command_report_send(struct cli *cli, void *ctx);
int command_report_make(struct cli *cli, void *ctx);
int command_lineage(struct cli *cli, void *ctx);
int command_refusals(struct cli *cli, void *ctx);
int command_rebuild(struct cli *cli, void *ctx);
int command_dbt_bundle(struct cli *cli, void *ctx);
int command_backup(struct cli *cli, void *ctx);
int command_restore(struct cli *cli, void *ctx);
int command_device_label(struct cli *cli, void *ctx);
int command_device_show(struct cli *cli, void *ctx);
int command_device_revoke(struct cli *cli, void *ctx);
int command_device_decommission(struct cli *cli, void *ctx);
int command_device_rename(struct cli *cli, void *ctx);
int command_device_replace(struct cli *cli, void *ctx);
int command_device_preauthorise(struct cli *cli, void *ctx);
int command_enrolments(struct cli *cli, void *ctx);
int command_enrolment_accept(struct cli *cli, void *ctx);
int command_enrolment_reject(struct cli *cli, void *ctx);
int command_simulate(struct cli *cli, void *ctx);
int command_desired_set(struct cli *cli, void *ctx);
int command_desired_list(struct cli *cli, void *ctx);
int command_desired_show(struct cli *cli, void *ctx);
int command_desired_diff(struct cli *cli, void *ctx);
int command_desired_remove(struct cli *cli, void *ctx);
int command_desired_status(struct cli *cli, void *ctx);
int command_desired_export(struct cli *cli, void *ctx);
int command_desired_import(struct cli *cli, void *ctx);
int command_command(struct cli *cli, void *ctx);
int command_commands(struct cli *cli, void *ctx);
int command_commands_cancel(struct cli *cli, void *ctx);
int command_sign(struct cli *cli, void *ctx);
int command_key_list(struct cli *cli, void *ctx);
int command_key_create(struct cli *cli, void *ctx);
int command_key_add(struct cli *cli, void *ctx);
int command_key_remove(struct cli *cli, void *ctx);
int command_reference(struct cli *cli, void *ctx);

/* Further tables; each ends with {0}. */
extern const struct cli_command commands_account[];
extern const struct cli_command commands_alert[];
extern const struct cli_command commands_automation[];
extern const struct cli_command commands_ca[];
int command_ca_rotate(struct cli *cli, void *ctx);
int command_ca_status(struct cli *cli, void *ctx);
int command_ca_finish(struct cli *cli, void *ctx);

extern const struct cli_command commands_deploy[];
int command_bundles(struct cli *cli, void *ctx);
int command_bundles_prune(struct cli *cli, void *ctx);
int command_deploy(struct cli *cli, void *ctx);
int command_deployments(struct cli *cli, void *ctx);
int command_deployment_pause(struct cli *cli, void *ctx);
int command_deployment_resume(struct cli *cli, void *ctx);
int command_deployment_abort(struct cli *cli, void *ctx);

extern const struct cli_command commands_desired[];
extern const struct cli_command commands_device[];
extern const struct cli_command commands_pool[];
extern const struct cli_command commands_report[];
extern const struct cli_command commands_lineage[];
extern const struct cli_command commands_simulate[];
extern const struct cli_command commands_command[];

/* What every command begins with: the settings, with --state-dir and --log-level put over the file.
 */
struct settings {
    struct arena arena;
    struct problems problems;
    struct hub_config config;
    struct str state_dir_in_file;    /* or its default */
    char file[LIMIT_PATH_BYTES + 1]; /* the settings were read from, or would be */
    char database[LIMIT_PATH_BYTES + 1];
};
/* Where the settings are: --config (or SELVEDGE_HUB_CONFIG), else hub.yaml in --state-dir, else
 * /etc/selvedge/hub.yaml. On false the error was said and *ret_exit is the exit code. */
MUST_CHECK bool settings_load(struct cli *cli, struct settings *ret, int *ret_exit);
/* The same for `init`, which makes the file: it need not be there. */
MUST_CHECK bool settings_load_if_there(struct cli *cli, struct settings *ret, int *ret_exit);
void settings_release(struct settings *settings);

/* The store for looking at it, beside a running hub. ERR_NOT_FOUND with what to do when the hub was
 * never set up. */
MUST_CHECK bool open_reader(const struct settings *settings, struct db **ret, struct err *err);
