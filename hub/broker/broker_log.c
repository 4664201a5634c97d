/* broker_log.c - mosquitto says what it refuses in its log only, mostly on the debug level. Lines
 * as version 2.0 writes them; a line that is not known is nothing to us. Sources: handle_connect.c,
 * handle_publish.c, handle_subscribe.c, net.c, loop.c there. */
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

static void copy(char *to, size_t size, struct str text)
{
    (void)snprintf(to, size, STR_FMT, STR_ARG(str_slice(text, 0, size - 1)));
}

/* --- who is who ------------------------------------------------------------------------- */

/* "192.0.2.7:53716": the port is another one each time, and who it was would never be the same. */
static struct str without_port(struct str address)
{
    size_t len = address.len;
    while (len > 0 && address.ptr[len - 1] >= '0' && address.ptr[len - 1] <= '9') {
        len--;
    }
    bool has_port = len > 1 && len < address.len && address.ptr[len - 1] == ':';
    return has_port ? str_slice(address, 0, len - 1) : address;
}

static bool remember_address(struct broker_reader *reader, struct str line)
{
    if (!str_starts(line, STR("New connection from "))) {
        return false;
    }
    copy(reader->address, sizeof(reader->address),
         without_port(between(line, "from ", " on port")));
    return true;
}

/* "New client connected from 192.0.2.7:53716 as chicago.1f3a (p5, c1, k60, u'chicago')." A client
 * id is what the client likes; the user name is its certificate's. Who is not called by its name is
 * remembered. */
static bool remember_client(struct broker_reader *reader, struct str line)
{
    if (!str_starts(line, STR("New client connected from "))) {
        return false;
    }
    struct str client = between(line, " as ", " (p");
    struct str user = between(line, ", u'", "'");
    struct str name = STR_NONE;
    struct str rest = STR_NONE;
    if (!str_is_empty(user) && str_cut(client, '.', &name, &rest) && str_eq(name, user)) {
        return true;
    }
    struct broker_stranger *stranger = &reader->strangers[reader->next];
    reader->next = (reader->next + 1) % BROKER_STRANGERS_MAX;
    copy(stranger->client, sizeof(stranger->client), client);
    copy(stranger->peer, sizeof(stranger->peer),
         str_is_empty(user) ? without_port(between(line, "from ", " as ")) : user);
    return true;
}

/* The device behind a client id, or the address of somebody unknown. */
static struct str peer_of(const struct broker_reader *reader, struct str client)
{
    struct str known = str_slice(client, 0, sizeof(reader->strangers[0].client) - 1);
    for (size_t i = 1; i <= BROKER_STRANGERS_MAX; i++) {
        size_t at = (reader->next + BROKER_STRANGERS_MAX - i) % BROKER_STRANGERS_MAX;
        if (reader->strangers[at].peer[0] != '\0' &&
            str_eq(str_from(reader->strangers[at].client), known)) {
            return str_from(reader->strangers[at].peer);
        }
    }
    struct str name = STR_NONE;
    struct str rest = STR_NONE;
    return str_cut(client, '.', &name, &rest) ? name : client;
}

/* --- what was refused ------------------------------------------------------------------- */

PRINTF_LIKE(4, 5)
static bool refused(struct broker_reader *reader, struct broker_line *ret, const char *what,
                    const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reader->why, sizeof(reader->why), fmt, args);
    va_end(args);
    ret->note = BROKER_NOTE_REFUSED;
    ret->what = str_from(what);
    ret->why = str_from(reader->why);
    return true;
}

/* "Denied PUBLISH from chicago.1f3a (d0, q1, r0, m1, 'selvedge/v1/main/boston/events', ... (12
 * bytes))" */
static bool read_denied_publish(struct broker_reader *reader, struct str line,
                                struct broker_line *ret)
{
    if (!str_starts(line, STR("Denied PUBLISH from "))) {
        return false;
    }
    ret->peer = peer_of(reader, between(line, "from ", " ("));
    return refused(reader, ret, "publish", "it may not publish to " STR_FMT,
                   STR_ARG(between(line, ", '", "'")));
}

static bool is_own_filter(struct str filter, struct str fleet, struct str peer, struct str client)
{
    char text[3][TOPIC_BYTES_MAX];
    struct buf own = buf_fixed(text[0], sizeof(text[0]));
    buf_addf(&own, "selvedge/v1/" STR_FMT "/" STR_FMT "/", STR_ARG(fleet), STR_ARG(peer));
    struct buf state = buf_fixed(text[1], sizeof(text[1]));
    topic_hub_state(&state, fleet);
    struct buf reply = buf_fixed(text[2], sizeof(text[2]));
    topic_enrol_reply(&reply, fleet, client);
    return str_eq(peer, STR("hub")) || str_starts(filter, buf_str(&own)) ||
           str_eq(filter, buf_str(&state)) || str_eq(filter, buf_str(&reply));
}

/* The subscribe log: "chicago.1f3a 1 selvedge/v1/main/boston/ack". The broker accepts any filter
 * and withholds the messages; who asks for another's topics is told on all the same. */
static bool read_foreign_subscribe(struct broker_reader *reader, struct str line, struct str fleet,
                                   struct broker_line *ret)
{
    struct str client = STR_NONE;
    struct str rest = STR_NONE;
    struct str qos = STR_NONE;
    struct str filter = STR_NONE;
    if (!str_cut(line, ' ', &client, &rest) || !str_cut(rest, ' ', &qos, &filter) || qos.len != 1 ||
        qos.ptr[0] < '0' || qos.ptr[0] > '2' || str_is_empty(filter)) {
        return false;
    }
    struct str peer = peer_of(reader, client);
    if (is_own_filter(filter, fleet, peer, client)) {
        return false;
    }
    ret->peer = peer;
    return refused(reader, ret, "subscribe", "it may not read " STR_FMT, STR_ARG(filter));
}

/* "Client chicago.1f3a disconnected due to oversize packet." */
static bool read_oversize(struct broker_reader *reader, struct str line, struct broker_line *ret)
{
    if (!str_starts(line, STR("Client ")) ||
        !str_ends(line, STR(" disconnected due to oversize packet."))) {
        return false;
    }
    ret->peer = peer_of(reader, between(line, "Client ", " disconnected"));
    return refused(reader, ret, "packet", "it is larger than what a device may send");
}

static const char *explain_tls(struct str line)
{
    if (str_contains(line, STR("peer did not return a certificate"))) {
        return "it showed no client certificate";
    }
    if (str_contains(line, STR("certificate verify failed"))) {
        return "its certificate is expired, revoked or signed by another CA";
    }
    if (str_contains(line, STR("alert"))) {
        return "it does not trust this hub's certificate, or broke off";
    }
    if (str_contains(line, STR("wrong version number")) ||
        str_contains(line, STR("unsupported protocol")) ||
        str_contains(line, STR("http request"))) {
        return "it does not speak TLS 1.2";
    }
    return NULL;
}

/* "OpenSSL Error[0]: ..." names nobody: whoever began to connect last. "Client connection from
 * 192.0.2.7 failed: ..." comes when not even the first bytes are TLS. */
static bool read_tls_error(struct broker_reader *reader, struct str line, struct broker_line *ret)
{
    struct str peer = between(line, "Client connection from ", " failed: ");
    bool is_first = !str_is_empty(peer);
    if (!is_first && !str_starts(line, STR("OpenSSL Error"))) {
        return false;
    }
    const char *why = explain_tls(line);
    if (why == NULL) {
        return false;
    }
    ret->peer = is_first ? peer : str_from(reader->address);
    return refused(reader, ret, "connection", "%s", why);
}

void broker_read_line(struct broker_reader *reader, struct str line, struct str fleet,
                      struct broker_line *ret)
{
    *ret = (struct broker_line){0};
    if (remember_address(reader, line) || remember_client(reader, line) ||
        read_denied_publish(reader, line, ret) || read_oversize(reader, line, ret) ||
        read_tls_error(reader, line, ret) || read_foreign_subscribe(reader, line, fleet, ret)) {
        return;
    }
    if (str_starts(line, STR("Opening "))) {
        copy(reader->opening, sizeof(reader->opening), between(line, "on port ", "."));
    } else if (str_starts(line, STR("Error: "))) {
        *ret = (struct broker_line){.note = BROKER_NOTE_TROUBLE, .what = STR("broker")};
        (void)snprintf(reader->why, sizeof(reader->why), "%s%s" STR_FMT,
                       reader->opening[0] != '\0' ? "port " : "", reader->opening,
                       STR_ARG(str_slice(line, reader->opening[0] != '\0' ? 5 : 0, line.len)));
        ret->why = str_from(reader->why);
    }
}
