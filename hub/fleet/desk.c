#include "hub/fleet/desk.h"

void desk_message_topic(const struct desk_message *message, struct str fleet, struct buf *out)
{
    if (!str_is_empty(message->device)) {
        topic_device(out, fleet, message->device, message->channel);
    } else if (!str_is_empty(message->report)) {
        topic_hub_report(out, fleet, message->report);
    } else {
        topic_hub_alerts(out, fleet);
    }
}
