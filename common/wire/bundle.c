#include "common/wire/bundle.h"

#include "common/json/fields.h"
#include "common/json/json_scan.h"
#include "common/json/json_writer.h"
#include <stddef.h>
#include <string.h>

enum { LINE_BYTES_MAX = 1024, HEAD_BYTES_MAX = 1024 };

bool bundle_hash_is_good(struct str hash)
{
    for (size_t i = 0; i < hash.len; i++) {
        bool is_digit = hash.ptr[i] >= '0' && hash.ptr[i] <= '9';
        bool is_letter = hash.ptr[i] >= 'a' && hash.ptr[i] <= 'f';
        if (!is_digit && !is_letter) {
            return false;
        }
    }
    return hash.len == BUNDLE_HASH_SIZE - 1;
}

static bool part_is_good(struct str part)
{
    return part.len > 0 && !str_eq(part, STR(".")) && !str_eq(part, STR(".."));
}

bool bundle_path_is_good(struct str path)
{
    if (path.len == 0 || path.len > BUNDLE_PATH_BYTES || !str_is_utf8(path)) {
        return false;
    }
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
            return false;
        }
    }
    struct str part = STR_NONE;
    struct str rest = path;
    size_t parts = 1;
    for (; str_cut(rest, '/', &part, &rest); parts++) {
        if (!part_is_good(part)) {
            return false;
        }
    }
    return part_is_good(part) && parts <= BUNDLE_PATH_PARTS;
}

/* --- manifest ------------------------------------------------------------------------------- */

static void write_first(const struct bundle_manifest *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "kind", STR("bundle"));
    jw_member_i64(&w, "v", 1);
    jw_member_i64(&w, "files", (int64_t)m->count);
    jw_member_i64(&w, "bytes", m->bytes);
    jw_end_object(&w);
}

static void write_file(const struct bundle_file *file, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "path", file->path);
    jw_member_i64(&w, "size", file->size);
    jw_member_str(&w, "sha256", file->sha256);
    jw_member_str(&w, "mode", file->is_executable ? STR("755") : STR("644"));
    jw_end_object(&w);
}

void bundle_manifest_encode(const struct bundle_manifest *m, struct buf *out)
{
    write_first(m, out);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < m->count; i++) {
        write_file(&m->files[i], out);
        buf_add_char(out, '\n');
    }
}

static bool line_is(struct str line, const struct buf *canonical)
{
    return !canonical->overflow && str_eq(line, buf_str(canonical));
}

/* Members that are missing or of another kind show when the line is written again. */
static bool read_first(struct str line, struct bundle_manifest *ret, struct err *err)
{
    char memory[LINE_BYTES_MAX];
    struct buf again = buf_fixed(memory, sizeof(memory));
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    int64_t files = 0;
    int64_t bytes = 0;
    if (!json_scan_object(&scan, line, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        (void)(json_raw_is(key, "files") && json_raw_i64(value, &files));
        (void)(json_raw_is(key, "bytes") && json_raw_i64(value, &bytes));
    }
    if (files < 1 || files > BUNDLE_FILES_MAX || bytes < 0 || bytes > BUNDLE_BYTES_MAX) {
        return err_set(err, ERR_FULL, "a bundle has 1 to %d files of at most %d bytes together",
                       BUNDLE_FILES_MAX, BUNDLE_BYTES_MAX);
    }
    *ret = (struct bundle_manifest){.count = (size_t)files, .bytes = bytes};
    write_first(ret, &again);
    return line_is(line, &again) ||
           err_set(err, ERR_INVALID, "not the first line of a bundle's manifest");
}

static bool read_file_line(struct str line, struct bundle_file *ret, struct err *err)
{
    char memory[LINE_BYTES_MAX];
    struct buf again = buf_fixed(memory, sizeof(memory));
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    *ret = (struct bundle_file){.size = -1};
    if (!json_scan_object(&scan, line, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "path")) {
            ret->path = value.text;
        } else if (json_raw_is(key, "sha256")) {
            ret->sha256 = value.text;
        } else if (json_raw_is(key, "size")) {
            (void)(json_raw_i64(value, &ret->size) || (ret->size = -1));
        } else if (json_raw_is(key, "mode")) {
            ret->is_executable = json_raw_is(value, "755");
        }
    }
    if (!bundle_path_is_good(ret->path) || !bundle_hash_is_good(ret->sha256) || ret->size < 0) {
        return err_set(err, ERR_INVALID, "no good path, size or sha256");
    }
    write_file(ret, &again);
    return line_is(line, &again) || err_set(err, ERR_INVALID, "not written in its one form");
}

const struct bundle_file *bundle_manifest_find(const struct bundle_manifest *m, struct str path)
{
    size_t low = 0;
    for (size_t high = m->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(m->files[middle].path, path);
        if (order == 0) {
            return &m->files[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* "a" and "a/b" cannot both be files. */
static bool check_parents(const struct bundle_manifest *m, struct err *err)
{
    for (size_t i = 0; i < m->count; i++) {
        struct str parent = STR_NONE;
        struct str name = STR_NONE;
        struct str path = m->files[i].path;
        for (; str_cut_last(path, '/', &parent, &name); path = parent) {
            if (bundle_manifest_find(m, parent) != NULL) {
                return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is a file and a folder",
                               STR_ARG(parent));
            }
        }
    }
    return true;
}

static bool check_whole(const struct bundle_manifest *m, struct err *err)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->files[i].size > BUNDLE_BYTES_MAX - bytes) {
            return err_set(err, ERR_FULL, "its files are larger than %d bytes", BUNDLE_BYTES_MAX);
        }
        bytes += m->files[i].size;
    }
    if (bytes != m->bytes) {
        return err_set(err, ERR_INVALID, "its files have %lld bytes, not the %lld that it says",
                       (long long)bytes, (long long)m->bytes);
    }
    if (bundle_manifest_find(m, STR(BUNDLE_ENTRY)) == NULL) {
        return err_set(err, ERR_INVALID, "there is no " BUNDLE_ENTRY " in it");
    }
    return check_parents(m, err);
}

static bool read_files(struct str rest, struct bundle_manifest *m, struct err *err)
{
    struct str line = STR_NONE;
    for (size_t i = 0; i < m->count; i++) {
        if (!str_cut(rest, '\n', &line, &rest)) {
            return err_set(err, ERR_INVALID, "it ends before its last line");
        }
        if (!read_file_line(line, &m->files[i], err)) {
            return err_wrap(err, "line %zu", i + 2);
        }
        if (i > 0 && str_cmp(m->files[i - 1].path, m->files[i].path) >= 0) {
            return err_set(err, ERR_INVALID, "line %zu: not in the order of paths", i + 2);
        }
    }
    return rest.len == 0 || err_set(err, ERR_INVALID, "there is more after its last line");
}

bool bundle_manifest_decode(struct str text, struct arena *arena, struct bundle_manifest *ret,
                            struct err *err)
{
    struct bundle_manifest m = {0};
    struct str line = STR_NONE;
    struct str rest = STR_NONE;
    if (text.len > BUNDLE_MANIFEST_BYTES) {
        return err_set(err, ERR_FULL, "a bundle's manifest has at most %d bytes",
                       BUNDLE_MANIFEST_BYTES);
    }
    if (!str_cut(text, '\n', &line, &rest)) {
        return err_set(err, ERR_INVALID, "not a bundle's manifest");
    }
    if (!read_first(line, &m, err)) {
        return err_wrap(err, "line 1");
    }
    if (m.count > rest.len) {
        return err_set(err, ERR_INVALID, "it ends before its last line");
    }
    m.files = arena_array(arena, m.count, sizeof(*m.files));
    if (m.files == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read a bundle's manifest: out of memory");
    }
    if (!read_files(rest, &m, err) || !check_whole(&m, err)) {
        return false;
    }
    *ret = m;
    return true;
}

/* --- messages ------------------------------------------------------------------------------- */

#define WANT(member) offsetof(struct bundle_want, member)
static const struct field want_fields[] = {
    {.key = "bundle", .type = FIELD_STR, .offset = WANT(bundle), .required = true},
    {.key = "file", .type = FIELD_STR, .offset = WANT(file)},
    {.key = "offset",
     .type = FIELD_I64,
     .offset = WANT(offset),
     .required = true,
     .min = 0,
     .max = BUNDLE_BYTES_MAX},
    {.key = "max",
     .type = FIELD_I64,
     .offset = WANT(max),
     .required = true,
     .min = BUNDLE_PIECE_MIN,
     .max = BUNDLE_PIECE_MAX},
};
static const struct field_table want_table = {.name = "want",
                                              .size = sizeof(struct bundle_want),
                                              .fields = want_fields,
                                              .count = COUNT_OF(want_fields),
                                              .ignore_unknown = true};

#define PIECE(member) offsetof(struct bundle_piece, member)
static const struct field piece_fields[] = {
    {.key = "bundle", .type = FIELD_STR, .offset = PIECE(bundle), .required = true},
    {.key = "file", .type = FIELD_STR, .offset = PIECE(file)},
    {.key = "offset",
     .type = FIELD_I64,
     .offset = PIECE(offset),
     .required = true,
     .min = 0,
     .max = BUNDLE_BYTES_MAX},
    {.key = "total", .type = FIELD_I64, .offset = PIECE(total), .min = 0, .max = BUNDLE_BYTES_MAX},
    {.key = "problem", .type = FIELD_STR, .offset = PIECE(problem)},
};
static const struct field_table piece_table = {.name = "bundle",
                                               .size = sizeof(struct bundle_piece),
                                               .fields = piece_fields,
                                               .count = COUNT_OF(piece_fields),
                                               .ignore_unknown = true};

static bool read_head(struct str line, const struct field_table *table, struct arena *arena,
                      void *ret, struct err *err)
{
    struct json *root = NULL;
    struct problems problems = {.arena = arena};
    if (!json_parse(line, HEAD_BYTES_MAX, arena, &root, err)) {
        return err_wrap(err, "%s", table->name);
    }
    if (json_get(root, "bundle") == NULL) {
        return err_set(err, ERR_NOT_FOUND, "%s: it is not about a bundle", table->name);
    }
    return fields_read(root, table, str_from(table->name), arena, &problems, ret) ||
           problems_to_err(&problems, err);
}

/* Empty = the manifest. */
static bool names_are_good(struct str bundle, struct str file)
{
    return bundle_hash_is_good(bundle) && (file.len == 0 || bundle_hash_is_good(file));
}

void bundle_want_encode(const struct bundle_want *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "bundle", m->bundle);
    jw_member_opt(&w, "file", m->file);
    jw_member_i64(&w, "offset", m->offset);
    jw_member_i64(&w, "max", m->max);
    jw_end_object(&w);
}

bool bundle_want_decode(struct str payload, struct arena *arena, struct bundle_want *ret,
                        struct err *err)
{
    struct bundle_want m = {0};
    struct json *root = NULL;
    if (!json_parse(payload, HEAD_BYTES_MAX, arena, &root, err)) {
        err->code = ERR_NOT_FOUND; /* whose business it is nobody can tell */
        return false;
    }
    if (!read_head(payload, &want_table, arena, &m, err)) {
        return false;
    }
    if (!names_are_good(m.bundle, m.file)) {
        return err_set(err, ERR_INVALID, "want: bundle and file are 64 hex digits");
    }
    *ret = m;
    return true;
}

void bundle_piece_encode(const struct bundle_piece *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "bundle", m->bundle);
    jw_member_opt(&w, "file", m->file);
    jw_member_i64(&w, "offset", m->offset);
    jw_member_i64(&w, "total", m->total);
    jw_member_opt(&w, "problem", m->problem);
    jw_end_object(&w);
    buf_add_char(out, '\n');
    buf_add(out, m->bytes);
}

bool bundle_piece_decode(struct str payload, struct arena *arena, struct bundle_piece *ret,
                         struct err *err)
{
    struct bundle_piece m = {0};
    struct str line = STR_NONE;
    struct str bytes = STR_NONE;
    if (!str_cut(payload, '\n', &line, &bytes)) {
        return err_set(err, ERR_INVALID, "bundle: there is no line before the bytes");
    }
    if (!read_head(line, &piece_table, arena, &m, err)) {
        return false;
    }
    if (!names_are_good(m.bundle, m.file)) {
        return err_set(err, ERR_INVALID, "bundle: bundle and file are 64 hex digits");
    }
    bool is_good = m.problem.len > 0 ? bytes.len == 0
                                     : bytes.len <= BUNDLE_PIECE_MAX && m.offset <= m.total &&
                                           (int64_t)bytes.len <= m.total - m.offset &&
                                           (bytes.len > 0 || m.offset == m.total);
    if (!is_good) {
        return err_set(err, ERR_INVALID, "bundle: the bytes are not those that its line tells of");
    }
    m.bytes = bytes;
    *ret = m;
    return true;
}
