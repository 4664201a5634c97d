#include "agent/store/commands.h"

#include "agent/store/store_internal.h"
#include "common/json/json_writer.h"
#include <stdio.h>

enum { LINE_RUNS_MAX = 10000 }; /* far more than policies and interruptions make */

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "read commands: out of memory");
}

void command_facts_write(const struct command *c, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_i64(&w, "counter", c->counter);
    jw_member_i64(&w, "issued_at", c->issued_at.ns);
    jw_member_i64(&w, "expires_at", c->expires_at.ns);
    jw_member_str(&w, "args", c->args);
    jw_end_object(&w);
}

static struct stored_command read_command(const struct db_query *q)
{
    struct stored_command c = {.id = db_col_str(q, 0),
                               .signer = db_col_str(q, 1),
                               .counter = db_col_i64(q, 2),
                               .verb = db_col_str(q, 3),
                               .args = db_col_str(q, 4),
                               .issued_at = {db_col_i64(q, 5)},
                               .expires_at = {db_col_i64(q, 6)},
                               .received_at = {db_col_i64(q, 7)},
                               .changed_at = {db_col_i64(q, 9)},
                               .code = db_col_str(q, 10),
                               .reason = db_col_str(q, 11),
                               .run = db_col_str(q, 12)};
    if (!command_status_from(db_col_str(q, 8), &c.status)) {
        c.status = COMMAND_STATUS_FAILED; /* the table's CHECK lets nothing else in */
    }
    return c;
}

static bool copy_command(const struct db_query *q, struct arena *arena, struct stored_command *ret)
{
    *ret = read_command(q);
    struct str *const texts[] = {&ret->id,   &ret->signer, &ret->verb, &ret->args,
                                 &ret->code, &ret->reason, &ret->run};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_copy(arena, *texts[i]);
        if (texts[i]->ptr == NULL) {
            return false;
        }
    }
    return true;
}

bool store_recall_command(struct store *store, struct str signer, int64_t counter, struct str id,
                          struct command_memory *ret, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_COMMAND_RECALL);
    bool row = false;
    db_bind_str(&q, ":id", id);
    db_bind_str(&q, ":signer", signer);
    db_bind_i64(&q, ":counter", counter);
    db_bind_i64(&q, ":kept", COMMANDS_REMEMBERED);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = (struct command_memory){.has_id = db_col_i64(&q, 0) != 0,
                                   .has_counter = db_col_i64(&q, 1) != 0,
                                   .is_open = db_col_i64(&q, 2) != 0,
                                   .has_floor = !db_col_is_null(&q, 3),
                                   .floor = db_col_i64(&q, 3),
                                   .open_count = db_col_i64(&q, 4)};
    db_reset(&q);
    return true;
}

bool store_open_commands(struct store *store, struct arena *arena, struct stored_command **ret,
                         size_t *ret_count, struct err *err)
{
    struct stored_command *found = arena_array(arena, COMMANDS_OPEN_MAX, sizeof(*found));
    struct db_query q = db_query(store->db, AGENT_STORE_COMMAND_OPEN);
    size_t count = 0;
    if (found == NULL) {
        return out_of_memory(err);
    }
    for (bool row = true; row && count < COMMANDS_OPEN_MAX;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row && !copy_command(&q, arena, &found[count++])) {
            db_reset(&q);
            return out_of_memory(err);
        }
    }
    db_reset(&q);
    *ret = found;
    *ret_count = count;
    return true;
}

bool store_load_command(struct store *store, struct str id, struct arena *arena,
                        struct stored_command *ret, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_COMMAND_LOAD);
    db_bind_str(&q, ":id", id);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    bool ok = !*ret_found || copy_command(&q, arena, ret) || out_of_memory(err);
    db_reset(&q);
    return ok;
}

/* One id, or none. */
static bool find_id(struct db_query *q, char ret[UUID_TEXT_SIZE], struct err *err)
{
    bool row = false;
    if (!db_next(q, &row, err)) {
        return false;
    }
    ret[0] = '\0';
    if (row) {
        (void)snprintf(ret, UUID_TEXT_SIZE, STR_FMT, STR_ARG(db_col_str(q, 0)));
        db_reset(q);
    }
    return true;
}

bool store_run_of_command(struct store *store, struct str id, char ret[UUID_TEXT_SIZE],
                          struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_COMMAND_RUN);
    db_bind_str(&q, ":id", id);
    return find_id(&q, ret, err);
}

bool store_backfill_of_command(struct store *store, struct str id, char ret[UUID_TEXT_SIZE],
                               struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_COMMAND_BACKFILL);
    db_bind_str(&q, ":id", id);
    return find_id(&q, ret, err);
}

bool store_command_of_run(struct store *store, struct str run, char ret[UUID_TEXT_SIZE],
                          struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_COMMAND_OF_RUN);
    db_bind_str(&q, ":run", run);
    return find_id(&q, ret, err);
}

static bool read_outcome(struct store *store, struct str run, struct arena *arena,
                         struct run_line *ret, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_OUTCOME);
    bool row = false;
    db_bind_str(&q, ":run", run);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        return err_set(err, ERR_NOT_FOUND, "run " STR_FMT " is no longer in the database",
                       STR_ARG(run));
    }
    *ret = (struct run_line){.run = arena_copy(arena, run),
                             .status = arena_copy(arena, db_col_str(&q, 0)),
                             .error = arena_copy(arena, db_col_str(&q, 1)),
                             .error_code = arena_copy(arena, db_col_str(&q, 2))};
    db_reset(&q);
    return !arena->exhausted || out_of_memory(err);
}

bool store_run_line(struct store *store, struct str command, struct str run, struct arena *arena,
                    struct run_line *ret, struct err *err)
{
    char next[UUID_TEXT_SIZE];
    if (!read_outcome(store, run, arena, ret, err)) {
        return false;
    }
    for (int i = 0; i < LINE_RUNS_MAX; i++) {
        struct db_query q = db_query(store->db, AGENT_STORE_RUN_NEXT);
        db_bind_str(&q, ":run", ret->run);
        db_bind_str(&q, ":id", command);
        if (!find_id(&q, next, err)) {
            return false;
        }
        if (next[0] == '\0') {
            return true;
        }
        if (!read_outcome(store, str_from(next), arena, ret, err)) {
            return false;
        }
    }
    return true;
}

bool view_commands(struct view *view, bool open_only, int64_t limit,
                   void (*on_each)(void *ctx, const struct stored_command *command), void *ctx,
                   struct err *err)
{
    struct db_query q = db_query(view->store.db, AGENT_STORE_COMMAND_LIST);
    db_bind_i64(&q, ":open", open_only);
    db_bind_i64(&q, ":limit", limit);
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row) {
            struct stored_command command = read_command(&q);
            on_each(ctx, &command);
        }
    }
    return true;
}
