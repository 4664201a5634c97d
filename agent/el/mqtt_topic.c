#include "agent/el/mqtt_topic.h"

#include "agent/connectors/mqtt_target_options.h"
#include "agent/el/row_json.h"

enum { NUMBER_BYTES = 64 };
#define STREAM STR("stream")

bool mqtt_topic_fits(struct str topic, const struct schema *schema, struct err *err)
{
    struct str text;
    struct str name;
    size_t index = 0;
    while (mqtt_topic_cut(&topic, &text, &name)) {
        if (name.len == 0 || str_eq(name, STREAM) || schema_find(schema, name, &index)) {
            continue;
        }
        struct str near = schema_nearest(schema, name);
        err_set(err, ERR_INVALID, "\"topic\" has {" STR_FMT "}, which is no column of the stream",
                STR_ARG(name));
        if (near.len > 0) {
            err_hint(err, "did you mean {" STR_FMT "}?", STR_ARG(near));
        }
        return false;
    }
    return true;
}

/* The length of the character that begins the text, or of the byte that begins none. Beside U+0000,
 * + and # these are none for a topic: controls and noncharacters, for which brokers end the
 * connection. */
static size_t next_character(struct str text, bool *ret_is_good)
{
    unsigned char c = (unsigned char)text.ptr[0];
    size_t bytes = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    uint32_t code = bytes == 1 ? c : c & (0x7fU >> bytes);
    if (!str_is_utf8(str_slice(text, 0, bytes))) {
        *ret_is_good = false;
        return 1;
    }
    for (size_t i = 1; i < bytes; i++) {
        code = code << 6 | ((unsigned char)text.ptr[i] & 0x3fU);
    }
    *ret_is_good = code >= ' ' && code != '+' && code != '#' && !(code >= 0x7f && code < 0xa0) &&
                   !(code >= 0xfdd0 && code <= 0xfdef) && (code & 0xfffe) != 0xfffe;
    return bytes;
}

static void write_clean(struct buf *out, struct str text)
{
    if (text.len == 0) {
        buf_add_char(out, '_');
    }
    while (text.len > 0) {
        bool is_good;
        size_t bytes = next_character(text, &is_good);
        buf_add(out, is_good ? str_slice(text, 0, bytes) : STR("_"));
        text = str_slice(text, bytes, text.len);
    }
}

static void write_value(struct buf *out, const struct column *column, const struct value *value)
{
    char memory[NUMBER_BYTES];
    struct buf number = buf_fixed(memory, sizeof(memory));
    struct json_writer w = json_writer(&number);
    switch (value->type) {
    case VALUE_TEXT:
    case VALUE_BLOB:
        write_clean(out, value->as.text);
        break;
    case VALUE_INTEGER:
    case VALUE_REAL:
        row_json_write(&w, column, value);
        buf_add(out, buf_str(&number));
        break;
    case VALUE_NULL:
    default:
        write_clean(out, STR_NONE);
        break;
    }
}

void mqtt_topic_write(struct buf *out, struct str topic, struct str stream,
                      const struct schema *schema, const struct value *row)
{
    struct str text;
    struct str name;
    size_t index = 0;
    while (mqtt_topic_cut(&topic, &text, &name)) {
        buf_add(out, text);
        if (str_eq(name, STREAM)) {
            write_clean(out, stream);
        } else if (name.len > 0 && schema_find(schema, name, &index)) {
            write_value(out, &schema->columns[index], &row[index]);
        }
    }
}
