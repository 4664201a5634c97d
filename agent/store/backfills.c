#include "agent/store/backfills.h"

#include "agent/store/store_internal.h"

enum { COLUMNS_OF_FACTS = 14 }; /* then the counts of a list */

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "read backfills: out of memory");
}

static struct stored_backfill read_backfill(const struct db_query *q)
{
    return (struct stored_backfill){.id = db_col_str(q, 0),
                                    .selection = db_col_str(q, 1),
                                    .status = db_col_str(q, 2),
                                    .after = db_col_str(q, 3),
                                    .tags = db_col_str(q, 4),
                                    .reason = db_col_str(q, 5),
                                    .per_run = db_col_i64(q, 6),
                                    .runs_max = db_col_i64(q, 7),
                                    .newest_first = db_col_i64(q, 8) != 0,
                                    .leg = db_col_i64(q, 9),
                                    .total = db_col_i64(q, 10),
                                    .created_at = {db_col_i64(q, 11)},
                                    .ended_at = {db_col_i64(q, 12)},
                                    .recorded = db_col_i64(q, 13)};
}

static bool copy_backfill(const struct db_query *q, struct arena *arena,
                          struct stored_backfill *ret)
{
    *ret = read_backfill(q);
    struct str *const texts[] = {&ret->id,    &ret->selection, &ret->status,
                                 &ret->after, &ret->tags,      &ret->reason};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_copy(arena, *texts[i]);
        if (texts[i]->ptr == NULL) {
            return false;
        }
    }
    return true;
}

bool store_open_backfills(struct store *store, struct arena *arena, struct stored_backfill **ret,
                          size_t *ret_count, struct err *err)
{
    struct stored_backfill *found = arena_array(arena, BACKFILLS_OPEN_MAX, sizeof(*found));
    if (found == NULL) {
        return out_of_memory(err);
    }
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_OPEN);
    db_bind_i64(&q, ":limit", BACKFILLS_OPEN_MAX);
    size_t count = 0;
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row && !copy_backfill(&q, arena, &found[count++])) {
            db_reset(&q);
            return out_of_memory(err);
        }
    }
    *ret = found;
    *ret_count = count;
    return true;
}

bool store_load_backfill(struct store *store, struct str id, struct arena *arena,
                         struct stored_backfill *ret, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_LOAD);
    db_bind_str(&q, ":backfill", id);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    bool ok = !*ret_found || copy_backfill(&q, arena, ret) || out_of_memory(err);
    db_reset(&q);
    return ok;
}

bool store_backfill_facts(struct store *store, struct str id, struct stored_backfill_facts *ret,
                          struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_FACTS);
    db_bind_str(&q, ":backfill", id);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = (struct stored_backfill_facts){.has_waiting = db_col_i64(&q, 0) != 0,
                                          .open_runs = db_col_i64(&q, 1),
                                          .has_failed = db_col_i64(&q, 2) != 0};
    db_reset(&q);
    return true;
}

bool store_backfill_parts(struct store *store, struct str id, struct str status,
                          bool (*on_part)(void *ctx, const struct stored_part *part), void *ctx,
                          struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_PARTS);
    db_bind_str(&q, ":backfill", id);
    db_bind_opt(&q, ":status", status);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct stored_part part = {.number = db_col_i64(&q, 0),
                                   .partition = db_col_str(&q, 1),
                                   .status = db_col_str(&q, 2),
                                   .run = db_col_str(&q, 3)};
        if (!on_part(ctx, &part)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

bool store_backfill_waits(struct store *store, struct str id, struct str partition, bool *ret,
                          struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_PART_WAITS);
    db_bind_str(&q, ":backfill", id);
    db_bind_str(&q, ":partition", partition);
    if (!db_next(&q, ret, err)) {
        return false;
    }
    db_reset(&q);
    return true;
}

bool store_backfill_runs(struct store *store, struct str id, struct arena *arena, struct str **ret,
                         size_t *ret_count, struct err *err)
{
    enum { RUNS_MAX = 1024 };
    struct str *runs = arena_array(arena, RUNS_MAX, sizeof(*runs));
    struct db_query q = db_query(store->db, AGENT_STORE_BACKFILL_RUNS);
    db_bind_str(&q, ":backfill", id);
    size_t count = 0;
    for (bool row = true; row && count < RUNS_MAX;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row && runs != NULL) {
            runs[count++] = arena_copy(arena, db_col_str(&q, 0));
        }
        if (arena->exhausted) {
            db_reset(&q);
            return out_of_memory(err);
        }
    }
    db_reset(&q);
    *ret = runs;
    *ret_count = count;
    return true;
}

/* --- beside a running daemon ------------------------------------------------------------------ */

bool view_backfills(struct view *view, struct str id, int64_t limit,
                    bool (*on_backfill)(void *ctx, const struct view_backfill *b), void *ctx,
                    struct err *err)
{
    struct db_query q = db_query(view->store.db, AGENT_STORE_BACKFILL_LIST);
    db_bind_opt(&q, ":backfill", id);
    db_bind_i64(&q, ":limit", limit);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct view_backfill b = {.facts = read_backfill(&q),
                                  .waiting = db_col_i64(&q, COLUMNS_OF_FACTS),
                                  .requested = db_col_i64(&q, COLUMNS_OF_FACTS + 1),
                                  .succeeded = db_col_i64(&q, COLUMNS_OF_FACTS + 2),
                                  .failed = db_col_i64(&q, COLUMNS_OF_FACTS + 3),
                                  .canceled = db_col_i64(&q, COLUMNS_OF_FACTS + 4)};
        if (!on_backfill(ctx, &b)) {
            db_reset(&q);
            return true;
        }
    }
    return ok;
}

bool view_find_backfill(struct view *view, struct str prefix, struct buf *ret_id, struct err *err)
{
    struct db_query q = db_query(view->store.db, AGENT_STORE_BACKFILL_FIND);
    db_bind_str(&q, ":prefix", prefix);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        (void)err_set(err, ERR_NOT_FOUND, "no backfill begins with " STR_FMT, STR_ARG(prefix));
        return err_hint(err, "list them: selvedge-agent backfill list");
    }
    buf_add(ret_id, db_col_str(&q, 0));
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        db_reset(&q);
        return err_set(err, ERR_INVALID, "more than one backfill begins with " STR_FMT,
                       STR_ARG(prefix));
    }
    return true;
}

bool view_backfill_parts(struct view *view, struct str id, struct str status,
                         bool (*on_part)(void *ctx, const struct stored_part *part), void *ctx,
                         struct err *err)
{
    return store_backfill_parts(&view->store, id, status, on_part, ctx, err);
}
