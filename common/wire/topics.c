/* topics.c - see topics.h. */
#include "common/wire/topics.h"

static const char *const channel_names[CHANNEL_COUNT] = {
    [CHANNEL_BIRTH] = "birth", [CHANNEL_DEATH] = "death",     [CHANNEL_EVENTS] = "events",
    [CHANNEL_ACK] = "ack",     [CHANNEL_DESIRED] = "desired", [CHANNEL_REPORTED] = "reported",
    [CHANNEL_CMD] = "cmd",     [CHANNEL_BUNDLE] = "bundle",   [CHANNEL_LOG] = "log",
    [CHANNEL_WANT] = "want",   [CHANNEL_LEASE] = "lease",     [CHANNEL_CERTIFICATE] = "certificate",
};

static const char *channel_name(enum channel c)
{
    return (unsigned)c < CHANNEL_COUNT ? channel_names[c] : "";
}

bool channel_is_upward(enum channel c)
{
    const unsigned upward = 1U << CHANNEL_BIRTH | 1U << CHANNEL_DEATH | 1U << CHANNEL_EVENTS |
                            1U << CHANNEL_REPORTED | 1U << CHANNEL_LOG | 1U << CHANNEL_WANT;
    return (unsigned)c < CHANNEL_COUNT && (upward >> (unsigned)c & 1U) != 0;
}

static void add_fleet(struct buf *out, struct str fleet)
{
    buf_add(out, STR("selvedge/v1/"));
    buf_add(out, fleet);
    buf_add_char(out, '/');
}

void topic_device(struct buf *out, struct str fleet, struct str device, enum channel c)
{
    add_fleet(out, fleet);
    buf_add(out, device);
    buf_add_char(out, '/');
    buf_add_text(out, channel_name(c));
}

void topic_hub_state(struct buf *out, struct str fleet)
{
    add_fleet(out, fleet);
    buf_add(out, STR("hub/state"));
}

void topic_hub_alerts(struct buf *out, struct str fleet)
{
    add_fleet(out, fleet);
    buf_add(out, STR("hub/alerts"));
}

void topic_hub_report(struct buf *out, struct str fleet, struct str report)
{
    add_fleet(out, fleet);
    buf_add(out, STR("hub/reports/"));
    buf_add(out, report);
}

void topic_enrol_request(struct buf *out, struct str fleet, struct str client_id)
{
    add_fleet(out, fleet);
    buf_add(out, STR("enrol/request/"));
    buf_add(out, client_id);
}

void topic_enrol_reply(struct buf *out, struct str fleet, struct str client_id)
{
    add_fleet(out, fleet);
    buf_add(out, STR("enrol/reply/"));
    buf_add(out, client_id);
}

/* What follows "selvedge/v1/<fleet>/", or false. */
static bool skip_fleet(struct str topic, struct str fleet, struct str *ret_rest)
{
    const struct str root = STR("selvedge/v1/");
    if (!str_starts(topic, root)) {
        return false;
    }
    struct str level;
    struct str rest;
    if (!str_cut(str_slice(topic, root.len, topic.len), '/', &level, &rest) ||
        !str_eq(level, fleet)) {
        return false;
    }
    *ret_rest = rest;
    return true;
}

bool topic_parse_device(struct str topic, struct str fleet, struct str *ret_device,
                        enum channel *ret_channel)
{
    struct str rest;
    struct str device;
    struct str name;
    if (!skip_fleet(topic, fleet, &rest) || !str_cut(rest, '/', &device, &name) ||
        !device_name_is_valid(device)) {
        return false;
    }
    for (unsigned c = 0; c < CHANNEL_COUNT; c++) {
        if (str_eq(name, str_from(channel_names[c]))) {
            *ret_device = device;
            *ret_channel = (enum channel)c;
            return true;
        }
    }
    return false;
}

bool topic_parse_enrol_request(struct str topic, struct str fleet, struct str *ret_client_id)
{
    const struct str prefix = STR("enrol/request/");
    struct str rest;
    if (!skip_fleet(topic, fleet, &rest) || !str_starts(rest, prefix)) {
        return false;
    }
    struct str client = str_slice(rest, prefix.len, rest.len);
    if (!device_name_is_valid(client)) {
        return false;
    }
    *ret_client_id = client;
    return true;
}

bool device_name_is_valid(struct str name)
{
    if (name.len == 0 || name.len > 63 || name.ptr[0] == '-' || str_eq(name, TOPIC_HUB) ||
        str_eq(name, STR("enrol"))) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return true;
}
