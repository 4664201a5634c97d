/* local.h - a socket of this machine's file system: who is at its other end the kernel says, so that
 * nobody needs a password. Its file is the owner's alone. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"

/* Listens on `path`; the file that a killed process left there is replaced. ERR_EXISTS: somebody
 * listens on it. */
MUST_CHECK bool http_local_listen(const char *path, int *ret_fd, struct err *err);
/* A connection to such a socket: "root (local)" when it is of root or of our own user, else STR_NONE. */
struct str http_local_peer(int fd, struct arena *arena);
/* The same name for this process. */
struct str http_local_self(struct arena *arena);
