#include "common/base/uuid.h"

/* 8-4-4-4-12 hexadecimal digits. */
static bool is_dash_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

void uuid7_format(struct wall_time now, const uint8_t random[10], char ret_text[UUID_TEXT_SIZE])
{
    uint64_t ms = now.ns < 0 ? 0 : (uint64_t)(now.ns / NS_PER_MS);
    uint8_t bytes[16];
    for (size_t i = 0; i < 6; i++) {
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    for (size_t i = 0; i < 10; i++) {
        bytes[6 + i] = random[i];
    }
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x70); /* version 7 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80); /* RFC variant */

    size_t nibble = 0;
    for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        if (is_dash_at(i)) {
            ret_text[i] = '-';
            continue;
        }
        uint8_t byte = bytes[nibble / 2];
        ret_text[i] = "0123456789abcdef"[nibble % 2 == 0 ? byte >> 4 : byte & 0x0F];
        nibble++;
    }
    ret_text[UUID_TEXT_SIZE - 1] = '\0';
}

bool uuid_is_valid(struct str s)
{
    if (s.len != UUID_TEXT_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (is_dash_at(i) ? c != '-' : !is_hex) {
            return false;
        }
    }
    return true;
}
