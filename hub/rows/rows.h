/* rows.h - what the store's rows are as JSON: the same members in `selvedge-hub ... --json` and in the
 * API. The caller begins and ends the object. */
#pragma once
#include "common/json/json_writer.h"
#include "hub/fleet/targets.h"
#include "hub/rows/freshness_list.h"
#include "hub/store/queries.h"

void row_device(struct json_writer *w, const struct hub_device *d,
                const struct freshness_list *freshness);
void row_fleet_asset(struct json_writer *w, const struct hub_fleet_asset *a);
void row_device_asset(struct json_writer *w, const struct hub_device_asset *a);
void row_run(struct json_writer *w, const struct hub_run *run);
void row_step(struct json_writer *w, const struct hub_step *step);
void row_check(struct json_writer *w, const struct hub_check *check); /* without its asset */
void row_materialization(struct json_writer *w, const struct hub_materialization *m);

void row_member_number(struct json_writer *w, const char *key,
                       int64_t v); /* HUB_UNKNOWN: left out */
void row_member_json(struct json_writer *w, const char *key, struct str v); /* empty: too */
void row_member_labels(struct json_writer *w, const char *key,
                       struct str labels); /* as an object */
/* The next of "line=2 site=berlin" as the store lists them; false at the end. */
bool label_next(struct str *labels, struct target_label *ret);

/* Whether a device of a list is one of those that are asked for; NULL: all are. */
bool row_is_meant(const struct targets *targets, const struct hub_device *d);
