/* md5.h - MD5 of bytes in memory (RFC 1321). Where others' formats want it, and never against an
 * adversary. */
#pragma once
#include "common/base/str.h"

enum { MD5_BYTES = 16, MD5_HEX_BYTES = 32 };

void md5(struct str bytes, unsigned char ret[MD5_BYTES]);
/* In lower-case hexadecimal digits, without a NUL. */
void md5_hex(struct str bytes, char ret[MD5_HEX_BYTES]);
