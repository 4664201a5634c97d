#include "hub/http/local.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOCAL_BACKLOG = 64, USER_BYTES_MAX = 16 << 10 };

static bool is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
                          errno == EAGAIN); /* it has more than it can take now */
    if (fd >= 0) {
        (void)close(fd);
    }
    return is;
}

bool http_local_listen(const char *path, int *ret_fd, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof(address.sun_path)) {
        return err_set(err, ERR_INVALID, "%s: longer than a socket's path may be", path);
    }
    memcpy(address.sun_path, path, len);
    if (is_answered(&address)) {
        return err_set(err, ERR_EXISTS, "another process listens on %s", path);
    }
    (void)unlink(path); /* of a killed one */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    int reason = errno;
    (void)umask(mask);
    if (ok && listen(fd, LOCAL_BACKLOG) == 0) {
        *ret_fd = fd;
        return true;
    }
    reason = ok ? errno : reason;
    if (fd >= 0) {
        (void)close(fd);
    }
    return err_errno(err, reason, "listen on %s", path);
}

static struct str name_of(uid_t uid, struct arena *arena)
{
    char memory[USER_BYTES_MAX];
    struct passwd user;
    struct passwd *found = NULL;
    if (getpwuid_r(uid, &user, memory, sizeof(memory), &found) == 0 && found != NULL) {
        return arena_printf(arena, "%s (local)", found->pw_name);
    }
    return arena_printf(arena, "user %lu (local)", (unsigned long)uid);
}

struct str http_local_peer(int fd, struct arena *arena)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    bool is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;
    return is_known && (peer.uid == 0 || peer.uid == geteuid()) ? name_of(peer.uid, arena)
                                                                : STR_NONE;
}

struct str http_local_self(struct arena *arena)
{
    return name_of(geteuid(), arena);
}
