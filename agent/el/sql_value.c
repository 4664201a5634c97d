#include "agent/el/sql_value.h"

static void add_digits(struct buf *sql, struct str x, int digits)
{
    buf_addf(sql, "printf('%%!.%dg', " STR_FMT ")", digits, STR_ARG(x));
}

/* The fewest digits that give the number back. */
static void add_real(struct buf *sql, struct str x)
{
    buf_add_text(sql, "CASE");
    for (int digits = 15; digits <= 16; digits++) {
        buf_add_text(sql, " WHEN CAST(");
        add_digits(sql, x, digits);
        buf_addf(sql, " AS REAL) = " STR_FMT " THEN ", STR_ARG(x));
        add_digits(sql, x, digits);
    }
    buf_add_text(sql, " ELSE ");
    add_digits(sql, x, 17);
    buf_add_text(sql, " END");
}

void sql_value_as_text(struct buf *sql, struct str x)
{
    buf_addf(sql, "CASE typeof(" STR_FMT ") WHEN 'real' THEN ", STR_ARG(x));
    add_real(sql, x);
    buf_addf(sql, " ELSE " STR_FMT " END", STR_ARG(x));
}

/* A number that is not finite has no JSON. */
static void add_number(struct buf *sql, struct str x)
{
    buf_addf(sql,
             "CASE WHEN typeof(" STR_FMT ") = 'real' AND abs(" STR_FMT ") > 1.7976931348623157e308 "
             "THEN 'null' WHEN typeof(" STR_FMT ") = 'real' THEN ",
             STR_ARG(x), STR_ARG(x), STR_ARG(x));
    add_real(sql, x);
    buf_addf(sql, " ELSE CAST(" STR_FMT " AS TEXT) END", STR_ARG(x));
}

void sql_value_as_json(struct buf *sql, struct str x, enum column_kind kind)
{
    if (kind == COLUMN_JSON) {
        buf_add(sql, x);
        return;
    }
    buf_addf(sql,
             "CASE typeof(" STR_FMT ") WHEN 'null' THEN NULL WHEN 'text' THEN json_quote(" STR_FMT
             ") WHEN 'blob' THEN json_quote(lower(hex(" STR_FMT "))) ELSE ",
             STR_ARG(x), STR_ARG(x), STR_ARG(x));
    if (kind == COLUMN_BOOLEAN) {
        buf_addf(sql,
                 "CASE " STR_FMT " WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE CAST(" STR_FMT
                 " AS TEXT) END",
                 STR_ARG(x), STR_ARG(x));
    } else {
        add_number(sql, x);
    }
    buf_add_text(sql, " END");
}
