/* connections.c - connections as libmicrohttpd tells of them: how many there may be, who gives way when
 * there are too many, and how long each may be in its state.
 *
 * DESIGN: a list for each state, in the order of coming into it, so that the head is whoever has been there
 * longest: nothing here walks over all of them. A connection is cut with shutdown(): libmicrohttpd sees its
 * end and closes it in one of its next turns; until then it is in CONN_CUT. Some more than the limit are
 * accepted for that time (HTTP_CONNECTIONS_SPARE). */
#include "hub/http/server_internal.h"

#include "common/log/log.h"
#include <stdlib.h>

/* --- lists --------------------------------------------------------------------------------------- */

static void list_add(struct http_server *server, struct http_conn *conn)
{
    struct http_conns *list = &server->conns[conn->state];
    conn->next = NULL;
    conn->previous = list->last;
    if (list->last != NULL) {
        list->last->next = conn;
    } else {
        list->first = conn;
    }
    list->last = conn;
}

static void list_remove(struct http_server *server, struct http_conn *conn)
{
    struct http_conns *list = &server->conns[conn->state];
    if (conn->previous != NULL) {
        conn->previous->next = conn->next;
    } else {
        list->first = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->previous = conn->previous;
    } else {
        list->last = conn->previous;
    }
}

void http_conn_enter(struct http_server *server, struct http_conn *conn, enum conn_state state)
{
    if (conn->state == CONN_CUT) {
        return;
    }
    list_remove(server, conn);
    conn->state = state;
    conn->since = loop_now(server->loop);
    list_add(server, conn);
}

void http_conn_cut(struct http_server *server, struct http_conn *conn)
{
    if (conn->state != CONN_CUT) {
        http_conn_enter(server, conn, CONN_CUT);
        server->leaving++;
        (void)shutdown(conn->fd, SHUT_RDWR);
        http_conn_resume(server, conn);
    }
}

void http_conn_resume(struct http_server *server, struct http_conn *conn)
{
    if (conn->is_suspended) {
        conn->is_suspended = false;
        MHD_resume_connection(conn->connection);
        loop_defer(server->loop, &server->run);
    }
}

/* --- too many ------------------------------------------------------------------------------------ */

static bool is_proxy(const struct http_server *server, const struct in6_addr *address)
{
    for (size_t i = 0; i < server->proxy_count; i++) {
        if (IN6_ARE_ADDR_EQUAL(&server->proxies[i], address)) {
            return true;
        }
    }
    return false;
}

/* Many come through them. */
static bool has_no_share(const struct http_server *server, const struct in6_addr *address)
{
    return http_address_is_loopback(address) || is_proxy(server, address);
}

enum MHD_Result http_on_accept(void *cls, const struct sockaddr *address, socklen_t len)
{
    struct http_server *server = cls;
    struct in6_addr from = server->local != NULL ? in6addr_loopback : http_address_of(address);
    (void)len;
    if (!has_no_share(server, &from) && http_peers_count(&server->peers, &from) >= server->share) {
        server->counts.refused_connections++;
        return MHD_NO;
    }
    return MHD_YES;
}

static struct http_conn *older(struct http_conn *a, struct http_conn *b)
{
    return a == NULL || (b != NULL && b->since.ns < a->since.ns) ? b : a;
}

/* Who waits longest without being answered: one that has asked for nothing if it had time to, else also
 * one that is still asking. */
static void make_room(struct http_server *server, struct http_conn *newest)
{
    struct mono_time now = loop_now(server->loop);
    struct http_conn *oldest = older(server->conns[CONN_NEW].first, server->conns[CONN_IDLE].first);
    if (oldest == newest || now.ns - oldest->since.ns < HTTP_TIME_TO_ASK_MS * NS_PER_MS) {
        oldest = older(oldest, server->conns[CONN_RECEIVING].first);
    }
    oldest = oldest == newest ? NULL : oldest;
    if (oldest != NULL) {
        server->counts.displaced_connections++;
        http_conn_cut(server, oldest);
    } else {
        server->counts.refused_connections++;
        newest->is_over = true;
    }
}

/* --- from accept to close ------------------------------------------------------------------------ */

static void conn_begin(struct http_server *server, struct MHD_Connection *connection,
                       void **socket_context)
{
    struct http_conn *conn = calloc(1, sizeof(*conn));
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *socket_context = conn;
    if (conn == NULL) {
        return; /* its requests are refused */
    }
    conn->connection = connection;
    conn->fd = fd != NULL ? fd->connect_fd : -1;
    conn->since = loop_now(server->loop);
    if (server->local != NULL) {
        conn->address = in6addr_loopback;
    } else if (address != NULL && address->client_addr != NULL) {
        conn->address = http_address_of(address->client_addr);
    }
    conn->is_proxy = is_proxy(server, &conn->address);
    if (!has_no_share(server, &conn->address)) {
        conn->peer = http_peers_enter(&server->peers, &conn->address);
    }
    list_add(server, conn);
    server->counts.connections++;
    server->counts.connections_total++;
    if (server->counts.connections - server->leaving > server->counts.connections_max) {
        make_room(server, conn);
    }
}

static void conn_end(struct http_server *server, struct http_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    list_remove(server, conn);
    server->leaving -= conn->state == CONN_CUT ? 1 : 0;
    server->counts.connections--;
    http_peers_leave(&server->peers, conn->peer);
    free(conn->target);
    free(conn);
}

void http_on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_begin(cls, connection, socket_context);
    } else {
        conn_end(cls, *socket_context);
        *socket_context = NULL;
    }
}

struct http_conn *http_conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

/* --- time ---------------------------------------------------------------------------------------- */

static void cut_the_late(struct http_server *server, enum conn_state state, int64_t seconds)
{
    struct mono_time now = loop_now(server->loop);
    struct http_conn *first = server->conns[state].first;
    while (first != NULL && now.ns - first->since.ns > seconds * NS_PER_SEC) {
        server->counts.cut_connections++;
        http_conn_cut(server, first);
        first = server->conns[state].first;
    }
}

/* libmicrohttpd hears of an end once. When that came together with the last bytes before it, it takes
 * these for all there is, and waits for more. Looked at once, of each that has begun to wait lately. */
static void cut_the_gone(struct http_server *server, enum conn_state state)
{
    struct http_conn *conn = server->conns[state].last;
    while (conn != NULL && conn->since.ns >= server->swept_at.ns) {
        struct http_conn *next = conn->previous;
        char byte = 0;
        if (recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
            http_conn_cut(server, conn);
        }
        conn = next;
    }
}

/* Once, and then with what came together in a minute. */
static void say_who_gave_way(struct http_server *server)
{
    struct mono_time now = loop_now(server->loop);
    int64_t displaced = server->counts.displaced_connections - server->said_displaced;
    int64_t refused = server->counts.refused_connections - server->said_refused;
    if ((displaced > 0 || refused > 0) && now.ns >= server->say_at.ns) {
        server->say_at = (struct mono_time){now.ns + HTTP_SAY_AGAIN_NS};
        server->said_displaced += displaced;
        server->said_refused += refused;
        LOG(WARN, "web.crowded", F_I("connections", server->counts.connections),
            F_I("limit", server->counts.connections_max), F_I("displaced", displaced),
            F_I("refused", refused),
            F_T("action", "the longest idle connections give way; an address with more than its "
                          "share gets no more"));
    }
}

/* libmicrohttpd knows silence only: whoever sends a byte now and then would stay for ever. */
void http_on_sweep(void *ctx)
{
    struct http_server *server = ctx;
    cut_the_late(server, CONN_NEW, HTTP_IDLE_S);
    cut_the_late(server, CONN_IDLE, HTTP_IDLE_S);
    cut_the_late(server, CONN_RECEIVING, HTTP_RECEIVE_S);
    cut_the_late(server, CONN_ANSWERING, HTTP_SEND_S);
    cut_the_late(server, CONN_STREAM, HTTP_STALLED_S);
    cut_the_gone(server, CONN_NEW);
    cut_the_gone(server, CONN_IDLE);
    cut_the_gone(server, CONN_RECEIVING);
    server->swept_at = loop_now(server->loop);
    say_who_gave_way(server);
    loop_timer_arm_in(server->loop, &server->sweep, NS_PER_SEC);
    http_run(
        server); /* at its limit it stops listening, and sees only in its next turn that there is room */
}
