#include "hub/broker/broker.h"

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/wire/topics.h"

/* Sizes and queues are set on purpose: the broker's defaults drop what they acknowledged. What we
 * rely on is our own acknowledgement; these limits only bound the broker's memory. */
enum {
    INFLIGHT_MAX = 64,
    QUEUED_BYTES_MAX = 64 << 20, /* for one client: the hub, when the whole fleet comes back */
    KEEPALIVE_MAX_S = 3600,
    PACKET_OVERHEAD = 1024,
};

/* Options of a listener stand behind its `listener` line. One of them before the first would be
 * given to mosquitto's default listener, and so open port 1883 to everybody, without TLS. */
static void add_listener(struct buf *out, const struct broker_options *options, int port)
{
    buf_addf(out, "\nlistener %d", port);
    if (!str_is_empty(options->bind)) {
        buf_addf(out, " " STR_FMT, STR_ARG(options->bind));
    }
    buf_addf(out,
             "\ncertfile %s/server.pem\nkeyfile %s/server.key\ntls_version tlsv1.2\n"
             "allow_zero_length_clientid false\n",
             options->dir, options->dir);
}

void broker_write_config(struct buf *out, const struct broker_options *options)
{
    buf_add(out, STR("# Written by selvedge-hub at every start; changes are lost.\n"
                     "per_listener_settings true\n"
                     "persistence false\n"
                     "log_dest stderr\n"
                     "log_timestamp false\n"
                     "log_type error\nlog_type warning\nlog_type notice\nlog_type "
                     "information\nlog_type subscribe\n"
                     "log_type debug\n"
                     "set_tcp_nodelay true\n"));
    buf_add(out, options->is_root ? STR("user root\n") : STR(""));
    buf_addf(
        out,
        "max_inflight_messages %d\nmax_queued_messages 0\nmax_queued_bytes %d\nmax_packet_size %d\n"
        /* Nobody of ours asks for a session that stays; a stranger could ask for any number. */
        "max_keepalive %d\npersistent_client_expiration 1h\n",
        INFLIGHT_MAX, QUEUED_BYTES_MAX, LIMIT_MESSAGE_BYTES + PACKET_OVERHEAD, KEEPALIVE_MAX_S);
    add_listener(out, options, options->port);
    buf_addf(out, "cafile %s/ca.pem\nrequire_certificate true\nuse_identity_as_username true\n",
             options->dir);
    if (!str_is_empty(options->revoked)) {
        buf_addf(out, "crlfile %s/revoked.pem\n", options->dir);
    }
    buf_addf(out, "acl_file %s/devices.acl\n", options->dir);
    add_listener(out, options, options->enrol_port);
    buf_addf(out, "allow_anonymous true\nacl_file %s/enrolment.acl\nmax_connections 200\n",
             options->dir);
}

void broker_write_device_acl(struct buf *out, struct str fleet)
{
    char text[TOPIC_BYTES_MAX];
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        struct buf topic = buf_fixed(text, sizeof(text));
        topic_device(&topic, fleet, STR("%u"), (enum channel)c);
        buf_addf(out, "pattern %s " STR_FMT "\n",
                 channel_is_upward((enum channel)c) ? "write" : "read", STR_ARG(buf_str(&topic)));
    }
    struct buf state = buf_fixed(text, sizeof(text));
    topic_hub_state(&state, fleet);
    buf_addf(out, "pattern read " STR_FMT "\n", STR_ARG(buf_str(&state)));
    buf_addf(out, "\nuser hub\ntopic readwrite selvedge/v1/" STR_FMT "/#\n", STR_ARG(fleet));
}

void broker_write_enrol_acl(struct buf *out, struct str fleet)
{
    char text[TOPIC_BYTES_MAX];
    struct buf request = buf_fixed(text, sizeof(text));
    topic_enrol_request(&request, fleet, STR("%c"));
    buf_addf(out, "pattern write " STR_FMT "\n", STR_ARG(buf_str(&request)));
    struct buf reply = buf_fixed(text, sizeof(text));
    topic_enrol_reply(&reply, fleet, STR("%c"));
    buf_addf(out, "pattern read " STR_FMT "\n", STR_ARG(buf_str(&reply)));
}
