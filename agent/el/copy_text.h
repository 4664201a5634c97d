/* copy_text.h - rows as lines of COPY's text format (https://www.postgresql.org/docs/15/sql-copy.html),
 * and back. Text, not the binary format: the server reads any type of an existing table from it.
 * Pure. */
#pragma once
#include "agent/connectors/postgres_options.h"
#include "agent/el/schema.h"
#include "common/base/buf.h"

/* How the table's column takes values. */
enum copy_form {
    COPY_FORM_TEXT,
    COPY_FORM_BYTES,
    COPY_FORM_JSON, /* text is JSON already */
    COPY_FORM_DOUBLE,
    COPY_FORM_AS_JSON, /* a value of the column's kind becomes JSON: text a string */
};

struct copy_columns {
    const struct schema *schema; /* names, for errors */
    const enum copy_form *forms;
    enum nul_rule nul_rule;
};

/* Appends one line. On false `out` is as it was before. */
MUST_CHECK bool copy_text_add(const struct copy_columns *columns, const struct value *row,
                              struct buf *out, struct err *err);

/* A field of a line, unescaped in its place, where it may be changed further. */
struct copy_field {
    char *ptr;
    size_t len;
    bool is_null;
};
struct copy_reader {
    char *at;
    char *end; /* NULL: all were read */
};
struct copy_reader copy_reader(char *line, size_t len);
bool copy_reader_next(struct copy_reader *r, struct copy_field *ret); /* false: there is none */
