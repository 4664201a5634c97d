#include "agent/el/csv.h"

#include <string.h>

struct cursor {
    char *pos;
    char *end;
    char delimiter;
    bool is_last;
};

static void skip_empty_lines(struct cursor *c, struct csv_record *r)
{
    while (c->pos < c->end) {
        if (*c->pos == '\n') {
            c->pos++;
        } else if (*c->pos == '\r' && c->pos + 1 < c->end && c->pos[1] == '\n') {
            c->pos += 2;
        } else {
            break;
        }
        r->lines++;
    }
    r->lines_before = r->lines;
}

/* What stands after a field. FIELD_MORE: the input ends before we can know. */
enum field_end { FIELD_DELIMITER, FIELD_LINE, FIELD_INPUT, FIELD_MORE, FIELD_BAD };

/* `c->pos` stands where the field's text ended. */
static enum field_end take_field_end(struct cursor *c)
{
    if (c->pos == c->end) {
        return c->is_last ? FIELD_INPUT : FIELD_MORE;
    }
    if (*c->pos == c->delimiter) {
        c->pos++;
        return FIELD_DELIMITER;
    }
    if (*c->pos == '\n') {
        c->pos++;
        return FIELD_LINE;
    }
    if (*c->pos == '\r') {
        if (c->pos + 1 == c->end) {
            c->pos += c->is_last;
            return c->is_last ? FIELD_INPUT : FIELD_MORE;
        }
        if (c->pos[1] == '\n') {
            c->pos += 2;
            return FIELD_LINE;
        }
    }
    return FIELD_BAD;
}

static enum field_end scan_bare(struct cursor *c, struct csv_field *f)
{
    *f = (struct csv_field){.ptr = c->pos};
    const char delimiter = c->delimiter;
    char *pos = c->pos;
    while (pos < c->end && *pos != delimiter && *pos != '\n') {
        pos++;
    }
    /* Only a carriage return right before the line end belongs to it. */
    bool is_line_over = pos < c->end ? *pos == '\n' : c->is_last;
    if (is_line_over && pos > c->pos && pos[-1] == '\r') {
        pos--;
    }
    f->len = (size_t)(pos - f->ptr);
    c->pos = pos;
    return take_field_end(c);
}

static enum field_end scan_quoted(struct cursor *c, struct csv_field *f, struct csv_record *r)
{
    char *pos = c->pos + 1;
    *f = (struct csv_field){.ptr = pos, .is_quoted = true};
    for (;;) {
        char *quote = memchr(pos, '"', (size_t)(c->end - pos));
        if (quote == NULL) {
            return c->is_last ? FIELD_BAD : FIELD_MORE; /* never closed, or not yet */
        }
        if (quote + 1 == c->end && !c->is_last) {
            return FIELD_MORE; /* it may be the first of two */
        }
        if (quote + 1 < c->end && quote[1] == '"') {
            f->has_escape = true;
            pos = quote + 2;
            continue;
        }
        f->len = (size_t)(quote - f->ptr);
        for (const char *nl = f->ptr; (nl = memchr(nl, '\n', (size_t)(quote - nl))) != NULL; nl++) {
            r->lines++;
        }
        c->pos = quote + 1;
        return take_field_end(c);
    }
}

static enum csv_result bad_field(const struct csv_field *f, const struct cursor *c, struct err *err)
{
    if (f->is_quoted && f->len == 0 && c->pos < c->end && c->pos == f->ptr - 1) {
        err_set(err, ERR_INVALID, "a quoted field is never closed");
        err_hint(err, "double every quote inside a quoted field, and close it");
        return CSV_BAD;
    }
    err_set(err, ERR_INVALID, "text follows a closing quote");
    err_hint(err, "double every quote inside a quoted field; check the delimiter");
    return CSV_BAD;
}

enum csv_result csv_next(char *input, size_t len, bool is_last, char delimiter,
                         struct csv_record *record, struct err *err)
{
    struct cursor c = {input, input + len, delimiter, is_last};
    record->count = 0;
    record->lines = 0;
    skip_empty_lines(&c, record);
    if (c.pos == c.end || (is_last && c.end - c.pos == 1 && *c.pos == '\r')) {
        record->bytes = len;
        return is_last ? CSV_END : CSV_MORE;
    }
    for (;;) {
        if (record->count == record->cap) {
            err_set(err, ERR_FULL, "more than %zu fields", record->cap);
            return CSV_BAD;
        }
        struct csv_field *f = &record->fields[record->count];
        bool is_quoted = c.pos < c.end && *c.pos == '"';
        enum field_end end = is_quoted ? scan_quoted(&c, f, record) : scan_bare(&c, f);
        if (end == FIELD_MORE) {
            return CSV_MORE;
        }
        if (end == FIELD_BAD) {
            return bad_field(f, &c, err);
        }
        record->count++;
        if (end != FIELD_DELIMITER) {
            record->lines += end == FIELD_LINE;
            record->bytes = (size_t)(c.pos - input);
            return CSV_RECORD;
        }
    }
}

void csv_unescape(struct csv_field *field)
{
    char *out = field->ptr;
    const char *in = field->ptr;
    const char *end = field->ptr + field->len;
    while (in < end) {
        *out++ = *in;
        in += *in == '"' ? 2 : 1; /* every quote inside stands there twice */
    }
    field->len = (size_t)(out - field->ptr);
    field->has_escape = false;
}

/* Also what a reader could take for a byte order mark, and empty text, which is not NULL. */
static bool needs_quotes(struct str text, char delimiter)
{
    if (text.len == 0 || (unsigned char)text.ptr[0] == 0xef) {
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == delimiter || c == '"' || c == '\n' || c == '\r') {
            return true;
        }
    }
    return false;
}

void csv_write_text(struct buf *out, struct str text, char delimiter)
{
    if (!needs_quotes(text, delimiter)) {
        buf_add(out, text);
        return;
    }
    buf_add_char(out, '"');
    for (const char *quote; text.len > 0 && (quote = memchr(text.ptr, '"', text.len)) != NULL;) {
        size_t len = (size_t)(quote - text.ptr) + 1;
        buf_add(out, str_slice(text, 0, len));
        buf_add_char(out, '"');
        text = str_slice(text, len, text.len);
    }
    buf_add(out, text);
    buf_add_char(out, '"');
}
