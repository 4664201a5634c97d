#include "agent/el/postgres_quarantine.h"

static void add_table(const struct postgres_quarantine *q, struct buf *sql)
{
    const struct pg_table table = {q->schema, STR(QUARANTINE_TABLE)};
    pg_add_table(sql, &table);
}

bool postgres_quarantine_open(struct postgres_quarantine *q, struct arena *arena, struct err *err)
{
    const struct pg_table table = {q->schema, STR(QUARANTINE_TABLE)};
    struct schema columns = schema_new(arena);
    char kind = '\0';
    if (!pg_table_describe(q->pg, &table, &columns, &kind, NULL, err)) {
        return false;
    }
    q->is_there = kind != '\0';
    return true;
}

/* Steps that come first in a new schema would all make it: they take turns. */
static bool make_table(struct postgres_quarantine *q, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    if (q->is_there) {
        return true;
    }
    buf_add_text(&sql, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended("
                       "'selvedge " QUARANTINE_TABLE "', 0)); CREATE TABLE IF NOT EXISTS ");
    add_table(q, &sql);
    buf_add_text(&sql, " (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, rejected_at "
                       "timestamptz NOT NULL, state_id text NOT NULL, stream text NOT NULL, place "
                       "text NOT NULL, reason text NOT NULL, record text NOT NULL, record_bytes "
                       "bigint NOT NULL, outcome text NOT NULL CHECK (outcome IN ('rejected', "
                       "'pending')))");
    q->is_there = pg_exec(q->pg, &sql, NULL, err);
    return q->is_there;
}

bool postgres_quarantine_clear(struct postgres_quarantine *q, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    if (q->is_cleared || !q->is_there) {
        return true;
    }
    buf_add_text(&sql, "DELETE FROM ");
    add_table(q, &sql);
    buf_add_text(&sql, " WHERE state_id = ");
    pg_add_literal(&sql, q->state_id);
    buf_add_text(&sql, " AND outcome = 'pending'");
    q->is_cleared = pg_exec(q->pg, &sql, NULL, err);
    return q->is_cleared;
}

static bool trim(const struct postgres_quarantine *q, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_add_text(&sql, "DELETE FROM ");
    add_table(q, &sql);
    buf_add_text(&sql, " WHERE state_id = ");
    pg_add_literal(&sql, q->state_id);
    buf_add_text(&sql, " AND id <= (SELECT id FROM ");
    add_table(q, &sql);
    buf_add_text(&sql, " WHERE state_id = ");
    pg_add_literal(&sql, q->state_id);
    buf_addf(&sql, " ORDER BY id DESC LIMIT 1 OFFSET %lld)", (long long)q->keep);
    return pg_exec(q->pg, &sql, NULL, err);
}

static bool insert(const struct postgres_quarantine *q, const struct rejects *r, bool is_pending,
                   struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_add_text(&sql, "INSERT INTO ");
    add_table(q, &sql);
    buf_add_text(&sql, " (rejected_at, state_id, stream, place, reason, record, record_bytes, "
                       "outcome) VALUES ");
    for (size_t i = 0; i < r->waiting; i++) {
        const struct reject one = rejects_get(r, i);
        const struct str texts[] = {q->state_id, one.stream, one.place, one.reason, one.record};
        buf_add_text(&sql, i == 0 ? "(now(), " : ", (now(), ");
        for (size_t k = 0; k < COUNT_OF(texts); k++) {
            pg_add_literal(&sql, texts[k]);
            buf_add_text(&sql, ", ");
        }
        buf_addf(&sql, "%lld, '%s')", (long long)one.record_bytes,
                 is_pending ? "pending" : "rejected");
    }
    return pg_exec(q->pg, &sql, NULL, err);
}

bool postgres_quarantine_take(struct postgres_quarantine *q, const struct rejects *r,
                              bool is_pending, struct err *err)
{
    return make_table(q, err) && postgres_quarantine_clear(q, err) &&
           (r->waiting == 0 || insert(q, r, is_pending, err)) && trim(q, err);
}
