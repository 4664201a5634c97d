/* deployment_rows.h - deployments and their devices as JSON. */
#pragma once
#include "common/json/json_writer.h"
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

/* Members of objects. A tally is of all devices, or of one wave. */
void row_deployment(struct json_writer *w, const struct deployment *d);
void row_tally(struct json_writer *w, const struct wave_tally *tally);
void row_deployment_device(struct json_writer *w, const struct deployment_device *device);
/* "superseded", "waiting", "asked", or what it said. */
struct str deployment_device_state(const struct deployment_device *device);
