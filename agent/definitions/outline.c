#include "agent/definitions/outline.h"

#include "common/base/time.h"
#include <string.h>
#include <strings.h>

enum { QUOTED_BYTES_MAX = 8 << 20 }; /* a query of 1 MiB, each byte of it escaped */

struct outline outline_json(struct buf *out)
{
    struct outline o = {.out = out, .is_json = true, .json = json_writer(out)};
    jw_begin_object(&o.json);
    return o;
}

struct outline outline_yaml(struct buf *out)
{
    return (struct outline){.out = out, .json = json_writer(out)};
}

void outline_end(struct outline *o)
{
    if (o->is_json) {
        jw_end_object(&o->json);
    }
}

/* --- YAML: lines and scalars --- */

static void indent(struct outline *o)
{
    size_t levels = o->is_item ? o->depth - 1 : o->depth;
    for (size_t i = 0; i < levels; i++) {
        buf_add(o->out, STR("  "));
    }
    if (o->is_item) {
        buf_add(o->out, STR("- "));
    }
    o->is_item = false;
}

static bool is_plain_char(char c)
{
    bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_alnum || (c != '\0' && strchr("_./@+=-", c) != NULL);
}

/* A text that YAML reads as this text without quotes, whatever reads it: no number, no word that
 * some take for a boolean, no sign with a meaning. */
static bool is_plain(struct str text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    bool is_letter = text.len > 0 && ((text.ptr[0] >= 'a' && text.ptr[0] <= 'z') ||
                                      (text.ptr[0] >= 'A' && text.ptr[0] <= 'Z') ||
                                      text.ptr[0] == '/' || text.ptr[0] == '_');
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        is_letter = is_letter && !(strlen(words[i]) == text.len &&
                                   strncasecmp(words[i], text.ptr, text.len) == 0);
    }
    for (size_t i = 0; is_letter && i < text.len; i++) {
        is_letter = is_plain_char(text.ptr[i]);
    }
    return is_letter;
}

/* A character that JSON may hold as it is, and YAML may not, or takes for the end of a line: DEL,
 * U+0080 to U+009F, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF. Its length in bytes, or 0. */
static size_t is_special(struct str text, uint32_t *ret_code)
{
    static const struct {
        const char *bytes;
        uint32_t code;
    } specials[] = {{"\x7f", 0x7f},           {"\xe2\x80\xa8", 0x2028}, {"\xe2\x80\xa9", 0x2029},
                    {"\xef\xbb\xbf", 0xfeff}, {"\xef\xbf\xbe", 0xfffe}, {"\xef\xbf\xbf", 0xffff}};
    for (size_t i = 0; i < COUNT_OF(specials); i++) {
        struct str bytes = str_from(specials[i].bytes);
        if (str_starts(text, bytes)) {
            *ret_code = specials[i].code;
            return bytes.len;
        }
    }
    if (str_starts(text, STR("\xc2")) && text.len > 1 && (unsigned char)text.ptr[1] < 0xa0) {
        *ret_code = (unsigned char)text.ptr[1];
        return 2;
    }
    return 0;
}

/* JSON is YAML, but for special characters. */
static void add_json(struct outline *o, struct str json)
{
    for (size_t i = 0; i < json.len;) {
        uint32_t code = 0;
        size_t len = is_special(str_slice(json, i, json.len), &code);
        if (len > 0) {
            buf_addf(o->out, "\\u%04x", (unsigned)code);
        } else {
            buf_add(o->out, str_slice(json, i, i + 1));
        }
        i += len > 0 ? len : 1;
    }
}

static void add_scalar(struct outline *o, struct str text)
{
    if (is_plain(text)) {
        buf_add(o->out, text);
        return;
    }
    AUTO(buf) quoted = buf_growing(QUOTED_BYTES_MAX);
    struct json_writer w = json_writer(&quoted);
    jw_str(&w, text);
    o->out->overflow = o->out->overflow || quoted.overflow;
    add_json(o, buf_str(&quoted));
}

/* Whether `|` keeps the text as it is: lines of plain characters, the first not indented. */
static bool is_block(struct str text)
{
    struct str line = STR_NONE;
    bool has_lines = str_contains(text, STR("\n"));
    bool is_fine = has_lines && str_is_utf8(text) && text.ptr[0] != ' ' && text.ptr[0] != '\n' &&
                   text.ptr[0] != '\t' && !str_ends(text, STR("\n\n"));
    for (bool has_more = is_fine; has_more;) {
        has_more = str_cut(text, '\n', &line, &text);
        is_fine = is_fine && !str_ends(line, STR(" "));
        for (size_t i = 0; i < line.len; i++) {
            uint32_t code = 0;
            is_fine = is_fine && (unsigned char)line.ptr[i] >= ' ' &&
                      is_special(str_slice(line, i, line.len), &code) == 0;
        }
    }
    return is_fine;
}

static void add_block(struct outline *o, struct str text)
{
    struct str line = STR_NONE;
    buf_add(o->out, str_ends(text, STR("\n")) ? STR("|") : STR("|-"));
    text = str_trim_end(text, '\n');
    for (bool has_more = true; has_more;) {
        has_more = str_cut(text, '\n', &line, &text);
        buf_add_char(o->out, '\n');
        for (size_t i = 0; line.len > 0 && i <= o->depth; i++) {
            buf_add(o->out, STR("  "));
        }
        buf_add(o->out, line);
    }
}

static void begin_line(struct outline *o, struct str key)
{
    indent(o);
    add_scalar(o, key);
    buf_add_char(o->out, ':');
}

/* --- containers --- */

void outline_begin_map(struct outline *o, struct str key)
{
    if (o->is_json) {
        jw_key(&o->json, key);
        jw_begin_object(&o->json);
        return;
    }
    begin_line(o, key);
    buf_add_char(o->out, '\n');
    o->depth++;
}

void outline_end_map(struct outline *o)
{
    if (o->is_json) {
        jw_end_object(&o->json);
        return;
    }
    o->depth--;
}

void outline_begin_list(struct outline *o, const char *key)
{
    if (o->is_json) {
        jw_key(&o->json, str_from(key));
        jw_begin_array(&o->json);
        return;
    }
    begin_line(o, str_from(key));
    buf_add_char(o->out, '\n');
    o->depth++;
}

void outline_end_list(struct outline *o)
{
    if (o->is_json) {
        jw_end_array(&o->json);
        return;
    }
    o->depth--;
}

void outline_begin_item(struct outline *o)
{
    if (o->is_json) {
        jw_begin_object(&o->json);
        return;
    }
    o->depth++;
    o->is_item = true;
}

void outline_end_item(struct outline *o)
{
    if (o->is_json) {
        jw_end_object(&o->json);
        return;
    }
    o->depth--;
    o->is_item = false;
}

/* --- values --- */

void outline_str(struct outline *o, struct str key, struct str value)
{
    if (o->is_json) {
        jw_key(&o->json, key);
        jw_str(&o->json, value);
        return;
    }
    begin_line(o, key);
    buf_add_char(o->out, ' ');
    if (is_block(value)) {
        add_block(o, value);
    } else {
        add_scalar(o, value);
    }
    buf_add_char(o->out, '\n');
}

void outline_opt(struct outline *o, const char *key, struct str value)
{
    if (value.len > 0) {
        outline_str(o, str_from(key), value);
    }
}

/* Text that needs no quotes. */
static void add_bare(struct outline *o, const char *key, struct str value)
{
    begin_line(o, str_from(key));
    buf_add_char(o->out, ' ');
    buf_add(o->out, value);
    buf_add_char(o->out, '\n');
}

void outline_i64(struct outline *o, const char *key, int64_t value)
{
    char memory[24];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_add_i64(&text, value);
    if (o->is_json) {
        jw_member_i64(&o->json, key, value);
    } else {
        add_bare(o, key, buf_str(&text));
    }
}

void outline_bool(struct outline *o, const char *key, bool value)
{
    if (o->is_json) {
        jw_member_bool(&o->json, key, value);
    } else {
        add_bare(o, key, value ? STR("true") : STR("false"));
    }
}

static void outline_text(struct outline *o, const char *key, struct str text)
{
    if (o->is_json) {
        jw_member_str(&o->json, key, text);
    } else {
        add_bare(o, key, text);
    }
}

void outline_duration(struct outline *o, const char *key, int64_t ns)
{
    char memory[96];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_add_exact_duration(&text, ns);
    outline_text(o, key, buf_str(&text));
}

void outline_opt_duration(struct outline *o, const char *key, int64_t ns)
{
    if (ns > 0) {
        outline_duration(o, key, ns);
    }
}

void outline_bytes(struct outline *o, const char *key, int64_t bytes)
{
    char memory[32];
    struct buf text = buf_fixed(memory, sizeof(memory));
    if (bytes != 0) {
        buf_add_exact_bytes(&text, bytes);
        outline_text(o, key, buf_str(&text));
    }
}

void outline_list(struct outline *o, const char *key, const struct str *items, size_t count)
{
    if (count == 0) {
        return;
    }
    if (o->is_json) {
        jw_key(&o->json, str_from(key));
        jw_begin_array(&o->json);
        for (size_t i = 0; i < count; i++) {
            jw_str(&o->json, items[i]);
        }
        jw_end_array(&o->json);
        return;
    }
    begin_line(o, str_from(key));
    for (size_t i = 0; i < count; i++) {
        buf_add(o->out, i == 0 ? STR(" [") : STR(", "));
        add_scalar(o, items[i]);
    }
    buf_add(o->out, STR("]\n"));
}

void outline_map(struct outline *o, const char *key, const struct str_map *map)
{
    if (map->count == 0) {
        return;
    }
    outline_begin_map(o, str_from(key));
    for (size_t i = 0; i < map->count; i++) {
        outline_str(o, map->keys[i], map->values[i]);
    }
    outline_end_map(o);
}

void outline_raw(struct outline *o, const char *key, struct str json)
{
    if (json.len == 0) {
        return;
    }
    if (o->is_json) {
        jw_member_raw(&o->json, key, json);
    } else {
        begin_line(o, str_from(key));
        buf_add_char(o->out, ' ');
        add_json(o, json);
        buf_add_char(o->out, '\n');
    }
}

/* A comment on a line of its own, before the element that is about to begin. */
static void add_comment(struct outline *o, const char *key, struct str value)
{
    size_t levels = o->is_item ? o->depth - 1 : o->depth;
    for (size_t i = 0; i < levels; i++) {
        buf_add(o->out, STR("  "));
    }
    buf_addf(o->out, "# %s%s", key, key[0] == '\0' ? "" : ": ");
    for (size_t i = 0; i < value.len; i++) {
        bool is_control = (unsigned char)value.ptr[i] < ' ';
        buf_add(o->out, is_control ? STR(" ") : str_slice(value, i, i + 1));
    }
    buf_add_char(o->out, '\n');
}

void outline_note(struct outline *o, const char *key, struct str value)
{
    if (o->is_json) {
        jw_member_str(&o->json, key, value);
    } else {
        add_comment(o, key, value);
    }
}

void outline_place(struct outline *o, struct str place)
{
    if (o->is_json) {
        jw_member_str(&o->json, "defined_at", place);
    } else {
        add_comment(o, "", place);
    }
}
