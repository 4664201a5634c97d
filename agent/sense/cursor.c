#include "agent/sense/cursor.h"

static const struct str words[] = {
    [SENSOR_FILES] = STR_INIT("since "),    [SENSOR_MQTT] = STR_INIT("seen "),
    [SENSOR_ASSET] = STR_INIT("seq "),      [SENSOR_RUN_STATUS] = STR_INIT("seq "),
    [SENSOR_COMMAND] = STR_INIT("cursor "),
};

void cursor_write(enum sensor_type type, struct str text, struct buf *out)
{
    buf_add(out, words[type]);
    buf_add(out, text);
}

bool cursor_read(enum sensor_type type, struct str kept, struct str *ret_text)
{
    if (!str_starts(kept, words[type])) {
        return false;
    }
    *ret_text = str_slice(kept, words[type].len, kept.len);
    return true;
}

static bool refuse(struct err *err, const char *what, const char *hint)
{
    (void)err_set(err, ERR_INVALID, "%s", what);
    return err_hint(err, "%s", hint);
}

bool cursor_check(enum sensor_type type, struct str text, struct err *err)
{
    struct wall_time time;
    int64_t seq = 0;
    switch (type) {
    case SENSOR_FILES:
        return str_is_empty(text) || wall_parse(text, &time) ||
               refuse(err, "the cursor of a sensor for files is a time",
                      "such as 2026-11-22T02:30:00Z, or empty for all files that are there");
    case SENSOR_MQTT:
        return str_is_empty(text) ||
               refuse(err, "the cursor of a sensor for messages can only be taken away",
                      "give an empty text: then all retained messages are new");
    case SENSOR_ASSET:
    case SENSOR_RUN_STATUS:
        return str_to_i64(text, 0, INT64_MAX, &seq) ||
               refuse(err, "the cursor of this sensor is the number of an event",
                      "0 for all that is known here");
    case SENSOR_COMMAND:
        break;
    }
    if (text.len > CURSOR_BYTES_MAX || !str_is_utf8(text)) {
        return err_set(err, ERR_INVALID, "a cursor is at most %d bytes of UTF-8 text",
                       CURSOR_BYTES_MAX);
    }
    return true;
}
