/* sha1.h - SHA-1, to recognize what other programs keep under one; not for security. */
#pragma once
#include "common/base/str.h"

enum { SHA1_BYTES = 20 };
void sha1(struct str bytes, uint8_t ret[SHA1_BYTES]);
