/* seed_rows.h - the rows of a seed's CSV, as Python's csv reader gives them to dbt: an empty line is a
 * row without fields, line ends inside quotes become LF. A file is read record by record, gzip too.
 * Text that RFC 4180 does not know (a quote never closed, text behind one, CR alone as line end, NUL,
 * no UTF-8) is refused with its line; dbt would guess. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"

enum { SEED_COLUMNS_MAX = 1600, SEED_RECORD_BYTES_MAX = 4 << 20 };

struct seed_source {
    const char *path; /* NULL: `text` is the content */
    struct str text;
    char delimiter;
};
struct seed_rows;

/* Reads the header: the columns' names, which agate makes unique, are in `arena`. The path is
 * borrowed until the close. Errors: ERR_NOT_FOUND, ERR_IO, ERR_INVALID, ERR_FULL. */
MUST_CHECK bool seed_rows_open(const struct seed_source *source, struct arena *arena,
                               struct seed_rows **ret, struct err *err);
const struct str *seed_rows_names(const struct seed_rows *rows, size_t *ret_count);
/* The next row: a field for each column, ptr NULL where the row has none, valid until the next call.
 * *ret_fields is NULL at the end. */
MUST_CHECK bool seed_rows_next(struct seed_rows *rows, const struct str **ret_fields,
                               struct err *err);
void seed_rows_close(struct seed_rows *rows); /* NULL is allowed */
