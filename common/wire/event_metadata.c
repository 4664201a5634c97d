#include "common/wire/event_metadata.h"

#include "common/json/json_writer.h"
#include "common/json/strict_json.h"
#include <string.h>

enum {
    NOTE_BYTES = 128, /* of what says that something was dropped */
    TYPE_BYTES_MAX = 63,
};

struct entry {
    struct str name;
    struct json_raw value;
};
struct entries {
    struct entry items[LIMIT_METADATA_ENTRIES];
    size_t count;
    size_t dropped_bytes;
};

/* --- the entries ------------------------------------------------------------------------------ */

static struct str name_of(struct json_raw key, struct arena *scratch)
{
    AUTO(buf) text = buf_growing(key.text.len);
    struct str name = STR_NONE;
    if (!key.has_escape) {
        return key.text;
    }
    return json_unescape(key, true, &text, &name) ? arena_copy(scratch, name) : key.text;
}

static void add_entry(struct entries *entries, struct str name, struct json_raw value)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (str_eq(entries->items[i].name, name)) {
            entries->items[i].value = value;
            return;
        }
    }
    if (entries->count == COUNT_OF(entries->items)) {
        entries->dropped_bytes += name.len + value.text.len;
        return;
    }
    entries->items[entries->count++] = (struct entry){.name = name, .value = value};
}

static void read_entries(struct str object, struct arena *scratch, struct entries *ret)
{
    struct err err = {0};
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    ret->count = 0;
    ret->dropped_bytes = 0;
    if (!json_scan_object(&scan, object, &err)) {
        return;
    }
    while (json_scan_member(&scan, &key, &value)) {
        add_entry(ret, name_of(key, scratch), value);
    }
}

/* --- one value -------------------------------------------------------------------------------- */

static struct str infer(struct json_raw value)
{
    static const struct str types[] = {
        [JSON_NULL] = STR_INIT("null"),   [JSON_BOOL] = STR_INIT("bool"),
        [JSON_INT] = STR_INIT("int"),     [JSON_REAL] = STR_INIT("float"),
        [JSON_STRING] = STR_INIT("text"), [JSON_ARRAY] = STR_INIT("json"),
        [JSON_OBJECT] = STR_INIT("json"),
    };
    bool is_real = false;
    if (strict_json_number(value, &is_real)) {
        return types[is_real ? JSON_REAL : JSON_INT];
    }
    return types[value.type];
}

/* {"raw_value": ..., "type": "..."} and nothing else. */
static bool is_typed(struct json_raw value, struct str *ret_type, struct json_raw *ret_raw)
{
    struct err err = {0};
    struct json_scan scan;
    struct json_raw key;
    struct json_raw member;
    bool has_raw = false;
    bool is_good = true;
    *ret_type = STR_NONE;
    if (value.type != JSON_OBJECT || !json_scan_object(&scan, value.text, &err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &member)) {
        if (json_raw_is(key, "type")) {
            *ret_type = member.type == JSON_STRING && !member.has_escape ? member.text : STR_NONE;
        } else if (json_raw_is(key, "raw_value")) {
            *ret_raw = member;
            has_raw = true;
        } else {
            is_good = false;
        }
    }
    return is_good && has_raw && !str_is_empty(*ret_type) && ret_type->len <= TYPE_BYTES_MAX;
}

static void write_entry(const struct entry *entry, struct buf *out)
{
    struct str type = STR_NONE;
    struct json_raw value = entry->value;
    if (!is_typed(entry->value, &type, &value)) {
        value = entry->value;
        type = STR("__infer__");
    }
    if (str_eq(type, STR("__infer__"))) {
        type = infer(value);
    }
    struct json_writer w = json_writer(out);
    jw_key(&w, entry->name);
    jw_begin_object(&w);
    jw_member_str(&w, "type", type);
    jw_key(&w, STR("raw_value"));
    strict_json_value(strict_json_whole(value), out);
    jw_end_object(&w);
}

void event_metadata_write(struct str object, struct arena *scratch, struct buf *out)
{
    struct entries entries;
    read_entries(object, scratch, &entries);
    size_t start = out->len;
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    for (size_t i = 0; i < entries.count; i++) {
        size_t used = out->len - start + NOTE_BYTES;
        size_t room = used < EVENT_METADATA_BYTES_MAX ? EVENT_METADATA_BYTES_MAX - used : 0;
        AUTO(buf) text = buf_growing(room);
        if (entries.items[i].value.text.len <= room) {
            write_entry(&entries.items[i], &text);
        }
        if (text.len == 0 || text.overflow) {
            entries.dropped_bytes += entries.items[i].name.len + entries.items[i].value.text.len;
            continue;
        }
        jw_raw(&w, buf_str(&text));
    }
    if (entries.dropped_bytes > 0) {
        jw_key(&w, STR("selvedge/metadata_dropped_bytes"));
        jw_begin_object(&w);
        jw_member_str(&w, "type", STR("int"));
        jw_member_i64(&w, "raw_value", (int64_t)entries.dropped_bytes);
        jw_end_object(&w);
    }
    jw_end_object(&w);
}
