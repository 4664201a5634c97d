/* batch.c - see batch.h. The only file that knows zlib. */
#include "common/wire/batch.h"
#include "common/base/limits.h"
#include "common/json/json_scan.h"
#include "common/json/json_writer.h"
#include <string.h>
#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

enum {
    HEADER_BYTES_MAX = 512, /* room for members of a newer version */
    LINES_BYTES_MAX = LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES,
    /* A 16 KiB window and a smaller hash: 128 KiB of working memory instead of 256 on the device,
     * for a few percent of size. */
    DEFLATE_WINDOW_BITS = 14,
    /* Half the time of zlib's own level 6 for a tenth more bytes (`./dev bench`). */
    DEFLATE_LEVEL = 3,
    DEFLATE_MEMORY_LEVEL = 7,
};

bool epoch_is_valid(struct str epoch)
{
    for (size_t i = 0; i < epoch.len; i++) {
        char c = epoch.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false;
        }
    }
    return epoch.len == EPOCH_TEXT_SIZE - 1;
}

/* Deflates to `into` (of `cap` bytes). False: it does not fit there, or there is no memory for the
 * attempt; the caller sends the lines as they are. */
static bool try_deflate(struct str lines, char *into, size_t cap, size_t *ret_len)
{
    z_stream z = {0};
    if (deflateInit2(&z, DEFLATE_LEVEL, Z_DEFLATED, DEFLATE_WINDOW_BITS, DEFLATE_MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    z.next_in = (const Bytef *)lines.ptr;
    z.avail_in = (uInt)lines.len;
    z.next_out = (Bytef *)into;
    z.avail_out = (uInt)cap;
    int rc = deflate(&z, Z_FINISH);
    size_t len = cap - z.avail_out;
    (void)deflateEnd(&z);
    if (rc != Z_STREAM_END) {
        return false;
    }
    *ret_len = len;
    return true;
}

static void add_header(struct buf *out, const struct batch_header *header, const char *codec,
                       size_t size)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_i64(&w, "v", 1);
    jw_member_str(&w, "epoch", str_from(header->epoch));
    jw_member_i64(&w, "first", header->first);
    jw_member_i64(&w, "last", header->last);
    if (header->prev != 0) {
        jw_member_i64(&w, "prev", header->prev);
    }
    jw_member_str(&w, "codec", str_from(codec));
    jw_member_i64(&w, "size", (int64_t)size);
    jw_end_object(&w);
    buf_add_char(out, '\n');
}

bool batch_encode(const struct batch_header *header, struct str lines, struct buf *out,
                  struct err *err)
{
    if (lines.len == 0 || lines.len > LINES_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "batch: %zu bytes of events, allowed are 1 to %d",
                       lines.len, (int)LINES_BYTES_MAX);
    }
    size_t start = out->len;
    add_header(out, header, "deflate", lines.len);
    char *into = buf_reserve(out, lines.len);
    size_t len = 0;
    if (into != NULL && try_deflate(lines, into, lines.len - 1, &len)) {
        out->len += len;
        return true;
    }
    if (!out->overflow) {
        out->len = start;
        add_header(out, header, "none", lines.len);
        buf_add(out, lines);
    }
    if (out->overflow) {
        return err_set(err, ERR_FULL, "batch: no room for %zu bytes of events", lines.len);
    }
    return true;
}

struct header_fields {
    int64_t version;
    int64_t size;
    struct str codec;
    struct str epoch;
};

static bool read_header_member(struct json_raw key, struct json_raw value,
                               struct batch_header *header, struct header_fields *fields)
{
    if (json_raw_is(key, "v")) {
        return json_raw_i64(value, &fields->version);
    }
    if (json_raw_is(key, "first")) {
        return json_raw_i64(value, &header->first);
    }
    if (json_raw_is(key, "last")) {
        return json_raw_i64(value, &header->last);
    }
    if (json_raw_is(key, "prev")) {
        return json_raw_i64(value, &header->prev) && header->prev >= 0 &&
               header->prev <= UINT32_MAX;
    }
    if (json_raw_is(key, "size")) {
        return json_raw_i64(value, &fields->size);
    }
    if (json_raw_is(key, "codec")) {
        fields->codec = value.text;
        return value.type == JSON_STRING && !value.has_escape;
    }
    if (json_raw_is(key, "epoch")) {
        fields->epoch = value.text;
        return value.type == JSON_STRING && epoch_is_valid(value.text);
    }
    return true; /* of a newer agent */
}

static bool read_header(struct str text, struct batch_header *ret, struct header_fields *fields,
                        struct err *err)
{
    struct json_scan scan;
    if (!json_scan_object(&scan, text, err)) {
        return err_wrap(err, "batch header");
    }
    struct json_raw key;
    struct json_raw value;
    while (json_scan_member(&scan, &key, &value)) {
        if (!read_header_member(key, value, ret, fields)) {
            return err_set(err, ERR_INVALID, "batch header: " STR_FMT ": not as it should be",
                           STR_ARG(key.text));
        }
    }
    if (!json_scan_end(&scan, err)) {
        return err_wrap(err, "batch header");
    }
    if (fields->version != 1) {
        return err_set(err, ERR_INVALID, "batch header: v: %lld is not a version this side knows",
                       (long long)fields->version);
    }
    if (fields->epoch.len == 0) {
        return err_set(err, ERR_INVALID, "batch header: epoch: missing");
    }
    memcpy(ret->epoch, fields->epoch.ptr, EPOCH_TEXT_SIZE - 1);
    if (ret->first < 1 || ret->last < ret->first || ret->last == INT64_MAX) {
        return err_set(err, ERR_INVALID, "batch header: first %lld, last %lld: not a range",
                       (long long)ret->first, (long long)ret->last);
    }
    if (fields->size < 1 || fields->size > LINES_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "batch header: size: %lld is not within 1 and %d",
                       (long long)fields->size, (int)LINES_BYTES_MAX);
    }
    return true;
}

/* Never writes more than `size` bytes, whatever the body would inflate to. */
static bool inflate_body(struct str body, char *into, size_t size, struct err *err)
{
    z_stream z = {0};
    if (inflateInit(&z) != Z_OK) {
        return err_set(err, ERR_NO_MEMORY, "batch: no memory to inflate it");
    }
    z.next_in = (const Bytef *)body.ptr;
    z.avail_in = (uInt)body.len;
    z.next_out = (Bytef *)into;
    z.avail_out = (uInt)size;
    int rc = inflate(&z, Z_FINISH);
    bool is_exact = rc == Z_STREAM_END && z.avail_out == 0 && z.avail_in == 0;
    (void)inflateEnd(&z);
    if (rc == Z_MEM_ERROR) {
        return err_set(err, ERR_NO_MEMORY, "batch: no memory to inflate it");
    }
    if (!is_exact) {
        return err_set(err, ERR_INVALID, "batch: the body does not inflate to %zu bytes", size);
    }
    return true;
}

static bool read_body(const struct header_fields *fields, struct str body, char *into,
                      struct err *err)
{
    size_t size = (size_t)fields->size;
    if (str_eq(fields->codec, STR("deflate"))) {
        return inflate_body(body, into, size, err);
    }
    if (!str_eq(fields->codec, STR("none"))) {
        return err_set(err, ERR_INVALID, "batch header: codec: \"" STR_FMT "\" is not known here",
                       STR_ARG(str_slice(fields->codec, 0, 32)));
    }
    if (body.len != size) {
        return err_set(err, ERR_INVALID, "batch: the body has %zu bytes, the header says %zu",
                       body.len, size);
    }
    memcpy(into, body.ptr, size);
    return true;
}

bool batch_decode(struct str payload, struct batch_header *ret, struct buf *ret_lines,
                  struct err *err)
{
    if (payload.len > LIMIT_MESSAGE_BYTES) {
        return err_set(err, ERR_INVALID, "batch: %zu bytes, allowed are %d", payload.len,
                       (int)LIMIT_MESSAGE_BYTES);
    }
    struct str head;
    struct str body;
    if (!str_cut(payload, '\n', &head, &body) || head.len > HEADER_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "batch: no header line within %d bytes",
                       (int)HEADER_BYTES_MAX);
    }
    struct batch_header header = {0};
    struct header_fields fields = {0};
    if (!read_header(head, &header, &fields, err)) {
        return false;
    }
    char *into = buf_reserve(ret_lines, (size_t)fields.size);
    if (into == NULL) {
        return err_set(err, ERR_NO_MEMORY, "batch: no memory for its events");
    }
    if (!read_body(&fields, body, into, err)) {
        return false;
    }
    if (into[fields.size - 1] != '\n') {
        return err_set(err, ERR_INVALID, "batch: its last line does not end");
    }
    ret_lines->len += (size_t)fields.size;
    *ret = header;
    return true;
}
