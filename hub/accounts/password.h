/* password.h - passwords as argon2id (RFC 9106): the only place that knows the library. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/platform/rng.h"

/* 19 MiB, two passes, one lane: some 30 ms. An encoded hash says its own parameters. */
enum { PASSWORD_MEMORY_KIB = 19 << 10, PASSWORD_PASSES = 2, PASSWORD_HASH_SIZE = 128 };

MUST_CHECK bool password_hash(const struct rng *rng, struct str password,
                              char ret[PASSWORD_HASH_SIZE], struct err *err);
bool password_is(struct str password, const char *hash);
/* ERR_INVALID: too short, too long, not UTF-8. */
MUST_CHECK bool password_check(struct str password, struct err *err);
