#include "agent/el/pg_ask.h"

#include "agent/connectors/postgres_options.h"
#include "agent/el/pg_table.h"
#include "common/base/limits.h"

/* OIDs of pg_type.dat: they never change. */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_NUMERIC = 1700
};

/* Numbers as numbers, so that 0.00 is the 0 that it is. */
static bool take_value(const struct pg_rows *rows, struct arena *arena, struct value *ret,
                       struct err *err)
{
    struct str text = rows->count == 0 ? STR_NONE : pg_rows_get(rows, 0, 0);
    *ret = (struct value){.type = VALUE_NULL};
    if (text.ptr == NULL) {
        return true;
    }
    switch (pg_rows_type(rows, 0)) {
    case OID_BOOL:
        *ret = (struct value){.type = VALUE_INTEGER, .as.integer = str_eq(text, STR("t"))};
        return true;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
        ret->type = VALUE_INTEGER;
        return str_to_i64(text, INT64_MIN, INT64_MAX, &ret->as.integer) ||
               err_set(err, ERR_CORRUPT, "PostgreSQL: an integer that is none");
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_NUMERIC:
        ret->type = VALUE_REAL;
        if (str_to_double(text, &ret->as.real)) {
            return true;
        }
        break; /* NaN, Infinity */
    default:
        break;
    }
    *ret = (struct value){.type = VALUE_TEXT, .as.text = arena_copy(arena, text)};
    return text.len == 0 || ret->as.text.ptr != NULL ||
           err_set(err, ERR_NO_MEMORY, "no memory for the answer");
}

/* Names without a schema are those of the load first, then as for everybody. */
static bool set_path(struct pg *pg, struct str schema, struct arena *arena, struct err *err)
{
    AUTO(pg_rows) rows = {0};
    const char *params[] = {arena_cstr(arena, schema)};
    if (schema.len == 0) {
        return true;
    }
    if (params[0] == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the question");
    }
    return pg_query(pg,
                    "SELECT pg_catalog.set_config('search_path', pg_catalog.quote_ident($1) || "
                    "', ' || pg_catalog.current_setting('search_path'), true)",
                    params, COUNT_OF(params), &rows, err);
}

/* DECLARE takes one SELECT and nothing else, and only a row of it is fetched. */
static bool ask(struct pg *pg, struct str sql, struct arena *arena, struct value *ret,
                struct err *err)
{
    AUTO(buf) text = buf_growing(PG_SQL_BYTES_MAX + (size_t)LIMIT_JSON_BYTES);
    AUTO(pg_rows) rows = {0};
    buf_add_text(&text, "DECLARE selvedge_check NO SCROLL CURSOR FOR ");
    buf_add(&text, sql);
    const char *declare = buf_cstr(&text);
    if (declare == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the question");
    }
    return pg_exec_single(pg, declare, NULL, err) &&
           pg_query(pg, "FETCH 1 FROM selvedge_check", NULL, 0, &rows, err) &&
           take_value(&rows, arena, ret, err);
}

bool postgres_ask(const void *options, struct str sql, struct arena *arena, struct value *ret,
                  struct err *err)
{
    const struct postgres_target_options *o = options;
    struct pg pg = {0};
    bool ok = postgres_check_connection(&o->connection, err) &&
              pg_open(&pg, o->connection.dsn, err) && pg_exec_text(&pg, "BEGIN READ ONLY", err) &&
              set_path(&pg, o->schema, arena, err) && ask(&pg, sql, arena, ret, err);
    pg_close(&pg);
    return ok;
}
