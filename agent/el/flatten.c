#include "agent/el/flatten.h"

enum { SHORT_NAME_LENGTH = 3 };

bool flatten_is_on(const struct flatten *f)
{
    return f != NULL && f->is_enabled && f->max_depth > 0;
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static int64_t length_of(struct str s)
{
    int64_t length = 0;
    for (size_t i = 0; i < s.len; i++) {
        length += begins_character(s.ptr[i]);
    }
    return length;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static char to_lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c + ('a' - 'A'));
    }
    return c;
}

/* The name in camel case without its lower-case letters: "shipping_address" is "sa". */
static void add_initials(struct str name, struct buf *out)
{
    for (size_t i = 0; i < name.len; i++) {
        bool is_initial = i == 0;
        if (i > 0 && name.ptr[i] == '_' && i + 1 < name.len && name.ptr[i + 1] != '\n') {
            is_initial = true;
            i++;
        }
        if (is_initial || !is_lower(name.ptr[i])) {
            buf_add_char(out, to_lower(name.ptr[i]));
        }
    }
}

/* One letter says too little: the first three characters then. */
static void add_abbreviated(struct str name, struct buf *out)
{
    size_t start = out->len;
    add_initials(name, out);
    if (out->overflow || length_of(str_slice(buf_str(out), start, out->len)) > 1) {
        return;
    }
    out->len = start;
    int64_t left = SHORT_NAME_LENGTH;
    for (size_t i = 0; i < name.len; i++) {
        left -= begins_character(name.ptr[i]);
        if (left < 0) {
            return;
        }
        buf_add_char(out, to_lower(name.ptr[i]));
    }
}

void flatten_name(const struct flatten *f, const struct str *parts, size_t count, struct buf *out)
{
    size_t abbreviated = 0;
    do {
        buf_reset(out);
        for (size_t i = 0; i < count; i++) {
            buf_add(out, i == 0 ? STR("") : f->separator);
            if (i < abbreviated) {
                add_abbreviated(parts[i], out);
            } else {
                buf_add(out, parts[i]);
            }
        }
        abbreviated++;
    } while (abbreviated <= count && length_of(buf_str(out)) >= f->max_key_length);
}
