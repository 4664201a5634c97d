#include "hub/summary/summary_internal.h"

#include "common/log/log.h"
#include "hub/store/store.h"
#include <stdlib.h>

enum { CACHE_KIB = 8 << 10, REST_MS = 2 /* between slices, for others */ };

struct mono_time summary_mono(const struct summary *s)
{
    return clock_mono(loop_clock(s->loop));
}

void summary_hurry(struct summary *s)
{
    loop_timer_arm_in(s->loop, &s->look, REST_MS * NS_PER_MS);
}

static bool has_changed(struct summary *s, bool *ret, struct err *err)
{
    bool row = false;
    if (!db_next(&s->version, &row, err)) {
        return false;
    }
    int64_t version = row ? db_col_i64(&s->version, 0) : -1;
    db_reset(&s->version);
    *ret = version != s->seen_version;
    s->seen_version = version;
    return true;
}

/* --- reading -------------------------------------------------------------------------------------- */

static bool read_peers(struct summary *s, struct wall_time now, struct err *err)
{
    bool is_early = s->peers_at.ns != 0 && s->device_count > SUMMARY_PEERS_FEW &&
                    summary_mono(s).ns - s->peers_at.ns < SUMMARY_PEERS_MS * NS_PER_MS;
    if (!s->are_peers_due || is_early) {
        return true;
    }
    bool ok = summary_read_peers(s, now, err);
    s->peers_at = summary_mono(s);
    s->are_peers_due = !ok;
    return ok;
}

bool summary_is_loaded(const struct summary *s)
{
    return s->is_begun && s->device_next == s->device_count;
}

/* The next devices, for as long as a slice. */
static bool load(struct summary *s, struct wall_time now, struct mono_time end, struct err *err)
{
    if (!s->is_begun) {
        if (!summary_begin(s, err)) {
            return false;
        }
        s->is_begun = true;
        s->peers_at = (struct mono_time){0};
        s->is_behind = true;
    }
    while (s->device_next < s->device_count && !counts_has_failed(s->counts)) {
        if (!summary_read_device(s, s->devices[s->device_next], now, err)) {
            return false;
        }
        s->device_next++;
        if (summary_mono(s).ns >= end.ns) {
            break;
        }
    }
    s->has_news =
        s->has_news || summary_is_loaded(s); /* who asked for something else is to ask again */
    return true;
}

static bool follow(struct summary *s, struct wall_time now, struct mono_time end, struct err *err)
{
    bool again = false;
    bool is_new = false;
    if (!has_changed(s, &is_new, err)) {
        return false;
    }
    s->is_behind = s->is_behind || is_new;
    s->are_peers_due = s->are_peers_due || is_new;
    if (is_new) {
        summary_named_changed(s);
    }
    while (s->is_behind && !again && !counts_has_failed(s->counts)) {
        if (!summary_read_log(s, now, &again, err)) {
            s->is_behind = true;
            return false;
        }
        if (summary_mono(s).ns >= end.ns) {
            break;
        }
    }
    s->is_begun = !again;
    return again || read_peers(s, now, err);
}

static bool check_memory(struct summary *s, struct err *err)
{
    if (s->counts == NULL || !counts_has_failed(s->counts)) {
        return true;
    }
    s->is_begun = false; /* texts that nobody has any more are gone then */
    s->failed_at = summary_mono(s);
    return err_set(err, ERR_FULL, "the fleet's assets do not fit into %d MiB of memory",
                   COUNTS_BYTES_MAX >> 20);
}

bool summary_step(struct summary *s, bool *ret_done, struct err *err)
{
    struct wall_time now = clock_wall(loop_clock(s->loop));
    struct mono_time end = {summary_mono(s).ns + SUMMARY_SLICE_MS * NS_PER_MS};
    bool is_resting =
        s->failed_at.ns != 0 && end.ns - s->failed_at.ns < SUMMARY_AGAIN_S * NS_PER_SEC;
    if (!s->is_begun && is_resting) {
        return err_set(err, ERR_FULL, "the fleet's assets do not fit into %d MiB of memory",
                       COUNTS_BYTES_MAX >> 20);
    }
    bool ok = summary_is_loaded(s) ? follow(s, now, end, err) : load(s, now, end, err);
    if (!ok || !check_memory(s, err)) {
        return false;
    }
    summary_partitions_forget(s);
    summary_named_forget(s);
    *ret_done = summary_is_loaded(s) && !s->is_behind;
    return !summary_is_loaded(s) || (summary_partitions_step(s, now, end, ret_done, err) &&
                                     summary_named_step(s, end, ret_done, err));
}

bool summary_get(struct summary *s, struct counts **ret, struct err *err)
{
    bool is_done = false;
    do {
        if (!summary_step(s, &is_done, err)) {
            return false;
        }
    } while (!summary_is_loaded(s) || s->peers_at.ns == 0);
    counts_tick(s->counts, clock_wall(loop_clock(s->loop)));
    *ret = s->counts;
    return true;
}

static void on_look(void *ctx)
{
    struct summary *s = ctx;
    struct err err = {0};
    bool is_done = false;
    bool ok = summary_step(s, &is_done, &err);
    if (!ok && !s->has_warned) {
        LOG(WARN, "web.summary_failed", F_ERR(&err), F_T("action", "reading the fleet again"));
    }
    s->has_warned = !ok;
    loop_timer_arm_in(s->loop, &s->look, (ok && !is_done ? REST_MS : SUMMARY_LOOK_MS) * NS_PER_MS);
    if ((s->has_news || !ok) && s->on_ready != NULL) {
        s->has_news = false;
        s->are_some_waiting = false;
        s->on_ready(s->ready_ctx);
    }
}

void summary_on_ready(struct summary *s, void (*on_ready)(void *ctx), void *ctx)
{
    s->on_ready = on_ready;
    s->ready_ctx = ctx;
}

/* --- the newest failures ----------------------------------------------------------------------------- */

static bool read_failed(struct summary *s, struct arena *arena, struct summary_failing *f,
                        struct err *err)
{
    struct db_query q = db_query(s->db, HUB_SUMMARY_FAILED);
    bool row = false;
    db_bind_str(&q, ":device", f->device);
    db_bind_str(&q, ":asset", f->asset);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        f->run = arena_copy(arena, db_col_str(&q, 0));
        f->error = arena_copy(arena, db_col_str(&q, 1));
        db_reset(&q);
    }
    return true;
}

bool summary_newest_failing(struct summary *s, struct arena *arena,
                            struct summary_failing ret[COUNTS_NEWEST], size_t *ret_count,
                            struct err *err)
{
    struct counts_failing newest[COUNTS_NEWEST];
    size_t count = counts_newest_failing(s->counts, newest);
    for (size_t i = 0; i < count; i++) {
        int64_t most = INT64_MAX / NS_PER_MS;
        int64_t at_ms = newest[i].at_ms > most ? most : newest[i].at_ms;
        ret[i] = (struct summary_failing){
            .device = newest[i].device, .asset = newest[i].asset, .at = {at_ms * NS_PER_MS}};
        if (!read_failed(s, arena, &ret[i], err)) {
            return false;
        }
    }
    *ret_count = count;
    return true;
}

/* --- life -------------------------------------------------------------------------------------------- */

bool summary_open(struct summary **ret, struct loop *loop, const char *database, struct err *err)
{
    const struct db_options db = {.path = database,
                                  .flags = DB_READ_ONLY,
                                  .application_id = HUB_STORE_APPLICATION_ID,
                                  .sql = hub_summary_sql,
                                  .sql_count = HUB_SUMMARY_SQL_COUNT,
                                  .cache_kib = CACHE_KIB};
    struct summary *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the fleet's figures");
    }
    s->loop = loop;
    s->seen_version = -1;
    s->partitions_bytes_max = PARTITIONS_BYTES_MAX;
    s->look = (struct loop_timer){.on_due = on_look, .ctx = s};
    if (!db_open(&s->db, &db, err) ||
        !db_prepare(s->db, STR("PRAGMA data_version"), &s->version, err)) {
        summary_close(s);
        return false;
    }
    loop_timer_arm_in(loop, &s->look, 0);
    *ret = s;
    return true;
}

void summary_close(struct summary *s)
{
    if (s == NULL) {
        return;
    }
    loop_timer_disarm(s->loop, &s->look);
    counts_free(s->counts);
    summary_partitions_begin(s);
    summary_named_begin(s);
    arena_release(&s->names);
    db_finish(&s->version);
    db_close(s->db);
    free(s);
}
