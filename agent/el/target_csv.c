/* Target csv (RFC 4180, but lines end with LF): a header, then a record a row; what tap csv reads
 * back. DESIGN: NULL is an empty field, empty text is "". The header that is in the file says which
 * columns it has and in which order; rows are put into it by name. The files are file_target.h's
 * affair. */
#include "agent/el/connectors.h"
#include "agent/el/csv.h"
#include "agent/el/file_reader.h"
#include "agent/el/file_target.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"

#include <math.h>
#include <string.h>

enum { HEADER_BYTES_MAX = 1 << 20 };

struct csv_sink {
    struct schema header; /* of the file; count 0 = not known yet */
    size_t *column_of;    /* by field of the header: of the rows' schema; SIZE_MAX = it has none */
};

static struct csv_sink *csv_of(const struct file_sink *s)
{
    return s->format;
}

static char delimiter_of(const struct file_sink *s)
{
    return s->target->options->delimiter.ptr[0];
}

/* --- fields ---------------------------------------------------------------------------------- */

/* Two hexadecimal digits a byte, as in JSON. */
static void write_bytes(struct buf *out, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (bytes.len == 0) {
        buf_add(out, STR("\"\""));
    }
    for (size_t i = 0; i < bytes.len; i++) {
        buf_add_char(out, digits[(unsigned char)bytes.ptr[i] >> 4]);
        buf_add_char(out, digits[(unsigned char)bytes.ptr[i] & 15]);
    }
}

static bool check_text(const struct column *c, struct str text, struct err *err)
{
    bool has_nul = text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL;
    if (!has_nul && str_is_utf8(text)) {
        return true;
    }
    err_set(err, ERR_INVALID, "column \"" STR_FMT "\": a text %s", STR_ARG(c->name),
            has_nul ? "with a zero byte, which CSV cannot hold" : "that is not UTF-8");
    return err_hint(err, "correct it at its source, or use a target jsonl");
}

static bool write_value(struct buf *out, const struct column *c, const struct value *v,
                        char delimiter, struct err *err)
{
    switch (v->type) {
    case VALUE_INTEGER:
        buf_add_i64(out, v->as.integer);
        return true;
    case VALUE_REAL:
        if (isfinite(v->as.real)) {
            struct json_writer w = json_writer(out);
            jw_double(&w, v->as.real);
        }
        return true;
    case VALUE_TEXT:
        csv_write_text(out, v->as.text, delimiter);
        return check_text(c, v->as.text, err);
    case VALUE_BLOB:
        write_bytes(out, v->as.text);
        return true;
    case VALUE_NULL:
    default:
        return true;
    }
}

static bool write_row(struct file_sink *s, const struct value *row, struct err *err)
{
    const struct csv_sink *c = csv_of(s);
    struct buf *out = &s->file.text;
    char delimiter = delimiter_of(s);
    size_t start = out->len;
    for (size_t i = 0; i < c->header.count; i++) {
        size_t at = c->column_of[i];
        if (i > 0) {
            buf_add_char(out, delimiter);
        }
        if (at != SIZE_MAX &&
            !write_value(out, &s->schema->columns[at], &row[at], delimiter, err)) {
            return false;
        }
    }
    if (out->len == start) {
        buf_add(out, STR("\"\"")); /* an empty line is no record */
    }
    buf_add_char(out, '\n');
    return true;
}

/* --- the header ------------------------------------------------------------------------------ */

static bool take_header(struct csv_sink *c, struct csv_record *r, struct err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        struct csv_field *f = &r->fields[i];
        if (f->has_escape) {
            csv_unescape(f);
        }
        if (!schema_add(&c->header, &(struct column){.name = {f->ptr, f->len}}, err)) {
            return err_hint(err, "is its first line a header? Move the file away, or choose "
                                 "another path");
        }
    }
    return true;
}

/* Of the file as it was committed. */
static bool read_header(struct file_sink *s, struct err *err)
{
    struct csv_sink *c = csv_of(s);
    AUTO(file_reader) r = {.fd = {-1}};
    struct csv_field *fields = arena_array(c->header.arena, LIMIT_COLUMNS, sizeof(*fields));
    struct csv_record record = {.fields = fields, .cap = LIMIT_COLUMNS};
    enum csv_result result = CSV_MORE;
    if (fields == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a header");
    }
    if (!file_reader_open(&r, s->file.path, s->file.size, err)) {
        return false;
    }
    while (result == CSV_MORE) {
        if (!file_reader_fill(&r, HEADER_BYTES_MAX, err)) {
            return false;
        }
        result = csv_next(r.memory + r.start, r.end - r.start, file_reader_at_end(&r),
                          delimiter_of(s), &record, err);
    }
    return (result == CSV_END || (result == CSV_RECORD && take_header(c, &record, err))) ||
           err_wrap(err, "%s", s->file.path);
}

static void write_header(struct file_sink *s)
{
    const struct csv_sink *c = csv_of(s);
    for (size_t i = 0; i < c->header.count; i++) {
        if (i > 0) {
            buf_add_char(&s->file.text, delimiter_of(s));
        }
        csv_write_text(&s->file.text, c->header.columns[i].name, delimiter_of(s));
    }
    buf_add_char(&s->file.text, '\n');
}

/* The schema's columns that the header lacks are added to it; *ret_missing is the first of them. */
static bool complete_header(struct file_sink *s, struct str *ret_missing, struct err *err)
{
    struct csv_sink *c = csv_of(s);
    *ret_missing = STR("");
    for (size_t i = 0; i < s->schema->count; i++) {
        struct str name = s->schema->columns[i].name;
        size_t at = 0;
        if (schema_find_nocase(&c->header, name, &at)) {
            continue;
        }
        if (!check_text(&s->schema->columns[i], name, err) ||
            !schema_add(&c->header, &(struct column){.name = name}, err)) {
            return false;
        }
        *ret_missing = ret_missing->len == 0 ? name : *ret_missing;
    }
    return true;
}

static bool map_columns(struct file_sink *s, struct err *err)
{
    struct csv_sink *c = csv_of(s);
    c->column_of = arena_array(c->header.arena, c->header.count + 1, sizeof(*c->column_of));
    if (c->column_of == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a header");
    }
    for (size_t i = 0; i < c->header.count; i++) {
        if (!schema_find_nocase(s->schema, c->header.columns[i].name, &c->column_of[i])) {
            c->column_of[i] = SIZE_MAX;
        }
    }
    return true;
}

static bool has_new_columns(struct file_sink *s, struct str first, struct err *err)
{
    if (s->target->options->new_columns == NEW_COLUMNS_NEW_FILE) {
        return file_sink_begin_anew(s, err);
    }
    err_set(err, ERR_INVALID, "%s has no column \"" STR_FMT "\"", s->file.path, STR_ARG(first));
    return err_hint(err, "use \"new_columns: new_file\" or mode overwrite; or move the file away");
}

static bool begin(struct file_sink *s, struct err *err)
{
    struct csv_sink *c = csv_of(s);
    struct str missing;
    if (c->header.arena == NULL) {
        c->header = schema_new(s->target->context->arena);
        if (s->file.size > 0 && !read_header(s, err)) {
            return false;
        }
    }
    bool is_empty = c->header.count == 0;
    if (!complete_header(s, &missing, err) ||
        (!is_empty && missing.len > 0 && !has_new_columns(s, missing, err))) {
        return false;
    }
    if (missing.len > 0) {
        write_header(s);
    }
    return map_columns(s, err);
}

static const struct file_format format = {
    .name = "csv", .sink_bytes = sizeof(struct csv_sink), .begin = begin, .row = write_row};

static bool csv_target_open(struct target **ret, const struct target_context *context,
                            struct err *err)
{
    const struct file_target_options *o = (const void *)context->load;
    return csv_check_delimiter(o->delimiter, err)
               ? file_target_open(&target_csv, &format, ret, context, err)
               : err_wrap(err, "target csv");
}

const struct target_ops target_csv = {
    .type = "csv",
    .options = &target_csv_options,
    .cannot_upsert = true,
    .open = csv_target_open,
    .add = file_target_add,
    .set_schema = file_target_set_schema,
    .load = file_target_load,
    .commit = file_target_commit,
    .quarantine = file_target_quarantine,
    .quarantine_failed = file_target_quarantine,
    .close = file_target_close,
    .states = file_target_states,
    .set_state = file_target_set_state,
};
