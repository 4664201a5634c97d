#include "hub/simulate/hub_view.h"

#include "common/base/limits.h"
#include "hub/store/store.h"
#include <stdlib.h>

struct hub_view {
    struct db *db;
    struct db_query latest;
    struct db_query streams;
    struct db_query events;
};

static const char latest_sql[] =
    "SELECT coalesce(seq, 0) FROM asset_state WHERE device = :device AND asset = :asset";
static const char streams_sql[] = "SELECT count(DISTINCT device), coalesce(sum(merged_seq), 0) "
                                  "FROM stream WHERE device >= :from AND device < :to";
static const char events_sql[] = "SELECT count(*) FROM stream s JOIN event e ON e.stream_id = s.id "
                                 "WHERE s.device >= :from AND s.device < :to";

bool hub_view_open(struct hub_view **ret, const struct hub_config *config, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct hub_view *v = calloc(1, sizeof(*v));
    if (v == NULL) {
        return err_set(err, ERR_NO_MEMORY, "look at hub.db: out of memory");
    }
    struct hub_store_options options = {.path = path, .flags = DB_READ_ONLY};
    if (!hub_path(config, "hub.db", path, err) || !hub_store_open(&v->db, &options, err) ||
        !db_prepare(v->db, str_from(latest_sql), &v->latest, err) ||
        !db_prepare(v->db, str_from(streams_sql), &v->streams, err) ||
        !db_prepare(v->db, str_from(events_sql), &v->events, err)) {
        hub_view_close(v);
        return false;
    }
    *ret = v;
    return true;
}

void hub_view_close(struct hub_view *view)
{
    if (view != NULL) {
        db_finish(&view->latest);
        db_finish(&view->streams);
        db_finish(&view->events);
        db_close(view->db);
        free(view);
    }
}

bool hub_view_latest(struct hub_view *view, struct str device, struct str asset, int64_t *ret_seq,
                     struct err *err)
{
    bool has_row = false;
    db_bind_str(&view->latest, ":device", device);
    db_bind_str(&view->latest, ":asset", asset);
    if (!db_next(&view->latest, &has_row, err)) {
        return false;
    }
    *ret_seq = has_row ? db_col_i64(&view->latest, 0) : 0;
    db_reset(&view->latest);
    return true;
}

/* One row, of the devices whose names begin so: '~' is behind all that names have. */
static bool read_row(struct db_query *q, struct str prefix, int64_t *ret_first, int64_t *ret_second,
                     struct err *err)
{
    char text[128];
    struct buf end = buf_fixed(text, sizeof(text));
    bool has_row = false;
    buf_addf(&end, STR_FMT "~", STR_ARG(prefix));
    db_bind_str(q, ":from", prefix);
    db_bind_str(q, ":to", buf_str(&end));
    if (!db_next(q, &has_row, err)) {
        return false;
    }
    *ret_first = db_col_i64(q, 0);
    *ret_second = db_col_count(q) > 1 ? db_col_i64(q, 1) : 0;
    db_reset(q);
    return true;
}

bool hub_view_total(struct hub_view *view, struct str prefix, struct hub_total *ret,
                    struct err *err)
{
    int64_t none = 0;
    return read_row(&view->streams, prefix, &ret->devices, &ret->merged, err) &&
           read_row(&view->events, prefix, &ret->events, &none, err);
}
