#include "agent/store/runs.h"

#include "agent/store/store_internal.h"
#include <string.h>

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "read runs: out of memory");
}

static bool read_run(const struct db_query *q, struct arena *arena, struct stored_run *ret)
{
    struct str *const texts[] = {
        &ret->id,     &ret->job,  &ret->cause,   &ret->cause_name, &ret->selection,
        &ret->status, &ret->keys, &ret->tags,    &ret->partition,  &ret->partition_end,
        &ret->parent, &ret->root, &ret->backfill};
    *ret = (struct stored_run){0};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_copy(arena, db_col_str(q, (int)i));
        if (texts[i]->ptr == NULL) {
            return false;
        }
    }
    int col = (int)COUNT_OF(texts);
    ret->priority = db_col_i64(q, col);
    ret->retry_number = db_col_i64(q, col + 1);
    ret->steps = db_col_i64(q, col + 2);
    ret->created_at.ns = db_col_i64(q, col + 3);
    ret->not_before.ns = db_col_i64(q, col + 4);
    return true;
}

bool store_load_run(struct store *store, struct str id, struct arena *arena, struct stored_run *ret,
                    bool *ret_found, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_LOAD);
    db_bind_str(&q, ":run", id);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    bool ok = !*ret_found || read_run(&q, arena, ret) || out_of_memory(err);
    db_reset(&q);
    return ok;
}

bool store_open_runs(struct store *store, struct arena *arena, struct stored_run **ret,
                     size_t *ret_count, struct err *err)
{
    struct stored_run *runs = arena_array(arena, RUNS_OPEN_MAX, sizeof(*runs));
    if (runs == NULL) {
        return out_of_memory(err);
    }
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_OPEN);
    db_bind_i64(&q, ":limit", RUNS_OPEN_MAX);
    size_t count = 0;
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row && !read_run(&q, arena, &runs[count++])) {
            db_reset(&q);
            return out_of_memory(err);
        }
    }
    *ret = runs;
    *ret_count = count;
    return true;
}

/* A list that grows with the rows of a query. */
struct growing {
    char *items;
    size_t size; /* of one */
    size_t count, room;
};

/* Room for one more; NULL: out of memory. */
static void *grow(struct growing *list, struct arena *arena)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 16 : 2 * list->room;
        char *more = arena_array(arena, room, list->size);
        if (more == NULL) {
            return NULL;
        }
        if (list->count > 0) {
            memcpy(more, list->items, list->count * list->size);
        }
        list->items = more;
        list->room = room;
    }
    return list->items + list->count++ * list->size;
}

bool store_run_steps(struct store *store, struct str run, struct arena *arena,
                     struct stored_step **ret, size_t *ret_count, struct err *err)
{
    struct growing list = {.size = sizeof(struct stored_step)};
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_STEP_STATES);
    db_bind_str(&q, ":run", run);
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        struct stored_step *step = row ? grow(&list, arena) : NULL;
        if (step != NULL) {
            *step = (struct stored_step){.step = arena_copy(arena, db_col_str(&q, 0)),
                                         .asset = arena_copy(arena, db_col_str(&q, 1)),
                                         .status = arena_copy(arena, db_col_str(&q, 2)),
                                         .attempt = db_col_i64(&q, 3),
                                         .retry_at = {db_col_i64(&q, 4)},
                                         .messages_read = db_col_i64(&q, 5)};
        }
        if (arena->exhausted) {
            db_reset(&q);
            return out_of_memory(err);
        }
    }
    *ret = (void *)list.items;
    *ret_count = list.count;
    return true;
}

bool store_run_assets(struct store *store, struct str run, struct arena *arena,
                      struct stored_run_asset **ret, size_t *ret_count, struct err *err)
{
    struct growing list = {.size = sizeof(struct stored_run_asset)};
    struct db_query q = db_query(store->db, AGENT_STORE_RUN_ASSETS);
    db_bind_str(&q, ":run", run);
    for (bool row = true; row;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        struct stored_run_asset *asset = row ? grow(&list, arena) : NULL;
        if (asset != NULL) {
            *asset = (struct stored_run_asset){.asset = arena_copy(arena, db_col_str(&q, 0)),
                                               .step = arena_copy(arena, db_col_str(&q, 1)),
                                               .is_made = db_col_i64(&q, 2) != 0};
        }
        if (arena->exhausted) {
            db_reset(&q);
            return out_of_memory(err);
        }
    }
    *ret = (void *)list.items;
    *ret_count = list.count;
    return true;
}
