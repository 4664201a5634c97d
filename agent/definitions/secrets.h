/* secrets.h - where ${secret:NAME} comes from: a systemd credential of that name, else a file in
 * the folder of secrets. docs/how-to/secrets.md
 *
 * A file of the folder must belong to root or to the agent's user, and nobody else may have any
 * right to it; credentials are made by systemd, and need only be closed to others. One newline at
 * the end is not a part of the secret. Nothing is kept: a secret is read when a step starts, so a
 * changed one needs no reload. */
#pragma once
#include "agent/definitions/definitions.h"

enum { SECRET_BYTES_MAX = 64 << 10 };

/* 1 to LIMIT_NAME_BYTES of [A-Za-z0-9_.-], a letter or digit first. */
bool secret_name_is_valid(struct str name);

struct secret_folders {
    const char *credentials; /* $CREDENTIALS_DIRECTORY; NULL = none */
    const char *secrets;     /* the agent's setting secrets_dir */
};
/* Errors: ERR_NOT_FOUND; ERR_DENIED with the command that mends the file's rights or owner;
 * ERR_FULL beyond SECRET_BYTES_MAX; ERR_INVALID for a NUL byte, which no variable can hold. */
struct secret_lookup secret_lookup_files(struct secret_folders *folders); /* borrowed */

/* Appends the path that it would be read from. */
MUST_CHECK bool secret_path(const struct secret_folders *folders, struct str name,
                            struct buf *ret_path, struct err *err);
/* Whether it is there and may be used, without reading it: the errors of reading but for its size
 * and bytes. */
MUST_CHECK bool secret_check(const struct secret_folders *folders, struct str name,
                             struct err *err);
