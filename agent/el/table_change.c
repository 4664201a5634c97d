#include "agent/el/table_change.h"

#include "agent/el/sql_value.h"
#include "agent/el/table.h"

#define NEW_COLUMN "_selvedge_new_column"

struct column table_changed_column(const struct column *column, enum schema_change change)
{
    static const struct str types[SCHEMA_CHANGES] = {
        [CHANGE_TO_INTEGER] = STR_INIT("INTEGER"),
        [CHANGE_TO_NUMBER] = STR_INIT("NUMERIC"), /* where REAL rounds integers of 64 bits */
        [CHANGE_TO_TEXT] = STR_INIT("TEXT"),
        [CHANGE_TO_JSON] = STR_INIT(SQL_JSON_TYPE),
    };
    return schema_changed_column(column, change, types);
}

/* What the column's values are in the new one. */
static void add_value(struct buf *sql, const struct column *column, enum schema_change change)
{
    AUTO(buf) name = buf_growing(SQL_BYTES_MAX);
    db_add_identifier(&name, column->name);
    if (change == CHANGE_TO_TEXT) {
        sql_value_as_text(sql, buf_str(&name));
    } else if (change == CHANGE_TO_JSON) {
        sql_value_as_json(sql, buf_str(&name), column->kind);
    } else {
        buf_add(sql, buf_str(&name));
    }
}

static bool run(struct db *db, struct str table, struct str name, const char *what, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    buf_add_text(&sql, "ALTER TABLE ");
    db_add_identifier(&sql, table);
    buf_addf(&sql, " %s ", what);
    db_add_identifier(&sql, name);
    return sql_exec(db, &sql, err);
}

static bool copy_values(struct db *db, struct str table, const struct column *column,
                        enum schema_change change, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    buf_add_text(&sql, "UPDATE ");
    db_add_identifier(&sql, table);
    buf_add_text(&sql, " SET " NEW_COLUMN " = ");
    add_value(&sql, column, change);
    return sql_exec(db, &sql, err);
}

bool table_change_column(struct db *db, struct str table, const struct column *column,
                         enum schema_change change, struct err *err)
{
    struct column to = table_changed_column(column, change);
    to.name = STR(NEW_COLUMN);
    if (!table_add_column(db, table, &to, err) || !copy_values(db, table, column, change, err)) {
        return false;
    }
    if (!run(db, table, column->name, "DROP COLUMN", err)) {
        err_wrap(err, "column \"" STR_FMT "\" cannot become " STR_FMT, STR_ARG(column->name),
                 STR_ARG(to.type));
        return err_hint(err, "it is part of a key, an index, a view or a trigger: load once with "
                             "mode overwrite, or change the table yourself");
    }
    AUTO(buf) rename = buf_growing(SQL_BYTES_MAX);
    buf_add_text(&rename, "ALTER TABLE ");
    db_add_identifier(&rename, table);
    buf_add_text(&rename, " RENAME COLUMN " NEW_COLUMN " TO ");
    db_add_identifier(&rename, column->name);
    return sql_exec(db, &rename, err);
}
