/* topics.h - every MQTT topic is built and taken apart here:
 * selvedge/v1/<fleet>/<device>/<channel>. Pure. */
#pragma once
#include "common/base/buf.h"
#include "common/base/str.h"

enum channel {
    CHANNEL_BIRTH,
    CHANNEL_DEATH,
    CHANNEL_EVENTS,
    CHANNEL_ACK,
    CHANNEL_DESIRED,
    CHANNEL_REPORTED,
    CHANNEL_CMD,
    CHANNEL_BUNDLE,
    CHANNEL_LOG,
    CHANNEL_WANT,        /* asks for what comes on the next two, or on _BUNDLE */
    CHANNEL_CERTIFICATE, /* a renewed one */
    CHANNEL_LEASE,       /* a place in one of the hub's pools */
    CHANNEL_COUNT
};
bool channel_is_upward(enum channel c); /* the device writes it */

enum { TOPIC_BYTES_MAX = 192 };
/* `device` may be "+" for a subscription. */
void topic_device(struct buf *out, struct str fleet, struct str device, enum channel c);
void topic_hub_state(struct buf *out, struct str fleet);  /* selvedge/v1/<fleet>/hub/state */
void topic_hub_alerts(struct buf *out, struct str fleet); /* selvedge/v1/<fleet>/hub/alerts */
void topic_hub_report(struct buf *out, struct str fleet,
                      struct str report); /* selvedge/v1/<fleet>/hub/reports/<report> */
void topic_enrol_request(struct buf *out, struct str fleet,
                         struct str client_id); /* .../enrol/request/<client> */
void topic_enrol_reply(struct buf *out, struct str fleet,
                       struct str client_id); /* .../enrol/reply/<client> */

/* Takes a device topic apart; false when it is none of this fleet. */
bool topic_parse_device(struct str topic, struct str fleet, struct str *ret_device,
                        enum channel *ret_channel);
bool topic_parse_enrol_request(struct str topic, struct str fleet, struct str *ret_client_id);

/* Names that are a topic level, a certificate's CN and a file name alike: [a-z0-9][a-z0-9-]{0,62},
 * not "hub", not "enrol". */
bool device_name_is_valid(struct str name);
#define TOPIC_HUB                                                                                  \
    STR("hub") /* where the hub speaks, and who recorded what is told to it directly */
