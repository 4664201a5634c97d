/* config.h - the agent's settings: <file>, by default /etc/selvedge/agent.yaml. One table makes
 * parser, help and docs. */
#pragma once
#include "common/base/time.h"
#include "common/json/fields.h"
#include "common/log/log.h"

enum clock_need { CLOCK_SET, CLOCK_REQUIRE_SYNC };

struct agent_config {
    struct str state_dir;
    struct str definitions; /* path of selvedge.yaml */
    struct str secrets_dir; /* files that ${secret:NAME} comes from */
    struct str worker;      /* path of selvedge-el; empty = beside this program */
    struct str cgroup;      /* where steps get control groups: "auto", "off", or a folder */
    int log_level;          /* enum log_level */
    int64_t steps_max;      /* children at the same time; 0 = as many as there are processors */
    int64_t runs_max;       /* runs at the same time; 0 = by the board */
    int64_t runs_kept;      /* 0 = by the board, as the next one */
    int64_t output_quota;   /* bytes of captured output of all runs */
    int64_t runs_age_ns;
    int64_t ticks_age_ns;
    int64_t history_age_ns;
    int clock;              /* enum clock_need */
    int64_t buffer_quota;   /* bytes of events that wait */
    int64_t buffer_history; /* bytes of acknowledged events kept for `logs` */
    int64_t sync_linger_ns;
    struct str hub_host; /* empty = as enrolment said */
    int64_t hub_port;    /* 0 = as enrolment said */
    int64_t keepalive_s;
    int64_t backoff_max_ns;
    int64_t bundle_quota;    /* bytes of the largest bundle that is taken */
    int64_t bundle_trial_ns; /* how long one is on trial */
};

/* Defaults, then the file (a file that is not there is an error only when `must_exist`). Text lives
 * in `arena`. All problems are added to `problems`; err is the first. */
MUST_CHECK bool agent_config_load(const char *path, bool must_exist, struct arena *arena,
                                  struct problems *problems, struct agent_config *ret,
                                  struct err *err);
void agent_config_write_reference(struct buf *out);
