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

/* Types whose text PostgreSQL reads again as it wrote it; and how a column of kind TEXT declares
 * them. A kind TEXT with one of these comes from a PostgreSQL only: to SQLite such declarations are
 * of no kind, or of TEXT. */
static const struct {
    const char *type;
    const char *declared;
} text_types[] = {
    {"numeric", "numeric text"},
    {"interval", "duration text"},
    {"date", "date"},
    {"timestamp without time zone", "timestamp without time zone"},
    {"timestamp with time zone", "timestamp with time zone"},
    {"time without time zone", "time without time zone"},
    {"time with time zone", "time with time zone"},
    {"uuid", "uuid"},
    {"inet", "inet"},
    {"cidr", "cidr"},
    {"macaddr", "macaddr"},
};

/* "timestamp(3) with time zone" without its "(3)". */
static bool is_type(struct str type, const char *name)
{
    struct str before;
    struct str behind;
    if (!str_cut(type, '(', &before, &behind)) {
        return str_eq(type, str_from(name));
    }
    struct str digits;
    struct str rest;
    struct str whole = str_from(name);
    (void)str_cut(behind, ')', &digits, &rest);
    return str_starts(whole, before) && rest.ptr != NULL &&
           str_eq(str_slice(whole, before.len, whole.len), rest);
}

const char *pg_type_declared(struct str type)
{
    for (size_t i = 0; i < COUNT_OF(text_types); i++) {
        if (is_type(type, text_types[i].type)) {
            return text_types[i].declared;
        }
    }
    return "text";
}

static const char *text_type(struct str declared)
{
    for (size_t i = 0; i < COUNT_OF(text_types); i++) {
        if (str_eq(declared, str_from(text_types[i].declared)) ||
            str_eq(declared, str_from(text_types[i].type))) {
            return text_types[i].type;
        }
    }
    return "text";
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
        return str_eq(column->type, STR("numeric")) ? "numeric" : "bigint";
    case COLUMN_REAL:
        return is_decimal(column->type) || (column->is_exact && column->type.len == 0)
                   ? "numeric"
                   : "double precision";
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

void pg_type_settle(struct column *column)
{
    if (column->kind == COLUMN_TEXT) {
        column->type = str_from(pg_type_declared(column->type));
    } else if (column->kind == COLUMN_JSON || column->kind == COLUMN_BLOB) {
        column->type = STR("");
    }
}
