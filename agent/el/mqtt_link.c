#include "agent/el/mqtt_link.h"

#include "common/platform/files.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_TEXT_SIZE = 8, READ_BYTES = 64 << 10, SUBSCRIBE_ID = 1 };
#define PING_AFTER_NS (MQTT_LINK_KEEPALIVE_S * NS_PER_SEC / 2)

struct mqtt_link {
    const struct mqtt_link_options *options;
    struct clock clock;
    struct str label; /* "localhost:1883" */
    struct fd socket;
    struct buf in;
    struct buf out;
    size_t used;         /* bytes of `in` that were packets, the last message too */
    bool is_interrupted; /* a signal ended the last wait */
    struct mono_time sent;
    struct mono_time ping_due; /* when the answer has to be there; 0 = none is awaited */
    struct mqtt_accepted accepted;
};

/* --- bytes ----------------------------------------------------------------------------------- */

/* Waits until the socket can be read or written; *ret_ready false after wait_ns or a signal. */
static bool wait_for(struct mqtt_link *l, short events, int64_t wait_ns, bool *ret_ready,
                     struct err *err)
{
    struct pollfd fd = {.fd = l->socket.n, .events = events};
    int64_t ms = wait_ns <= 0 ? 0 : (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
    int count = poll(&fd, 1, ms > INT32_MAX ? INT32_MAX : (int)ms);
    *ret_ready = count > 0;
    l->is_interrupted = count < 0 && errno == EINTR;
    return count >= 0 || l->is_interrupted || err_errno(err, errno, "wait");
}

bool mqtt_link_send(struct mqtt_link *link, struct err *err)
{
    if (link->out.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a packet");
    }
    while (link->out.len > 0) {
        bool is_ready = false;
        ssize_t done = send(link->socket.n, link->out.ptr, link->out.len, MSG_NOSIGNAL);
        if (done >= 0) {
            buf_consume(&link->out, (size_t)done);
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            err_errno(err, errno, "send");
            err->code = ERR_OFFLINE;
            return false;
        }
        if (!wait_for(link, POLLOUT, link->options->timeout, &is_ready, err)) {
            return false;
        }
        if (!is_ready) {
            return err_set(err, ERR_TIMEOUT, "the broker takes no more bytes");
        }
    }
    link->sent = clock_mono(&link->clock);
    return true;
}

/* Brokers send acknowledgements one by one, each once TCP has confirmed the one before (Nagle), which
 * our side would leave for 40 ms while it has nothing to send. The kernel forgets it: again each
 * time. */
static void confirm_at_once(const struct mqtt_link *l)
{
    const int on = 1;
    (void)setsockopt(l->socket.n, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static bool receive(struct mqtt_link *l, struct err *err)
{
    char *to = buf_reserve(&l->in, READ_BYTES);
    if (to == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a packet");
    }
    ssize_t count = recv(l->socket.n, to, READ_BYTES, 0);
    if (count > 0) {
        l->in.len += (size_t)count;
        confirm_at_once(l);
        return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (count < 0) {
        err_errno(err, errno, "receive");
        err->code = ERR_OFFLINE;
        return false;
    }
    err_set(err, ERR_OFFLINE, "the broker ended the connection");
    return err_hint(err, "its log says why; two clients may have the same \"client_id\"");
}

/* --- packets --------------------------------------------------------------------------------- */

bool mqtt_link_senseless(const char *what, struct err *err)
{
    err_set(err, ERR_CORRUPT, "%s is not as MQTT has it", what);
    return err_hint(err, "see whether there is a broker at this port, without TLS");
}

/* The next packet that is whole. Those before it are dropped once there is none. */
static bool take_packet(struct mqtt_link *l, struct mqtt_packet *ret, bool *ret_found,
                        struct err *err)
{
    size_t bytes = 0;
    *ret_found = false;
    struct str rest = str_slice(buf_str(&l->in), l->used, l->in.len);
    switch (packet_next(rest, MQTT_LINK_PACKET_MAX, ret, &bytes)) {
    case PACKET_WHOLE:
        l->used += bytes;
        *ret_found = true;
        return true;
    case PACKET_PART:
        buf_consume(&l->in, l->used);
        l->used = 0;
        return true;
    case PACKET_LARGE:
        return err_set(err, ERR_FULL, "a message of %zu bytes; %d is the most", bytes,
                       MQTT_LINK_PACKET_MAX);
    case PACKET_WRONG:
    default:
        return mqtt_link_senseless("what the broker sent", err);
    }
}

bool mqtt_link_packet(struct mqtt_link *link, int64_t wait_ns, struct mqtt_packet *ret,
                      bool *ret_found, struct err *err)
{
    int64_t end = clock_mono(&link->clock).ns + wait_ns;
    for (;;) {
        bool is_ready = false;
        if (!take_packet(link, ret, ret_found, err)) {
            return false;
        }
        if (*ret_found) {
            return true;
        }
        int64_t left = end - clock_mono(&link->clock).ns;
        if (!wait_for(link, POLLIN, left, &is_ready, err) || (is_ready && !receive(link, err))) {
            return false;
        }
        if (!is_ready && (link->is_interrupted || left <= 0)) {
            return true;
        }
    }
}

static bool take_suback(const struct mqtt_link *l, const struct mqtt_packet *packet,
                        struct err *err)
{
    const struct str_list *topics = l->options->topics;
    size_t refused = 0;
    if (!packet_suback(MQTT_3_1_1, packet, topics->count, &refused)) {
        return mqtt_link_senseless("the answer to the subscription", err);
    }
    if (refused == topics->count) {
        return true;
    }
    err_set(err, ERR_DENIED, "the broker refuses the topic \"" STR_FMT "\"",
            STR_ARG(topics->items[refused]));
    return err_hint(err, "see the broker's access list, and \"user\"");
}

/* *ret_found: it was a message. */
static bool take_one(struct mqtt_link *l, const struct mqtt_packet *packet,
                     struct mqtt_publish *ret, bool *ret_found, struct err *err)
{
    switch (packet->type) {
    case PACKET_PUBLISH:
        *ret_found = packet_publish(MQTT_3_1_1, packet, ret);
        return *ret_found || mqtt_link_senseless("a message", err);
    case PACKET_SUBACK:
        return take_suback(l, packet, err);
    case PACKET_PINGRESP:
        l->ping_due = (struct mono_time){0};
        return true;
    default:
        return mqtt_link_senseless("a packet", err);
    }
}

static bool keep_alive(struct mqtt_link *l, struct err *err)
{
    int64_t now = clock_mono(&l->clock).ns;
    if (l->ping_due.ns != 0 && now >= l->ping_due.ns) {
        return err_set(err, ERR_TIMEOUT, "the broker does not answer any more");
    }
    if (l->ping_due.ns == 0 && now - l->sent.ns >= PING_AFTER_NS) {
        packet_add_pingreq(&l->out);
        l->ping_due.ns = now + l->options->timeout;
        return mqtt_link_send(l, err);
    }
    return true;
}

/* Until a ping or its answer is due. */
static int64_t wait_at_most(const struct mqtt_link *l, int64_t wait_ns)
{
    int64_t due = l->ping_due.ns != 0 ? l->ping_due.ns : l->sent.ns + PING_AFTER_NS;
    int64_t until = due - clock_mono(&l->clock).ns;
    return until < wait_ns ? until : wait_ns;
}

static bool next(struct mqtt_link *l, int64_t wait_ns, struct mqtt_publish *ret, bool *ret_found,
                 struct err *err)
{
    int64_t end = clock_mono(&l->clock).ns + wait_ns;
    for (;;) {
        struct mqtt_packet packet;
        bool is_there = false;
        bool is_ready = false;
        *ret_found = false;
        if (!take_packet(l, &packet, &is_there, err)) {
            return false;
        }
        if (is_there) {
            if (!take_one(l, &packet, ret, ret_found, err) || *ret_found) {
                return *ret_found;
            }
            continue;
        }
        int64_t left = end - clock_mono(&l->clock).ns;
        if (!keep_alive(l, err) || !wait_for(l, POLLIN, wait_at_most(l, left), &is_ready, err)) {
            return false;
        }
        if (is_ready) {
            if (!receive(l, err)) {
                return false;
            }
        } else if (l->is_interrupted || clock_mono(&l->clock).ns >= end) {
            return true;
        }
    }
}

bool mqtt_link_next(struct mqtt_link *link, int64_t wait_ns, struct mqtt_publish *ret,
                    bool *ret_found, struct err *err)
{
    return next(link, wait_ns, ret, ret_found, err) ||
           err_wrap(err, "mqtt " STR_FMT, STR_ARG(link->label));
}

bool mqtt_link_acknowledge(struct mqtt_link *link, const unsigned *ids, size_t count,
                           struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        packet_add_puback(&link->out, ids[i]);
    }
    return count == 0 || mqtt_link_send(link, err) ||
           err_wrap(err, "mqtt " STR_FMT, STR_ARG(link->label));
}

/* --- the connection -------------------------------------------------------------------------- */

static bool finish_connect(struct mqtt_link *l, struct err *err)
{
    int error = 0;
    socklen_t size = sizeof(error);
    bool is_ready = false;
    if (!wait_for(l, POLLOUT, l->options->timeout, &is_ready, err)) {
        return false;
    }
    if (!is_ready) {
        return err_set(err, ERR_TIMEOUT, "connect: no answer in time");
    }
    if (getsockopt(l->socket.n, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        err_errno(err, error == 0 ? errno : error, "connect");
        err->code = ERR_OFFLINE;
        return false;
    }
    return true;
}

static bool try_address(struct mqtt_link *l, const struct addrinfo *a, struct err *err)
{
    fd_release(&l->socket);
    l->socket.n = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->socket.n < 0) {
        return err_errno(err, errno, "make a socket");
    }
    if (connect(l->socket.n, a->ai_addr, a->ai_addrlen) == 0) {
        return true;
    }
    if (errno != EINPROGRESS) {
        err_errno(err, errno, "connect");
        err->code = ERR_OFFLINE;
        return false;
    }
    return finish_connect(l, err);
}

static bool dial(struct mqtt_link *l, struct arena *arena, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char memory[PORT_TEXT_SIZE];
    struct buf port = buf_fixed(memory, sizeof(memory));
    const char *host = arena_cstr(arena, l->options->host);
    buf_add_i64(&port, l->options->port);
    if (host == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    int rc = getaddrinfo(host, buf_cstr(&port), &hints, &found);
    if (rc != 0) {
        return err_set(err, ERR_OFFLINE, "%s", gai_strerror(rc));
    }
    bool is_connected = false;
    for (const struct addrinfo *a = found; a != NULL && !is_connected; a = a->ai_next) {
        is_connected = try_address(l, a, err);
    }
    freeaddrinfo(found);
    return is_connected;
}

#define LOGIN_ANSWER "the answer to the login"
#define REFUSES      "the broker refuses the connection: %s"

/* What the broker says of the login; MQTT 3.1.1 section 3.2.2.3. */
static bool check_login(const struct mqtt_packet *packet, struct err *err)
{
    static const struct {
        const char *text;
        enum err_code code;
    } refusals[] = {
        {"", ERR_NONE},
        {"it does not speak MQTT 3.1.1", ERR_INVALID},
        {"it does not take this \"client_id\"", ERR_INVALID},
        {"it is not available", ERR_OFFLINE},
        {"user name or password is wrong", ERR_DENIED},
        {"not authorized", ERR_DENIED},
    };
    unsigned code = 0;
    if (!packet_connack(packet, &code) || code >= COUNT_OF(refusals)) {
        return mqtt_link_senseless(LOGIN_ANSWER, err);
    }
    return code == 0 || err_set(err, refusals[code].code, REFUSES, refusals[code].text);
}

/* The same in MQTT 5. */
static bool check_accepted(struct mqtt_link *l, const struct mqtt_packet *packet, struct err *err)
{
    enum err_code class;
    if (!packet_accepted(packet, &l->accepted)) {
        return mqtt_link_senseless(LOGIN_ANSWER, err);
    }
    if (l->accepted.code == 0) {
        return true;
    }
    const char *why = mqtt_reason(l->accepted.code, &class);
    return err_set(err, class, REFUSES, why);
}

static bool log_in(struct mqtt_link *l, struct err *err)
{
    struct mqtt_connect connect = l->options->connect;
    struct mqtt_packet packet;
    int64_t end = clock_mono(&l->clock).ns + l->options->timeout;
    bool is_there = false;
    connect.keepalive_s = MQTT_LINK_KEEPALIVE_S;
    packet_add_connect(&l->out, &connect);
    if (l->options->topics != NULL) {
        packet_add_subscribe(&l->out, MQTT_3_1_1, SUBSCRIBE_ID, l->options->topics);
    }
    if (!mqtt_link_send(l, err)) {
        return false;
    }
    while (!is_there) {
        int64_t left = end - clock_mono(&l->clock).ns;
        if (left <= 0) {
            return err_set(err, ERR_TIMEOUT, "no answer to the login in time");
        }
        if (!mqtt_link_packet(l, left, &packet, &is_there, err)) {
            return false;
        }
    }
    return connect.version == MQTT_5 ? check_accepted(l, &packet, err) : check_login(&packet, err);
}

bool mqtt_link_open(struct mqtt_link **ret, const struct mqtt_link_options *options,
                    struct clock clock, struct arena *arena, struct err *err)
{
    struct mqtt_link *l = arena_alloc(arena, sizeof(*l));
    if (l == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    *l = (struct mqtt_link){.options = options,
                            .clock = clock,
                            .socket = {-1},
                            .in = buf_growing(MQTT_LINK_PACKET_MAX + READ_BYTES),
                            .out = buf_growing(MQTT_LINK_PACKET_MAX + MQTT_LINK_SEND_BYTES)};
    l->label =
        arena_printf(arena, STR_FMT ":%lld", STR_ARG(options->host), (long long)options->port);
    if (l->label.ptr == NULL || !dial(l, arena, err) || !log_in(l, err)) {
        mqtt_link_close(l);
        return l->label.ptr == NULL ? err_set(err, ERR_NO_MEMORY, "no memory for a connection")
                                    : err_wrap(err, "mqtt " STR_FMT, STR_ARG(l->label));
    }
    *ret = l;
    return true;
}

struct str mqtt_link_label(const struct mqtt_link *link)
{
    return link->label;
}

const struct mqtt_accepted *mqtt_link_accepted(const struct mqtt_link *link)
{
    return &link->accepted;
}

struct buf *mqtt_link_out(struct mqtt_link *link)
{
    return &link->out;
}

void mqtt_link_close(struct mqtt_link *link)
{
    if (link != NULL) {
        if (link->socket.n >= 0) { /* in vain where the connection is broken; nobody waits for it */
            buf_reset(&link->out);
            packet_add_disconnect(&link->out);
            (void)send(link->socket.n, link->out.ptr, link->out.len, MSG_NOSIGNAL);
        }
        fd_release(&link->socket);
        buf_release(&link->in);
        buf_release(&link->out);
    }
}
