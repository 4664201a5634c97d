/* digest.h - SHA-256 of what comes in pieces; of bytes at hand see digest_sha256() in identity.h. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"

enum { DIGEST_TEXT_SIZE = 65 };
struct digest;
MUST_CHECK bool digest_open(struct digest **ret, struct err *err);
void digest_add(struct digest *d, struct str bytes);
/* The hash of all that was added, as 64 lower-case hex digits; nothing may be added after it. */
void digest_end(struct digest *d, char ret[DIGEST_TEXT_SIZE]);
void digest_close(struct digest *d); /* NULL is allowed */
