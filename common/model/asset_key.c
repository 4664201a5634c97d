#include "common/model/asset_key.h"

#include "common/base/limits.h"

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

static bool check_part(struct str part, struct err *err)
{
    if (part.len == 0) {
        return err_set(err, ERR_INVALID, "a part is empty");
    }
    if (str_eq(part, STR(".")) || str_eq(part, STR(".."))) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no name for a part", STR_ARG(part));
    }
    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.ptr[i];
        if (!is_key_char(part.ptr[i])) {
            return c > ' ' && c < 127 ? err_set(err, ERR_INVALID, "'%c' is not allowed", c)
                                      : err_set(err, ERR_INVALID, "byte 0x%02x is not allowed", c);
        }
    }
    return true;
}

static bool check(struct str key, struct err *err)
{
    if (key.len == 0) {
        return err_set(err, ERR_INVALID, "an asset key is empty");
    }
    if (key.len > LIMIT_ASSET_KEY_BYTES) {
        return err_set(err, ERR_INVALID, "asset key \"%.40s...\" is longer than %d bytes", key.ptr,
                       LIMIT_ASSET_KEY_BYTES);
    }
    struct str rest = key;
    bool has_more = true;
    for (size_t parts = 1; has_more; parts++) {
        struct str part;
        has_more = str_cut(rest, '/', &part, &rest);
        if (parts > LIMIT_ASSET_KEY_PARTS) {
            return err_set(err, ERR_INVALID, "asset key \"" STR_FMT "\" has more than %d parts",
                           STR_ARG(key), LIMIT_ASSET_KEY_PARTS);
        }
        if (!check_part(part, err)) {
            return err_wrap(err, "asset key \"" STR_FMT "\"", STR_ARG(key));
        }
    }
    return true;
}

/* The key as it would be right: slashes between parts only, '_' for what is not allowed. */
static void suggest(struct str key, struct err *err)
{
    char text[LIMIT_ASSET_KEY_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < key.len && len < sizeof(text); i++) {
        char c = key.ptr[i];
        if (c != '/' && !is_key_char(c)) {
            c = '_';
        }
        if (c != '/' || (len > 0 && text[len - 1] != '/')) {
            text[len++] = c;
        }
    }
    struct str better = str_trim_end((struct str){text, len}, '/');
    struct err ignored = {0};
    if (check(better, &ignored)) {
        (void)err_hint(err, "write \"" STR_FMT "\"", STR_ARG(better));
    }
}

bool asset_key_check(struct str key, struct err *err)
{
    if (check(key, err)) {
        return true;
    }
    if (key.len <= LIMIT_ASSET_KEY_BYTES) {
        suggest(key, err);
    }
    return false;
}

bool asset_key_normalise(struct str text, struct arena *arena, struct str *ret, struct err *err)
{
    text = str_trim(text);
    if (text.len / 2 > LIMIT_ASSET_KEY_BYTES) {
        return asset_key_check(text, err);
    }
    char *copy = arena_alloc(arena, text.len + 1);
    if (copy == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory for an asset key");
    }
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '/' || (len > 0 && copy[len - 1] != '/')) {
            copy[len++] = text.ptr[i];
        }
    }
    struct str key = str_trim_end((struct str){copy, len}, '/');
    if (!asset_key_check(key, err)) {
        return false;
    }
    *ret = key;
    return true;
}

struct str asset_key_last(struct str key)
{
    struct str head;
    struct str last;
    (void)str_cut_last(key, '/', &head, &last);
    return last;
}

static uint32_t hash_of(struct str text)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * 16777619U;
    }
    return hash;
}

struct str name_from(struct str text, size_t max, struct arena *arena)
{
    enum { HASH_CHARS = 9 };
    AUTO(buf) out = buf_growing(max + 1);
    size_t kept = text.len <= max ? text.len : max - HASH_CHARS;
    for (size_t i = 0; i < kept; i++) {
        char c = text.ptr[i];
        bool is_kept = is_key_char(c) && (i > 0 || (c != '_' && c != '-' && c != '.'));
        buf_add_char(&out, is_kept ? c : i > 0 ? '-' : 'x');
    }
    if (kept < text.len) {
        buf_addf(&out, "-%08x", hash_of(text));
    }
    return arena_copy(arena, buf_str(&out));
}

void asset_key_add_part(struct buf *key, struct str part)
{
    if (key->len > 0) {
        buf_add_char(key, '/');
    }
    for (size_t i = 0; i < part.len; i++) {
        buf_add_char(key, is_key_char(part.ptr[i]) ? part.ptr[i] : '-');
    }
}
