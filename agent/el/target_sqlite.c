/* Target sqlite: streams into tables of one database (sqlite_sink.h); the state of the extract is a
 * row of the same database (sqlite_states.h), so data and state are in one transaction. */
#include "agent/el/connectors.h"
#include "agent/el/sql_asset.h"
#include "agent/el/sqlite_quarantine.h"
#include "agent/el/sqlite_sink.h"
#include "agent/el/sqlite_states.h"
#include "common/base/limits.h"
#include "common/platform/files.h"

#include <string.h>

enum {
    TARGET_CACHE_KIB = 2048,
    TARGET_BUSY_TIMEOUT_MS = 30000, /* another step may be loading into the same file */
};

struct target_sqlite {
    struct target base;
    struct str path;
    const struct target_context *context;
    struct db *db;
    struct db_tx tx;
    struct sqlite_states states;
    struct sqlite_sink **sinks;
    size_t count;
    struct sqlite_quarantine quarantine;
    struct buf state; /* what base.state borrows after a commit */
};

static struct target_sqlite *sqlite_of(struct target *target)
{
    return (struct target_sqlite *)(void *)target;
}

static struct sqlite_sink *sink_of(struct sink *sink)
{
    return (struct sqlite_sink *)(void *)sink;
}

static bool begin(struct target_sqlite *t, struct err *err)
{
    return t->tx.db != NULL || db_tx_begin(t->db, &t->tx, err);
}

static bool sqlite_target_set_schema(struct target *target, struct sink *sink,
                                     const struct schema *schema, const struct str_list *key,
                                     struct err *err)
{
    return begin(sqlite_of(target), err) && sqlite_sink_set_schema(sink_of(sink), schema, key, err);
}

static bool sqlite_target_load(struct target *target, struct sink *sink,
                               const struct row_source *source, struct err *err)
{
    (void)target;
    return sqlite_sink_load(sink_of(sink), source, err);
}

static bool sqlite_target_remove(struct target *target, struct sink *sink,
                                 const struct removal *removal, struct err *err)
{
    return begin(sqlite_of(target), err) && sqlite_sink_remove(sink_of(sink), removal, err);
}

/* --- ending ---------------------------------------------------------------------------------- */

/* Nothing is committed when nothing changed: a run without news writes no byte. */
static bool commit_state(struct target_sqlite *t, struct str state, bool is_last, struct err *err)
{
    bool is_state_due = t->context->state_id.len > 0 && state.len > 0 &&
                        (is_last || t->context->load->mode != MODE_OVERWRITE);
    bool is_changed = t->quarantine.has_written;
    for (size_t i = 0; i < t->count; i++) {
        is_changed = is_changed || t->sinks[i]->is_changed || t->sinks[i]->new_rows > 0;
    }
    if (is_state_due && !str_eq(state, t->base.state)) {
        if (!begin(t, err) || !sqlite_states_write(&t->states, state, err)) {
            return false;
        }
        buf_reset(&t->state);
        buf_add(&t->state, state);
        t->base.state = buf_str(&t->state);
    } else if (!is_changed) {
        db_tx_release(&t->tx);
        return true;
    }
    return t->tx.db == NULL || db_tx_commit(&t->tx, err);
}

static bool finish_tables(struct target_sqlite *t, struct err *err)
{
    for (size_t i = 0; i < t->count; i++) {
        if (!sqlite_sink_finish(t->sinks[i], err)) {
            return err_wrap(err, "target sqlite");
        }
    }
    return true;
}

static bool look_at_tables(struct target_sqlite *t, struct err *err)
{
    for (size_t i = 0; i < t->count; i++) {
        if (!sqlite_sink_look(t->sinks[i], err)) {
            return false;
        }
    }
    return true;
}

static bool sqlite_target_commit(struct target *target, struct str state, bool is_last,
                                 struct err *err)
{
    struct target_sqlite *t = sqlite_of(target);
    if (is_last && t->tx.db != NULL && !finish_tables(t, err)) {
        return false;
    }
    if ((is_last && !sqlite_quarantine_finish(&t->quarantine, err)) ||
        !commit_state(t, state, is_last, err)) {
        return err_wrap(err, "target sqlite: commit");
    }
    t->quarantine.has_written = false;
    for (size_t i = 0; i < t->count; i++) {
        sqlite_sink_committed(t->sinks[i], is_last);
    }
    return is_last ? look_at_tables(t, err) : begin(t, err);
}

/* Undoes what is not committed. */
static void roll_back(struct target_sqlite *t)
{
    for (size_t i = 0; i < t->count; i++) {
        db_finish(&t->sinks[i]->insert);
    }
    db_tx_release(&t->tx);
}

static bool sqlite_target_quarantine(struct target *target, struct err *err)
{
    struct target_sqlite *t = sqlite_of(target);
    return (begin(t, err) && sqlite_quarantine_take(&t->quarantine, t->context->rejects, err)) ||
           err_wrap(err, "target sqlite: quarantine");
}

static bool sqlite_target_quarantine_failed(struct target *target, struct err *err)
{
    struct target_sqlite *t = sqlite_of(target);
    roll_back(t);
    t->quarantine.is_there = false; /* perhaps it was made just now */
    t->quarantine.is_cleared = false;
    t->quarantine.is_pending = true;
    return sqlite_target_quarantine(target, err) && db_tx_commit(&t->tx, err);
}

static void sqlite_target_close(struct target *target)
{
    if (target != NULL) {
        struct target_sqlite *t = sqlite_of(target);
        roll_back(t);
        for (size_t i = 0; i < t->count; i++) {
            sqlite_sink_close(t->sinks[i]);
        }
        db_close(t->db);
        t->db = NULL;
        buf_release(&t->state);
    }
}

/* --- the states ------------------------------------------------------------------------------ */

static bool sqlite_target_states(struct target *target, struct kept_states *ret, struct err *err)
{
    struct target_sqlite *t = sqlite_of(target);
    *ret = (struct kept_states){0};
    return t->db == NULL || sqlite_states_list(&t->states, ret, err) ||
           err_wrap(err, "target sqlite");
}

static bool sqlite_target_set_state(struct target *target, struct str value, struct err *err)
{
    struct target_sqlite *t = sqlite_of(target);
    if (t->db == NULL) {
        return err_set(err, ERR_NOT_FOUND, "target sqlite: there is no " STR_FMT " yet",
                       STR_ARG(t->path));
    }
    return (begin(t, err) && sqlite_states_write(&t->states, value, err) &&
            db_tx_commit(&t->tx, err)) ||
           err_wrap(err, "target sqlite");
}

/* --- opening --------------------------------------------------------------------------------- */

static bool sqlite_target_add(struct target *target, struct str table, struct sink **ret,
                              struct err *err)
{
    struct target_sqlite *t = sqlite_of(target);
    const struct sqlite_sink_options options = {.db = t->db,
                                                .table = table,
                                                .number = t->count,
                                                .path = t->path,
                                                .load = t->context->load,
                                                .rejects = t->context->rejects,
                                                .arena = t->context->arena};
    struct sqlite_sink *sink = NULL;
    if (t->count == LIMIT_STREAMS) {
        return err_set(err, ERR_FULL, "target sqlite: more than %d tables", LIMIT_STREAMS);
    }
    if (!sqlite_sink_open(&sink, &options, err)) {
        return err_wrap(err, "target sqlite");
    }
    t->sinks[t->count++] = sink;
    *ret = &sink->base;
    return true;
}

static bool set_up(struct target_sqlite *t, struct err *err)
{
    const struct target_options *o = (const void *)t->context->load;
    const char *path = NULL;
    t->sinks = arena_array(t->context->arena, LIMIT_STREAMS, sizeof(struct sqlite_sink *));
    if (t->sinks == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    if (!options_path(o->path, t->context->arena, &path, err)) {
        return false;
    }
    t->path = o->path;
    struct db_options options = {
        .path = path,
        .flags = DB_FOREIGN_FILE,
        .cache_kib = TARGET_CACHE_KIB,
        .busy_timeout_ms = TARGET_BUSY_TIMEOUT_MS,
    };
    if (t->context->only_states && !files_exist(path)) {
        return true; /* looking makes no file */
    }
    if (!db_open(&t->db, &options, err)) {
        if (err->code == ERR_NOT_FOUND || err->code == ERR_DENIED) {
            err_hint(err, "the folder must be there, and this user must be allowed to write in it");
        }
        return false;
    }
    t->base.quarantine = arena_printf(t->context->arena, "table " QUARANTINE_TABLE " of %s", path);
    t->quarantine = (struct sqlite_quarantine){.db = t->db,
                                               .state_id = t->context->state_id,
                                               .keep = o->load.reject_keep,
                                               .is_pending = o->load.mode == MODE_OVERWRITE};
    t->states = (struct sqlite_states){
        .db = t->db, .state_id = t->context->state_id, .arena = t->context->arena};
    return (t->context->state_id.len == 0 || sqlite_states_read(&t->states, &t->base.state, err)) &&
           sqlite_quarantine_open(&t->quarantine, err);
}

static bool sqlite_target_open(struct target **ret, const struct target_context *context,
                               struct err *err)
{
    struct target_sqlite *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    t->context = context;
    t->base.ops = &target_sqlite;
    t->base.has_tables = true;
    t->state = buf_growing(LIMIT_JSON_BYTES);
    if (!set_up(t, err)) {
        sqlite_target_close(&t->base);
        return err_wrap(err, "target sqlite");
    }
    *ret = &t->base;
    return true;
}

const struct target_ops target_sqlite = {
    .type = "sqlite",
    .options = &target_sqlite_options,
    .open = sqlite_target_open,
    .add = sqlite_target_add,
    .set_schema = sqlite_target_set_schema,
    .load = sqlite_target_load,
    .remove = sqlite_target_remove,
    .commit = sqlite_target_commit,
    .quarantine = sqlite_target_quarantine,
    .quarantine_failed = sqlite_target_quarantine_failed,
    .ask = sqlite_ask,
    .close = sqlite_target_close,
    .states = sqlite_target_states,
    .set_state = sqlite_target_set_state,
};
