#include "agent/el/singer.h"

/* Members we know. */
enum member {
    MEMBER_TYPE,
    MEMBER_STREAM,
    MEMBER_RECORD,
    MEMBER_TIME_EXTRACTED,
    MEMBER_VERSION,
    MEMBER_SCHEMA,
    MEMBER_KEYS,
    MEMBER_BOOKMARKS,
    MEMBER_VALUE,
    MEMBER_ENCODING,
    MEMBER_MANIFEST,
    MEMBER_COUNT
};
static const struct str member_names[MEMBER_COUNT] = {
    [MEMBER_TYPE] = STR_INIT("type"),
    [MEMBER_STREAM] = STR_INIT("stream"),
    [MEMBER_RECORD] = STR_INIT("record"),
    [MEMBER_TIME_EXTRACTED] = STR_INIT("time_extracted"),
    [MEMBER_VERSION] = STR_INIT("version"),
    [MEMBER_SCHEMA] = STR_INIT("schema"),
    [MEMBER_KEYS] = STR_INIT("key_properties"),
    [MEMBER_BOOKMARKS] = STR_INIT("bookmark_properties"),
    [MEMBER_VALUE] = STR_INIT("value"),
    [MEMBER_ENCODING] = STR_INIT("encoding"),
    [MEMBER_MANIFEST] = STR_INIT("manifest"),
};
static const struct {
    const char *name;
    enum singer_type type;
} types[] = {
    {"RECORD", SINGER_RECORD}, {"STATE", SINGER_STATE},
    {"SCHEMA", SINGER_SCHEMA}, {"ACTIVATE_VERSION", SINGER_ACTIVATE_VERSION},
    {"BATCH", SINGER_BATCH},
};

/* MEMBER_COUNT when it is none of them. */
static size_t member_of(struct json_raw key)
{
    size_t i = key.has_escape ? MEMBER_COUNT : 0;
    while (i < MEMBER_COUNT && !str_eq(key.text, member_names[i])) {
        i++;
    }
    return i;
}

static bool scan_members(struct str line, struct json_members *members,
                         struct json_raw raw[MEMBER_COUNT], struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, line, err)) {
        return false;
    }
    while (json_scan_key(&scan, &key)) {
        size_t i = member_of(key);
        if (i < MEMBER_COUNT && raw[i].text.ptr != NULL) {
            return err_set(err, ERR_INVALID, "\"%s\" occurs twice", member_names[i].ptr);
        }
        if (!json_scan_value(&scan, i == MEMBER_RECORD ? members : NULL, &value)) {
            break;
        }
        if (i < MEMBER_COUNT) {
            raw[i] = value;
        }
    }
    return json_scan_end(&scan, err);
}

static bool read_type(struct json_raw raw, enum singer_type *ret, struct err *err)
{
    if (raw.text.ptr == NULL || raw.type != JSON_STRING) {
        err_set(err, ERR_INVALID, "no \"type\"");
        return err_hint(
            err,
            "a Singer message is an object with \"type\": \"SCHEMA\", \"RECORD\" or \"STATE\"");
    }
    *ret = SINGER_OTHER;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (names_equal_nocase(raw.text, str_from(types[i].name))) {
            *ret = types[i].type;
        }
    }
    return true;
}

static bool need_object(struct json_raw raw, const char *name, struct err *err)
{
    if (raw.text.ptr == NULL || raw.type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "\"%s\" is %s", name,
                       raw.text.ptr == NULL ? "missing" : json_type_name(raw.type));
    }
    return true;
}

static bool need_stream(struct json_raw raw, struct buf *names, struct str *ret, struct err *err)
{
    if (raw.text.ptr == NULL || raw.type != JSON_STRING || raw.text.len == 0) {
        return err_set(err, ERR_INVALID, "\"stream\" is missing");
    }
    return json_unescape(raw, true, names, ret) ||
           err_set(err, ERR_NO_MEMORY, "no memory for a name");
}

/* An integer; a record may leave it out, or say null. */
static bool read_version(struct json_raw raw, bool is_needed, struct singer_message *m,
                         struct err *err)
{
    if (!is_needed && (raw.text.ptr == NULL || raw.type == JSON_NULL)) {
        return true;
    }
    m->has_version = raw.text.ptr != NULL && json_raw_i64(raw, &m->version);
    return m->has_version || err_set(err, ERR_INVALID, "\"version\" is %s",
                                     raw.text.ptr == NULL ? "missing" : "no 64-bit integer");
}

static bool read_record(const struct json_raw raw[MEMBER_COUNT], struct singer_message *m,
                        struct err *err)
{
    struct json_raw time = raw[MEMBER_TIME_EXTRACTED];
    if (time.text.ptr != NULL && time.type == JSON_STRING && !time.has_escape) {
        m->time_extracted = time.text;
    }
    return need_object(m->record, "record", err) &&
           read_version(raw[MEMBER_VERSION], false, m, err);
}

static bool read_batch(const struct json_raw raw[MEMBER_COUNT], struct singer_message *m,
                       struct err *err)
{
    m->encoding = raw[MEMBER_ENCODING];
    m->manifest = raw[MEMBER_MANIFEST];
    if (m->manifest.text.ptr == NULL || m->manifest.type != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "the \"manifest\" of a BATCH is no list");
    }
    return need_object(m->encoding, "encoding", err) &&
           read_version(raw[MEMBER_VERSION], false, m, err);
}

bool singer_parse(struct str line, struct buf *names, struct json_members *members,
                  struct singer_message *ret, struct err *err)
{
    struct json_raw raw[MEMBER_COUNT] = {0};
    struct singer_message m = {.type = SINGER_OTHER};
    buf_reset(names);
    *ret = m;
    if (!scan_members(line, members, raw, err) || !read_type(raw[MEMBER_TYPE], &m.type, err)) {
        return false;
    }
    m.record = raw[MEMBER_RECORD];
    m.schema = raw[MEMBER_SCHEMA];
    m.key_properties = raw[MEMBER_KEYS];
    m.bookmark_properties = raw[MEMBER_BOOKMARKS];
    m.value = raw[MEMBER_VALUE];
    bool ok = true;
    switch (m.type) {
    case SINGER_SCHEMA:
        ok = need_object(m.schema, "schema", err) &&
             need_stream(raw[MEMBER_STREAM], names, &m.stream, err);
        break;
    case SINGER_RECORD:
        ok = read_record(raw, &m, err) && need_stream(raw[MEMBER_STREAM], names, &m.stream, err);
        break;
    case SINGER_STATE:
        ok = m.value.text.ptr != NULL || err_set(err, ERR_INVALID, "\"value\" is missing");
        break;
    case SINGER_ACTIVATE_VERSION:
        ok = read_version(raw[MEMBER_VERSION], true, &m, err) &&
             need_stream(raw[MEMBER_STREAM], names, &m.stream, err);
        break;
    case SINGER_BATCH:
        ok = read_batch(raw, &m, err) && need_stream(raw[MEMBER_STREAM], names, &m.stream, err);
        break;
    case SINGER_OTHER:
    default:
        break;
    }
    ret->type = m.type;
    if (ok) {
        *ret = m;
    }
    return ok;
}
