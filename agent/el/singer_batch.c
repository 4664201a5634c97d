#include "agent/el/singer_batch.h"

#include "common/base/limits.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* --- the message ----------------------------------------------------------------------------- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent signs and two digits are a byte (RFC 3986 section 2.1). */
static bool unescape(struct str text, char ret_path[LIMIT_PATH_BYTES + 1], struct err *err)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%' && i + 2 < text.len && digit_of(text.ptr[i + 1]) >= 0 &&
            digit_of(text.ptr[i + 2]) >= 0) {
            c = (char)(digit_of(text.ptr[i + 1]) * 16 + digit_of(text.ptr[i + 2]));
            i += 2;
        }
        if (c == '\0' || len == LIMIT_PATH_BYTES) {
            return err_set(err, ERR_INVALID, "a file of the batch has a name of more than %d bytes",
                           LIMIT_PATH_BYTES);
        }
        ret_path[len++] = c;
    }
    ret_path[len] = '\0';
    return len > 0 || err_set(err, ERR_INVALID, "a file of the batch has no name");
}

bool singer_batch_path(struct str uri, char ret_path[LIMIT_PATH_BYTES + 1], struct err *err)
{
    const struct str scheme = STR("file://");
    const struct str local = STR("localhost/");
    if (str_contains(uri, STR("://")) && !str_starts(uri, scheme)) {
        struct str shown = str_slice(uri, 0, 100);
        err_set(err, ERR_INVALID, "the batch is in \"" STR_FMT "\"", STR_ARG(shown));
        return err_hint(err, "only files of this host can be read: set batch_config.storage.root "
                             "of the tap to file:///…");
    }
    if (!str_starts(uri, scheme)) {
        if (uri.len == 0 || uri.len > LIMIT_PATH_BYTES || memchr(uri.ptr, '\0', uri.len) != NULL) {
            return err_set(err, ERR_INVALID,
                           "a file of the batch has no name, or one of more than "
                           "%d bytes",
                           LIMIT_PATH_BYTES);
        }
        memcpy(ret_path, uri.ptr, uri.len);
        ret_path[uri.len] = '\0';
        return true;
    }
    struct str path = str_slice(uri, scheme.len, uri.len);
    if (str_starts(path, local)) {
        path = str_slice(path, local.len - 1, path.len);
    }
    if (!str_starts(path, STR("/"))) {
        return err_set(err, ERR_INVALID, "the batch is on another host: \"" STR_FMT "\"",
                       STR_ARG(str_slice(uri, 0, 100)));
    }
    return unescape(path, ret_path, err);
}

static bool read_encoding(struct json_raw encoding, bool *ret_is_packed, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    bool is_jsonl = false;
    *ret_is_packed = false;
    if (!json_scan_object(&scan, encoding.text, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        struct str shown = str_slice(value.text, 0, 40);
        if (json_raw_is(key, "format") && !(is_jsonl = json_raw_is(value, "jsonl"))) {
            err_set(err, ERR_INVALID, "a batch of format " STR_FMT, STR_ARG(shown));
            return err_hint(err, "only jsonl can be read: set batch_config.encoding.format of the "
                                 "tap to it");
        }
        if (!json_raw_is(key, "compression") || value.type == JSON_NULL ||
            json_raw_is(value, "none")) {
            continue;
        }
        *ret_is_packed = json_raw_is(value, "gzip");
        if (!*ret_is_packed) {
            err_set(err, ERR_INVALID, "a batch with the compression " STR_FMT, STR_ARG(shown));
            return err_hint(err, "only gzip and none can be read");
        }
    }
    return json_scan_end(&scan, err) &&
           (is_jsonl || err_set(err, ERR_INVALID, "a batch whose \"encoding\" has no \"format\""));
}

bool singer_batch_begin(struct singer_batch *b, struct json_raw encoding, struct json_raw manifest,
                        struct err *err)
{
    b->is_open = false;
    if (!read_encoding(encoding, &b->is_packed, err)) {
        return false;
    }
    if (b->manifest.max == 0) {
        b->manifest = buf_growing(LIMIT_SINGER_LINE_BYTES);
    }
    buf_reset(&b->manifest);
    buf_add(&b->manifest, manifest.text);
    if (b->manifest.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the list of a batch's files");
    }
    b->is_open = json_scan_array(&b->rest, buf_str(&b->manifest), err);
    return b->is_open;
}

/* --- its files ------------------------------------------------------------------------------- */

static bool open_file(struct singer_batch *b, struct json_raw uri, struct err *err)
{
    AUTO(buf) text = buf_growing((size_t)LIMIT_PATH_BYTES * 4);
    struct str name;
    struct stat st;
    if (uri.type != JSON_STRING || !json_unescape(uri, true, &text, &name)) {
        return err_set(err, ERR_INVALID, "the \"manifest\" of a batch holds %s",
                       json_type_name(uri.type));
    }
    if (!singer_batch_path(name, b->path, err)) {
        return false;
    }
    if (stat(b->path, &st) != 0) {
        err_errno(err, errno, "a file of the batch: %s", b->path);
        return err_hint(err, "the tap must leave it there until it is loaded");
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(err, ERR_INVALID, "a file of the batch: %s is no regular file", b->path);
    }
    if (!file_reader_open(&b->reader, b->path, st.st_size, err)) {
        return false;
    }
    b->is_file_open = true;
    return !b->is_packed || b->reader.gunzip != NULL ||
           err_set(err, ERR_CORRUPT, "%s is no gzip file", b->path);
}

static void close_file(struct singer_batch *b)
{
    if (b->is_file_open) {
        file_reader_release(&b->reader);
    }
    b->is_file_open = false;
}

bool singer_batch_next(struct singer_batch *b, struct str *ret_line, bool *ret_found,
                       struct err *err)
{
    for (;;) {
        struct json_raw uri;
        struct file_line line;
        *ret_found = false;
        if (!b->is_file_open) {
            if (!json_scan_element(&b->rest, &uri)) {
                b->is_open = false;
                return json_scan_end(&b->rest, err);
            }
            if (!open_file(b, uri, err)) {
                return false;
            }
        }
        if (!file_reader_line(&b->reader, LIMIT_SINGER_LINE_BYTES, &line, ret_found, err)) {
            return singer_batch_wrap(b, err);
        }
        if (!*ret_found) {
            close_file(b);
            continue;
        }
        file_reader_consume(&b->reader, line.bytes);
        b->reader.line++;
        if (str_trim(line.text).len > 0) {
            *ret_line = line.text;
            return true;
        }
    }
}

bool singer_batch_wrap(const struct singer_batch *b, struct err *err)
{
    return err_wrap(err, "batch %s:%lld", b->path, (long long)b->reader.line - 1);
}

void singer_batch_reject(const struct singer_batch *b, struct str stream, struct str record,
                         struct bad_record *ret, struct err *why)
{
    bad_record_set(ret, str_from(b->path), b->reader.line - 1, record, why);
    ret->reject.stream = stream;
}

void singer_batch_release(struct singer_batch *b)
{
    close_file(b);
    buf_release(&b->manifest);
    b->is_open = false;
}
