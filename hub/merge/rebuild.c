/* rebuild.c - see rebuild.h. */
#include "hub/merge/rebuild.h"
#include "common/base/limits.h"
#include "hub/merge/views.h"
#include "hub/store/store.h"
#include "hub_store_sql.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    DIFFERENCES_SAID_MAX = 100,
    LINE_BYTES_MAX = 1024,
    VALUE_BYTES_MAX = 120,
    STREAMS_BYTES_MAX = 256 << 10,
    STREAMS_BYTES_FLUSH = STREAMS_BYTES_MAX / 2
};

/* The stream whose events are being read; those of changes that are not written yet stay. */
struct reading {
    struct view_stream *stream;
    struct arena streams;
};

static bool enter_stream(struct views *v, struct reading *r, const struct db_query *row,
                         struct err *err)
{
    bool has_room = views_has_room(v, 1) && r->streams.used < STREAMS_BYTES_FLUSH;
    if (!has_room && !views_flush(v, err)) {
        return false;
    }
    if (v->changes->events == 0) { /* nothing points at any */
        arena_reset(&r->streams);
        r->stream = NULL;
    }
    if (r->stream != NULL && r->stream->id == db_col_i64(row, 1)) {
        return true;
    }
    struct view_stream *stream = arena_alloc(&r->streams, sizeof(*stream));
    struct str device = arena_copy(&r->streams, db_col_str(row, 4));
    struct str epoch = arena_copy(&r->streams, db_col_str(row, 5));
    if (stream == NULL || device.ptr == NULL || epoch.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a device's name");
    }
    *stream = (struct view_stream){.id = db_col_i64(row, 1),
                                   .device = device,
                                   .epoch = epoch,
                                   .first_at_ms = db_col_i64(row, 6)};
    r->stream = stream;
    return true;
}

static bool apply_row(struct views *v, struct reading *r, const struct db_query *row,
                      struct err *err)
{
    struct told_event told;
    return enter_stream(v, r, row, err) &&
           told_event_parse(views_keep(v, db_col_str(row, 3)), &told, err) &&
           views_apply(v, r->stream, &told, db_col_i64(row, 2), err);
}

static bool apply_rows(struct views *v, struct reading *r, const struct rebuild_watch *watch,
                       int64_t *ret_events, struct err *err)
{
    struct db_query q = db_query(v->log, HUB_STORE_EVENT_ALL);
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return views_flush(v, err);
        }
        if (!apply_row(v, r, &q, err)) {
            int64_t id = db_col_i64(&q, 0);
            db_reset(&q);
            return err_wrap(err, "event %lld of the log", (long long)id);
        }
        (*ret_events)++;
        if (watch != NULL && *ret_events % REBUILD_STEP == 0) {
            watch->on_events(watch->ctx, *ret_events);
        }
    }
    return false;
}

static bool apply_log(struct db *log, struct db *out, const struct rebuild_watch *watch,
                      int64_t *ret_events, struct err *err)
{
    AUTO(views) v = {0};
    struct reading r = {.streams = arena_new(STREAMS_BYTES_MAX)};
    int64_t events = 0;
    bool ok = views_init(&v, log, out, err) && apply_rows(&v, &r, watch, &events, err);
    arena_release(&r.streams);
    if (ok) {
        *ret_events = events;
    }
    return ok;
}

static bool derive(struct db *log, struct db *out, const struct rebuild_watch *watch,
                   int64_t *ret_events, struct err *err)
{
    AUTO(db_tx) tx = {0};
    return db_tx_begin(out, &tx, err) && hub_store_clear_views(out, err) &&
           apply_log(log, out, watch, ret_events, err) && hub_store_set_views_current(out, err) &&
           db_tx_commit(&tx, err);
}

bool rebuild_views(struct db *store, const struct rebuild_watch *watch, int64_t *ret_events,
                   struct err *err)
{
    return derive(store, store, watch, ret_events, err) || err_wrap(err, "rebuild");
}

/* --- comparing ---------------------------------------------------------------------------- */

struct comparison {
    const struct hub_store_view *view;
    struct db_query kept;
    struct db_query derived;
    bool has_kept;
    bool has_derived;
    void (*on_difference)(void *ctx, struct str line);
    void *ctx;
    struct rebuild_report *report;
};

/* Order of the table's rows: integers by value, text by bytes. */
static int compare_value(const struct db_query *a, const struct db_query *b, int col)
{
    enum db_type type = db_col_type(a, col);
    if (type != db_col_type(b, col)) {
        return type < db_col_type(b, col) ? -1 : 1;
    }
    if (type == DB_INTEGER) {
        int64_t left = db_col_i64(a, col);
        int64_t right = db_col_i64(b, col);
        return (left > right) - (left < right);
    }
    return type == DB_NULL ? 0 : str_cmp(db_col_str(a, col), db_col_str(b, col));
}

static int compare_keys(const struct comparison *c)
{
    int order = 0;
    for (int col = 0; col < c->view->key_columns && order == 0; col++) {
        order = compare_value(&c->kept, &c->derived, col);
    }
    return order;
}

static void add_value(struct buf *line, const struct db_query *row, int col)
{
    if (db_col_is_null(row, col)) {
        buf_add(line, STR("nothing"));
    } else {
        buf_add(line, str_slice(db_col_str(row, col), 0, VALUE_BYTES_MAX));
    }
}

static void begin_line(const struct comparison *c, struct buf *line, const struct db_query *row)
{
    buf_add_text(line, c->view->table);
    for (int col = 0; col < c->view->key_columns; col++) {
        buf_add_char(line, ' ');
        add_value(line, row, col);
    }
    buf_add(line, STR(": "));
}

static void say(struct comparison *c, struct buf *line)
{
    c->report->differences++;
    if (c->on_difference != NULL && c->report->differences <= DIFFERENCES_SAID_MAX) {
        c->on_difference(c->ctx, buf_str(line));
    }
}

static void say_one_sided(struct comparison *c, const struct db_query *row, struct str what)
{
    char memory[LINE_BYTES_MAX];
    struct buf line = buf_fixed(memory, sizeof(memory));
    begin_line(c, &line, row);
    buf_add(&line, what);
    say(c, &line);
}

static void compare_row(struct comparison *c)
{
    char memory[LINE_BYTES_MAX];
    struct buf line = buf_fixed(memory, sizeof(memory));
    for (int col = c->view->key_columns; col < db_col_count(&c->kept); col++) {
        if (compare_value(&c->kept, &c->derived, col) != 0) {
            begin_line(c, &line, &c->kept);
            buf_addf(&line, "%s is ", db_col_name(&c->kept, col));
            add_value(&line, &c->kept, col);
            buf_add(&line, STR(", the log gives "));
            add_value(&line, &c->derived, col);
            say(c, &line);
            return;
        }
    }
}

static bool walk(struct comparison *c, struct err *err)
{
    if (!db_next(&c->kept, &c->has_kept, err) || !db_next(&c->derived, &c->has_derived, err)) {
        return false;
    }
    while (c->has_kept || c->has_derived) {
        int order = !c->has_kept ? 1 : !c->has_derived ? -1 : compare_keys(c);
        if (order < 0) {
            say_one_sided(c, &c->kept, STR("is not in the log"));
        } else if (order > 0) {
            say_one_sided(c, &c->derived, STR("is missing"));
        } else {
            compare_row(c);
        }
        if ((order <= 0 && !db_next(&c->kept, &c->has_kept, err)) ||
            (order >= 0 && !db_next(&c->derived, &c->has_derived, err))) {
            return false;
        }
    }
    return true;
}

static bool compare_tables(struct comparison *c, struct db *kept, struct db *derived,
                           struct err *err)
{
    static const char *const columns[] = {"", "1", "1, 2", "1, 2, 3", "1, 2, 3, 4"};
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY %s", c->view->table,
                   columns[c->view->key_columns]);
    if (!db_prepare(kept, str_from(sql), &c->kept, err)) {
        return false;
    }
    bool ok = db_prepare(derived, str_from(sql), &c->derived, err);
    if (ok) {
        ok = walk(c, err);
        db_finish(&c->derived);
    }
    db_finish(&c->kept);
    return ok;
}

static bool compare_all(struct comparison *c, struct db *kept, struct db *derived, struct err *err)
{
    for (size_t i = 0; i < HUB_STORE_VIEW_COUNT; i++) {
        c->view = &hub_store_views[i];
        if (!compare_tables(c, kept, derived, err)) {
            return err_wrap(err, "compare %s", c->view->table);
        }
    }
    return true;
}

static void remove_scratch(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT_OF(suffixes) && strcmp(path, ":memory:") != 0; i++) {
        char file[LIMIT_PATH_BYTES + 8];
        (void)snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
        (void)unlink(file); /* mostly not there */
    }
}

static bool check_against(struct db *store, struct db *scratch, struct comparison *c,
                          struct err *err)
{
    AUTO(db_tx) snapshot = {0};
    return db_tx_begin_read(store, &snapshot, err) &&
           derive(store, scratch, NULL, &c->report->events, err) &&
           compare_all(c, store, scratch, err);
}

bool rebuild_check(struct db *store, const char *scratch_path,
                   void (*on_difference)(void *ctx, struct str line), void *ctx,
                   struct rebuild_report *ret, struct err *err)
{
    const struct hub_store_options options = {.path = scratch_path, .flags = DB_NORMAL_SYNC};
    struct rebuild_report report = {0};
    struct comparison c = {.on_difference = on_difference, .ctx = ctx, .report = &report};
    struct db *scratch = NULL;
    remove_scratch(scratch_path);
    bool ok = hub_store_open(&scratch, &options, err) && check_against(store, scratch, &c, err);
    db_close(scratch);
    remove_scratch(scratch_path);
    if (!ok) {
        return err_wrap(err, "rebuild --check");
    }
    *ret = report;
    return true;
}
