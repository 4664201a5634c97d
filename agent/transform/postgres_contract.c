#include "agent/transform/postgres_model.h"
#include "agent/transform/sql_text.h"

enum { TYPES_BYTES_MAX = 1 << 20 };

/* psycopg2 tells dbt what class of types a column is of, and that is what dbt compares: any text is
 * as good as any other. What it does not know has a class of its own.
 * Sources: psycopg2, typecast_builtins.c; OIDs: PostgreSQL, pg_type.dat */
static unsigned class_of(unsigned oid)
{
    static const unsigned classes[][8] = {
        {23, 21},                       /* INTEGER */
        {700, 701},                     /* FLOAT */
        {19, 18, 25, 1042, 1043},       /* STRING */
        {1083, 1266},                   /* TIME */
        {1005, 1006, 1007},             /* INTEGERARRAY */
        {1021, 1022},                   /* FLOATARRAY */
        {1002, 1003, 1009, 1014, 1015}, /* STRINGARRAY */
        {1183, 1270},                   /* TIMEARRAY */
    };
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        for (size_t k = 0; classes[i][k] != 0; k++) {
            if (classes[i][k] == oid) {
                return classes[i][0];
            }
        }
    }
    return oid;
}

static void add_name(struct buf *sql, const struct dbt_column *column)
{
    if (column->is_quoted) {
        pg_add_identifier(sql, column->name);
    } else {
        buf_add(sql, column->name);
    }
}

/* A query of no rows, whose columns are looked at. */
static bool describe(struct postgres_model *m, struct buf *sql, struct pg_rows *ret,
                     struct err *err)
{
    const char *text = buf_cstr(sql);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement");
    }
    return postgres_check_statement(buf_str(sql), err) && pg_query(m->pg, text, NULL, 0, ret, err);
}

static bool refuse(const char *what, struct str name, struct err *err)
{
    err_set(err, ERR_INVALID, "its contract does not hold: column \"" STR_FMT "\" %s",
            STR_ARG(name), what);
    return err_hint(err, "cast it in the model, or declare what it is");
}

static bool describe_declared(struct postgres_model *m, struct pg_rows *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(TYPES_BYTES_MAX);
    if (m->spec->column_count == 0) {
        return err_set(err, ERR_INVALID, "its contract is enforced, and declares no columns");
    }
    for (size_t i = 0; i < m->spec->column_count; i++) {
        const struct dbt_column *column = &m->spec->columns[i];
        if (column->data_type.len == 0) {
            return refuse("has no data_type", column->name, err);
        }
        buf_addf(&sql, "%scast(null as " STR_FMT ") as ", i == 0 ? "select " : ", ",
                 STR_ARG(column->data_type));
        add_name(&sql, column);
    }
    buf_add_text(&sql, " limit 0");
    return describe(m, &sql, ret, err);
}

static bool describe_query(struct postgres_model *m, struct str text, struct pg_rows *ret,
                           struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_add_text(&sql, "select * from (\n");
    buf_add(&sql, sql_statement(text));
    buf_add_text(&sql, "\n) as __dbt_sbq where false limit 0");
    return describe(m, &sql, ret, err);
}

static int find(const struct pg_rows *rows, struct str name)
{
    for (int i = 0; i < pg_rows_columns(rows); i++) {
        if (str_eq(pg_rows_name(rows, i), name)) {
            return i;
        }
    }
    return -1;
}

static bool compare(const struct pg_rows *query, const struct pg_rows *declared, struct err *err)
{
    for (int i = 0; i < pg_rows_columns(query); i++) {
        struct str name = pg_rows_name(query, i);
        int at = find(declared, name);
        if (at < 0) {
            return refuse("is not declared", name, err);
        }
        if (class_of(pg_rows_type(query, i)) != class_of(pg_rows_type(declared, at))) {
            return refuse("is of another type than declared", name, err);
        }
    }
    for (int i = 0; i < pg_rows_columns(declared); i++) {
        if (find(query, pg_rows_name(declared, i)) < 0) {
            return refuse("is declared, and the model has none", pg_rows_name(declared, i), err);
        }
    }
    return true;
}

bool postgres_check_contract(struct postgres_model *m, struct str text, struct err *err)
{
    AUTO(pg_rows) query = {0};
    AUTO(pg_rows) declared = {0};
    return describe_query(m, text, &query, err) && describe_declared(m, &declared, err) &&
           compare(&query, &declared, err);
}

static void add_names(struct buf *sql, const struct dbt_spec *spec)
{
    for (size_t i = 0; i < spec->column_count; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        add_name(sql, &spec->columns[i]);
    }
}

static bool create(struct postgres_model *m, const struct relation *relation, struct err *err)
{
    const struct dbt_spec *spec = m->spec;
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, "create %stable " STR_FMT " (", spec->is_unlogged ? "unlogged " : "",
             STR_ARG(relation->quoted));
    for (size_t i = 0; i < spec->column_count; i++) {
        const struct dbt_column *column = &spec->columns[i];
        buf_add_text(&sql, i == 0 ? "" : ",\n");
        add_name(&sql, column);
        buf_addf(&sql, " " STR_FMT, STR_ARG(column->data_type));
        for (size_t k = 0; k < column->constraints.count; k++) {
            buf_addf(&sql, " " STR_FMT, STR_ARG(column->constraints.items[k]));
        }
    }
    for (size_t i = 0; i < spec->constraints.count; i++) {
        buf_addf(&sql, ",\n" STR_FMT, STR_ARG(spec->constraints.items[i]));
    }
    buf_add_text(&sql, "\n)");
    return database_exec(m->db, &sql, BY_PROJECT, NULL, err);
}

bool postgres_create_by_contract(struct postgres_model *m, const struct relation *relation,
                                 struct str text, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, "insert into " STR_FMT " (", STR_ARG(relation->quoted));
    add_names(&sql, m->spec);
    buf_add_text(&sql, ") (select ");
    add_names(&sql, m->spec);
    buf_add_text(&sql, " from (\n");
    buf_add(&sql, sql_statement(text));
    buf_add_text(&sql, "\n) as model_subq)");
    m->word = "INSERT 0";
    return create(m, relation, err) && database_exec(m->db, &sql, BY_PROJECT, &m->written, err);
}
