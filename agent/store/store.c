#include "agent/store/store_internal.h"

#include "agent_store_migrations.h"
#include "common/base/limits.h"
#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x53764167, /* "SvAg" */
    PENDING_DEFAULT = 1536 << 10,
    DAMAGED_FILES_MAX = 100,
};

static struct db_options database_options(const struct store_options *options)
{
    return (struct db_options){
        .path = options->path,
        .flags = DB_LATE, /* most devices use a few of many; store_test prepares all */
        .application_id = APPLICATION_ID,
        .migrations = agent_store_migrations,
        .migrations_count = AGENT_STORE_MIGRATIONS_COUNT,
        .sql = agent_store_sql,
        .sql_count = AGENT_STORE_SQL_COUNT,
        .vfs = options->vfs,
    };
}

/* Keeps the evidence: the file and its companions get new names, never deleted. */
static bool move_aside(const char *path, struct err *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char aside[LIMIT_PATH_BYTES + 32];
    int n = 1;
    do {
        (void)snprintf(aside, sizeof(aside), "%s.damaged-%d", path, n);
    } while (access(aside, F_OK) == 0 && n++ < DAMAGED_FILES_MAX);

    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char from[LIMIT_PATH_BYTES + 8];
        char to[LIMIT_PATH_BYTES + 40];
        (void)snprintf(from, sizeof(from), "%s%s", path, suffixes[i]);
        (void)snprintf(to, sizeof(to), "%s%s", aside, suffixes[i]);
        if (access(from, F_OK) == 0 && rename(from, to) != 0) {
            return err_hint(err, "move %s away by hand", path);
        }
    }
    return true;
}

static bool open_database(struct store *store, const struct store_options *options,
                          struct err *ret_damage, struct err *err)
{
    struct db_options db = database_options(options);
    if (db_open(&store->db, &db, err)) {
        return true;
    }
    if (err->code != ERR_CORRUPT || ret_damage == NULL) {
        return false;
    }
    struct err damage = *err;
    if (!move_aside(options->path, err) || !db_open(&store->db, &db, err)) {
        return false;
    }
    *ret_damage = damage;
    return true;
}

static bool load_state(struct store *store, const struct rng *rng, struct err *err)
{
    bool found = false;
    if (!buffer_read_state(store, &store->state, &found, err)) {
        return false;
    }
    if (found) {
        return true;
    }
    rng_hex(rng, (EPOCH_TEXT_SIZE - 1) / 2, store->state.epoch);
    struct db_query q = db_query(store->db, AGENT_STORE_BUFFER_CREATE);
    db_bind_str(&q, ":epoch", str_from(store->state.epoch));
    return db_run(&q, err);
}

static void forget_pending(struct store *store)
{
    store->pending = NULL;
    store->newest = NULL;
    store->pending_count = 0;
    arena_reset(&store->arena);
}

static bool write_pending(struct store *store, struct buffer_state *state, struct err *err)
{
    for (const struct pending *p = store->pending; p != NULL; p = p->next) {
        bool ok = p->is_event ? buffer_append(store, state, &p->record, err) &&
                                    project_record(store, &p->record, state->last_seq, err)
                              : project_kept(store, &p->record, err);
        if (!ok) {
            return err_wrap(err, "record %s", event_type_name(p->record.type));
        }
    }
    return true;
}

static bool write_all(struct store *store, struct wall_time now, struct err *err)
{
    struct buffer_state state = store->state;
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(store->db, &tx, err) || !write_pending(store, &state, err) ||
        !buffer_apply_quota(store, &state, now, err) || !buffer_write_state(store, &state, err) ||
        !db_tx_commit(&tx, err)) {
        return false;
    }
    store->state = state;
    forget_pending(store);
    return true;
}

/* The quotas may have been made smaller. On a full disk that waits for a flush that succeeds. */
static bool apply_quota_at_open(struct store *store, struct wall_time now, struct err *err)
{
    struct err why = {0};
    if (store->state.waiting_bytes <= store->quota_bytes || write_all(store, now, &why) ||
        why.code == ERR_FULL) {
        return true;
    }
    *err = why;
    return false;
}

bool store_open(struct store **ret, const struct store_options *options, struct wall_time now,
                struct err *ret_damage, struct err *err)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open %s: out of memory", options->path);
    }
    store->quota_bytes = options->quota_bytes;
    store->history_bytes_max = options->history_bytes;
    store->pending_bytes_max =
        options->pending_bytes_max == 0 ? PENDING_DEFAULT : options->pending_bytes_max;
    store->arena = arena_new(store->pending_bytes_max);
    store->line = buf_growing(RECORD_LINE_BYTES_MAX);
    if (!open_database(store, options, ret_damage, err) || !load_state(store, options->rng, err) ||
        !apply_quota_at_open(store, now, err)) {
        store_close(store);
        return false;
    }
    *ret = store;
    return true;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    db_close(store->db);
    arena_release(&store->arena);
    buf_release(&store->line);
    free(store);
}

static bool copy_texts(struct arena *arena, struct record *record)
{
    struct str *texts[RECORD_TEXTS];
    record_texts(record, texts);
    for (size_t i = 0; i < RECORD_TEXTS; i++) {
        if (texts[i]->len > 0) {
            *texts[i] = arena_copy(arena, *texts[i]);
            if (texts[i]->ptr == NULL) {
                return false;
            }
        }
    }
    return true;
}

/* What can never be written must not wait: it would hold up everything behind it for ever. Escaping
 * makes six bytes of one at most, so that short texts need no trial. */
static bool check_size(struct store *store, const struct record *record, struct err *err)
{
    if (record_text_bytes(record) <= LIMIT_EVENT_BYTES / 8) {
        return true;
    }
    buf_reset(&store->line);
    return record_encode(record, INT64_MAX, &store->line, err);
}

static bool enqueue(struct store *store, const struct record *record, bool is_event,
                    struct err *err)
{
    struct pending *pending = arena_alloc(&store->arena, sizeof(*pending));
    if (pending != NULL) {
        pending->record = *record;
        pending->is_event = is_event;
    }
    if (pending == NULL || !copy_texts(&store->arena, &pending->record)) {
        if (store->pending_count == 0) {
            forget_pending(store); /* no flush will come to free what the attempt took */
        }
        return err_set(err, ERR_FULL, "%zu events wait to be written, no room for more",
                       store->pending_count);
    }
    if (store->newest == NULL) {
        store->pending = pending;
    } else {
        store->newest->next = pending;
    }
    store->newest = pending;
    store->pending_count++;
    return true;
}

size_t store_pending_bytes(const struct store *store)
{
    return store->arena.used;
}

bool store_record(struct store *store, const struct record *record, struct err *err)
{
    return check_size(store, record, err) && enqueue(store, record, true, err);
}

bool store_keep(struct store *store, const struct record *record, struct err *err)
{
    return enqueue(store, record, false, err);
}

size_t store_pending(const struct store *store)
{
    return store->pending_count;
}

size_t store_room(const struct store *store)
{
    return store->arena.max - store->arena.used;
}

bool store_flush(struct store *store, struct wall_time now, struct err *err)
{
    return store->pending_count == 0 || write_all(store, now, err);
}

bool store_last_tick(struct store *store, struct str schedule, struct wall_time *ret,
                     bool *ret_found, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_SCHEDULE_LAST);
    db_bind_str(&q, ":schedule", schedule);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        ret->ns = db_col_i64(&q, 0);
        db_reset(&q);
    }
    return true;
}

bool store_get_setting(struct store *store, struct str name, struct buf *ret, bool *ret_found,
                       struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_SETTING_GET);
    db_bind_str(&q, ":name", name);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        buf_add(ret, db_col_str(&q, 0));
        db_reset(&q);
    }
    return true;
}

bool store_set_setting(struct store *store, struct str name, struct str value, struct err *err)
{
    struct db_query q = db_query(store->db, AGENT_STORE_SETTING_SET);
    db_bind_str(&q, ":name", name);
    db_bind_str(&q, ":value", value);
    return db_run(&q, err);
}

void store_memory(int64_t *ret_now, int64_t *ret_peak)
{
    db_memory(ret_now, ret_peak);
}

void store_limit_memory(int64_t bytes)
{
    db_limit_memory(bytes);
}
