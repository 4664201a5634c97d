/* sha1.h - SHA-1, for names that others make with it (Meltano, dagster-dbt); not for security. */
#pragma once
#include "common/base/str.h"

#include <stdint.h>

enum { SHA1_BYTES = 20 };
void sha1(struct str bytes, uint8_t ret[SHA1_BYTES]);
