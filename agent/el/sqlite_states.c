#include "agent/el/sqlite_states.h"

#include "agent/el/table.h"
#include "common/platform/clock.h"

#define TABLE   "_selvedge_state"
#define HISTORY "_selvedge_state_history"
#define PRESENT                                                                                    \
    "SELECT updated_at AS at, value, 1 AS present, 0 AS n FROM " TABLE " WHERE state_id = ?1"

/* Each by itself: databases of older versions have no history. */
static bool is_there(struct sqlite_states *s, struct str name, bool *ret, struct err *err)
{
    enum table_type type = TABLE_NONE;
    bool ok = table_type_of(s->db, name, &type, err);
    *ret = type != TABLE_NONE;
    return ok;
}

static bool take(struct sqlite_states *s, struct db_query *q, struct kept_states *to,
                 struct err *err)
{
    struct kept_state *state = &to->items[to->count++];
    state->at = arena_copy(s->arena, db_col_str(q, 0));
    state->value = arena_copy(s->arena, db_col_str(q, 1));
    to->has_present = to->has_present || db_col_i64(q, 2) != 0;
    return (state->at.ptr != NULL && state->value.ptr != NULL) ||
           err_set(err, ERR_NO_MEMORY, "no memory for the states");
}

bool sqlite_states_list(struct sqlite_states *s, struct kept_states *ret, struct err *err)
{
    AUTO(db_query) q = {0};
    bool has_row = false;
    bool has_history = false;
    *ret = (struct kept_states){0};
    if (!is_there(s, STR(TABLE), &has_row, err) || !has_row ||
        !is_there(s, STR(HISTORY), &has_history, err)) {
        return err->code == ERR_NONE;
    }
    struct str sql = has_history ? STR(PRESENT " UNION ALL SELECT at, value, 0, rowid FROM " HISTORY
                                               " WHERE state_id = ?1 ORDER BY present DESC, n DESC")
                                 : STR(PRESENT);
    if (!db_prepare(s->db, sql, &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, s->state_id);
    while (ret->count < STATES_KEPT) {
        if (!db_next(&q, &has_row, err)) {
            return false;
        }
        if (!has_row) {
            return true;
        }
        if (!take(s, &q, ret, err)) {
            return false;
        }
    }
    return true;
}

bool sqlite_states_read(struct sqlite_states *s, struct str *ret, struct err *err)
{
    AUTO(db_query) q = {0};
    bool has_row = false;
    *ret = STR_NONE;
    if (!is_there(s, STR(TABLE), &has_row, err) || !has_row) {
        return err->code == ERR_NONE;
    }
    if (!db_prepare(s->db, STR("SELECT value FROM " TABLE " WHERE state_id = ?1"), &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, s->state_id);
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (has_row) {
        *ret = arena_copy(s->arena, db_col_str(&q, 0));
    }
    return !has_row || ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

static bool run(struct sqlite_states *s, struct str sql, struct str value, struct err *err)
{
    AUTO(db_query) q = {0};
    char now[WALL_TEXT_SIZE];
    struct clock clock = clock_system();
    if (!db_prepare(s->db, sql, &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, s->state_id);
    if (value.len > 0) {
        db_bind_at_str(&q, 2, value);
        db_bind_at_str(&q, 3, str_from(wall_format(clock_wall(&clock), now)));
    }
    return db_run(&q, err);
}

static bool make_tables(struct sqlite_states *s, struct err *err)
{
    return db_exec(s->db,
                   "CREATE TABLE IF NOT EXISTS " TABLE
                   " (state_id TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, updated_at TEXT NOT "
                   "NULL) STRICT; CREATE TABLE IF NOT EXISTS " HISTORY
                   " (state_id TEXT NOT NULL, at TEXT NOT NULL, value TEXT NOT NULL) STRICT",
                   err);
}

/* Once a run: what it found, and not each of its own slices. */
static bool keep_former(struct sqlite_states *s, struct err *err)
{
    if (s->is_former_kept) {
        return true;
    }
    s->is_former_kept = true;
    return run(s,
               STR("INSERT INTO " HISTORY " (state_id, at, value) SELECT state_id, updated_at, "
                   "value FROM " TABLE " WHERE state_id = ?1"),
               STR_NONE, err) &&
           run(s,
               STR("DELETE FROM " HISTORY " WHERE state_id = ?1 AND rowid NOT IN (SELECT rowid "
                   "FROM " HISTORY " WHERE state_id = ?1 ORDER BY rowid DESC LIMIT 9)"),
               STR_NONE, err);
}
_Static_assert(STATES_KEPT == 9 + 1, "the statement above");

bool sqlite_states_write(struct sqlite_states *s, struct str value, struct err *err)
{
    if (!make_tables(s, err) || !keep_former(s, err)) {
        return false;
    }
    if (value.len == 0) {
        return run(s, STR("DELETE FROM " TABLE " WHERE state_id = ?1"), value, err);
    }
    return run(s,
               STR("INSERT INTO " TABLE " (state_id, value, updated_at) VALUES (?1, ?2, ?3) ON "
                   "CONFLICT (state_id) DO UPDATE SET value = excluded.value, updated_at = "
                   "excluded.updated_at"),
               value, err);
}
