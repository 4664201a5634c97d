/* deploy_view.h - deployments as a person reads them, and waited for. */
#pragma once
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "hub/cli/commands.h"
#include "hub/deploy/deployments.h"

/* A deployment with its devices. */
struct deploy_view {
    struct arena arena;
    struct deployment deployment;
    struct deployment_device *devices;
    size_t count;
    struct wave_plan plan;
    struct wave_device *waves; /* those that it still has, `wave_count` of them */
    size_t wave_count;
};
/* `id` may be the beginning of one; empty = the newest. To be released in any case. */
MUST_CHECK bool deploy_view_load(struct deploy_view *view, struct deployments *open, struct str id,
                                 struct err *err);
void deploy_view_release(struct deploy_view *view);
/* Members of an object: of all devices, or of one wave. */
void deploy_view_write_tally(const struct wave_tally *tally, struct json_writer *w);
/* Until it is over: says on stderr what changes. The exit code that says how it ended. */
int deploy_view_wait(struct cli *cli, struct deployments *open, struct str id);
