#include "agent/el/pg_type.h"

enum { INTEGER_DIGITS = 18, REAL_DIGITS = 15 }; /* that every 64-bit number of the kind keeps */

bool pg_type_is_list(struct str type)
{
    return str_ends(type, STR("[]"));
}

/* "numeric(10,2)": digits in all, and behind the point. */
static enum column_kind numeric_kind(struct str type)
{
    struct str name;
    struct str rest;
    struct str precision;
    struct str scale;
    int64_t digits = 0;
    int64_t behind = 0;
    if (!str_cut(type, '(', &name, &rest) || !str_ends(rest, STR(")"))) {
        return COLUMN_TEXT; /* any number of digits */
    }
    (void)str_cut(str_slice(rest, 0, rest.len - 1), ',', &precision, &scale);
    if (!str_to_i64(precision, 1, 1000, &digits) ||
        (scale.ptr != NULL && !str_to_i64(scale, -1000, 1000, &behind))) {
        return COLUMN_TEXT;
    }
    if (behind == 0) {
        return digits <= INTEGER_DIGITS ? COLUMN_INTEGER : COLUMN_TEXT;
    }
    return behind > 0 && behind <= digits && digits <= REAL_DIGITS ? COLUMN_REAL : COLUMN_TEXT;
}

enum column_kind pg_type_kind(struct str type)
{
    static const struct {
        const char *name;
        enum column_kind kind;
    } kinds[] = {
        {"smallint", COLUMN_INTEGER}, {"integer", COLUMN_INTEGER},
        {"bigint", COLUMN_INTEGER},   {"oid", COLUMN_INTEGER},
        {"real", COLUMN_REAL},        {"json", COLUMN_JSON},
        {"jsonb", COLUMN_JSON},       {"double precision", COLUMN_REAL},
        {"boolean", COLUMN_BOOLEAN},  {"bytea", COLUMN_BLOB},
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (str_eq(type, str_from(kinds[i].name))) {
            return kinds[i].kind;
        }
    }
    if (pg_type_is_list(type)) {
        return COLUMN_JSON;
    }
    return str_starts(type, STR("numeric")) ? numeric_kind(type) : COLUMN_TEXT;
}

/* Types that hold text which PostgreSQL reads again as it wrote it. A kind TEXT with one of these
 * comes from a PostgreSQL only: to SQLite such declarations are of no kind. */
static const char *text_type(struct str type)
{
    static const char *const types[] = {"date",
                                        "timestamp without time zone",
                                        "timestamp with time zone",
                                        "time without time zone",
                                        "time with time zone",
                                        "interval",
                                        "uuid",
                                        "inet",
                                        "cidr",
                                        "macaddr"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (str_eq(type, str_from(types[i]))) {
            return types[i];
        }
    }
    bool is_numeric = str_eq(type, STR(PG_NUMERIC_AS_TEXT)) || str_eq(type, STR("numeric"));
    return is_numeric ? "numeric" : "text";
}

static bool is_decimal(struct str type)
{
    static const char *const names[] = {"numeric", "NUMERIC", "decimal", "DECIMAL"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_starts(type, str_from(names[i]))) {
            return true;
        }
    }
    return false;
}

const char *pg_type_for(const struct column *column)
{
    switch (column->kind) {
    case COLUMN_INTEGER:
        return "bigint";
    case COLUMN_REAL:
        return is_decimal(column->type) ? "numeric" : "double precision";
    case COLUMN_BOOLEAN:
        return "boolean";
    case COLUMN_JSON:
        return "jsonb";
    case COLUMN_BLOB:
        return "bytea";
    case COLUMN_TEXT:
        return text_type(column->type);
    case COLUMN_ANY:
    default:
        return "text";
    }
}

bool pg_type_lacks_equality(struct str type)
{
    static const char *const types[] = {"json", "xml", "point", "json[]", "xml[]", "point[]"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (str_eq(type, str_from(types[i]))) {
            return true;
        }
    }
    return false;
}
