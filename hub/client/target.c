#include "hub/client/target.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static void encode(struct buf *target, struct str text, bool keeps_slash)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_plain(c) || (c == '/' && keeps_slash)) {
            buf_add_char(target, c);
        } else {
            buf_addf(target, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

void target_begin(struct buf *target, const char *path)
{
    buf_reset(target);
    buf_add_text(target, path);
}

void target_part(struct buf *target, struct str part, bool is_key)
{
    buf_add_char(target, '/');
    encode(target, part, is_key);
}

void target_query(struct buf *target, const char *name, struct str value)
{
    if (!str_is_empty(value)) {
        bool is_first = !str_contains(buf_str(target), STR("?"));
        buf_addf(target, "%c%s=", is_first ? '?' : '&', name);
        encode(target, value, false);
    }
}

void target_query_i64(struct buf *target, const char *name, int64_t value)
{
    char memory[32];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_add_i64(&text, value);
    target_query(target, name, buf_str(&text));
}
