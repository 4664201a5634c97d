/* history_view.c - which version of which asset a device had from one set of definitions to another.
 * Rows of one stream, which is merged in order: plain folds. A version is named by its text, so that
 * devices that say the same have the same one, whoever said it first. */
#include "common/tls/identity.h"
#include "hub/merge/views.h"
#include "hub_store_sql.h"

struct str views_version_of(struct str object, char hex[2 * VIEWS_VERSION_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[32];
    digest_sha256(object, digest);
    for (size_t i = 0; i < VIEWS_VERSION_BYTES; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    return (struct str){hex, 2 * VIEWS_VERSION_BYTES};
}

bool views_begin_set(struct views *v, const struct view_stream *stream, const struct event *ev,
                     struct str hash, int64_t *ret_previous, struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_DEFINITIONS_HISTORY_LAST);
    db_bind_i64(&q, ":stream", stream->id);
    bool has_row = false;
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    *ret_previous = has_row && !db_col_is_null(&q, 0) ? db_col_i64(&q, 0) : 0;
    db_reset(&q);
    q = db_query(v->out, HUB_STORE_DEFINITIONS_HISTORY_ADD);
    db_bind_i64(&q, ":stream", stream->id);
    db_bind_i64(&q, ":seq", ev->seq);
    db_bind_str(&q, ":hash", hash);
    db_bind_i64(&q, ":at", wall_ms(ev->at));
    return db_run(&q, err);
}

/* Whether the set before had this version too: then it goes on. */
static bool extend(struct views *v, const struct view_stream *stream, struct str key,
                   struct str version, int64_t previous, int64_t seq, bool *ret_done,
                   struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_ASSET_HISTORY_EXTEND);
    db_bind_i64(&q, ":stream", stream->id);
    db_bind_str(&q, ":asset", key);
    db_bind_str(&q, ":version", version);
    db_bind_i64(&q, ":previous", previous);
    db_bind_i64(&q, ":seq", seq);
    if (!db_run(&q, err)) {
        return false;
    }
    *ret_done = db_changes(v->out) > 0;
    return true;
}

static bool begin_version(struct views *v, const struct view_stream *stream, struct str key,
                          struct str version, struct str object, int64_t seq, struct err *err)
{
    struct db_query q = db_query(v->out, HUB_STORE_ASSET_TEXT_ADD);
    db_bind_str(&q, ":version", version);
    db_bind_str(&q, ":body", object);
    if (!db_run(&q, err)) {
        return false;
    }
    q = db_query(v->out, HUB_STORE_ASSET_HISTORY_ADD);
    db_bind_i64(&q, ":stream", stream->id);
    db_bind_str(&q, ":asset", key);
    db_bind_str(&q, ":version", version);
    db_bind_i64(&q, ":seq", seq);
    return db_run(&q, err);
}

bool views_add_version(struct views *v, const struct view_stream *stream, struct str key,
                       struct str object, int64_t previous, int64_t seq, struct err *err)
{
    char hex[2 * VIEWS_VERSION_BYTES];
    struct str version = views_version_of(object, hex);
    bool goes_on = false;
    return extend(v, stream, key, version, previous, seq, &goes_on, err) &&
           (goes_on || begin_version(v, stream, key, version, object, seq, err));
}
