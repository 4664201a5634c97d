/* connections.c - connections as libmicrohttpd tells of them: counted by address, and cut when they are
 * in one state for too long. */
#include "hub/http/server_internal.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static bool is_same_peer(const struct sockaddr_storage *a, const struct sockaddr *b)
{
    if (a->ss_family != b->sa_family) {
        return false;
    }
    if (b->sa_family == AF_INET) {
        const struct sockaddr_in *x = (const void *)a;
        const struct sockaddr_in *y = (const void *)b;
        return x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *x = (const void *)a;
    const struct sockaddr_in6 *y = (const void *)b;
    return memcmp(&x->sin6_addr, &y->sin6_addr, sizeof(x->sin6_addr)) == 0;
}

bool http_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    }
    return false;
}

enum MHD_Result http_on_accept(void *cls, const struct sockaddr *address, socklen_t len)
{
    struct http_server *server = cls;
    int count = 0;
    (void)len;
    if (http_is_loopback(address)) {
        return MHD_YES;
    }
    for (const struct http_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        count += is_same_peer(&conn->address, address) ? 1 : 0;
    }
    if (count >= HTTP_CONNECTIONS_PER_PEER) {
        server->counts.refused_connections++;
        return MHD_NO;
    }
    return MHD_YES;
}

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
    conn->fd = fd != NULL ? fd->connect_fd : -1;
    conn->since = loop_now(server->loop);
    if (address != NULL && address->client_addr != NULL) {
        size_t len = address->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                 : sizeof(struct sockaddr_in);
        memcpy(&conn->address, address->client_addr, len);
    }
    conn->next = server->conns;
    if (server->conns != NULL) {
        server->conns->previous = conn;
    }
    server->conns = conn;
    server->counts.connections++;
    server->counts.connections_total++;
}

static void conn_end(struct http_server *server, struct http_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    if (conn->previous != NULL) {
        conn->previous->next = conn->next;
    } else {
        server->conns = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->previous = conn->previous;
    }
    server->counts.connections--;
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

/* How long a connection may be in its state, in seconds; 0 = as long as it likes. */
static int64_t patience(const struct http_server *server, enum conn_state state)
{
    bool is_crowded = server->counts.connections > HTTP_CONNECTIONS_MAX * 3 / 4;
    switch (state) {
    case CONN_NEW:
        return is_crowded ? HTTP_CROWDED_S : HTTP_FIRST_REQUEST_S;
    case CONN_IDLE:
        return is_crowded ? HTTP_CROWDED_S : HTTP_IDLE_S;
    case CONN_RECEIVING:
        return HTTP_RECEIVE_S;
    case CONN_ANSWERING:
        return HTTP_SEND_S;
    case CONN_STREAM:
        break;
    }
    return 0;
}

/* libmicrohttpd knows silence only: whoever sends a byte now and then would stay for ever. */
void http_on_sweep(void *ctx)
{
    struct http_server *server = ctx;
    struct mono_time now = loop_now(server->loop);
    for (struct http_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        int64_t seconds = patience(server, conn->state);
        if (seconds > 0 && !conn->is_cut && now.ns - conn->since.ns > seconds * NS_PER_SEC) {
            conn->is_cut = true;
            server->counts.cut_connections++;
            (void)shutdown(conn->fd, SHUT_RDWR); /* libmicrohttpd sees its end, and closes */
        }
    }
    loop_timer_arm_in(server->loop, &server->sweep, NS_PER_SEC);
    http_run(
        server); /* at its limit it stops listening, and sees only in its next turn that there is room */
}
