/* listen.c - the socket that is listened on. */
#include "hub/http/local.h"
#include "hub/http/server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 4096 }; /* the kernel takes less: net.core.somaxconn */

static bool read_address(struct str bind, int port, struct sockaddr_storage *ret,
                         socklen_t *ret_len, struct err *err)
{
    char text[INET6_ADDRSTRLEN + 1] = "127.0.0.1";
    struct sockaddr_in *in = (void *)ret;
    struct sockaddr_in6 *in6 = (void *)ret;
    if (!str_is_empty(bind)) {
        (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(bind));
    }
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        *ret_len = sizeof(*in);
        return true;
    }
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        *ret_len = sizeof(*in6);
        return true;
    }
    (void)err_set(err, ERR_INVALID, "http.bind: \"" STR_FMT "\" is no address", STR_ARG(bind));
    return err_hint(err, "127.0.0.1 for this machine, 0.0.0.0 or :: for all");
}

bool http_listen(const struct http_server_options *options, int *ret_fd, int *ret_port,
                 struct err *err)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    int one = 1;
    if (options->local != NULL) {
        *ret_port = 0;
        return http_local_listen(options->local, ret_fd, err);
    }
    if (!read_address(options->bind, options->port, &address, &len, err)) {
        return false;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
        *ret_port =
            ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                : ((struct sockaddr_in *)&address)->sin_port);
        *ret_fd = fd;
        return true;
    }
    int reason = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)err_errno(err, reason, "listen on port %d for the web", options->port);
    err->code = reason == EADDRINUSE ? ERR_EXISTS : err->code;
    return err_hint(err, "choose another: http: {port: N} in hub.yaml; or `http: off`");
}
