/* schema.h - what flows between a tap and a target: columns and rows of typed values. Pure. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/strmap.h"

enum value_type { VALUE_NULL, VALUE_INTEGER, VALUE_REAL, VALUE_TEXT, VALUE_BLOB };

/* Text and blobs are borrowed: valid until the tap is asked for the next row. */
struct value {
    enum value_type type;
    union {
        int64_t integer;
        double real;
        struct str text;
    } as;
};

/* What a column holds, as far as the source says. ANY: no promise (SQLite's untyped columns). */
enum column_kind {
    COLUMN_ANY,
    COLUMN_INTEGER,
    COLUMN_REAL,
    COLUMN_BOOLEAN, /* values are integers 0 and 1 */
    COLUMN_TEXT,
    COLUMN_JSON, /* values are JSON text */
    COLUMN_BLOB,
};

enum text_format { FORMAT_ANY, FORMAT_DATE_TIME, FORMAT_DATE, FORMAT_TIME };

struct column {
    struct str name;
    struct str
        type; /* SQL type as declared at the source ("VARCHAR(20)"); empty = that of `kind` */
    enum column_kind kind;
    bool is_required; /* Singer: a record without it is wrong */
    /* Singer, as the schema says it: held to only where records are validated. */
    uint8_t json_types; /* a bit 1 << enum json_type for each that a value may have; 0 = any */
    enum text_format format;
    bool
        is_exact; /* JSON: a number that neither 64 bits nor a double hold is its digits, as text */
};

/* Columns in order. Names are unique without regard to ASCII case, as SQLite wants it. */
struct schema {
    struct arena *arena;
    struct column *columns;
    size_t count;
    size_t cap;
    struct strmap by_name; /* exact names */
};

struct schema schema_new(struct arena *arena);
/* Adds a column; name and type are copied into the arena. ERR_INVALID for an empty or repeated name
 * or one that differs only in case; ERR_FULL past LIMIT_COLUMNS. */
MUST_CHECK bool schema_add(struct schema *s, const struct column *column, struct err *err);
MUST_CHECK bool schema_copy(const struct schema *from, struct schema *into, struct err *err);
/* By exact name (the record path). */
bool schema_find(const struct schema *s, struct str name, size_t *ret_index);
/* Without regard to ASCII case (SQLite's rule). */
bool schema_find_nocase(const struct schema *s, struct str name, size_t *ret_index);
/* The name that resembles `name` most, or STR_NONE: for "did you mean". */
struct str schema_nearest(const struct schema *s, struct str name);

bool names_equal_nocase(struct str a, struct str b);
/* The SQL type to declare: the source's own when it is plain, else the kind's. Static or borrowed
 * from the column. */
struct str column_sql_type(const struct column *column);
/* SQLite's affinity rules for a declared type (https://www.sqlite.org/datatype3.html section 3.1),
 * with BOOLEAN and JSON seen as what people mean by them. */
enum column_kind column_kind_from_sql(struct str declared);
/* A column of it makes a double of every number; one of kind REAL without it keeps integers. */
bool sql_type_has_real_affinity(struct str declared);
bool column_kind_is_number(enum column_kind kind);
