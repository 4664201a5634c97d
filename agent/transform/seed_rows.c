#include "agent/transform/seed_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/el/csv.h"
#include "agent/el/file_reader.h"
#include "common/base/buf.h"
#include "common/dbt/seed_types.h"

static const struct str byte_order_mark = STR_INIT("\xef\xbb\xbf");

struct seed_rows {
    struct file_reader reader;
    bool is_file;
    char *text; /* a copy, since csv.h takes memory of ours */
    size_t at, len;
    char delimiter;
    bool is_started;
    int64_t line; /* of the record in `record` */
    struct csv_record record;
    bool has_record;
    size_t blank; /* lines before it that are rows still to be given */
    bool is_end;  /* no record follows them */
    struct str *names;
    size_t count;
    struct str *fields; /* `count` of them */
    struct buf scratch; /* fields that are not as they stand in the input */
};

void seed_rows_close(struct seed_rows *rows)
{
    if (rows == NULL) {
        return;
    }
    if (rows->is_file) {
        file_reader_release(&rows->reader);
    }
    free(rows->record.fields);
    free(rows->fields);
    free(rows->text);
    buf_release(&rows->scratch);
    free(rows);
}

static bool open_file(struct seed_rows *rows, const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        enum err_code code = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
        return err_set(err, code, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(err, ERR_INVALID, "%s: not a file", path);
    }
    rows->is_file = true;
    return file_reader_open(&rows->reader, path, st.st_size, err);
}

static bool copy_text(struct seed_rows *rows, struct str text, struct err *err)
{
    rows->len = text.len;
    rows->text = malloc(text.len + 1);
    if (rows->text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a seed's text");
    }
    memcpy(rows->text, text.ptr, text.len);
    return true;
}

/* What is there to be read; all of a text. */
static char *input_of(const struct seed_rows *rows, size_t *ret_len, bool *ret_is_all)
{
    if (!rows->is_file) {
        *ret_len = rows->len - rows->at;
        *ret_is_all = true;
        return rows->text + rows->at;
    }
    *ret_len = rows->reader.end - rows->reader.start;
    *ret_is_all = file_reader_at_end(&rows->reader);
    return rows->reader.memory + rows->reader.start;
}

static void consume(struct seed_rows *rows, size_t bytes)
{
    if (rows->is_file) {
        file_reader_consume(&rows->reader, bytes);
    } else {
        rows->at += bytes;
    }
}

static bool at_line(const struct seed_rows *rows, int64_t line, struct err *err)
{
    if (rows->is_file) {
        return err_wrap(err, "%s: line %lld", rows->reader.path, (long long)line);
    }
    return err_wrap(err, "line %lld", (long long)line);
}

/* The next record into `record`; is_end when there is none. The input stays until the next call. */
static bool read_record(struct seed_rows *rows, struct err *err)
{
    struct csv_record *r = &rows->record;
    rows->line += (int64_t)(r->lines - r->lines_before);
    for (;;) {
        bool is_all;
        size_t len;
        char *input = input_of(rows, &len, &is_all);
        if (!rows->is_started && (is_all || len >= byte_order_mark.len)) {
            rows->is_started = true;
            if (str_starts((struct str){input, len}, byte_order_mark)) {
                consume(rows, byte_order_mark.len);
                continue;
            }
        }
        enum csv_result result = CSV_MORE;
        if (rows->is_started) {
            result = csv_next(input, len, is_all, rows->delimiter, r, err);
        }
        if (result == CSV_BAD) {
            return at_line(rows, rows->line + (int64_t)r->lines, err);
        }
        if (result == CSV_MORE) {
            if (!file_reader_fill(&rows->reader, SEED_RECORD_BYTES_MAX, err)) {
                return at_line(rows, rows->line, err);
            }
            continue;
        }
        if (!str_is_utf8((struct str){input, r->bytes})) {
            err_set(err, ERR_INVALID, "not UTF-8");
            err_hint(err, "convert the file, for example: iconv -f latin1 -t utf-8");
            return at_line(rows, rows->line + (int64_t)r->lines_before, err);
        }
        consume(rows, r->bytes);
        rows->is_end = result == CSV_END;
        rows->blank = rows->is_end ? r->lines : r->lines_before;
        rows->line += (int64_t)r->lines_before;
        return true;
    }
}

/* As Python's text files give line ends. */
static void add_with_line_ends(struct buf *out, struct csv_field f)
{
    for (size_t i = 0; i < f.len; i++) {
        char c = f.ptr[i];
        if (c == '\r') {
            c = '\n';
            i += i + 1 < f.len && f.ptr[i + 1] == '\n';
        } else if (c == '"' && f.has_escape) {
            i++; /* it stands there twice */
        }
        buf_add_char(out, c);
    }
}

/* Fields of a record whose text differs from the input are put together in `scratch`, which may move
 * while it grows: so they are pointed to afterwards. */
static bool take_fields(struct seed_rows *rows, struct str *fields, struct err *err)
{
    struct csv_record *r = &rows->record;
    buf_reset(&rows->scratch);
    for (size_t i = 0; i < r->count; i++) {
        struct csv_field f = r->fields[i];
        bool has_return = memchr(f.ptr, '\r', f.len) != NULL;
        if (memchr(f.ptr, '\0', f.len) != NULL) {
            return err_set(err, ERR_INVALID, "a NUL byte");
        }
        if (has_return && !f.is_quoted) {
            err_set(err, ERR_INVALID, "a carriage return that ends no line");
            err_hint(err, "let lines end with LF or CRLF, and quote fields with others inside");
            return false;
        }
        fields[i] = (struct str){f.ptr, f.len};
        if (has_return || f.has_escape) {
            size_t before = rows->scratch.len;
            add_with_line_ends(&rows->scratch, f);
            fields[i] = (struct str){NULL, rows->scratch.len - before};
        }
    }
    if (rows->scratch.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a row of a seed");
    }
    size_t at = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (fields[i].ptr == NULL) {
            fields[i].ptr = rows->scratch.ptr != NULL ? rows->scratch.ptr + at : "";
            at += fields[i].len;
        }
    }
    return true;
}

static bool read_header(struct seed_rows *rows, struct arena *arena, struct err *err)
{
    if (!read_record(rows, err)) {
        return false;
    }
    if (rows->is_end || rows->blank > 0) {
        err_set(err, ERR_INVALID, "no header");
        err_hint(err, "let the first line name the columns");
        return at_line(rows, 1, err);
    }
    rows->count = rows->record.count;
    rows->names = arena_array(arena, rows->count, sizeof *rows->names);
    rows->fields = calloc(rows->count, sizeof *rows->fields);
    if (rows->names == NULL || rows->fields == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a seed's columns");
    }
    if (!take_fields(rows, rows->names, err)) {
        return at_line(rows, 1, err);
    }
    for (size_t i = 0; i < rows->count; i++) {
        rows->names[i] = arena_copy(arena, rows->names[i]);
        if (rows->names[i].ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a seed's columns");
        }
    }
    if (!seed_names(rows->names, rows->count, arena)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a seed's columns");
    }
    return true;
}

bool seed_rows_open(const struct seed_source *source, struct arena *arena, struct seed_rows **ret,
                    struct err *err)
{
    struct seed_rows *rows = calloc(1, sizeof *rows);
    struct csv_field *fields = calloc(SEED_COLUMNS_MAX, sizeof *fields);
    if (rows == NULL || fields == NULL) {
        free(rows);
        free(fields);
        return err_set(err, ERR_NO_MEMORY, "no memory for a seed's rows");
    }
    rows->delimiter = source->delimiter;
    rows->record = (struct csv_record){.fields = fields, .cap = SEED_COLUMNS_MAX};
    rows->scratch = buf_growing(SEED_RECORD_BYTES_MAX);
    rows->line = 1;
    if (!(source->path != NULL ? open_file(rows, source->path, err)
                               : copy_text(rows, source->text, err)) ||
        !read_header(rows, arena, err)) {
        seed_rows_close(rows);
        return false;
    }
    *ret = rows;
    return true;
}

const struct str *seed_rows_names(const struct seed_rows *rows, size_t *ret_count)
{
    *ret_count = rows->count;
    return rows->names;
}

bool seed_rows_next(struct seed_rows *rows, const struct str **ret_fields, struct err *err)
{
    *ret_fields = NULL;
    if (!rows->has_record && !rows->is_end) {
        if (!read_record(rows, err)) {
            return false;
        }
        rows->has_record = true;
    }
    if (rows->blank == 0 && rows->is_end) {
        return true;
    }
    memset(rows->fields, 0, rows->count * sizeof *rows->fields);
    *ret_fields = rows->fields;
    if (rows->blank > 0) {
        rows->blank--;
        return true;
    }
    rows->has_record = false;
    if (rows->record.count > rows->count) {
        err_set(err, ERR_INVALID, "%zu fields, but the header names %zu columns",
                rows->record.count, rows->count);
        err_hint(err, "quote fields that hold the delimiter");
        return at_line(rows, rows->line, err);
    }
    return take_fields(rows, rows->fields, err) || at_line(rows, rows->line, err);
}
