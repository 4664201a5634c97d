/* report_rows.h - reports that go out by a schedule as JSON: members of an object. */
#pragma once
#include "common/json/json_writer.h"
#include "hub/delivery/listing.h"

void row_report(struct json_writer *w, const struct delivery_listed *listed);
void row_report_attempt(struct json_writer *w, const struct delivery_attempt *attempt);
