/* live.c - see live.h. Here: looking, and listeners. */
#include "hub/live/live_internal.h"

#include "common/log/log.h"
#include "hub/store/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_ARENA_BYTES = 8 << 20,
    WATCHED_ARENA_BYTES = 8 << 20,
    SECRET_BYTES = 80,
    CACHE_KIB = 4 << 10
};

struct live_listener {
    struct live *live;
    struct live_listener *next, *previous;
    uint64_t next_number; /* in the ring */
    size_t offset;        /* in that text: a piece did not fit */
    bool wants_reset, wants_hello, wants_ping, is_over;
    bool is_token;
    char secret[SECRET_BYTES];
    char user[LIVE_USER_BYTES];
};

/* --- telling ------------------------------------------------------------------------------------ */

void live_tell(struct live *live, const char *type, struct str data)
{
    struct str key = arena_printf(&live->arena, "%s" STR_FMT, type, STR_ARG(data));
    uint32_t ignored = 0;
    if (key.ptr != NULL && strmap_get(&live->told, key, &ignored)) {
        return;
    }
    if (key.ptr != NULL && !strmap_put(&live->told, key, 1)) {
        LOG_EVENT(DEBUG, "web.live_full"); /* it may be told twice */
    }
    buf_reset(&live->text);
    buf_addf(&live->text, "id: %s-%llu\nevent: %s\ndata: " STR_FMT "\n\n", live->boot,
             (unsigned long long)ring_next(live->ring), type, STR_ARG(data));
    ring_add(live->ring, buf_str(&live->text));
}

/* --- looking ------------------------------------------------------------------------------------ */

static bool has_changed(struct live *live, struct err *err)
{
    bool row = false;
    int64_t version = 0;
    if (!db_next(&live->version, &row, err)) {
        return false;
    }
    version = db_col_i64(&live->version, 0);
    db_reset(&live->version);
    bool is_new = version != live->seen_version;
    live->seen_version = version;
    return is_new;
}

/* True: something was told. */
static bool look(struct live *live)
{
    struct err err = {0};
    struct mono_time now = loop_now(live->options.loop);
    uint64_t before = ring_next(live->ring);
    bool is_new = has_changed(live, &err);
    bool ok = err.code == ERR_NONE;
    arena_reset(&live->arena);
    live->told = strmap_new(&live->arena);
    if (is_new) {
        live->options.on_change(live->options.ctx);
        live->are_tables_due = true;
        ok = live_read_log(live, &err);
    }
    if (ok && live->are_tables_due && now.ns - live->tables_at.ns > LIVE_TABLES_MS * NS_PER_MS) {
        live->are_tables_due = false;
        live->tables_at = now;
        ok = live_read_tables(live, &err);
    }
    if (!ok) {
        live->seen_version = -1; /* looked at again */
        LOG(WARN, "web.live_failed", F_ERR(&err), F_T("action", "looking again"));
    }
    bool is_told = ring_next(live->ring) != before;
    if (is_told) {
        live->options.wake(live->options.ctx);
    }
    return is_told;
}

static void on_look(void *ctx)
{
    struct live *live = ctx;
    int64_t wait_ms = look(live) ? LIVE_REST_MS : LIVE_LOOK_MS;
    if (live->listener_count > 0) {
        loop_timer_arm_in(live->options.loop, &live->look, wait_ms * NS_PER_MS);
    }
}

void live_ask_again(struct live *live)
{
    for (struct live_listener *l = live->listeners; l != NULL; l = l->next) {
        l->is_over = !live->options.is_welcome(live->options.ctx, str_from(l->secret), l->is_token);
    }
    live->options.wake(live->options.ctx);
}

static void on_ping(void *ctx)
{
    struct live *live = ctx;
    for (struct live_listener *l = live->listeners; l != NULL; l = l->next) {
        l->wants_ping = true;
    }
    live_ask_again(live);
    if (live->listener_count > 0) {
        loop_timer_arm_in(live->options.loop, &live->ping, LIVE_PING_S * NS_PER_SEC);
    }
}

/* --- listeners ---------------------------------------------------------------------------------- */

/* What stands outside the ring; 0 when there is none of it. */
static int64_t fill_notice(struct live_listener *l, char *into, size_t cap)
{
    struct live *live = l->live;
    unsigned long long last = (unsigned long long)ring_next(live->ring) - 1;
    int len = 0;
    if (l->wants_reset) {
        l->wants_reset = false;
        l->wants_hello = false;
        len = snprintf(into, cap, "retry: 2000\nid: %s-%llu\nevent: reset\ndata: {}\n\n",
                       live->boot, last);
    } else if (l->wants_hello) {
        l->wants_hello = false;
        len = snprintf(into, cap, "retry: 2000\nid: %s-%llu\nevent: hello\ndata: {}\n\n",
                       live->boot, last);
    } else if (l->wants_ping) {
        len = snprintf(into, cap, ":\n\n");
    }
    l->wants_ping = false;
    return len;
}

static int64_t fill(void *ctx, char *into, size_t cap)
{
    struct live_listener *l = ctx;
    struct ring *ring = l->live->ring;
    size_t len = 0;
    if (l->is_over) {
        return -1;
    }
    if (l->offset == 0 && (l->wants_reset || l->wants_hello || l->wants_ping)) {
        return fill_notice(l, into, cap);
    }
    if (l->next_number < ring_oldest(ring)) {
        if (l->offset > 0) {
            return -1; /* in the middle of one that is gone: it connects again, and is told to load */
        }
        l->next_number = ring_next(ring);
        l->wants_reset = true;
        return fill_notice(l, into, cap);
    }
    while (len < cap && l->next_number < ring_next(ring)) {
        struct str rest = ring_get(ring, l->next_number);
        rest = str_slice(rest, l->offset, rest.len);
        size_t part = rest.len < cap - len ? rest.len : cap - len;
        memcpy(into + len, rest.ptr, part);
        len += part;
        l->offset += part;
        if (part == rest.len) {
            l->next_number++;
            l->offset = 0;
        }
    }
    return (int64_t)len;
}

static void listener_close(void *ctx)
{
    struct live_listener *l = ctx;
    struct live *live = l->live;
    if (l->previous != NULL) {
        l->previous->next = l->next;
    } else {
        live->listeners = l->next;
    }
    if (l->next != NULL) {
        l->next->previous = l->previous;
    }
    live->listener_count--;
    explicit_bzero(l, sizeof(*l));
    free(l);
}

/* "BOOT-NUMBER" of this process, and not forgotten. */
static bool resumes(const struct live *live, struct str last, uint64_t *ret_next)
{
    struct str boot = STR_NONE;
    struct str number = STR_NONE;
    int64_t n = 0;
    if (!str_cut(last, '-', &boot, &number) || !str_eq(boot, str_from(live->boot)) ||
        !str_to_i64(number, 0, INT64_MAX - 1, &n)) {
        return false;
    }
    uint64_t next = (uint64_t)n + 1;
    if (next < ring_oldest(live->ring) || next > ring_next(live->ring)) {
        return false;
    }
    *ret_next = next;
    return true;
}

static bool has_room(const struct live *live, struct str user, struct err *err)
{
    int count = 0;
    for (const struct live_listener *l = live->listeners; l != NULL; l = l->next) {
        count += str_eq(str_from(l->user), str_slice(user, 0, LIVE_USER_BYTES - 1)) ? 1 : 0;
    }
    if (count < LIVE_OF_USER_MAX) {
        return true;
    }
    (void)err_set(err, ERR_BUSY,
                  "%d listeners are " STR_FMT "'s already, which is the most of one user", count,
                  STR_ARG(user));
    return err_hint(err, "close pages that nobody looks at; a user for each program or screen");
}

bool live_listen(struct live *live, const struct live_asker *asker, struct http_stream *ret,
                 struct err *err)
{
    if (!has_room(live, asker->user, err)) {
        return false;
    }
    struct live_listener *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for one more listener");
    }
    if (live->listener_count == 0) {
        /* What was committed while nobody listened is told to who comes back. */
        (void)look(live);
        loop_timer_arm_in(live->options.loop, &live->look, LIVE_LOOK_MS * NS_PER_MS);
        loop_timer_arm_in(live->options.loop, &live->ping, LIVE_PING_S * NS_PER_SEC);
    }
    *l = (struct live_listener){.live = live,
                                .next_number = ring_next(live->ring),
                                .is_token = asker->is_token,
                                .next = live->listeners};
    (void)snprintf(l->secret, sizeof(l->secret), STR_FMT, STR_ARG(asker->secret));
    (void)snprintf(l->user, sizeof(l->user), STR_FMT, STR_ARG(asker->user));
    bool is_new = str_is_empty(asker->last);
    bool goes_on = !is_new && resumes(live, asker->last, &l->next_number);
    l->wants_reset = !is_new && !goes_on;
    l->wants_hello = is_new;
    if (live->listeners != NULL) {
        live->listeners->previous = l;
    }
    live->listeners = l;
    live->listener_count++;
    *ret = (struct http_stream){.fill = fill, .close = listener_close, .ctx = l};
    return true;
}

/* --- life --------------------------------------------------------------------------------------- */

bool live_open(struct live **ret, const struct live_options *options, struct err *err)
{
    struct live *live = calloc(1, sizeof(*live));
    const struct db_options db = {.path = options->database,
                                  .flags = DB_READ_ONLY,
                                  .application_id = HUB_STORE_APPLICATION_ID,
                                  .sql = hub_live_sql,
                                  .sql_count = HUB_LIVE_SQL_COUNT,
                                  .cache_kib = CACHE_KIB};
    if (live == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for live events");
    }
    live->options = *options;
    live->seen_version = -1;
    live->position = -1;
    live->arena = arena_new(LOOK_ARENA_BYTES);
    live->text = buf_growing(RING_TEXT_BYTES_MAX);
    live->look = (struct loop_timer){.on_due = on_look, .ctx = live};
    live->ping = (struct loop_timer){.on_due = on_ping, .ctx = live};
    for (size_t i = 0; i < LIVE_KINDS; i++) {
        live->watched[i].arena = arena_new(WATCHED_ARENA_BYTES);
        live->watched[i].by_key = strmap_new(&live->watched[i].arena);
    }
    rng_hex(options->rng, (LIVE_BOOT_SIZE - 1) / 2, live->boot);
    if (!ring_open(&live->ring, err) || !db_open(&live->db, &db, err) ||
        !db_prepare(live->db, STR("PRAGMA data_version"), &live->version, err)) {
        live_close(live);
        return false;
    }
    *ret = live;
    return true;
}

void live_close(struct live *live)
{
    if (live == NULL) {
        return;
    }
    loop_timer_disarm(live->options.loop, &live->look);
    loop_timer_disarm(live->options.loop, &live->ping);
    for (size_t i = 0; i < LIVE_KINDS; i++) {
        arena_release(&live->watched[i].arena);
    }
    db_finish(&live->version);
    db_close(live->db);
    ring_close(live->ring);
    arena_release(&live->arena);
    buf_release(&live->text);
    free(live);
}
