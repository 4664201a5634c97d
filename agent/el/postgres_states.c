#include "agent/el/postgres_states.h"

#include "agent/el/pg_table.h"
#include "common/base/limits.h"

static const struct str state_name = STR_INIT("_selvedge_state");
static const struct str history_name = STR_INIT("_selvedge_state_history");

static void add_table(const struct postgres_states *s, struct buf *sql, struct str name)
{
    const struct pg_table table = {s->schema, name};
    pg_add_table(sql, &table);
}

bool postgres_states_lock(struct postgres_states *s, bool waits, struct err *err)
{
    AUTO(pg_rows) rows = {0};
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    const char *params[] = {arena_cstr(s->arena, s->schema), arena_cstr(s->arena, s->state_id)};
    buf_addf(&sql,
             "SELECT pg_catalog.%s(pg_catalog.hashtextextended('selvedge ' || $1::text || ' ' || "
             "$2::text, 0))",
             waits ? "pg_advisory_lock" : "pg_try_advisory_lock");
    const char *text = buf_cstr(&sql);
    if (params[0] == NULL || params[1] == NULL || text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the state's name");
    }
    if (!pg_query(s->pg, text, params, COUNT_OF(params), &rows, err)) {
        return err_wrap(err, "another step loads with the same state");
    }
    return waits || str_eq(pg_rows_get(&rows, 0, 0), STR("t")) ||
           err_set(err, ERR_BUSY, "a step is loading with this state");
}

/* Each by itself: schemas of older versions have no history. */
static bool is_there(struct postgres_states *s, struct str name, bool *ret, struct err *err)
{
    struct schema columns = schema_new(s->arena);
    const struct pg_table table = {s->schema, name};
    char kind = '\0';
    bool ok = pg_table_describe(s->pg, &table, &columns, &kind, NULL, err);
    *ret = kind != '\0';
    return ok;
}

static bool look(struct postgres_states *s, bool *ret_has_present, bool *ret_has_history,
                 struct err *err)
{
    bool ok = is_there(s, state_name, ret_has_present, err) &&
              is_there(s, history_name, ret_has_history, err);
    s->has_tables = ok && *ret_has_present && *ret_has_history;
    return ok;
}

static bool ask(struct postgres_states *s, struct buf *sql, struct pg_rows *ret, struct err *err)
{
    const char *params[] = {arena_cstr(s->arena, s->state_id)};
    const char *text = buf_cstr(sql);
    if (text == NULL || params[0] == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    return pg_query(s->pg, text, params, COUNT_OF(params), ret, err);
}

bool postgres_states_read(struct postgres_states *s, struct str *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    AUTO(pg_rows) rows = {0};
    bool has_present = false;
    bool has_history = false;
    *ret = STR_NONE;
    if (!look(s, &has_present, &has_history, err) || !has_present) {
        return err->code == ERR_NONE;
    }
    buf_add_text(&sql, "SELECT value FROM ");
    add_table(s, &sql, state_name);
    buf_add_text(&sql, " WHERE state_id = $1");
    if (!ask(s, &sql, &rows, err)) {
        return false;
    }
    if (rows.count > 0) {
        *ret = arena_copy(s->arena, pg_rows_get(&rows, 0, 0));
    }
    return rows.count == 0 || ret->ptr != NULL ||
           err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

bool postgres_states_list(struct postgres_states *s, struct kept_states *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    AUTO(pg_rows) rows = {0};
    bool has_present = false;
    bool has_history = false;
    *ret = (struct kept_states){0};
    if (!look(s, &has_present, &has_history, err) || !has_present) {
        return err->code == ERR_NONE;
    }
    buf_add_text(&sql,
                 "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "
                 "value, present FROM (SELECT updated_at AS at, value, true AS present, 0 AS "
                 "n FROM ");
    add_table(s, &sql, state_name);
    buf_add_text(&sql, " WHERE state_id = $1");
    if (has_history) {
        buf_add_text(&sql, " UNION ALL SELECT at, value, false, n FROM ");
        add_table(s, &sql, history_name);
        buf_add_text(&sql, " WHERE state_id = $1");
    }
    buf_addf(&sql, ") AS states ORDER BY present DESC, n DESC LIMIT %d", STATES_KEPT);
    if (!ask(s, &sql, &rows, err)) {
        return false;
    }
    for (int i = 0; i < rows.count; i++) {
        struct kept_state *state = &ret->items[ret->count++];
        state->at = arena_copy(s->arena, pg_rows_get(&rows, i, 0));
        state->value = arena_copy(s->arena, pg_rows_get(&rows, i, 1));
        ret->has_present = ret->has_present || str_eq(pg_rows_get(&rows, i, 2), STR("t"));
        if (state->at.ptr == NULL || state->value.ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the states");
        }
    }
    return true;
}

/* Steps that come first in a new schema would all make them: they take turns. */
static bool make_tables(struct postgres_states *s, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    if (s->has_tables) {
        return true;
    }
    buf_add_text(&sql, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended("
                       "'selvedge _selvedge_state', 0)); CREATE TABLE IF NOT EXISTS ");
    add_table(s, &sql, state_name);
    buf_add_text(&sql, " (state_id text PRIMARY KEY, value text NOT NULL, updated_at timestamptz "
                       "NOT NULL); CREATE TABLE IF NOT EXISTS ");
    add_table(s, &sql, history_name);
    buf_add_text(&sql, " (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state_id text NOT "
                       "NULL, at timestamptz NOT NULL, value text NOT NULL)");
    s->has_tables = pg_exec(s->pg, &sql, NULL, err);
    return s->has_tables;
}

/* Once a run: what it found, and not each of its own slices. */
static void add_keeping_former(struct postgres_states *s, struct buf *sql)
{
    if (s->is_former_kept) {
        return;
    }
    s->is_former_kept = true;
    buf_add_text(sql, "INSERT INTO ");
    add_table(s, sql, history_name);
    buf_add_text(sql, " (state_id, at, value) SELECT state_id, updated_at, value FROM ");
    add_table(s, sql, state_name);
    buf_add_text(sql, " WHERE state_id = ");
    pg_add_literal(sql, s->state_id);
    buf_add_text(sql, "; DELETE FROM ");
    add_table(s, sql, history_name);
    buf_add_text(sql, " WHERE state_id = ");
    pg_add_literal(sql, s->state_id);
    buf_add_text(sql, " AND n NOT IN (SELECT n FROM ");
    add_table(s, sql, history_name);
    buf_add_text(sql, " WHERE state_id = ");
    pg_add_literal(sql, s->state_id);
    buf_addf(sql, " ORDER BY n DESC LIMIT %d); ", STATES_KEPT - 1);
}

bool postgres_states_write(struct postgres_states *s, struct str value, struct err *err)
{
    AUTO(buf) sql = buf_growing((size_t)PG_SQL_BYTES_MAX + (size_t)LIMIT_JSON_BYTES * 2);
    if (!make_tables(s, err)) {
        return false;
    }
    add_keeping_former(s, &sql);
    buf_add_text(&sql, value.len == 0 ? "DELETE FROM " : "INSERT INTO ");
    add_table(s, &sql, state_name);
    if (value.len == 0) {
        buf_add_text(&sql, " WHERE state_id = ");
        pg_add_literal(&sql, s->state_id);
    } else {
        buf_add_text(&sql, " VALUES (");
        pg_add_literal(&sql, s->state_id);
        buf_add_text(&sql, ", ");
        pg_add_literal(&sql, value);
        buf_add_text(&sql, ", now()) ON CONFLICT (state_id) DO UPDATE SET value = EXCLUDED.value, "
                           "updated_at = EXCLUDED.updated_at");
    }
    return pg_exec(s->pg, &sql, NULL, err);
}
