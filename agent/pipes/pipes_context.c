#include "agent/pipes/pipes_context.h"

#include "common/json/json_writer.h"
#include <assert.h>

static void add_value(struct json_writer *w, struct str text)
{
    if (str_is_empty(text)) {
        jw_null(w);
    } else {
        jw_str(w, text);
    }
}

static void add_text(struct json_writer *w, const char *member, struct str text)
{
    jw_key(w, str_from(member));
    add_value(w, text);
}

static void add_pair(struct json_writer *w, const char *member, struct str start, struct str end)
{
    jw_key(w, str_from(member));
    if (str_is_empty(start)) {
        jw_null(w);
        return;
    }
    jw_begin_object(w);
    jw_member_str(w, "start", start);
    jw_member_str(w, "end", end);
    jw_end_object(w);
}

static void add_object(struct json_writer *w, const char *member, struct str json)
{
    jw_member_raw(w, member, str_is_empty(json) ? STR("{}") : json);
}

static void add_provenance(struct json_writer *w, const struct pipes_asset *asset)
{
    if (!asset->has_provenance) {
        jw_null(w);
        return;
    }
    jw_begin_object(w);
    jw_member_str(w, "code_version", asset->made_by_code_version);
    add_object(w, "input_data_versions", asset->made_from);
    jw_member_bool(w, "is_user_provided", asset->is_user_version);
    jw_end_object(w);
}

static void add_assets(struct json_writer *w, const struct pipes_context *c)
{
    jw_key(w, STR("asset_keys"));
    jw_begin_array(w);
    for (size_t i = 0; i < c->asset_count; i++) {
        jw_str(w, c->assets[i].key);
    }
    jw_end_array(w);

    jw_key(w, STR("code_version_by_asset_key"));
    jw_begin_object(w);
    for (size_t i = 0; i < c->asset_count; i++) {
        jw_key(w, c->assets[i].key);
        add_value(w, c->assets[i].code_version);
    }
    jw_end_object(w);

    jw_key(w, STR("provenance_by_asset_key"));
    jw_begin_object(w);
    for (size_t i = 0; i < c->asset_count; i++) {
        jw_key(w, c->assets[i].key);
        add_provenance(w, &c->assets[i]);
    }
    jw_end_object(w);
}

void pipes_context_write(const struct pipes_context *c, struct buf *out)
{
    bool is_range = !str_is_empty(c->partition_end) && !str_eq(c->partition, c->partition_end);
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    add_assets(&w, c);
    add_text(&w, "partition_key", is_range ? STR_NONE : c->partition);
    add_pair(&w, "partition_key_range", c->partition, is_range ? c->partition_end : c->partition);
    add_pair(&w, "partition_time_window", c->window_start, c->window_end);
    jw_member_str(&w, "run_id", c->run);
    add_text(&w, "job_name", c->job);
    jw_member_i64(&w, "retry_number", c->retry_number);
    add_object(&w, "extras", c->extras);
    jw_end_object(&w);
}

void pipes_add_time(struct buf *out, struct wall_time at, const struct tz *tz)
{
    int64_t seconds = at.ns / NS_PER_SEC;
    int64_t offset = tz_offset_at(tz, seconds);
    struct civil_time c = civil_from_seconds(seconds + offset);
    int64_t east = offset < 0 ? -offset : offset;
    buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", (int)c.year, c.month, c.day, c.hour,
             c.minute, c.second, offset < 0 ? '-' : '+', (int)(east / 3600), (int)(east / 60 % 60));
    if (east % 60 != 0) { /* local mean time, before there were zones */
        buf_addf(out, ":%02d", (int)(east % 60));
    }
}

/* --- parameters ------------------------------------------------------------------------------- */

static void add_base64(struct buf *out, struct str bytes)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    enum { PAD = 64 };
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
        group |= left > 1 ? (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(unsigned char)bytes.ptr[i + 2] : 0;
        buf_add_char(out, digits[group >> 18]);
        buf_add_char(out, digits[group >> 12 & 63]);
        buf_add_char(out, digits[left > 1 ? group >> 6 & 63 : PAD]);
        buf_add_char(out, digits[left > 2 ? group & 63 : PAD]);
    }
}

/* RFC 1950, section 8.2. */
static uint32_t adler32(struct str bytes)
{
    enum { MODULUS = 65521 };
    uint32_t a = 1;
    uint32_t b = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        a = (a + (unsigned char)bytes.ptr[i]) % MODULUS;
        b = (b + a) % MODULUS;
    }
    return b << 16 | a;
}

static void add_byte(struct buf *b, uint32_t value)
{
    buf_add_char(b, (char)(value & 0xff));
}

/* RFC 1950: header, blocks, checksum; RFC 1951, section 3.2.4: a stored block. */
void pipes_param_encode(struct str json, struct buf *out)
{
    assert(json.len <= PIPES_PARAM_BYTES_MAX);
    AUTO(buf) zlib = buf_growing(PIPES_PARAM_BYTES_MAX + 16);
    uint32_t len = (uint32_t)json.len;
    add_byte(&zlib, 0x78); /* deflate, window of 32 KiB */
    add_byte(&zlib, 0x01); /* no dictionary; makes the first two bytes a multiple of 31 */
    add_byte(&zlib, 0x01); /* the last block, stored */
    add_byte(&zlib, len);
    add_byte(&zlib, len >> 8);
    add_byte(&zlib, ~len);
    add_byte(&zlib, ~len >> 8);
    buf_add(&zlib, json);
    uint32_t sum = adler32(json);
    add_byte(&zlib, sum >> 24);
    add_byte(&zlib, sum >> 16);
    add_byte(&zlib, sum >> 8);
    add_byte(&zlib, sum);
    add_base64(out, buf_str(&zlib));
    out->overflow = out->overflow || zlib.overflow;
}
