#include "common/mqtt/rendezvous.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Strangers that could get in line before us: same user, within the microseconds between listen()
 * and connect(). */
enum { STRANGERS_MAX = 8 };

bool rendezvous_open(struct rendezvous *ret, struct str dir, const struct rng *rng, struct err *err)
{
    char name[17];
    rng_hex(rng, 8, name);
    struct rendezvous r = {.fd = -1, .address = {.sun_family = AF_UNIX}};
    int len = snprintf(r.address.sun_path, sizeof(r.address.sun_path), STR_FMT "/mqtt-%s",
                       STR_ARG(dir), name);
    if (len < 0 || (size_t)len >= sizeof(r.address.sun_path)) {
        (void)err_set(err, ERR_INVALID,
                      "the folder for sockets, " STR_FMT ", has a name that is too long",
                      STR_ARG(dir));
        return err_hint(err, "use one of at most %zu bytes",
                        sizeof(r.address.sun_path) - sizeof("/mqtt-") - 16);
    }
    r.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (r.fd < 0 || bind(r.fd, (const struct sockaddr *)&r.address, sizeof(r.address)) != 0) {
        (void)err_errno(err, errno, "in-process socket %s", r.address.sun_path);
        if (r.fd >= 0) {
            (void)close(r.fd);
        }
        return false;
    }
    if (listen(r.fd, 1) != 0) {
        (void)err_errno(err, errno, "in-process socket %s", r.address.sun_path);
        rendezvous_release(&r);
        return false;
    }
    *ret = r;
    return true;
}

bool rendezvous_accept(struct rendezvous *r, int *ret_fd, struct err *err)
{
    for (int i = 0; i < STRANGERS_MAX; i++) {
        int fd = accept4(r->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return err_errno(err, errno, "in-process socket");
        }
        struct ucred peer = {0};
        socklen_t len = sizeof(peer);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == getpid()) {
            *ret_fd = fd;
            return true;
        }
        (void)close(fd);
    }
    return err_set(err, ERR_DENIED, "in-process socket: other processes connect to it");
}

void rendezvous_release(struct rendezvous *r)
{
    if (r->fd >= 0) {
        (void)unlink(r->address.sun_path);
        (void)close(r->fd);
        r->fd = -1;
    }
}
