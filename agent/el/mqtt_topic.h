/* mqtt_topic.h - the topic of a row's message. Pure. */
#pragma once
#include "agent/el/schema.h"
#include "common/base/buf.h"

/* Do all names in the topic's braces, but {stream}, belong to columns? ERR_INVALID names the first
 * that does not. */
MUST_CHECK bool mqtt_topic_fits(struct str topic, const struct schema *schema, struct err *err);
/* Writes the topic with the stream's name and the row's values in it. Of these + and #, control
 * characters and what is not UTF-8 become _, and so does one that is NULL or empty; a / stays. */
void mqtt_topic_write(struct buf *out, struct str topic, struct str stream,
                      const struct schema *schema, const struct value *row);
