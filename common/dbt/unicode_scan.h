/* unicode_scan.h - what Python's str methods see in UTF-8 text: white space and decimal digits of all
 * scripts. For fields that Python would read in dbt. Pure; malformed bytes are characters of no kind. */
#pragma once
#include "common/base/str.h"

/* The character at the front and how many bytes it takes; 0 bytes at the end. */
uint32_t unicode_first(struct str s, size_t *ret_bytes);
bool unicode_is_space(uint32_t c);
/* 0 to 9, or -1. */
int unicode_digit(uint32_t c);
/* str.strip(): white space off both ends. */
struct str unicode_strip(struct str s);
/* str.strip(c) with one character, given as UTF-8. */
struct str unicode_strip_char(struct str s, struct str c);
