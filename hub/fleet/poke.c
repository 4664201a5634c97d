#include "hub/fleet/poke.h"

#include "common/base/limits.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool socket_address(const struct hub_config *config, struct sockaddr_un *ret,
                           struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!hub_path(config, "hub.sock", path, err)) {
        return false;
    }
    if (strlen(path) >= sizeof(ret->sun_path)) {
        return err_set(err, ERR_INVALID, "%s: longer than a socket's path may be", path);
    }
    memcpy(ret->sun_path, path, strlen(path));
    return true;
}

static void look_again(struct poke *poke)
{
    loop_timer_arm_in(poke->loop, &poke->timer, POKE_LOOK_S * NS_PER_SEC);
    poke->on_poke(poke->ctx);
}

static void on_timer(void *ctx)
{
    look_again(ctx);
}

static void on_datagram(void *ctx, unsigned events)
{
    struct poke *poke = ctx;
    char bytes[8];
    (void)events;
    while (recv(poke->source.fd, bytes, sizeof(bytes), 0) >= 0) { /* many are one */
    }
    look_again(poke);
}

bool poke_listen(struct poke *poke, struct loop *loop, const struct hub_config *config,
                 void (*on_poke)(void *ctx), void *ctx, struct err *err)
{
    struct sockaddr_un address;
    if (!socket_address(config, &address, err)) {
        return false;
    }
    (void)unlink(address.sun_path); /* of a killed hub; the lock says that none is running */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *poke = (struct poke){.loop = loop, .on_poke = on_poke, .ctx = ctx};
    poke->source = (struct loop_fd){.fd = fd, .on_ready = on_datagram, .ctx = poke};
    poke->timer = (struct loop_timer){.on_due = on_timer, .ctx = poke};
    mode_t mask = umask(0177);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    int reason = errno;
    (void)umask(mask);
    if (!ok) {
        return err_errno(err, reason, "listen on %s", address.sun_path);
    }
    loop_timer_arm_in(loop, &poke->timer, POKE_LOOK_S * NS_PER_SEC);
    return loop_fd_watch(loop, &poke->source, LOOP_READ, err);
}

void poke_close(struct poke *poke)
{
    if (poke->loop == NULL) {
        return;
    }
    loop_timer_disarm(poke->loop, &poke->timer);
    loop_fd_remove(poke->loop, &poke->source);
    if (poke->source.fd >= 0) {
        (void)close(poke->source.fd);
    }
    *poke = (struct poke){0};
}

bool poke_send(const struct hub_config *config)
{
    struct sockaddr_un address;
    struct err err = {0};
    bool is_sent = false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && socket_address(config, &address, &err)) {
        is_sent = sendto(fd, "", 1, MSG_NOSIGNAL, (const struct sockaddr *)&address,
                         sizeof(address)) == 1 ||
                  errno == EAGAIN; /* it has more than enough of them */
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_sent;
}
