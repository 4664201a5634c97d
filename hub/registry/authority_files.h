/* authority_files.h - what authority.c and rotation.c share. */
#pragma once
#include "common/base/buf.h"
#include "hub/config/config.h"
#include <sys/types.h>

enum { AUTHORITY_PEM_MAX = 64 << 10 };
/* `name` is below the hub's state folder. */
MUST_CHECK bool authority_read_pem(const struct hub_config *config, const char *name,
                                   struct buf *into, struct err *err);
MUST_CHECK bool authority_write_pem(const struct hub_config *config, const char *name,
                                    const struct buf *text, mode_t mode, struct err *err);
/* A key and a CA of it: "<fleet>-ca", and with a suffix when there is one. */
struct rng;
struct authority_order {
    const char *suffix; /* empty: none */
    struct wall_time not_before;
};
MUST_CHECK bool authority_make_ca(const struct hub_config *config, const struct rng *rng,
                                  const struct authority_order *order, struct buf *ret_key,
                                  struct buf *ret_cert, struct err *err);
