/* broker_log.c - mosquitto says what it refuses in its log only, mostly on the debug level. Lines
 * as version 2.0 writes them; a line that is not known is nothing to us. Sources: handle_publish.c,
 * handle_subscribe.c, net.c, loop.c there. */
#include "hub/broker/broker.h"

#include "common/base/buf.h"
#include "common/wire/topics.h"
#include <stdio.h>

/* The text between two marks; STR_NONE when they are not there. */
static struct str between(struct str line, const char *from, const char *to)
{
    struct str start = str_from(from);
    struct str end = str_from(to);
    for (size_t i = 0; i + start.len <= line.len; i++) {
        if (!str_eq(str_slice(line, i, i + start.len), start)) {
            continue;
        }
        struct str rest = str_slice(line, i + start.len, line.len);
        for (size_t k = 0; k + end.len <= rest.len; k++) {
            if (str_eq(str_slice(rest, k, k + end.len), end)) {
                return str_slice(rest, 0, k);
            }
        }
        return STR_NONE;
    }
    return STR_NONE;
}

/* "Denied PUBLISH from chicago (d0, q1, r0, m1, 'selvedge/v1/main/boston/events', ... (12 bytes))"
 */
static bool read_denied_publish(struct str line, struct broker_line *ret)
{
    if (!str_starts(line, STR("Denied PUBLISH from "))) {
        return false;
    }
    *ret = (struct broker_line){.note = BROKER_NOTE_REFUSED,
                                .peer = between(line, "from ", " ("),
                                .what = STR("publish"),
                                .why = between(line, ", '", "'")};
    return true;
}

/* The subscribe log: "chicago 1 selvedge/v1/main/boston/ack". The broker accepts any filter and
 * withholds the messages; who asks for another's topics is told on all the same. */
static bool read_foreign_subscribe(struct str line, struct str fleet, struct broker_line *ret)
{
    struct str client = STR_NONE;
    struct str rest = STR_NONE;
    struct str qos = STR_NONE;
    struct str filter = STR_NONE;
    if (!str_cut(line, ' ', &client, &rest) || !str_cut(rest, ' ', &qos, &filter) || qos.len != 1 ||
        !str_starts(filter, STR("selvedge/")) || !device_name_is_valid(client)) {
        return false;
    }
    char own_text[TOPIC_BYTES_MAX];
    struct buf own = buf_fixed(own_text, sizeof(own_text));
    buf_addf(&own, "selvedge/v1/" STR_FMT "/" STR_FMT "/", STR_ARG(fleet), STR_ARG(client));
    char state_text[TOPIC_BYTES_MAX];
    struct buf state = buf_fixed(state_text, sizeof(state_text));
    topic_hub_state(&state, fleet);
    char reply_text[TOPIC_BYTES_MAX];
    struct buf reply = buf_fixed(reply_text, sizeof(reply_text));
    topic_enrol_reply(&reply, fleet, client);
    if (str_starts(filter, buf_str(&own)) || str_eq(filter, buf_str(&state)) ||
        str_eq(filter, buf_str(&reply))) {
        return false;
    }
    *ret = (struct broker_line){
        .note = BROKER_NOTE_REFUSED, .peer = client, .what = STR("subscribe"), .why = filter};
    return true;
}

static bool remember_address(struct broker_reader *reader, struct str line)
{
    if (!str_starts(line, STR("New connection from "))) {
        return false;
    }
    struct str address = between(line, "from ", " on port");
    (void)snprintf(reader->address, sizeof(reader->address), STR_FMT,
                   STR_ARG(str_slice(address, 0, 63)));
    return true;
}

static bool read_tls_error(const struct broker_reader *reader, struct str line,
                           struct broker_line *ret)
{
    if (!str_starts(line, STR("OpenSSL Error"))) {
        return false;
    }
    struct str why = STR_NONE;
    if (str_contains(line, STR("peer did not return a certificate"))) {
        why = STR("it showed no client certificate");
    } else if (str_contains(line, STR("certificate verify failed"))) {
        why = STR("its certificate is expired or signed by another CA");
    } else if (str_contains(line, STR("alert"))) {
        why = STR("it does not trust this hub's certificate, or broke off");
    } else if (str_contains(line, STR("wrong version number")) ||
               str_contains(line, STR("unsupported protocol")) ||
               str_contains(line, STR("http request"))) {
        why = STR("it does not speak TLS 1.2");
    } else {
        return false;
    }
    *ret = (struct broker_line){.note = BROKER_NOTE_REFUSED,
                                .peer = str_from(reader->address),
                                .what = STR("connection"),
                                .why = why};
    return true;
}

void broker_read_line(struct broker_reader *reader, struct str line, struct str fleet,
                      struct broker_line *ret)
{
    *ret = (struct broker_line){0};
    if (remember_address(reader, line) || read_denied_publish(line, ret) ||
        read_tls_error(reader, line, ret) || read_foreign_subscribe(line, fleet, ret)) {
        return;
    }
    if (str_starts(line, STR("Error: "))) {
        *ret =
            (struct broker_line){.note = BROKER_NOTE_TROUBLE, .what = STR("broker"), .why = line};
    }
}
