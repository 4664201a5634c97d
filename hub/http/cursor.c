#include "hub/http/cursor.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void http_cursor_write(struct buf *out, const struct str *parts, size_t count)
{
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j <= parts[i].len; j++) {
            unsigned char byte = j < parts[i].len ? (unsigned char)parts[i].ptr[j] : 0;
            bits = bits << 8 | byte;
            have += 8;
            while (have >= 6) {
                have -= 6;
                buf_add_char(out, digits[bits >> have & 63]);
            }
        }
    }
    if (have > 0) {
        buf_add_char(out, digits[bits << (6 - have) & 63]);
    }
}

static int value_of(char c)
{
    for (int i = 0; i < 64; i++) {
        if (digits[i] == c) {
            return i;
        }
    }
    return -1;
}

static bool refuse(struct err *err)
{
    (void)err_set(err, ERR_INVALID, "the cursor is none of this list");
    return err_hint(err, "take it from \"next\" of the page before, with the same filters");
}

bool http_cursor_read(struct str cursor, struct arena *arena, struct str *ret_parts, size_t count,
                      struct err *err)
{
    uint32_t bits = 0;
    int have = 0;
    if (cursor.len == 0 || cursor.len > HTTP_CURSOR_BYTES_MAX) {
        return refuse(err);
    }
    char *memory = arena_alloc(arena, cursor.len);
    if (memory == NULL) {
        return err_set(err, ERR_FULL, "the request does not fit into memory");
    }
    struct buf text = buf_fixed(memory, cursor.len);
    for (size_t i = 0; i < cursor.len; i++) {
        int value = value_of(cursor.ptr[i]);
        if (value < 0) {
            return refuse(err);
        }
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_add_char(&text, (char)(bits >> have & 255));
        }
    }
    struct str rest = buf_str(&text);
    for (size_t i = 0; i < count; i++) {
        if (!str_cut(rest, '\0', &ret_parts[i], &rest) || !str_is_utf8(ret_parts[i])) {
            return refuse(err);
        }
    }
    return rest.len == 0 || refuse(err);
}
