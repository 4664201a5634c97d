/* Target postgres: streams into tables of one schema (postgres_sink.h); the state of the extract is
 * a row of the same schema (postgres_states.h), so data and state are in one transaction. Mode overwrite is one
 * transaction whatever its size: PostgreSQL keeps what it takes on its disk.
 *
 * DESIGN. A worker that is killed behind its COMMIT may have a server process that has not carried
 * it out yet. The next worker must not read the state before that, or an append would add the same
 * rows again: each session holds a lock of its state's name, which ends with it. */
#include "agent/el/connectors.h"
#include "agent/el/pg_ask.h"
#include "agent/el/postgres_quarantine.h"
#include "agent/el/postgres_sink.h"
#include "agent/el/postgres_states.h"
#include "common/base/limits.h"

struct target_postgres {
    struct target base;
    struct postgres_link link;
    struct postgres_states states;
    struct postgres_sink **sinks;
    size_t count;
    struct postgres_quarantine quarantine;
    struct buf state; /* what base.state borrows after a commit */
};

static struct target_postgres *postgres_of(struct target *target)
{
    return (struct target_postgres *)(void *)target;
}

static struct postgres_sink *sink_of(struct sink *sink)
{
    return (struct postgres_sink *)(void *)sink;
}

/* --- the states ------------------------------------------------------------------------------ */

static bool write_state(struct target_postgres *t, struct str state, struct err *err)
{
    if (!postgres_link_begin(&t->link, err) || !postgres_states_write(&t->states, state, err)) {
        return false;
    }
    buf_reset(&t->state);
    buf_add(&t->state, state);
    t->base.state = buf_str(&t->state);
    return true;
}

static bool postgres_target_states(struct target *target, struct kept_states *ret, struct err *err)
{
    return postgres_states_list(&postgres_of(target)->states, ret, err) ||
           err_wrap(err, "target postgres");
}

static bool postgres_target_set_state(struct target *target, struct str value, struct err *err)
{
    struct target_postgres *t = postgres_of(target);
    return (postgres_states_lock(&t->states, false, err) && write_state(t, value, err) &&
            pg_exec_text(&t->link.pg, "COMMIT", err)) ||
           err_wrap(err, "target postgres");
}

/* --- a load ---------------------------------------------------------------------------------- */

static bool postgres_target_set_schema(struct target *target, struct sink *sink,
                                       const struct schema *schema, const struct str_list *key,
                                       struct err *err)
{
    (void)target;
    return postgres_sink_set_schema(sink_of(sink), schema, key, err);
}

static bool postgres_target_load(struct target *target, struct sink *sink,
                                 const struct row_source *source, struct err *err)
{
    (void)target;
    return postgres_sink_load(sink_of(sink), source, err);
}

static bool postgres_target_remove(struct target *target, struct sink *sink,
                                   const struct removal *removal, struct err *err)
{
    (void)target;
    return postgres_sink_remove(sink_of(sink), removal, err);
}

static bool merge_all(struct target_postgres *t, bool is_last, struct err *err)
{
    bool is_overwrite = t->link.load->mode == MODE_OVERWRITE;
    for (size_t i = 0; i < t->count; i++) {
        if (!postgres_sink_merge(t->sinks[i], err) ||
            (is_overwrite && is_last && !postgres_sink_finish(t->sinks[i], err))) {
            return false;
        }
    }
    return true;
}

static bool commit(struct target_postgres *t, struct err *err)
{
    if (t->link.is_open && !pg_exec_text(&t->link.pg, "COMMIT", err)) {
        return err_wrap(err, "target postgres: commit");
    }
    t->link.is_open = false;
    for (size_t i = 0; i < t->count; i++) {
        postgres_sink_committed(t->sinks[i]);
    }
    return true;
}

static bool look_at_tables(struct target_postgres *t, struct err *err)
{
    for (size_t i = 0; i < t->count; i++) {
        if (!postgres_sink_look(t->sinks[i], err)) {
            return err_wrap(err, "target postgres");
        }
    }
    return true;
}

static bool postgres_target_commit(struct target *target, struct str state, bool is_last,
                                   struct err *err)
{
    struct target_postgres *t = postgres_of(target);
    if (!merge_all(t, is_last, err)) {
        return false;
    }
    if (is_last && !postgres_quarantine_clear(&t->quarantine, err)) {
        return err_wrap(err, "target postgres: quarantine");
    }
    if (!is_last && t->link.load->mode == MODE_OVERWRITE) {
        return true; /* all or nothing */
    }
    if (t->states.state_id.len > 0 && state.len > 0 && !str_eq(state, t->base.state) &&
        !write_state(t, state, err)) {
        return err_wrap(err, "target postgres: state");
    }
    return commit(t, err) && (!is_last || look_at_tables(t, err));
}

static bool postgres_target_settle(struct target *target, struct err *err)
{
    return merge_all(postgres_of(target), false, err);
}

static bool take_rejects(struct target_postgres *t, bool is_pending, struct err *err)
{
    return (postgres_link_begin(&t->link, err) && postgres_link_end_copy(&t->link, err) &&
            postgres_quarantine_take(&t->quarantine, t->link.rejects, is_pending, err)) ||
           err_wrap(err, "target postgres: quarantine");
}

static bool postgres_target_quarantine(struct target *target, struct err *err)
{
    return take_rejects(postgres_of(target), false, err);
}

static bool postgres_target_quarantine_failed(struct target *target, struct err *err)
{
    struct target_postgres *t = postgres_of(target);
    if (t->link.is_open && !pg_exec_text(&t->link.pg, "ROLLBACK", err)) {
        return false;
    }
    t->link.is_open = false;
    t->link.copying = NULL;
    t->quarantine.is_there = false; /* perhaps it was made just now */
    t->quarantine.is_cleared = false;
    return take_rejects(t, true, err) && pg_exec_text(&t->link.pg, "COMMIT", err);
}

static bool postgres_target_add(struct target *target, struct str table, struct sink **ret,
                                struct err *err)
{
    struct target_postgres *t = postgres_of(target);
    struct postgres_sink *sink = NULL;
    if (t->count == LIMIT_STREAMS) {
        return err_set(err, ERR_FULL, "target postgres: more than %d tables", LIMIT_STREAMS);
    }
    if (!postgres_link_end_copy(&t->link, err)) {
        return false;
    }
    if (!postgres_sink_open(&sink, &t->link, table, t->count, err)) {
        return err_wrap(err, "target postgres");
    }
    t->sinks[t->count++] = sink;
    *ret = &sink->base;
    return true;
}

static void postgres_target_close(struct target *target)
{
    if (target != NULL) {
        struct target_postgres *t = postgres_of(target);
        for (size_t i = 0; i < t->count; i++) {
            postgres_sink_close(t->sinks[i]);
        }
        pg_close(&t->link.pg);
        buf_release(&t->state);
    }
}

static bool open_quarantine(struct target_postgres *t, const struct postgres_target_options *o,
                            struct err *err)
{
    t->quarantine = (struct postgres_quarantine){.pg = &t->link.pg,
                                                 .schema = t->link.schema,
                                                 .state_id = t->states.state_id,
                                                 .keep = o->load.reject_keep};
    t->base.quarantine =
        arena_printf(t->link.arena, "table " STR_FMT "." QUARANTINE_TABLE, STR_ARG(t->link.schema));
    return postgres_quarantine_open(&t->quarantine, t->link.arena, err);
}

static bool find_schema(struct target_postgres *t, const struct postgres_target_options *o,
                        struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    struct postgres_link *link = &t->link;
    if (pg_find_schema(&link->pg, o->schema, link->arena, &link->schema, err)) {
        return true;
    }
    if (err->code != ERR_NOT_FOUND || !o->create_schema || o->schema.len == 0) {
        return false;
    }
    *err = (struct err){0};
    buf_add_text(&sql, "CREATE SCHEMA IF NOT EXISTS "); /* another step may be faster */
    pg_add_identifier(&sql, o->schema);
    return pg_exec(&link->pg, &sql, NULL, err) &&
           pg_find_schema(&link->pg, o->schema, link->arena, &link->schema, err);
}

static bool read_state(struct target_postgres *t, bool is_for_load, struct err *err)
{
    t->states.schema = t->link.schema;
    return t->states.state_id.len == 0 ||
           ((!is_for_load || postgres_states_lock(&t->states, true, err)) &&
            postgres_states_read(&t->states, &t->base.state, err));
}

static bool set_up(struct target_postgres *t, const struct postgres_target_options *o,
                   bool is_for_load, struct err *err)
{
    t->sinks = arena_array(t->link.arena, LIMIT_STREAMS, sizeof(struct postgres_sink *));
    if (t->sinks == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    return postgres_check_connection(&o->connection, err) &&
           pg_open(&t->link.pg, o->connection.dsn, err) && find_schema(t, o, err) &&
           read_state(t, is_for_load, err) && open_quarantine(t, o, err);
}

static bool postgres_target_open(struct target **ret, const struct target_context *context,
                                 struct err *err)
{
    const struct postgres_target_options *o = (const void *)context->load;
    struct target_postgres *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    *t = (struct target_postgres){.base = {.ops = &target_postgres, .has_tables = true},
                                  .link = {.nul_rule = (enum nul_rule)o->nul_characters,
                                           .load = &o->load,
                                           .rejects = context->rejects,
                                           .arena = context->arena},
                                  .state = buf_growing(LIMIT_JSON_BYTES)};
    t->states = (struct postgres_states){
        .pg = &t->link.pg, .state_id = context->state_id, .arena = context->arena};
    if (!set_up(t, o, !context->only_states, err)) {
        postgres_target_close(&t->base);
        return err_wrap(err, "target postgres");
    }
    *ret = &t->base;
    return true;
}

const struct target_ops target_postgres = {
    .type = "postgres",
    .options = &target_postgres_options,
    .open = postgres_target_open,
    .add = postgres_target_add,
    .set_schema = postgres_target_set_schema,
    .load = postgres_target_load,
    .remove = postgres_target_remove,
    .settle = postgres_target_settle,
    .commit = postgres_target_commit,
    .quarantine = postgres_target_quarantine,
    .quarantine_failed = postgres_target_quarantine_failed,
    .ask = postgres_ask,
    .close = postgres_target_close,
    .states = postgres_target_states,
    .set_state = postgres_target_set_state,
};
