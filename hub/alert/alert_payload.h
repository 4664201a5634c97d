/* alert_payload.h - an alert as others read it: docs/reference/alerts.md. Pure. */
#pragma once
#include "common/base/buf.h"
#include "hub/alert/alerts.h"

/* One JSON object. */
void alert_payload_write(struct str fleet, struct str group_label, const struct alert_change *c,
                         struct wall_time now, struct buf *out);
void alert_payload_test(struct str fleet, struct wall_time now, struct buf *out);
/* "brooklyn is away: last seen ..." */
void alert_sentence(const struct alert_row *row, struct str group_label, struct str detail,
                    bool is_over, struct buf *out);
