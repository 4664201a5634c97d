/* sha1.h - SHA-1, to recognize what Meltano kept under one; not for security. Internal to
 * agent/meltano. */
#pragma once
#include "common/base/str.h"

#include <stdint.h>

enum { SHA1_BYTES = 20 };
void sha1(struct str bytes, uint8_t ret[SHA1_BYTES]);
