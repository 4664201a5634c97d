/* csv.h - splits CSV (RFC 4180) into records, in place, and writes fields. Pure; any bytes are safe.
 * Rules: a field that begins with a quote ends at the closing quote, "" inside is one quote, line
 * ends may be inside; a quote elsewhere is an ordinary character; lines end with LF or CRLF; an
 * empty line is no record. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"

struct csv_field {
    char *ptr;
    size_t len;
    bool is_quoted;
    bool has_escape; /* csv_unescape() is needed */
};
struct csv_record {
    struct csv_field *fields; /* the caller's, `cap` of them */
    size_t cap;
    size_t count;
    size_t bytes;        /* taken from the input, empty lines before it and the line end included */
    size_t lines;        /* line ends within those bytes */
    size_t lines_before; /* of these, empty lines before the record */
};
enum csv_result {
    CSV_RECORD,
    CSV_MORE, /* the record is not complete: call again with more input, or at the end with is_last
               */
    CSV_END,  /* is_last, and nothing but empty lines (counted in bytes and lines) */
    CSV_BAD,  /* err says why; record->lines tells how far in */
};
enum csv_result csv_next(char *input, size_t len, bool is_last, char delimiter,
                         struct csv_record *record, struct err *err);
/* Turns "" into " in place. */
void csv_unescape(struct csv_field *field);
/* As a field that reads back as this text, quoted where it has to be. Empty text is "". */
void csv_write_text(struct buf *out, struct str text, char delimiter);
