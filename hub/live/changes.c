/* changes.c - what has changed since the last look. */
#include "hub/live/live_internal.h"

#include "common/json/json_writer.h"

enum { DATA_BYTES_MAX = 900 };
static const char all[] = "{\"all\":true}";

static uint64_t hash_of(struct str text, uint64_t hash)
{
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

/* --- the log ------------------------------------------------------------------------------------ */

static struct str status_of(struct live *live, struct str run, struct str device)
{
    struct db_query q = db_query(live->db, HUB_LIVE_RUN_STATUS);
    struct err err = {0};
    bool row = false;
    db_bind_str(&q, ":run", run);
    db_bind_str(&q, ":device", device);
    if (!db_next(&q, &row, &err) || !row) {
        return STR_NONE;
    }
    struct str status = arena_copy(&live->arena, db_col_str(&q, 0));
    db_reset(&q);
    return status;
}

static void tell_run(struct live *live, struct str run, struct str device)
{
    char memory[DATA_BYTES_MAX];
    struct buf data = buf_fixed(memory, sizeof(memory));
    struct json_writer w = json_writer(&data);
    jw_begin_object(&w);
    jw_member_str(&w, "run", run);
    jw_member_str(&w, "device", device);
    jw_member_opt(&w, "status", status_of(live, run, device));
    jw_end_object(&w);
    live_tell(live, "run", data.overflow ? str_from(all) : buf_str(&data));
}

static void tell_of(struct live *live, const char *type, const char *member, struct str value,
                    struct str device)
{
    char memory[DATA_BYTES_MAX];
    struct buf data = buf_fixed(memory, sizeof(memory));
    struct json_writer w = json_writer(&data);
    jw_begin_object(&w);
    jw_member_opt(&w, member, value);
    jw_member_opt(&w, "device", device);
    jw_end_object(&w);
    live_tell(live, type, data.overflow ? str_from(all) : buf_str(&data));
}

static void tell_event(struct live *live, const struct db_query *q)
{
    struct str device = db_col_str(q, 1);
    struct str type = db_col_str(q, 2);
    struct str run = db_col_str(q, 3);
    struct str asset = db_col_str(q, 4);
    struct str command = db_col_str(q, 5);
    if (!str_is_empty(run)) {
        tell_run(live, run, device);
    }
    if (!str_is_empty(asset)) {
        tell_of(live, "asset", "asset", asset, device);
    }
    if (!str_is_empty(command) || str_eq(type, STR("command"))) {
        tell_of(live, "command", "command", command, device);
    }
    if (str_eq(type, STR("definitions"))) {
        tell_of(live, "asset", "asset", STR_NONE, device); /* all of that device's */
    }
    if (str_starts(type, STR("bundle"))) {
        tell_of(live, "deployment", "deployment", STR_NONE, device);
    }
    if (str_is_empty(run) && str_is_empty(asset)) {
        tell_of(live, "device", "device", device, STR_NONE);
    }
}

static bool last_event(struct live *live, int64_t *ret, struct err *err)
{
    struct db_query q = db_query(live->db, HUB_LIVE_LAST_EVENT);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = db_col_i64(&q, 0);
    db_reset(&q);
    return true;
}

static void tell_all(struct live *live)
{
    static const char *const types[] = {"device", "asset", "run", "command", "deployment"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        live_tell(live, types[i], str_from(all));
    }
}

/* In one snapshot: statuses of runs are not older than the events that are told. */
bool live_read_log(struct live *live, struct err *err)
{
    AUTO(db_tx) tx = {0};
    int64_t last = 0;
    int64_t position = live->position;
    bool row = false;
    bool ok = true;
    if (!db_tx_begin_read(live->db, &tx, err) || !last_event(live, &last, err)) {
        return false;
    }
    if (live->position < 0 || last < live->position || last - live->position > LIVE_LOG_MAX) {
        if (live->position >= 0) {
            tell_all(live); /* far behind, or the log was put back */
        }
        live->position = last;
        return true;
    }
    struct db_query q = db_query(live->db, HUB_LIVE_LOG);
    db_bind_i64(&q, ":after", live->position);
    db_bind_i64(&q, ":limit", LIVE_LOG_MAX);
    while ((ok = db_next(&q, &row, err)) && row) {
        tell_event(live, &q);
        position = db_col_i64(&q, 0);
        if (live->told.count > LIVE_TOLD_MAX) {
            db_reset(&q);
            tell_all(live);
            position = last;
            break;
        }
    }
    live->position = ok ? position : live->position;
    return ok;
}

/* --- tables ------------------------------------------------------------------------------------- */

struct fresh {
    struct live *live;
    const struct watched *before;
    struct watched now;
    const char *type, *member;
    bool is_full;
};

static void tell_thing(struct fresh *f, struct str key, struct str status)
{
    char memory[DATA_BYTES_MAX];
    struct buf data = buf_fixed(memory, sizeof(memory));
    struct json_writer w = json_writer(&data);
    jw_begin_object(&w);
    jw_member_str(&w, f->member, key);
    jw_member_opt(&w, "status", status);
    jw_end_object(&w);
    live_tell(f->live, f->type, data.overflow ? str_from(all) : buf_str(&data));
}

static void add_row(struct fresh *f, const struct db_query *q, bool is_device)
{
    struct str key = db_col_str(q, 0);
    struct str status =
        is_device ? (db_col_i64(q, 1) != 0 ? STR("online") : STR("away")) : db_col_str(q, 1);
    uint64_t mark = hash_of(status, UINT64_C(14695981039346656037)) + (uint64_t)db_col_i64(q, 2);
    uint32_t index = 0;
    bool was_there = strmap_get(&f->before->by_key, key, &index);
    if (f->before->is_known && (!was_there || f->before->rows[index].mark != mark)) {
        tell_thing(f, key, status);
    }
    struct str copy = arena_copy(&f->now.arena, key);
    f->is_full = f->is_full || copy.ptr == NULL || f->now.count == LIVE_ROWS_MAX ||
                 !strmap_put(&f->now.by_key, copy, (uint32_t)f->now.count);
    if (!f->is_full) {
        f->now.rows[f->now.count++].mark = mark;
    }
}

static bool read_table(struct live *live, size_t kind, int sql_id, const char *type,
                       struct err *err)
{
    struct watched *before = &live->watched[kind];
    struct fresh f = {.live = live, .before = before, .type = type, .member = type};
    struct db_query q = db_query(live->db, sql_id);
    bool row = false;
    bool ok = true;
    f.now.arena = arena_new(before->arena.max);
    f.now.by_key = strmap_new(&f.now.arena);
    f.now.rows = arena_array(&f.now.arena, LIVE_ROWS_MAX, sizeof(*f.now.rows));
    f.is_full = f.now.rows == NULL;
    db_bind_i64(&q, ":limit", LIVE_ROWS_MAX + 1);
    while ((ok = db_next(&q, &row, err)) && row) {
        add_row(&f, &q, kind == 0);
    }
    if (!ok) {
        arena_release(&f.now.arena);
        return false;
    }
    bool has_shrunk = f.now.count < before->count;
    if (f.is_full || (before->is_known && has_shrunk)) {
        live_tell(live, type, str_from(all)); /* more than are watched, or some are gone */
    }
    f.now.is_known = true;
    arena_release(&before->arena);
    *before = f.now;
    before->by_key.arena = &before->arena;
    return true;
}

bool live_read_tables(struct live *live, struct err *err)
{
    return read_table(live, 0, HUB_LIVE_DEVICES, "device", err) &&
           read_table(live, 1, HUB_LIVE_ALERTS, "alert", err) &&
           read_table(live, 2, HUB_LIVE_DEPLOYMENTS, "deployment", err) &&
           read_table(live, 3, HUB_LIVE_COMMANDS, "command", err);
}
