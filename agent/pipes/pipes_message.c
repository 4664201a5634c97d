#include "agent/pipes/pipes_message.h"

#include "common/json/json_writer.h"
#include "common/json/strict_json.h"
#include <string.h>

enum {
    NAME_BYTES_MAX = 255, /* of a check, an asset */
    VERSION_BYTES_MAX = 1024,
    EXCEPTION_TEXT_BYTES = 400,
};

static bool refuse(struct pipes_message *m, const char *what)
{
    *m = (struct pipes_message){.method = PIPES_MALFORMED, .text = str_from(what)};
    return false;
}

/* --- members ---------------------------------------------------------------------------------- */

struct member {
    const char *name;
    struct json_raw value; /* text.ptr NULL = not there */
};

/* Of equal keys the last counts, as in Python. `object` has been scanned before. */
static void read_members(struct str object, struct member *members, size_t count)
{
    struct err err = {0};
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, object, &err)) {
        return;
    }
    while (json_scan_member(&scan, &key, &value)) {
        for (size_t i = 0; i < count; i++) {
            if (json_raw_is(key, members[i].name)) {
                members[i].value = value;
            }
        }
    }
}

static bool is_there(const struct member *member)
{
    return member->value.text.ptr != NULL && member->value.type != JSON_NULL;
}

/* STR_NONE when it is not a string. */
static struct str text_of(struct pipes_memory *memory, const struct member *member)
{
    bool is_real = false;
    struct json_raw raw = member->value;
    if (!is_there(member) || raw.type != JSON_STRING || strict_json_number(raw, &is_real)) {
        return STR_NONE;
    }
    if (!raw.has_escape) {
        return raw.text;
    }
    AUTO(buf) plain = buf_growing(raw.text.len);
    struct str text = STR_NONE;
    return json_unescape(raw, true, &plain, &text) ? arena_copy(&memory->text, text) : STR_NONE;
}

/* The value as JSON of its own. */
static struct str json_of(struct pipes_memory *memory, const struct member *member)
{
    struct json_raw raw = member->value;
    if (raw.text.ptr == NULL) {
        return STR_NONE;
    }
    buf_reset(&memory->value);
    strict_json_value(strict_json_whole(raw), &memory->value);
    return memory->value.overflow ? STR_NONE : buf_str(&memory->value);
}

static struct str metadata_of(struct pipes_memory *memory, const struct member *member)
{
    if (!is_there(member) || member->value.type != JSON_OBJECT) {
        return STR_NONE;
    }
    buf_reset(&memory->value);
    event_metadata_write(member->value.text, &memory->text, &memory->value);
    struct str text = buf_str(&memory->value);
    return memory->value.overflow || str_eq(text, STR("{}")) ? STR_NONE : text;
}

/* --- one method each -------------------------------------------------------------------------- */

static struct str lower(struct pipes_memory *memory, struct str text)
{
    char *copy = arena_alloc(&memory->text, text.len + 1);
    if (copy == NULL) {
        return STR_NONE;
    }
    for (size_t i = 0; i < text.len; i++) {
        copy[i] = text.ptr[i];
        if (copy[i] >= 'A' && copy[i] <= 'Z') {
            copy[i] = (char)(copy[i] | 0x20);
        }
    }
    return (struct str){copy, text.len};
}

static struct str level_from(struct str name)
{
    static const struct str known[] = {STR_INIT("debug"), STR_INIT("info"), STR_INIT("warning"),
                                       STR_INIT("error"), STR_INIT("critical")};
    if (str_eq(name, STR("warn"))) {
        return STR("warning");
    }
    if (str_eq(name, STR("fatal"))) {
        return STR("critical");
    }
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (str_eq(name, known[i])) {
            return known[i];
        }
    }
    return STR_NONE;
}

static bool read_log(struct str params, struct pipes_memory *memory, struct pipes_message *m)
{
    struct member members[] = {{.name = "message"}, {.name = "level"}};
    read_members(params, members, COUNT_OF(members));
    if (members[0].value.text.ptr == NULL) {
        return refuse(m, "log: \"message\" is missing");
    }
    m->text = members[0].value.type == JSON_STRING ? text_of(memory, &members[0])
                                                   : json_of(memory, &members[0]);
    struct str level = text_of(memory, &members[1]);
    m->level = level_from(lower(memory, level));
    if (str_is_empty(m->level)) {
        m->level = STR("info");
        m->level_name = str_clip(level, NAME_BYTES_MAX);
    }
    return true;
}

static bool read_asset(const struct member *member, struct pipes_memory *memory,
                       struct pipes_message *m)
{
    m->asset = text_of(memory, member);
    return !str_is_empty(m->asset) && m->asset.len <= NAME_BYTES_MAX;
}

static bool read_materialization(struct str params, struct pipes_memory *memory,
                                 struct pipes_message *m)
{
    struct member members[] = {
        {.name = "asset_key"}, {.name = "data_version"}, {.name = "metadata"}};
    read_members(params, members, COUNT_OF(members));
    if (!read_asset(&members[0], memory, m)) {
        return refuse(m, "report_asset_materialization: \"asset_key\" is not a key");
    }
    m->data_version = text_of(memory, &members[1]);
    if ((is_there(&members[1]) && m->data_version.ptr == NULL) ||
        m->data_version.len > VERSION_BYTES_MAX) {
        return refuse(m, "report_asset_materialization: \"data_version\" is not a text of at most "
                         "1,024 bytes");
    }
    m->metadata = metadata_of(memory, &members[2]);
    return true;
}

static bool read_check(struct str params, struct pipes_memory *memory, struct pipes_message *m)
{
    struct member members[] = {{.name = "asset_key"},
                               {.name = "check_name"},
                               {.name = "passed"},
                               {.name = "severity"},
                               {.name = "metadata"}};
    read_members(params, members, COUNT_OF(members));
    if (!read_asset(&members[0], memory, m)) {
        return refuse(m, "report_asset_check: \"asset_key\" is not a key");
    }
    m->check = text_of(memory, &members[1]);
    if (str_is_empty(m->check) || m->check.len > NAME_BYTES_MAX) {
        return refuse(m, "report_asset_check: \"check_name\" is not a text of at most 255 bytes");
    }
    if (!is_there(&members[2]) || members[2].value.type != JSON_BOOL) {
        return refuse(m, "report_asset_check: \"passed\" is not true or false");
    }
    m->passed = str_eq(members[2].value.text, STR("true"));
    struct str severity = lower(memory, text_of(memory, &members[3]));
    m->severity = str_eq(severity, STR("warn")) ? STR("warn") : STR("error");
    m->metadata = metadata_of(memory, &members[4]);
    return true;
}

static bool read_custom(struct str params, struct pipes_memory *memory, struct pipes_message *m)
{
    struct member members[] = {{.name = "payload"}};
    read_members(params, members, COUNT_OF(members));
    m->payload = json_of(memory, &members[0]);
    if (str_is_empty(m->payload)) {
        return refuse(m, "report_custom_message: \"payload\" is missing");
    }
    return true;
}

static bool read_stream(struct str params, struct pipes_memory *memory, struct pipes_message *m)
{
    struct member members[] = {{.name = "stream"}, {.name = "text"}};
    read_members(params, members, COUNT_OF(members));
    m->is_stderr = str_eq(text_of(memory, &members[0]), STR("stderr"));
    m->text = text_of(memory, &members[1]);
    if (m->text.ptr == NULL) {
        return refuse(m, "log_external_stream: \"text\" is not a text");
    }
    return true;
}

/* "ValueError: no such file", on one line. Python puts the name into the message, others do not. */
static struct str exception_text(struct pipes_memory *memory, struct str name, struct str message)
{
    struct str head = STR_NONE;
    struct str tail = STR_NONE;
    (void)str_cut(message, ':', &head, &tail);
    bool has_name = str_is_empty(name) || str_ends(head, name);
    struct str clipped = str_clip(str_trim(message), EXCEPTION_TEXT_BYTES);
    struct str text = arena_printf(&memory->text, STR_FMT "%s" STR_FMT,
                                   STR_ARG(has_name ? STR("") : str_clip(name, NAME_BYTES_MAX)),
                                   has_name ? "" : ": ", STR_ARG(clipped));
    char *bytes = arena_alloc(&memory->text, text.len + 1);
    if (bytes == NULL || text.ptr == NULL) {
        return STR_NONE;
    }
    for (size_t i = 0; i < text.len; i++) {
        bytes[i] = text.ptr[i];
        if ((unsigned char)bytes[i] < 0x20) {
            bytes[i] = ' ';
        }
    }
    return (struct str){bytes, text.len};
}

/* {"exception": {...}}, or as the Rust client says it: the members of the exception themselves. */
static bool read_closed(struct str params, struct pipes_memory *memory, struct pipes_message *m)
{
    struct member outer[] = {{.name = "exception"}, {.name = "message"}};
    read_members(params, outer, COUNT_OF(outer));
    struct member whole = outer[0];
    if (!is_there(&outer[0]) && is_there(&outer[1])) {
        whole.value = (struct json_raw){.type = JSON_OBJECT, .text = params};
    }
    if (!is_there(&whole) || whole.value.type != JSON_OBJECT) {
        return true;
    }
    struct member inner[] = {{.name = "name"}, {.name = "message"}};
    read_members(whole.value.text, inner, COUNT_OF(inner));
    m->exception_text =
        exception_text(memory, text_of(memory, &inner[0]), text_of(memory, &inner[1]));
    m->exception = json_of(memory, &whole);
    return true;
}

/* --- the envelope ----------------------------------------------------------------------------- */

static const struct method {
    const char *name;
    enum pipes_method method;
    bool (*read)(struct str params, struct pipes_memory *memory,
                 struct pipes_message *m); /* or NULL */
} methods[] = {
    {"opened", PIPES_OPENED, NULL},
    {"log", PIPES_LOG, read_log},
    {"report_asset_materialization", PIPES_MATERIALIZATION, read_materialization},
    {"report_asset_check", PIPES_CHECK, read_check},
    {"report_custom_message", PIPES_CUSTOM, read_custom},
    {"log_external_stream", PIPES_EXTERNAL_STREAM, read_stream},
    {"closed", PIPES_CLOSED, read_closed},
};

/* 0.1 is what we know; another 0.x is read as if it were that. */
static bool is_known_version(struct str version)
{
    return str_starts(version, STR("0.")) && version.len > 2;
}

static bool check_envelope(struct str line, struct pipes_memory *memory, struct member *members,
                           size_t count, struct pipes_message *m)
{
    struct err err = {0};
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    bool is_object = json_scan_object(&scan, line, &err);
    while (is_object && json_scan_member(&scan, &key, &value)) {
    }
    if (!is_object || !json_scan_end(&scan, &err)) {
        m->method = PIPES_MALFORMED;
        m->text = arena_printf(&memory->text, "a line is not JSON: %s", err.msg);
        return false;
    }
    read_members(line, members, count);
    return true;
}

void pipes_message_parse(struct str line, struct pipes_memory *memory, struct pipes_message *ret)
{
    struct member members[] = {
        {.name = "__dagster_pipes_version"}, {.name = "method"}, {.name = "params"}};
    *ret = (struct pipes_message){.method = PIPES_UNKNOWN};
    buf_reset(&memory->strict);
    buf_reset(&memory->value);
    arena_reset(&memory->text);
    strict_json_write(line, &memory->strict);
    if (memory->strict.overflow) {
        (void)refuse(ret, "a line does not fit the memory set aside for it");
        return;
    }
    if (!check_envelope(buf_str(&memory->strict), memory, members, COUNT_OF(members), ret)) {
        return;
    }
    struct str version = text_of(memory, &members[0]);
    if (str_is_empty(version)) {
        (void)refuse(ret, "a line has no \"__dagster_pipes_version\"");
        return;
    }
    if (!is_known_version(version)) {
        ret->method = PIPES_MALFORMED;
        ret->text = arena_printf(
            &memory->text, "a message of Pipes version \"" STR_FMT "\"; this agent speaks 0.1",
            STR_ARG(str_clip(version, NAME_BYTES_MAX)));
        return;
    }
    struct str name = text_of(memory, &members[1]);
    bool has_params = is_there(&members[2]) && members[2].value.type == JSON_OBJECT;
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (str_eq(name, str_from(methods[i].name))) {
            ret->method = methods[i].method;
            if (methods[i].read != NULL) {
                (void)methods[i].read(has_params ? members[2].value.text : STR("{}"), memory, ret);
            }
            return;
        }
    }
    ret->text = str_clip(name, NAME_BYTES_MAX);
}
