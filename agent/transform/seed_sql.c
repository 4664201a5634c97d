#include "agent/transform/seed_sql.h"

#include "common/db/db.h"

bool seed_declared_type(const struct dbt_spec *spec, struct str column, struct str *ret)
{
    for (size_t i = 0; i < spec->column_types.count; i++) {
        if (str_eq(spec->column_types.keys[i], column)) {
            *ret = spec->column_types.values[i];
            return true;
        }
    }
    return false;
}

/* --- what a project may write ---------------------------------------------------------------- */

/* Letters of any script, digits, `_` and `$`: what needs no quotes. */
static bool is_plain_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '$'))) {
            return false;
        }
    }
    return name.len > 0;
}

/* Behind the quoted text that begins at `i`; beyond the end when it is not closed, or holds a backslash,
 * since E'...' would go on behind \' */
static size_t behind_quotes(struct str s, size_t i)
{
    char quote = s.ptr[i];
    for (i++; i < s.len && s.ptr[i] != quote; i++) {
        if (s.ptr[i] == '\\') {
            return s.len + 1;
        }
    }
    return i < s.len ? i + 1 : s.len + 1;
}

/* One column's type and constraints: brackets are closed, no comma or semicolon outside of them, no
 * comment, no dollar quotes. */
static bool is_one_type(struct str type)
{
    int depth = 0;
    for (size_t i = 0; i < type.len; i++) {
        char c = type.ptr[i];
        char next = i + 1 < type.len ? type.ptr[i + 1] : '\0';
        if (c == '\'' || c == '"') {
            i = behind_quotes(type, i) - 1;
            if (i >= type.len) {
                return false;
            }
            continue;
        }
        depth += (c == '(') - (c == ')');
        if (depth < 0 || c == ';' || c == '$' || c == '\\' || c == '\0' ||
            (c == ',' && depth == 0) || (c == '-' && next == '-') || (c == '/' && next == '*')) {
            return false;
        }
    }
    return depth == 0 && str_trim(type).len > 0;
}

bool seed_check_table(const struct seed_table *table, struct err *err)
{
    for (size_t i = 0; i < table->count; i++) {
        struct str name = table->names[i];
        struct str type;
        if (seed_declared_type(table->spec, name, &type) && !is_one_type(type)) {
            err_set(err, ERR_INVALID, "column_types: \"" STR_FMT "\" is no type of a column",
                    STR_ARG(str_clip(type, 100)));
            return err_wrap(err, "column " STR_FMT, STR_ARG(str_clip(name, 100)));
        }
        if (!table->spec->quotes_columns && !is_plain_name(name)) {
            err_set(err, ERR_INVALID, "column \"" STR_FMT "\" needs quotes",
                    STR_ARG(str_clip(name, 100)));
            return err_hint(err, "set quote_columns: true, or name it plainly in the header");
        }
    }
    return true;
}

/* --- statements ------------------------------------------------------------------------------ */

static struct str sqlite_type(const struct seed_column *column)
{
    switch (seed_column_type(column)) {
    case SEED_INTEGER: /* dbt-sqlite leaves this one to dbt */
        return STR("integer");
    case SEED_NUMBER:
        return seed_column_has_decimals(column) ? STR("REAL") : STR("INT");
    case SEED_BOOLEAN:
        return STR("INT");
    case SEED_DATE:
    case SEED_DATETIME:
    case SEED_ISO_DATETIME:
    case SEED_TEXT:
        return STR("TEXT");
    }
    return STR_NONE;
}

static struct str postgres_type(const struct seed_column *column)
{
    switch (seed_column_type(column)) {
    case SEED_INTEGER:
        return STR("integer");
    case SEED_NUMBER:
        return seed_column_has_decimals(column) ? STR("float8") : STR("integer");
    case SEED_BOOLEAN:
        return STR("boolean");
    case SEED_DATE:
        return STR("date");
    case SEED_DATETIME:
    case SEED_ISO_DATETIME:
        return STR("timestamp without time zone");
    case SEED_TEXT:
        return STR("text");
    }
    return STR_NONE;
}

static void add_name(const struct seed_table *table, size_t i, struct buf *sql)
{
    if (table->spec->quotes_columns) {
        db_add_identifier(sql, table->names[i]);
    } else {
        buf_add(sql, table->names[i]);
    }
}

void seed_add_create(const struct seed_table *table, struct buf *sql)
{
    buf_addf(sql, "create table " STR_FMT " (", STR_ARG(table->relation->quoted));
    for (size_t i = 0; i < table->count; i++) {
        struct str type;
        if (!seed_declared_type(table->spec, table->names[i], &type)) {
            type = table->is_postgres ? postgres_type(&table->columns[i])
                                      : sqlite_type(&table->columns[i]);
        }
        buf_add_text(sql, i == 0 ? "" : ", ");
        add_name(table, i, sql);
        buf_addf(sql, " " STR_FMT, STR_ARG(type));
    }
    buf_add_char(sql, ')');
}

void seed_add_insert(const struct seed_table *table, struct buf *sql)
{
    buf_addf(sql, "insert into " STR_FMT " (", STR_ARG(table->relation->quoted));
    for (size_t i = 0; i < table->count; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        add_name(table, i, sql);
    }
    buf_add_text(sql, ") values ");
}

/* dbt-sqlite binds all but booleans as text: the columns' affinities make numbers of them. */
static void add_sqlite_value(enum seed_type type, const struct seed_value *value, struct buf *sql)
{
    if (type == SEED_BOOLEAN) {
        buf_add_char(sql, value->text.len == 4 ? '1' : '0');
    } else {
        db_add_literal(sql, value->text);
    }
}

/* As psycopg2 writes them. It makes NaN of Infinity, which we do not. */
static void add_postgres_value(enum seed_type type, const struct seed_value *value, struct buf *sql)
{
    switch (type) {
    case SEED_INTEGER:
    case SEED_NUMBER:
        if (value->is_finite) {
            buf_add(sql, value->text);
            return;
        }
        db_add_literal(sql, str_starts(value->text, STR("NaN")) ? STR("NaN") : value->text);
        buf_add_text(sql, "::float8");
        return;
    case SEED_BOOLEAN:
        buf_add(sql, value->text);
        return;
    case SEED_DATE:
        db_add_literal(sql, value->text);
        buf_add_text(sql, "::date");
        return;
    case SEED_DATETIME:
    case SEED_ISO_DATETIME:
        db_add_literal(sql, value->text);
        buf_add_text(sql, value->has_offset ? "::timestamptz" : "::timestamp");
        return;
    case SEED_TEXT:
        db_add_literal(sql, value->text);
        return;
    }
}

bool seed_add_row(const struct seed_table *table, const struct str *fields, struct buf *sql,
                  size_t *ret_column)
{
    buf_add_char(sql, '(');
    for (size_t i = 0; i < table->count; i++) {
        enum seed_type type = seed_column_type(&table->columns[i]);
        struct seed_value value;
        if (!seed_value_read(type, fields[i], &value)) {
            *ret_column = i;
            return false;
        }
        buf_add_text(sql, i == 0 ? "" : ", ");
        if (value.is_null) {
            buf_add_text(sql, "NULL");
        } else if (table->is_postgres) {
            add_postgres_value(type, &value, sql);
        } else {
            add_sqlite_value(type, &value, sql);
        }
    }
    buf_add_char(sql, ')');
    return true;
}
