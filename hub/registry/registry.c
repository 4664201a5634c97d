#include "hub/registry/registry_internal.h"

#include <stdlib.h>

bool registry_open(struct registry **ret, const char *path, struct err *err)
{
    struct registry *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open %s: out of memory", path);
    }
    if (!hub_store_open_part(&r->db, path, hub_registry_sql, HUB_REGISTRY_SQL_COUNT, err)) {
        registry_close(r);
        return false;
    }
    *ret = r;
    return true;
}

void registry_close(struct registry *r)
{
    if (r == NULL) {
        return;
    }
    db_close(r->db);
    free(r);
}

int64_t registry_ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}

struct wall_time registry_time(int64_t ms)
{
    return (struct wall_time){ms * NS_PER_MS};
}

/* --- fleet ------------------------------------------------------------------------------ */

bool registry_set_fleet(struct registry *r, struct str name, struct wall_time now, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_FLEET_SET);
    db_bind_str(&q, ":name", name);
    db_bind_i64(&q, ":now", registry_ms(now));
    return db_run(&q, err);
}

bool registry_fleet(struct registry *r, struct buf *ret_name, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_FLEET_GET);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        (void)err_set(err, ERR_NOT_FOUND, "this hub has no fleet yet");
        return err_hint(err, "run: selvedge-hub init");
    }
    buf_add(ret_name, db_col_str(&q, 0));
    db_reset(&q);
    return true;
}

/* --- connections ------------------------------------------------------------------------ */

bool registry_all_offline(struct registry *r, struct wall_time now, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_CONNECTION_ALL_OFFLINE);
    db_bind_i64(&q, ":now", registry_ms(now));
    return db_run(&q, err);
}

bool registry_born(struct registry *r, struct str device, const struct message_birth *birth,
                   struct wall_time now, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_CONNECTION_BORN);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":session", birth->session);
    db_bind_i64(&q, ":now", registry_ms(now));
    db_bind_str(&q, ":epoch", str_from(birth->epoch));
    db_bind_i64(&q, ":first_seq", birth->first_seq);
    db_bind_i64(&q, ":last_seq", birth->last_seq);
    db_bind_opt(&q, ":version", birth->version);
    db_bind_opt(&q, ":board", birth->board);
    db_bind_opt(&q, ":boot_id", birth->boot_id);
    db_bind_opt(&q, ":definitions_hash", birth->definitions_hash);
    db_bind_i64(&q, ":clock_offset", registry_ms(birth->at) - registry_ms(now));
    db_bind_i64(&q, ":clock_trusted", birth->clock_trusted);
    db_bind_opt(&q, ":authorities", birth->authorities);
    db_bind_opt(&q, ":authority", birth->authority);
    return db_run(&q, err);
}

bool registry_died(struct registry *r, struct str device, const struct message_death *death,
                   struct wall_time now, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_CONNECTION_DIED);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":session", death->session);
    db_bind_str(&q, ":reason", death->reason);
    db_bind_i64(&q, ":now", registry_ms(now));
    return db_run(&q, err);
}

bool registry_refused(struct registry *r, struct str peer, struct str what, struct str why,
                      struct wall_time now, struct err *err)
{
    struct db_query known = db_query(r->db, HUB_REGISTRY_CONNECTION_REFUSED);
    db_bind_str(&known, ":device", peer);
    db_bind_str(&known, ":why", why);
    db_bind_i64(&known, ":now", registry_ms(now));
    struct db_query add = db_query(r->db, HUB_REGISTRY_REFUSAL_ADD);
    db_bind_str(&add, ":peer", peer);
    db_bind_str(&add, ":what", what);
    db_bind_str(&add, ":why", why);
    db_bind_i64(&add, ":now", registry_ms(now));
    AUTO(db_tx) tx = {0};
    return db_tx_begin(r->db, &tx, err) && db_run(&known, err) && db_run(&add, err) &&
           db_tx_commit(&tx, err);
}
