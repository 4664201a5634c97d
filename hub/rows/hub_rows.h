/* hub_rows.h - alerts and pools as JSON: members of an object. */
#pragma once
#include "common/json/json_writer.h"
#include "hub/alert/alert_rows.h"
#include "hub/pool/pool_rows.h"

void row_alert(struct json_writer *w, const struct alert_listed *a, struct str group_label);
struct str alert_status(const struct alert_listed *a); /* pending, firing, resolved */
/* A pool with one of the devices that are there, or with none. */
void row_pool(struct json_writer *w, const struct pool_listed *p);
