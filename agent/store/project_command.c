/* project_command.c - the rows of commands. */
#include "agent/store/store_internal.h"

#include "agent/store/commands.h"

static bool add(struct store *store, const struct record *r, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_COMMAND_ADD);
    db_bind_str(&q, ":id", r->command);
    db_bind_str(&q, ":signer", r->signer);
    db_bind_str(&q, ":verb", r->verb);
    db_bind_str(&q, ":facts", r->keys);
    db_bind_str(&q, ":status", r->status);
    db_bind_str(&q, ":code", r->code);
    db_bind_str(&q, ":reason", r->reason);
    db_bind_i64(&q, ":at", r->at.ns);
    if (!db_run(&q, err)) {
        return false;
    }
    q = db_query(store->db, AGENT_STORE_COMMAND_EXPIRE);
    db_bind_str(&q, ":signer", r->signer);
    db_bind_i64(&q, ":kept", COMMANDS_REMEMBERED);
    return db_run(&q, err);
}

bool project_command(struct store *store, const struct record *r, struct err *err)
{
    if (str_is_empty(r->command)) {
        return true;
    }
    if (!str_is_empty(r->keys)) {
        return add(store, r, err);
    }
    struct db_query q = db_query(store->db, AGENT_STORE_COMMAND_STATUS);
    db_bind_str(&q, ":id", r->command);
    db_bind_str(&q, ":status", r->status);
    db_bind_str(&q, ":code", r->code);
    db_bind_str(&q, ":reason", r->reason);
    db_bind_str(&q, ":run", r->run);
    db_bind_i64(&q, ":at", r->at.ns);
    return db_run(&q, err);
}
