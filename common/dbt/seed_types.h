/* seed_types.h - which type dbt gives to each column of a seed's CSV, and what a field is worth then.
 * Pure: one pass over all fields decides the types, another asks for the values.
 *
 * dbt infers with agate, with testers of its own, in the order of enum seed_type: a column has the
 * first type that all its fields have. "$1,000", "5%" and "005" are numbers. Deliberate differences:
 * docs/reference/dbt.md. Source: dbt-common's clients/agate_helper.py, agate's data_types, isodate's
 * parsers, Python's decimal and strptime. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"

enum seed_type {
    SEED_INTEGER, /* only of columns without any field: no rows, or none that reach so far */
    SEED_NUMBER,
    SEED_DATE,
    SEED_DATETIME,     /* with a space */
    SEED_ISO_DATETIME, /* with T */
    SEED_BOOLEAN,
    SEED_TEXT,
};
const char *seed_type_name(enum seed_type type); /* as agate's classes are called */

struct seed_column {
    unsigned possible;                    /* bits, by enum seed_type */
    int64_t whole_places, decimal_places; /* the most of a number */
};
/* `is_text`: a type is declared, so nothing is inferred. */
struct seed_column seed_column_new(bool is_text);
/* ptr NULL: the row has no such field. */
void seed_column_see(struct seed_column *column, struct str field);
enum seed_type seed_column_type(const struct seed_column *column);
/* Of numbers: whether the database needs a type with decimal places. As in dbt, also when there are
 * more than 28 places before the point. */
bool seed_column_has_decimals(const struct seed_column *column);

enum { SEED_VALUE_MAX = 64 };
struct seed_value {
    bool is_null;
    bool is_finite;  /* of a number: neither NaN nor Infinity */
    bool has_offset; /* of a date and time: "+02:00" stands at its end */
    /* The field itself for text, else in `memory`: "1E+3" (Python's Decimal, 28 digits), "2026-01-31",
     * "2026-01-31 10:00:00.250000", "true". */
    struct str text;
    char memory[SEED_VALUE_MAX];
};
/* False: the field is not of this type; *ret is not written. Not to be copied: it points into itself. */
MUST_CHECK bool seed_value_read(enum seed_type type, struct str field, struct seed_value *ret);

/* Names of the columns as agate makes them of a header, in place: "b" for the second when it is empty,
 * "a_2" for a repeated "a". False when the arena is full. */
MUST_CHECK bool seed_names(struct str *names, size_t count, struct arena *arena);
