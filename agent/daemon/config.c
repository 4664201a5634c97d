#include "agent/daemon/config.h"

#include "common/platform/files.h"
#include "common/wire/bundle.h"
#include "common/yaml/yaml.h"
#include <stddef.h>

enum { CONFIG_BYTES_MAX = 64 << 10 };

static const char *const clock_names[] = {"set", "require_sync", NULL};
static const char *const level_names[] = {"error", "warn", "info", "debug", NULL};

#define DAY_NS     (86400 * NS_PER_SEC)
#define AGE_MAX_NS (3660 * DAY_NS)
#define AT(member) offsetof(struct agent_config, member)
static const struct field config_fields[] = {
    {.key = "state_dir",
     .type = FIELD_STR,
     .offset = AT(state_dir),
     .fallback = "/var/lib/selvedge/agent",
     .help = "Folder for the database, the identity and captured output."},
    {.key = "definitions",
     .type = FIELD_STR,
     .offset = AT(definitions),
     .fallback = "/etc/selvedge/selvedge.yaml",
     .help = "The definitions of this device's assets."},
    {.key = "secrets_dir",
     .type = FIELD_STR,
     .offset = AT(secrets_dir),
     .fallback = "/etc/selvedge/secrets",
     .help =
         "Folder of the files that `${secret:NAME}` comes from. They belong to the agent's user "
         "or to root, with mode 0600 or 0400. Credentials of systemd come first."},
    {.key = "worker",
     .type = FIELD_STR,
     .offset = AT(worker),
     .help = "Path of selvedge-el. Normally the one beside selvedge-agent."},
    {.key = "cgroup",
     .type = FIELD_STR,
     .offset = AT(cgroup),
     .fallback = "auto",
     .help = "Where each step gets a control group (v2) of its own: `auto` is where systemd gave "
             "the agent one to divide (Delegate=yes), `off` is nowhere, a path is that folder."},
    {.key = "log_level",
     .type = FIELD_ENUM,
     .offset = AT(log_level),
     .names = level_names,
     .fallback = "info",
     .help = "How much is logged."},
    {.key = "steps_max",
     .type = FIELD_I64,
     .offset = AT(steps_max),
     .min = 0,
     .max = 256,
     .fallback = "0",
     .help = "Steps that may run at the same time; 0 means as many as there are processors."},
    {.key = "runs_max",
     .type = FIELD_I64,
     .offset = AT(runs_max),
     .min = 0,
     .max = 256,
     .fallback = "0",
     .help = "Runs that may go on at the same time, the others wait in the queue; 0 means as many "
             "as there are processors, and one with less than 512 MiB of memory."},
    {.key = "runs_kept",
     .type = FIELD_I64,
     .offset = AT(runs_kept),
     .min = 0,
     .max = 1000000,
     .fallback = "0",
     .help = "Ended runs that are kept; older ones are deleted. 0 means 1000, and 200 on a board "
             "with less than 512 MiB of memory."},
    {.key = "runs_age",
     .type = FIELD_DURATION,
     .offset = AT(runs_age_ns),
     .min = 0,
     .max = AGE_MAX_NS,
     .fallback = "90d",
     .help = "Ended runs and backfills older than this are deleted, but for the newest 20; 0s "
             "means no age. What is known of assets stays."},
    {.key = "output_quota",
     .type = FIELD_BYTES,
     .offset = AT(output_quota),
     .min = 0,
     .max = INT64_C(1) << 40,
     .fallback = "0",
     .help = "Captured output of all runs together; beyond it that of the oldest goes. 0 means "
             "256 MiB, and 16 MiB on a board with less than 512 MiB of memory."},
    {.key = "ticks_age",
     .type = FIELD_DURATION,
     .offset = AT(ticks_age_ns),
     .min = 0,
     .max = AGE_MAX_NS,
     .fallback = "30d",
     .help =
         "Ticks older than this are deleted, but for the newest 20 of each schedule and "
         "sensor. A jump of the clock ages them by at most a sixteenth of it. 0s means no age."},
    {.key = "clock",
     .type = FIELD_ENUM,
     .offset = AT(clock),
     .names = clock_names,
     .fallback = "set",
     .help =
         "When schedules believe the clock: once it is set to a date that can be right, or only "
         "once the kernel has said that it is synchronized (require_sync)."},
    {.key = "buffer_quota",
     .type = FIELD_BYTES,
     .offset = AT(buffer_quota),
     .min = 1 << 20,
     .max = INT64_C(1) << 40,
     .fallback = "64MiB",
     .help = "Events that wait for the hub; beyond it the oldest are given up and a gap record "
             "says which."},
    {.key = "buffer_history",
     .type = FIELD_BYTES,
     .offset = AT(buffer_history),
     .min = 0,
     .max = INT64_C(1) << 40,
     .fallback = "16MiB",
     .help =
         "Events that the hub has acknowledged and that are still kept for `selvedge-agent logs`."},
    {.key = "history_age",
     .type = FIELD_DURATION,
     .offset = AT(history_age_ns),
     .min = 0,
     .max = AGE_MAX_NS,
     .fallback = "90d",
     .help = "Acknowledged events older than this are deleted; 0s means no age."},
    {.key = "sync_linger",
     .type = FIELD_DURATION,
     .offset = AT(sync_linger_ns),
     .min = 0,
     .max = INT64_C(3600000000000),
     .fallback = "250ms",
     .help = "How long a small batch waits for more events before it is sent."},
    {.key = "hub_host",
     .type = FIELD_STR,
     .offset = AT(hub_host),
     .help = "Connect to this name or address instead of the one that enrolment gave: behind a "
             "port forward or a tunnel. The hub's certificate is checked all the same."},
    {.key = "hub_port",
     .type = FIELD_I64,
     .offset = AT(hub_port),
     .min = 1,
     .max = 65535,
     .help = "Connect to this port instead of the one that enrolment gave."},
    {.key = "keepalive_s",
     .type = FIELD_I64,
     .offset = AT(keepalive_s),
     .min = 5,
     .max = 3600,
     .fallback = "60",
     .help = "Seconds between signs of life on an idle connection."},
    {.key = "reconnect_max",
     .type = FIELD_DURATION,
     .offset = AT(backoff_max_ns),
     .min = 1000000000,
     .max = INT64_C(86400000000000),
     .fallback = "2m",
     .help =
         "The longest wait before the next attempt to reach the hub; the wait is random up to it."},
    {.key = "bundle_quota",
     .type = FIELD_BYTES,
     .offset = AT(bundle_quota),
     .min = 64 << 10,
     .max = BUNDLE_BYTES_MAX,
     .fallback = "64MiB",
     .help = "The largest bundle that is taken. Up to three are kept: the one in force, the one "
             "before it, and one that is coming in."},
    {.key = "bundle_trial",
     .type = FIELD_DURATION,
     .offset = AT(bundle_trial_ns),
     .min = NS_PER_SEC,
     .max = INT64_C(86400000000000),
     .fallback = "2m",
     .help = "How long a bundle that has just come into force is on trial: when a run fails on an "
             "asset that did not fail before, the device goes back to the one before it."},
};
static const struct agent_config config_defaults = {
    .state_dir = STR_INIT("/var/lib/selvedge/agent"),
    .definitions = STR_INIT("/etc/selvedge/selvedge.yaml"),
    .cgroup = STR_INIT("auto"),
    .secrets_dir = STR_INIT("/etc/selvedge/secrets"),
    .log_level = LOG_INFO,
    .runs_age_ns = 90 * DAY_NS,
    .ticks_age_ns = 30 * DAY_NS,
    .history_age_ns = 90 * DAY_NS,
    .buffer_quota = 64 << 20,
    .buffer_history = 16 << 20,
    .sync_linger_ns = 250 * NS_PER_MS,
    .keepalive_s = 60,
    .backoff_max_ns = 120 * NS_PER_SEC,
    .bundle_quota = BUNDLE_BYTES_MAX,
    .bundle_trial_ns = 120 * NS_PER_SEC,
};
static const struct field_table config_table = {.name = "agent",
                                                .size = sizeof(struct agent_config),
                                                .fields = config_fields,
                                                .count = COUNT_OF(config_fields),
                                                .defaults = &config_defaults};

bool agent_config_load(const char *path, bool must_exist, struct arena *arena,
                       struct problems *problems, struct agent_config *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(CONFIG_BYTES_MAX);
    if (!files_read(path, &text, err)) {
        if (err->code == ERR_NOT_FOUND && !must_exist) {
            *ret = config_defaults;
            return true;
        }
        return false;
    }
    struct json *node = NULL;
    struct agent_config config = config_defaults;
    problems->file = str_from(path);
    if (!yaml_parse(buf_str(&text), str_from(path), arena, &node, err)) {
        return false;
    }
    if (!fields_read(node, &config_table, STR_NONE, arena, problems, &config)) {
        return problems_to_err(problems, err);
    }
    *ret = config;
    return true;
}

void agent_config_write_reference(struct buf *out)
{
    fields_write_markdown(out, &config_table);
}
